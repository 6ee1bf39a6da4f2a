import { buildsConfig } from '../../src/sources/builds/config.ts';
import { openBuilds } from '../../src/sources/builds/open.ts';
import { concurrently } from '../../src/wire/concurrently.ts';

/**
 * Asks all replicas through the source, and with a loop over `fetch` that asks as many at once, in turn. Runs as a separate process; its arguments are how
 * often to ask and how many to ask at once, and the message is the list of ports.
 */
const [rounds, atOnce] = process.argv.slice(2).map(Number) as [number, number];
const { signal } = new AbortController();

interface Answer {
  readonly url: string;
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string;
}

type AskAll = (ports: readonly number[]) => Promise<ReadonlyMap<string, Answer>>;

const source = openBuilds(
  buildsConfig.parse({
    kind: 'builds',
    services: [{ name: 'api', replicas: { containers: { name: 'api' } }, port: 8080, path: '/version' }],
    hosts: ['127.0.0.1'],
  }),
);

const ours: AskAll = async (ports) => {
  const { ask } = source.reads.builds!;
  const answers = new Map<string, Answer>();
  const askOne = (port: number) => ask({ service: 'api', host: '127.0.0.1', port, signal });
  for await (const answer of concurrently(ports, atOnce, askOne, signal)) answers.set(answer.url, answer);
  return answers;
};

const bare: AskAll = async (ports) => {
  const answers = new Map<string, Answer>();
  const waiting = ports.values();
  const worker = async (): Promise<void> => {
    for (const port of waiting) {
      const url = `http://127.0.0.1:${port}/version`;
      const response = await fetch(url, { redirect: 'manual' });
      const contentType = response.headers.get('content-type')?.split(';')[0];
      const body = await response.text();
      answers.set(url, { url, status: response.status, ...(contentType && { contentType }), body });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return answers;
};

async function rateOf(askAll: AskAll, ports: readonly number[]): Promise<number> {
  const startedAt = performance.now();
  const { size } = await askAll(ports);
  if (size !== ports.length) throw new Error(`${size} of ${ports.length} replicas answered`);
  return (size / (performance.now() - startedAt)) * 1000;
}

process.once('message', (ports: readonly number[]) => void measure(ports));

async function measure(ports: readonly number[]): Promise<void> {
  const [mine, theirs] = [await ours(ports), await bare(ports)];
  const differs = ports.filter((port) => {
    const url = `http://127.0.0.1:${port}/version`;
    return JSON.stringify(mine.get(url)) !== JSON.stringify(theirs.get(url));
  });
  if (differs.length > 0) throw new Error(`the answers of ${differs.length} replicas differ`);
  const rates: { bare: number; ours: number }[] = [];
  // The first rounds also compile the clients.
  for (let round = -3; round < rounds; round += 1) {
    const one = { bare: await rateOf(bare, ports), ours: await rateOf(ours, ports) };
    if (round >= 0) rates.push(one);
  }
  await source.close();
  process.send?.(rates);
  process.disconnect();
}
