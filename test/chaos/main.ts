import { parseArgs } from 'node:util';
import { runBusyChannel } from './busy-channel.ts';
import { drawKeyKinds } from './key-kinds.ts';
import { type ChaosReport, type ChaosSettings, runChaos } from './run-chaos.ts';
import { type DigestChaosSettings, runDigestChaos } from './run-digest-chaos.ts';
import { runSoak, type SoakSettings } from './soak.ts';

const USAGE = `npm run chaos [-- --approvals 300 --questions 200 --seed 7 | --busy | --digests | --soak]

  --approvals        number of offers to click
  --questions        number of checks to run in one busy channel, once while Slack works and once while it fails
  --seed             seed of the random generator
  --busy             run only the busy channel
  --digests          run only digests that are due every minute, for five minutes
  --soak             run only 20 commands a second for five minutes; the memory of Redis must stay flat`;
const OFFERS_IN_BATCH = 5;
/** Every second batch is a rack, with plans of up to 12 lines. */
const RACK_EVERY = 2;
/** One engine per this many batches, with plans of up to 30 lines. */
const BATCHES_PER_ENGINE = 2;
const SHORT_MS = [200, 1_200] as const;
const LONGER_THAN_A_LEASE_MS = [3_200, 4_200] as const;
const DIGEST_SECONDS = 300;
const SOAK: SoakSettings = {
  seconds: 300,
  commandsPerSecond: 20,
  channels: 400,
  sampleEverySeconds: 10,
  warmUpSeconds: 60,
};

/** Runs approvals and a busy channel under fault injection and prints the results. @returns 0 if every invariant holds, 1 otherwise. */
async function main(): Promise<number> {
  const values = readWords();
  const approvals = Number(values?.approvals);
  const questions = Number(values?.questions);
  const seed = values?.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  if (!values || !isCount(approvals) || !isCount(questions) || !Number.isInteger(seed)) {
    print(USAGE);
    return 64;
  }
  if (values.soak) return soak();
  print(`seed ${seed}`);
  const reports: ChaosReport[] = [];
  if (!values.busy) {
    const report = await runDigestChaos(digestSettings(seed), printWithTime());
    process.stdout.write(`${drawReport('digests', report, seed)}\n\n`);
    reports.push(report);
  }
  if (!values.busy && !values.digests) {
    const report = await runChaos(settingsFor(approvals, seed), printWithTime());
    process.stdout.write(`${drawReport('approvals', report, seed)}\n\n`);
    reports.push(report);
  }
  for (const hasFaults of values.digests ? [] : [false, true]) {
    const idleWithinMs = 600_000 + questions * 5_000;
    const report = await runBusyChannel({ seed, questions, hasFaults, idleWithinMs }, printWithTime());
    const title = `a busy channel, while Slack ${hasFaults ? 'fails' : 'works'}`;
    process.stdout.write(`${drawReport(title, report, seed)}\n\n`);
    reports.push(report);
  }
  return reports.every(({ invariants }) => invariants.every(({ cases }) => cases.length === 0)) ? 0 : 1;
}

async function soak(): Promise<number> {
  const { samples, kinds, unacknowledged, answered, because } = await runSoak(SOAK, print);
  const rows = samples.map(
    ({ atSeconds, bytes, commands }) =>
      `${String(atSeconds).padStart(7)}${(bytes / 1e6).toFixed(2).padStart(10)}${String(commands).padStart(10)}`,
  );
  const lines = [
    'seconds        MB  commands',
    ...rows,
    '',
    ...drawKeyKinds(kinds),
    '',
    `${answered} reports in the channels, ${unacknowledged} commands not acknowledged in time`,
    because === undefined ? 'flat after the first minute' : `not flat: ${because}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return because === undefined ? 0 : 1;
}

/** Undefined for invalid arguments. */
function readWords() {
  try {
    return parseArgs({
      options: {
        approvals: { type: 'string', default: '300' },
        questions: { type: 'string', default: '200' },
        seed: { type: 'string' },
        busy: { type: 'boolean', default: false },
        digests: { type: 'boolean', default: false },
        soak: { type: 'boolean', default: false },
      },
    }).values;
  } catch {
    return undefined;
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}

function printWithTime(): (line: string) => void {
  const startedAt = performance.now();
  return (line) => print(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}

function digestSettings(seed: number): DigestChaosSettings {
  return {
    seed,
    seconds: DIGEST_SECONDS,
    faults: {
      killEveryMs: [500, 4_000],
      redisKills: 10,
      redisKillEveryMs: [10_000, 40_000],
      redisDownMs: [200, 4_200],
    },
    idleWithinMs: 200_000,
  };
}

function settingsFor(approvals: number, seed: number): ChaosSettings {
  return {
    seed,
    stage: {
      batches: Math.ceil(approvals / OFFERS_IN_BATCH),
      thingsInBatch: OFFERS_IN_BATCH,
      rackEvery: RACK_EVERY,
      engines: Math.ceil(approvals / OFFERS_IN_BATCH / BATCHES_PER_ENGINE),
      workers: 3,
      bots: 2,
      slowMs: 300,
      pace: {
        approveWithinSeconds: 30,
        applyWithinSeconds: 12,
        membershipSeconds: 20,
        takeOverSeconds: 3,
      },
    },
    faults: {
      workerKills: 1_000,
      workerKillEveryMs: [500, 3_000],
      redisKills: 8,
      redisKillEveryMs: [8_000, 20_000],
      redisDownMs: [SHORT_MS, SHORT_MS, SHORT_MS, LONGER_THAN_A_LEASE_MS],
      freezeEveryMs: [6_000, 15_000],
      blackouts: 2,
      blackoutEveryMs: [30_000, 40_000],
      blackoutMs: 13_500,
      leaveAfterMs: 20_000,
    },
    batchesAtOnce: 16,
    timeoutMs: 60_000,
    idleWithinMs: 200_000,
  };
}

const CASES_SHOWN = 10;

function drawReport(title: string, { invariants, figures, folder }: ChaosReport, seed: number): string {
  const width = Math.max(...[...invariants, ...figures].map(({ what }) => what.length)) + 2;
  const row = (what: string, count: number) => `${what.padEnd(width)}${String(count).padStart(6)}`;
  const cases = invariants.flatMap(({ what, cases: all }) =>
    all.slice(0, CASES_SHOWN).map((one) => `  ${what}: ${one}`),
  );
  return [
    `${title}: must be zero`,
    ...invariants.map(({ what, cases: all }) => row(what, all.length)),
    '',
    `${title}: figures`,
    ...figures.map(({ what, count }) => row(what, count)),
    '',
    ...(cases.length > 0
      ? ['violations', ...cases, `logs are in ${folder}`, `to repeat: npm run chaos -- --seed ${seed}`]
      : [`all zero, with seed ${seed}`]),
  ].join('\n');
}

process.exitCode = await main();
