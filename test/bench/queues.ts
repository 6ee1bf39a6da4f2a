import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Figure } from './figure.ts';
import { stopChild } from './processes.ts';

const QUEUES = 5_000;
const TIMES = 100;
const ROUNDS = 3;

/** The result of one separate process. */
interface Outcome {
  readonly queues: number;
  readonly ms: number;
}

/** Compares the list of all queues through the source with a loop over undici that requests the same pages. */
export async function benchQueues(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const server = fork(new URL('queues-server.ts', import.meta.url), [String(QUEUES)]);
  cleanup.defer(() => stopChild(server));
  const [port] = (await once(server, 'message')) as [number];
  const requests = async (): Promise<number> => {
    server.send('requests');
    const [count] = (await once(server, 'message')) as [number];
    return count;
  };
  const measure = async (program: string): Promise<{ readonly rate: number; readonly requests: number }> => {
    const { queues, ms } = await run(program, [String(port), String(TIMES)]);
    if (queues !== QUEUES * TIMES) throw new Error(`${program} read ${queues} of ${QUEUES * TIMES} queues`);
    return { rate: (queues / ms) * 1000, requests: await requests() };
  };
  // The first program would also pay for pages that the server has not made yet.
  await measure('queues-bare.ts');
  const rates: { bare: number; ours: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const bare = await measure('queues-bare.ts');
    const ours = await measure('queues-ours.ts');
    if (ours.requests !== bare.requests)
      throw new Error(`the source requests ${ours.requests} pages, and the bare program ${bare.requests}`);
    rates.push({ bare: bare.rate, ours: ours.rate });
  }
  // What else the machine does only slows a round down.
  const bare = Math.max(...rates.map((one) => one.bare));
  const ours = Math.max(...rates.map((one) => one.ours));
  return [
    {
      name: `a list of ${QUEUES.toLocaleString('en')} queues of RabbitMQ, against a loop over undici that parses the same pages`,
      ours,
      bare,
      ratio: ours / bare,
      unit: 'queues/s',
      goal: 'ratio >= 0.8',
    },
  ];
}

async function run(program: string, args: readonly string[]): Promise<Outcome> {
  const child = fork(new URL(program, import.meta.url), [...args]);
  let outcome: Outcome | undefined;
  child.on('message', (message: Outcome) => (outcome = message));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0 || !outcome) throw new Error(`${program} ended with ${code}`);
  return outcome;
}
