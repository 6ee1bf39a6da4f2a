import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startSshd } from '../sshd.ts';

/** What a command printed, and its exit code. */
export interface HostOutput {
  readonly exitCode: number;
  readonly stdout?: string | Buffer;
  readonly stderr?: string;
}

/** The key that was used to log in. */
export type HostKeyUse = 'reading' | 'changes';

/** Runs or answers one command line. */
export type AnswerCommand = (command: string, key: HostKeyUse) => HostOutput | Promise<HostOutput>;

/** A host that refuses connections. */
export const DOWN: AnswerCommand = () => {
  throw new Error('this host is down');
};

/** Hosts that are one real sshd, each with its own loopback address and port. */
export interface ServedHosts {
  /** The configuration of a source of kind `ssh` that reads them. */
  readonly source: (name: string) => object;
  /** Another private key that all hosts accept. */
  readonly changeKey: string;
  /** The commands that reached a host, in the order in which they were started: `cmp-11: env LC_ALL=C …`. */
  readonly commands: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * The forced command. It passes the line that was requested on to the process of the test, and ends as that says. It is JavaScript because it is started
 * for each command, and must start fast.
 */
const FORCED_COMMAND = `
const { connect } = require('node:net');
const socket = connect(process.argv[2]);
const chunks = [];
socket.on('data', (chunk) => chunks.push(chunk));
socket.on('end', () => {
  const { exitCode, stdout, stderr } = JSON.parse(Buffer.concat(chunks).toString());
  process.exitCode = exitCode;
  process.stderr.write(stderr);
  process.stdout.write(Buffer.from(stdout, 'base64'));
});
socket.end(JSON.stringify({
  clientPort: Number(process.env.SSH_CONNECTION.split(' ')[1]),
  command: process.env.SSH_ORIGINAL_COMMAND ?? '',
  key: process.argv[3],
}));
`;

/**
 * One real sshd on loopback that stands for many hosts: a connection to the address of a host is passed on to it, and its forced command asks
 * `hosts`. A login shell is never started.
 */
export async function serveHosts(hosts: ReadonlyMap<string, AnswerCommand>): Promise<ServedHosts> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-hosts-'));
  const path = (name: string): string => join(folder, name);
  await writeFile(path('forward.cjs'), FORCED_COMMAND);
  const optionsOf = (key: HostKeyUse): string =>
    `restrict,command="${process.execPath} ${path('forward.cjs')} ${path('socket')} ${key}"`;
  const sshd = await startSshd({
    keyOptions: optionsOf('reading'),
    // The default drops connections from 10 at a time on.
    settings: ['MaxStartups 1000'],
  });
  const changeKey = await sshd.addKey('changes', optionsOf('changes'));
  /** The host that each connection to the sshd is for, by its port. */
  const hostOf = new Map<number, string>();
  const commands: string[] = [];
  const answers = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    void answerRequest(socket, hosts, hostOf, commands);
  });
  answers.listen(path('socket'));
  await once(answers, 'listening');

  const names = [...hosts.keys()];
  const relays = await Promise.all(
    names.map(async (name, at) => {
      const relay = await relayTo(sshd.port, addressOf(at), name, hostOf);
      if (hosts.get(name) === DOWN) await relay.close();
      return relay;
    }),
  );
  const lines = relays.map(
    ({ name, address, port }) => `${name} ansible_host=${address} ansible_port=${port}`,
  );
  const known = relays.map(
    ({ name, address, port }) => `[${address}]:${port},[${name}]:${port} ${sshd.hostKey}`,
  );
  await writeFile(path('inventory'), `${lines.join('\n')}\n`);
  await writeFile(path('known_hosts'), `${known.join('\n')}\n`);
  return {
    commands,
    changeKey,
    source: (name) => ({
      kind: 'ssh',
      name,
      inventory: path('inventory'),
      user: sshd.user,
      key: sshd.keyPath,
      knownHosts: path('known_hosts'),
    }),
    close: async () => {
      await Promise.all(relays.map(({ close }) => close()));
      await sshd.close();
      answers.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answerRequest(
  socket: Socket,
  hosts: ReadonlyMap<string, AnswerCommand>,
  hostOf: ReadonlyMap<number, string>,
  commands: string[],
): Promise<void> {
  const { clientPort, command, key } = JSON.parse(await text(socket)) as {
    clientPort: number;
    command: string;
    key: HostKeyUse;
  };
  const host = hostOf.get(clientPort) ?? '';
  commands.push(`${host}: ${command}`);
  const failed = (error: unknown): HostOutput => ({ exitCode: 255, stderr: String(error) });
  const output = await Promise.resolve(hosts.get(host)?.(command, key) ?? failed('no such host')).catch(
    failed,
  );
  const { exitCode, stdout = '', stderr = '' } = output;
  socket.end(JSON.stringify({ exitCode, stdout: Buffer.from(stdout).toString('base64'), stderr }));
}

interface Relay {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Passes connections to an address on to the sshd, and notes which host each is for before the sshd sees it. */
async function relayTo(
  sshdPort: number,
  address: string,
  name: string,
  hostOf: Map<number, string>,
): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((incoming) => {
    const outgoing = connect(sshdPort, '127.0.0.1', () => {
      hostOf.set(outgoing.localPort!, name);
      incoming.pipe(outgoing).pipe(incoming);
    });
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        // What was received is still passed on.
        other.end();
      });
    }
  });
  server.listen(0, address);
  await once(server, 'listening');
  return {
    name,
    address,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** `127.0.1.1` for the first. */
function addressOf(at: number): string {
  return `127.0.${Math.floor(at / 250) + 1}.${(at % 250) + 1}`;
}
