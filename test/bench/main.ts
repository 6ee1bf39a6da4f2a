import { fork } from 'node:child_process';
import { once } from 'node:events';
import { drawTable, type Figure } from './figure.ts';

/** As a shell says of Ctrl-C; the bench ends with it too. */
const INTERRUPTED = 130;
const NAMES = [
  'acknowledgement',
  'answer',
  'approval',
  'pipeline',
  'tls',
  'keys',
  'certificates',
  'start',
] as const;

/** Measures what is named, or everything, and prints one table. Figures and no verdicts: the exit code tells only whether something broke. */
async function main(wanted: readonly string[]): Promise<number> {
  const unknown = wanted.filter((name) => !NAMES.some((known) => known === name));
  if (unknown.length > 0) {
    console.error(`There is no bench ${unknown.join(', ')}; there are ${NAMES.join(', ')}.`);
    return 64;
  }
  const figures: Figure[] = [];
  for (const name of NAMES) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.error(`measuring ${name} …`);
    figures.push(...(await measure(name)));
  }
  console.log(`\n${drawTable(figures)}`);
  return 0;
}

/** Ctrl-C reaches the bench as well: it stops what it started, and then there is nothing left to wait for. */
async function measure(name: string): Promise<readonly Figure[]> {
  const bench = fork(new URL('one.ts', import.meta.url), [name]);
  const forward = () => bench.kill('SIGTERM');
  const stay = () => undefined;
  process.once('SIGTERM', forward).on('SIGINT', stay);
  let figures: readonly Figure[] = [];
  bench.on('message', (measured: readonly Figure[]) => (figures = measured));
  const [code] = (await once(bench, 'exit')) as [number | null];
  process.off('SIGTERM', forward).off('SIGINT', stay);
  if (code === INTERRUPTED) process.exit(INTERRUPTED);
  if (code !== 0) throw new Error(`the bench ${name} ended with ${code}`);
  return figures;
}

process.exitCode = await main(process.argv.slice(2));
