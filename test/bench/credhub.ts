import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './figure.ts';
import { stopChild } from './processes.ts';

const CERTIFICATES = 10_000;
const TIMES = 20;
const ROUNDS = 3;

/** The result of one separate process. */
interface Outcome {
  readonly certificates: number;
  readonly ms: number;
}

/** Compares the list of all certificates through the source with a program that fetches and parses the same response. */
export async function benchCredhub(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const server = fork(new URL('credhub-server.ts', import.meta.url), [String(CERTIFICATES)]);
  cleanup.defer(() => stopChild(server));
  const [{ url, ca }] = (await once(server, 'message')) as [{ url: string; ca: string }];
  const folder = await mkdtemp(join(tmpdir(), 'wrench-bench-'));
  cleanup.defer(() => rm(folder, { recursive: true }));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca);
  const requests = async (): Promise<number> => {
    server.send('requests');
    const [count] = (await once(server, 'message')) as [number];
    return count;
  };
  const measure = async (
    program: string,
    ...more: readonly string[]
  ): Promise<{ readonly rate: number; readonly requests: number }> => {
    const { certificates, ms } = await run(program, [url, caFile, String(TIMES), ...more]);
    if (certificates !== CERTIFICATES * TIMES)
      throw new Error(`${program} read ${certificates} of ${CERTIFICATES * TIMES} certificates`);
    return { rate: (certificates / ms) * 1000, requests: await requests() };
  };
  const rates: { facts: number; nothing: number; ours: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const nothing = await measure('credhub-bare.ts', 'nothing');
    const facts = await measure('credhub-bare.ts', 'facts');
    const ours = await measure('credhub-ours.ts');
    if (ours.requests !== facts.requests)
      throw new Error(`the source requests ${ours.requests} lists, and the bare program ${facts.requests}`);
    rates.push({ facts: facts.rate, nothing: nothing.rate, ours: ours.rate });
  }
  // What else the machine does only slows a round down.
  const best = (of: keyof (typeof rates)[number]): number => Math.max(...rates.map((one) => one[of]));
  const ours = best('ours');
  const certificates = `${CERTIFICATES.toLocaleString('en')} certificates of CredHub`;
  const figure = (name: string, bare: number): Figure => ({
    name,
    ours,
    bare,
    ratio: ours / bare,
    unit: 'certificates/s',
  });
  return [
    {
      ...figure(`${certificates}, against a fetch and JSON.parse that make the same facts`, best('facts')),
      goal: 'ratio >= 0.8',
    },
    figure('the same, against a fetch and JSON.parse that read nothing', best('nothing')),
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
