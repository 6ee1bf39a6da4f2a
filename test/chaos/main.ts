import { parseArgs } from 'node:util';
import { type ChaosReport, type ChaosSettings, runChaos } from './run-chaos.ts';

const USAGE = `npm run chaos [-- --approvals 300 --seed 7 --with-history]

  --approvals        how many offers are clicked
  --seed             which chance decides
  --with-history     the bot may read its channels, which Wrench does not ask for: a post whose answer was lost is looked for first`;
const OFFERS_IN_BATCH = 5;

/** Does its worst to approvals, and prints what came of it: 0 where all that must be zero is, 1 where it is not. */
async function main(): Promise<number> {
  const values = readWords();
  const approvals = Number(values?.approvals);
  const seed = values?.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  if (!values || !Number.isInteger(approvals) || approvals < 1 || !Number.isInteger(seed)) {
    say(USAGE);
    return 64;
  }
  const readsHistory = values['with-history'];
  say(`seed ${seed}`);
  const startedAt = performance.now();
  const report = await runChaos(settingsFor(approvals, seed, readsHistory), (line) =>
    say(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${line}`),
  );
  process.stdout.write(`${drawReport(report, seed, readsHistory)}\n`);
  return report.zeros.every(({ cases }) => cases.length === 0) ? 0 : 1;
}

/** Undefined where something else is asked for. */
function readWords() {
  try {
    return parseArgs({
      options: {
        approvals: { type: 'string', default: '300' },
        seed: { type: 'string' },
        'with-history': { type: 'boolean', default: false },
      },
    }).values;
  } catch {
    return undefined;
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function settingsFor(approvals: number, seed: number, readsHistory: boolean): ChaosSettings {
  return {
    seed,
    stage: {
      batches: Math.ceil(approvals / OFFERS_IN_BATCH),
      thingsInBatch: OFFERS_IN_BATCH,
      workers: 3,
      slowMs: 300,
      readsHistory,
      pace: {
        approveWithinSeconds: 30,
        applyWithinSeconds: 12,
        membershipSeconds: 20,
        takeOverSeconds: 3,
      },
    },
    havoc: {
      workerKills: 1_000,
      workerKillEveryMs: [500, 3_000],
      redisKills: 8,
      redisKillEveryMs: [8_000, 20_000],
      freezeEveryMs: [6_000, 15_000],
      blackouts: 2,
      blackoutEveryMs: [30_000, 40_000],
      blackoutMs: 13_500,
      leaveAfterMs: 20_000,
    },
    batchesAtOnce: 16,
    patienceMs: 60_000,
    restWithinMs: 200_000,
  };
}

const CASES_SHOWN = 10;

function drawReport({ zeros, figures, folder }: ChaosReport, seed: number, readsHistory: boolean): string {
  const width = Math.max(...[...zeros, ...figures].map(({ what }) => what.length)) + 2;
  const row = (what: string, count: number) => `${what.padEnd(width)}${String(count).padStart(6)}`;
  const cases = zeros.flatMap(({ what, cases: all }) =>
    all.slice(0, CASES_SHOWN).map((one) => `  ${what}: ${one}`),
  );
  return [
    'must be zero',
    ...zeros.map(({ what, cases: all }) => row(what, all.length)),
    '',
    'what there was',
    ...figures.map(({ what, count }) => row(what, count)),
    readsHistory
      ? 'The bot could read its channels (channels:history): it looked for each post whose answer was lost.'
      : 'The bot could not read its channels: each post whose answer was lost was posted again.',
    '',
    ...(cases.length > 0
      ? ['what was not zero', ...cases, `the logs are in ${folder}`, `again: npm run chaos -- --seed ${seed}`]
      : [`all zeros, with seed ${seed}`]),
  ].join('\n');
}

process.exitCode = await main();
