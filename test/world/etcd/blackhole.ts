import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Blackhole {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const LISTEN = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;
/** The kernel responds within microseconds on loopback, or drops the packet. */
const DROPPED_AFTER_MS = 500;
const MOST_CONNECTIONS = 64;

/**
 * An address that drops packets, as behind a firewall: a stopped process whose connection queue is full.
 * Whether an unrouted address drops or refuses depends on the machine's network.
 */
export async function startBlackhole(): Promise<Blackhole> {
  const child = spawn(process.execPath, ['-e', LISTEN], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line);
  child.kill('SIGSTOP');
  const queued: Socket[] = [];
  const close = async () => {
    process.removeListener('exit', kill);
    for (const socket of queued) socket.destroy();
    const ended = once(child, 'exit');
    kill();
    await ended;
  };
  while (await isAccepted(port, queued))
    if (queued.length > MOST_CONNECTIONS) {
      await close();
      throw new Error(`port ${port} still accepts connections`);
    }
  return { url: `http://127.0.0.1:${port}`, close };
}

function isAccepted(port: number, queued: Socket[]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    queued.push(socket);
    const timer = setTimeout(() => resolve(false), DROPPED_AFTER_MS);
    socket.on('error', () => undefined);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
