import { once } from 'node:events';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import { createServer } from 'node:tls';
import { fullChain, issue, type Issued, makeAuthority } from '../world/ca.ts';

/**
 * Runs as a separate process, so that only the scanner is measured: many ports with one certificate for
 * every name, and as many with two.
 */
const PORTS = 200;

const root = await makeAuthority({ name: 'Bench Root' });
const middle = await makeAuthority({ name: 'Bench Middle', issuer: root });
const names = ['*.bench.test'];
const ecdsa = await issue(middle, { name: 'bench.test', names });
const rsa = await issue(middle, { name: 'bench.test', names, keyType: 'rsa2048' });

process.send?.({
  ports: await listen([ecdsa]),
  portsWithBoth: await listen([ecdsa, rsa]),
  root: root.certificatePem,
});
process.once('disconnect', () => process.exit());

async function listen(leaves: readonly Issued[]): Promise<number[]> {
  const server = createServer({
    cert: leaves.map((leaf) => fullChain(leaf, middle)),
    key: leaves.map(({ keyPem }) => keyPem),
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => socket.on('error', () => {}).resume());
  const ports: number[] = [];
  for (let index = 0; index < PORTS; index += 1) {
    const listener = createPlainServer((socket) =>
      server.emit(
        'connection',
        socket.on('error', () => {}),
      ),
    );
    listener.listen(0, '127.0.0.1', 512);
    await once(listener, 'listening');
    ports.push((listener.address() as AddressInfo).port);
  }
  return ports;
}
