import type { State } from '../../src/store/remediation/record.ts';
import { openClicker } from './clicker.ts';
import { workThrough } from './crowd.ts';
import { type Evidence, gatherEvidence, readAll, waitForRest } from './evidence.ts';
import { type HavocSettings, wreakHavoc } from './havoc.ts';
import { lookAtOpenEnds } from './open-ends.ts';
import { doubledByLoss, progressLeftByLoss, type Shown } from './posts.ts';
import { makeChance } from './random.ts';
import { setChaosStage, type StageSettings } from './stage.ts';
import { type Row, tally } from './tally.ts';

export interface ChaosSettings {
  readonly seed: number;
  readonly stage: StageSettings;
  readonly havoc: HavocSettings;
  /** How many batches people work through at the same time. */
  readonly batchesAtOnce: number;
  readonly patienceMs: number;
  readonly restWithinMs: number;
}

export interface ChaosReport {
  /** Each must have no cases. */
  readonly zeros: readonly Row[];
  /** What there was of it, for the reader. */
  readonly figures: readonly { readonly what: string; readonly count: number }[];
  /** Logs of all processes and the deeds; gone where every row is zero. */
  readonly folder: string;
}

/** Does all of it once, waits until it is at rest, and counts. */
export async function runChaos(
  settings: ChaosSettings,
  tell: (line: string) => void = () => undefined,
): Promise<ChaosReport> {
  const startedAt = performance.now();
  let isClean = false;
  await using lasting = new AsyncDisposableStack();
  const stage = await setChaosStage(lasting, settings.stage, () => !isClean);
  const chance = makeChance(settings.seed);
  const clicker = openClicker(stage.workspace);
  const havoc = wreakHavoc(stage, chance.apart('havoc'), settings.havoc);
  const { patienceMs } = settings;
  const crowd = { stage, clicker, chance: chance.apart('crowd'), freeze: havoc.freeze, patienceMs };
  tell(`${settings.stage.workers} workers are there; the chaos begins`);
  let batch = 0;
  const inTurn = async () => {
    for (let mine = batch++; mine < settings.stage.batches; mine = batch++) {
      await workThrough(crowd, mine);
      tell(`batch ${mine + 1} of ${settings.stage.batches} is clicked through`);
    }
  };
  await Promise.all(Array.from({ length: settings.batchesAtOnce }, inTurn));
  const done = await havoc.stop();
  tell('the chaos is over; waiting until all is at rest');
  let restMs = await waitForRest(stage, settings.restWithinMs);
  await lookAtOpenEnds(crowd, await readAll(stage));
  restMs += await waitForRest(stage, settings.restWithinMs);
  const limits = settings.stage.pace;
  const evidence = await gatherEvidence(stage, clicker.clicks, { havoc: done, limits, restMs });
  const zeros = tally(evidence);
  isClean = zeros.every(({ cases }) => cases.length === 0);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const refused = stage.workspace.requests.filter(({ status }) => status !== 200);
  const slack = (wanted: (status: number) => boolean) =>
    refused.filter(({ status }) => wanted(status)).length;
  return {
    zeros,
    folder: stage.folder,
    figures: [
      ...figuresOf(evidence),
      { what: 'answers 429 of Slack', count: slack((status) => status === 429) },
      { what: 'answers 5xx of Slack', count: slack((status) => status >= 500) },
      {
        what: 'answers of Slack that were lost',
        count: stage.workspace.requests.filter(({ isLost }) => isLost).length,
      },
      { what: 'seconds', count: seconds },
    ],
  };
}

/** What is no fault of ours, because Slack's reply was lost, and what the rows could not judge. */
export function figuresOfPosts(shown: Shown): ChaosReport['figures'] {
  const { posts } = shown;
  return [
    { what: 'messages posted', count: posts.length },
    { what: 'of them again after a lost reply', count: doubledByLoss(posts) },
    {
      what: 'of them without a fencing token',
      count: posts.filter(({ fence }) => fence === undefined).length,
    },
    { what: 'progress messages left by a lost reply', count: progressLeftByLoss(shown) },
  ];
}

const ENDS: readonly State[] = [
  'fixed',
  'unverified',
  'failed',
  'interrupted',
  'rejected',
  'expired',
  'skipped',
  'refused',
  'offered',
];

function figuresOf({
  remediations,
  entries,
  clicks,
  deeds,
  shown,
  havoc,
  restMs,
}: Evidence): ChaosReport['figures'] {
  const deliveries = clicks.reduce((sum, one) => sum + one.deliveries, 0);
  const interrupted = new Set(
    entries.flatMap(({ entry }) => (entry.outcome === 'interrupted' ? (entry.remediation ?? []) : [])),
  );
  return [
    { what: 'offers', count: remediations.length },
    { what: 'clicks', count: clicks.length },
    { what: 'deliveries of them', count: deliveries },
    { what: 'clicks with forged values', count: clicks.filter(({ isForged }) => isForged).length },
    { what: 'clicks not acknowledged', count: clicks.filter(({ isAcknowledged }) => !isAcknowledged).length },
    { what: 'approvals', count: entries.filter(({ entry }) => entry.kind === 'approved').length },
    { what: 'deeds', count: deeds.length },
    ...ENDS.map((state) => ({
      what: state === 'offered' ? 'never asked for' : `ended as ${state}`,
      count: remediations.filter((one) => one.state === state).length,
    })),
    { what: 'interrupted at first', count: interrupted.size },
    { what: 'entries in the audit', count: entries.length },
    { what: 'workers killed', count: havoc.workerKills },
    { what: 'times Redis was killed', count: havoc.redisKills },
    { what: 'malformed requests', count: havoc.malformed },
    { what: 'freezes', count: havoc.freezes.length },
    ...figuresOfPosts(shown),
    { what: 'seconds until rest', count: Math.round(restMs / 1_000) },
  ];
}
