import type { RemediationState } from '../../src/store/remediation/record.ts';
import { openButtons } from './buttons.ts';
import { isContainer, openDisturbances } from './fix-log.ts';
import { CAPS } from './role-options.ts';
import { batchesOf, runBatch } from './scenarios.ts';
import { disturbContainer, type Removal } from './engines.ts';
import { type Evidence, gatherEvidence, readAll, waitUntilIdle } from './evidence.ts';
import { type FaultSettings, startFaultInjection } from './fault-injection.ts';
import { figuresOfMany } from './many-figures.ts';
import { recheckInterrupted } from './recheck-interrupted.ts';
import { doubledByLoss, progressLeftByLoss, type Shown } from './posts.ts';
import { makeChance } from './random.ts';
import { setChaosStage, type StageSettings } from './stage.ts';
import type { InvariantResult } from './invariant-result.ts';
import { checkInvariants } from './invariants.ts';

export interface ChaosSettings {
  readonly seed: number;
  readonly stage: StageSettings;
  readonly faults: FaultSettings;
  /** How many batches run at the same time. */
  readonly batchesAtOnce: number;
  readonly timeoutMs: number;
  readonly idleWithinMs: number;
}

export interface ChaosReport {
  /** Violations; all must be empty. */
  readonly invariants: readonly InvariantResult[];
  /** Totals, for information. */
  readonly figures: readonly { readonly what: string; readonly count: number }[];
  /** The logs of all processes and the applied fixes; removed if every invariant holds. */
  readonly folder: string;
}

/** Runs every scenario under fault injection, waits until the system is idle, and checks the invariants. */
export async function runChaos(
  settings: ChaosSettings,
  log: (line: string) => void = () => undefined,
): Promise<ChaosReport> {
  const startedAt = performance.now();
  let isClean = false;
  await using cleanup = new AsyncDisposableStack();
  const stage = await setChaosStage(cleanup, settings.stage, () => !isClean);
  const chance = makeChance(settings.seed);
  const buttons = openButtons(stage.workspace);
  const disturbances = openDisturbances(stage.folder, (one) => disturbContainer(stage.engines, one));
  const injector = startFaultInjection(stage, chance.apart('faults'), settings.faults);
  const { timeoutMs } = settings;
  const context = {
    stage,
    buttons,
    disturbances,
    chance: chance.apart('people'),
    injector,
    timeoutMs,
  };
  log(`${settings.stage.workers} workers are running; fault injection starts`);
  const batches = batchesOf(stage, settings.stage.batches).entries();
  const runNextBatches = async () => {
    for (const [at, batch] of batches) {
      await runBatch(context, batch);
      log(`batch ${at + 1} of ${stage.channels.length} is done`);
    }
  };
  await Promise.all(Array.from({ length: settings.batchesAtOnce }, runNextBatches));
  const faults = await injector.stop();
  log('fault injection has ended; waiting until the system is idle');
  let idleAfterMs = await waitUntilIdle(stage, settings.idleWithinMs);
  await recheckInterrupted(context, await readAll(stage));
  idleAfterMs += await waitUntilIdle(stage, settings.idleWithinMs);
  const evidence = await gatherEvidence(stage, buttons.clicks, {
    faults,
    limits: { ...settings.stage.pace, ...CAPS },
    disturbances: disturbances.injected,
    idleAfterMs,
  });
  const invariants = checkInvariants(evidence);
  isClean = invariants.every(({ cases }) => cases.length === 0);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const refused = stage.workspace.requests.filter(({ status }) => status !== 200);
  const slack = (wanted: (status: number) => boolean) =>
    refused.filter(({ status }) => wanted(status)).length;
  return {
    invariants,
    folder: stage.folder,
    figures: [
      ...figuresOf(evidence),
      ...figuresOfMany(evidence).map(({ what, count }) => ({ what: `for many: ${what}`, count })),
      { what: 'responses of Slack with 429', count: slack((status) => status === 429) },
      { what: 'responses of Slack with 5xx', count: slack((status) => status >= 500) },
      {
        what: 'lost responses of Slack',
        count: stage.workspace.requests.filter(({ isLost }) => isLost).length,
      },
      { what: 'seconds', count: seconds },
    ],
  };
}

/** Not our fault because Slack's reply was lost, and what the rows above could not judge. */
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

/** Only the engine could have refused it. */
function hasChangedSince({ isRemoved, was, inspected }: Removal): boolean {
  return isRemoved && was.finishedAt !== inspected?.finishedAt;
}

const FINAL_STATES: readonly RemediationState[] = [
  'fixed',
  'mitigated',
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
  applied,
  removals,
  disturbances,
  shown,
  faults,
  idleAfterMs,
}: Evidence): ChaosReport['figures'] {
  const changedByOthers = disturbances.filter(({ thing }) => isContainer(thing));
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
    { what: 'fixes applied', count: applied.length },
    { what: 'containers removed', count: removals.filter(({ isRemoved }) => isRemoved).length },
    { what: 'of them changed after the last inspection', count: removals.filter(hasChangedSince).length },
    { what: 'removals that engines refused', count: removals.filter(({ isRemoved }) => !isRemoved).length },
    { what: 'containers that others changed', count: changedByOthers.length },
    ...FINAL_STATES.map((state) => ({
      what: state === 'offered' ? 'never requested' : `ended as ${state}`,
      count: remediations.filter((one) => one.state === state).length,
    })),
    { what: 'interrupted at first', count: interrupted.size },
    { what: 'entries in the audit', count: entries.length },
    { what: 'workers killed', count: faults.workerKills },
    { what: 'times Redis was killed', count: faults.redisKills },
    { what: 'malformed requests', count: faults.malformed },
    { what: 'freezes', count: faults.freezes.length },
    ...figuresOfPosts(shown),
    { what: 'seconds until idle', count: Math.round(idleAfterMs / 1_000) },
  ];
}
