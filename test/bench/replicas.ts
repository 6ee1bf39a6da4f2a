import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Figure, percentile } from './figure.ts';
import { stopChild } from './processes.ts';

const REPLICAS = 1_000;
const ROUNDS = 15;
const AT_ONCE = 50;

interface Rates {
  readonly bare: number;
  readonly ours: number;
}

/** Compares asking replicas through the source with a loop over `fetch`, in one process that does both in turn. */
export async function benchReplicas(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const server = fork(new URL('replicas-server.ts', import.meta.url), [String(REPLICAS)]);
  cleanup.defer(() => stopChild(server));
  const [ports] = (await once(server, 'message')) as [number[]];
  const client = fork(new URL('replicas-client.ts', import.meta.url), [String(ROUNDS), String(AT_ONCE)]);
  cleanup.defer(() => stopChild(client));
  let rates: readonly Rates[] = [];
  client.on('message', (measured: readonly Rates[]) => (rates = measured));
  client.send(ports);
  const [code] = (await once(client, 'exit')) as [number | null];
  if (code !== 0 || rates.length === 0) throw new Error(`the client ended with ${code}`);
  const median = (of: keyof Rates): number =>
    percentile(
      rates.map((one) => one[of]),
      0.5,
    );
  const [ours, bare] = [median('ours'), median('bare')];
  return [
    {
      name: `${REPLICAS.toLocaleString('en')} replicas asked for their build, ${AT_ONCE} at once, against a loop over fetch`,
      ours,
      bare,
      ratio: ours / bare,
      unit: 'replicas/s',
      goal: 'ratio >= 0.8',
    },
  ];
}
