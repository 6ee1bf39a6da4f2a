import { benchAcknowledgement } from './acknowledgement.ts';
import { benchAnswer } from './answer.ts';
import { benchColdStart } from './cold-start.ts';
import { drawTable, type Figure } from './figure.ts';
import { benchFindCertificates } from './find-certificates.ts';
import { benchPipeline } from './pipeline.ts';
import { benchReadCertificates } from './read-certificates.ts';
import { benchTlsScan } from './tls-scan.ts';

/** What is left in `lasting` is stopped after the bench, and at Ctrl-C. */
type Bench = (lasting: AsyncDisposableStack) => Promise<readonly Figure[]>;

const BENCHES: Readonly<Record<string, Bench>> = {
  acknowledgement: benchAcknowledgement,
  answer: benchAnswer,
  pipeline: benchPipeline,
  tls: benchTlsScan,
  certificates: async () => [...(await benchReadCertificates()), ...(await benchFindCertificates())],
  start: benchColdStart,
};

/** Measures what is named, or everything, and prints one table. Figures and no verdicts: the exit code tells only whether something broke. */
async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    console.error(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}.`);
    return 64;
  }
  const figures: Figure[] = [];
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.error(`measuring ${name} …`);
    figures.push(...(await withLasting(bench)));
  }
  console.log(`\n${drawTable(figures)}`);
  return 0;
}

async function withLasting(bench: Bench): Promise<readonly Figure[]> {
  const lasting = new AsyncDisposableStack();
  const interrupted = () => void lasting.disposeAsync().finally(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await bench(lasting);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await lasting.disposeAsync();
  }
}

process.exitCode = await main(process.argv.slice(2));
