import type { AddressInfo } from 'node:net';
import ssh2, { type ServerChannel } from 'ssh2';
import { onTestFinished } from 'vitest';
import { generateHostKey } from './host-key.ts';

export type { ServerChannel };

/** An ssh server on loopback that accepts any public key and handles commands as configured. */
export interface SshServer {
  readonly port: number;
  /** The content of a `known_hosts` with its host key. */
  readonly knownHosts: string;
}

/**
 * @param onCommand may start the command, or leave it waiting
 * @param onLogin replaces the response to a login
 */
export async function serveSsh(
  onCommand: (accept: () => ServerChannel) => void,
  onLogin?: () => void,
): Promise<SshServer> {
  const { hostKey, publicKey } = generateHostKey();
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => {
      if (attempt.method !== 'publickey') return attempt.reject(['publickey']);
      return onLogin ? onLogin() : attempt.accept();
    });
    client.on('session', (accept) => void accept().on('exec', (start) => onCommand(start)));
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { port, knownHosts: `[127.0.0.1]:${port} ${publicKey}\n` };
}
