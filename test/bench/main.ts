import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { drawTable, type Figure, mediansOf } from './figure.ts';

/** The exit code of a shell after Ctrl-C. */
const INTERRUPTED = 130;
const NAMES = [
  'acknowledgement',
  'answer',
  'approval',
  'pipeline',
  'tls',
  'keys',
  'certificates',
  'clusters',
  'leftovers',
  'hosts',
  'records',
  'queues',
  'credhub',
  'replicas',
  'docker-run',
  'history',
  'digest',
  'start',
] as const;

const USAGE = `npm run bench -- [--runs N] [--json FILE] [${NAMES.join('|')}] ...`;

interface Selection {
  readonly wanted: readonly string[];
  readonly runs: number;
  readonly json?: string | undefined;
}

/**
 * Runs the named benchmarks, or all of them, and prints one table of figures. The exit code shows only
 * whether something failed.
 */
async function main(args: readonly string[]): Promise<number> {
  const selection = parseSelection(args);
  if (typeof selection === 'string') {
    console.error(`${selection}\nUsage: ${USAGE}`);
    return 64;
  }
  const { wanted, runs, json } = selection;
  const measured: Figure[][] = [];
  for (let run = 1; run <= runs; run += 1)
    for (const name of NAMES) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      console.error(`measuring ${name}${runs > 1 ? `, run ${run} of ${runs}` : ''} …`);
      measured.push([...(await measure(name))]);
    }
  const medians = mediansOf(measured.flat());
  if (json !== undefined)
    await writeFile(json, `${JSON.stringify({ runs, figures: medians }, undefined, 2)}\n`);
  console.log(`\n${drawTable(medians)}`);
  return 0;
}

function parseSelection(args: readonly string[]): Selection | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { runs: { type: 'string', default: '1' }, json: { type: 'string' } },
      allowPositionals: true,
    });
    const runs = Number(values.runs);
    if (!Number.isInteger(runs) || runs < 1) return '--runs needs a number from 1.';
    const unknown = positionals.filter((name) => !NAMES.some((known) => known === name));
    if (unknown.length > 0) return `Unknown benchmark ${unknown.join(', ')}.`;
    return { wanted: positionals, runs, json: values.json };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Ctrl-C reaches the benchmark too, which stops what it started; then there is nothing left to wait for.
 */
async function measure(name: string): Promise<readonly Figure[]> {
  const bench = fork(new URL('run-bench.ts', import.meta.url), [name]);
  const forward = () => bench.kill('SIGTERM');
  const stay = () => undefined;
  process.once('SIGTERM', forward).on('SIGINT', stay);
  let figures: readonly Figure[] = [];
  bench.on('message', (measured: readonly Figure[]) => (figures = measured));
  const [code] = (await once(bench, 'exit')) as [number | null];
  process.off('SIGTERM', forward).off('SIGINT', stay);
  if (code === INTERRUPTED) process.exit(INTERRUPTED);
  if (code !== 0) throw new Error(`the benchmark ${name} exited with ${code}`);
  return figures;
}

process.exitCode = await main(process.argv.slice(2));
