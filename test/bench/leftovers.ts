import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { EngineRequests } from './engine-server.ts';
import type { Figure } from './figure.ts';
import { stopChild } from './processes.ts';

const CONTAINERS = 10_000;

/** The result of one separate process. */
interface Outcome {
  readonly containers: number;
  readonly gaps?: number;
  readonly ms: number;
}

/**
 * Compares `node/leftovers` on an engine with many stopped containers with dockerode, which sends the same
 * requests and drops the responses.
 */
export async function benchLeftovers(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const server = fork(new URL('engine-server.ts', import.meta.url), [String(CONTAINERS)]);
  cleanup.defer(() => stopChild(server));
  const [port] = (await once(server, 'message')) as [number];
  const requests = async () => {
    server.send('requests');
    const [{ counts, inspected }] = (await once(server, 'message')) as [EngineRequests];
    if (inspected !== CONTAINERS) throw new Error(`${inspected} of ${CONTAINERS} containers were inspected`);
    return JSON.stringify(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  };
  // The first client would also pay for code that the server has not compiled yet.
  await run('engine-bare.ts', port);
  await requests();
  const bare = rateOf(await run('engine-bare.ts', port));
  const sent = await requests();
  const ours = rateOf(await run('engine-ours.ts', port));
  const sentByOurs = await requests();
  if (sentByOurs !== sent) throw new Error(`the check sends ${sentByOurs}, and the bare program ${sent}`);
  return [
    {
      name: `node/leftovers on ${CONTAINERS.toLocaleString('en')} stopped containers, against dockerode with the same requests`,
      ours,
      bare,
      ratio: ours / bare,
      unit: 'containers/s',
      goal: 'ratio >= 0.8',
    },
  ];
}

/** @throws Error if the program did not read all containers. */
async function run(program: string, port: number): Promise<Outcome> {
  const child = fork(new URL(program, import.meta.url), [String(port)]);
  let outcome: Outcome | undefined;
  child.on('message', (message: Outcome) => (outcome = message));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0 || !outcome) throw new Error(`${program} ended with ${code}`);
  const { containers, gaps = 0 } = outcome;
  if (containers !== CONTAINERS || gaps > 0)
    throw new Error(`${program} read ${containers} containers, with ${gaps} gaps`);
  return outcome;
}

function rateOf({ containers, ms }: Outcome): number {
  return (containers / ms) * 1000;
}
