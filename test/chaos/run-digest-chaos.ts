import { setTimeout as sleep } from 'node:timers/promises';
import { fingerprint } from '../../src/check/finding.ts';
import type { Config } from '../../src/config/read-config.ts';
import { PREFIX, questionIdOf } from '../../src/queue/queues.ts';
import { readWhole } from '../../src/store/audit/read.ts';
import { verifyAudit } from '../../src/store/audit/verify.ts';
import { type Claims, openClaims } from '../../src/store/claims/claims.ts';
import { openDigests } from '../../src/store/digests/open-digests.ts';
import { openFindingHistory } from '../../src/store/history/finding-history.ts';
import { readClock } from '../../src/store/read-clock.ts';
import { openSilences } from '../../src/store/silences/open-silences.ts';
import type { Silences } from '../../src/store/silences/silences.ts';
import { type ChaosDigest, checkDigests, type DigestEvidence } from './digest-invariants.ts';
import { digestLogsIn, readCommands, recordedPlacesIn } from './digest-log.ts';
import { type DigestFaultSettings, type InjectedDigestFaults, startDigestFaults } from './digest-faults.ts';
import { readEntries, waitUntilIdle } from './evidence.ts';
import { readKeyKinds } from './key-kinds.ts';
import { REQUESTERS } from './people.ts';
import { doubledByLoss, type Post, postsIn } from './posts.ts';
import { type Chance, makeChance } from './random.ts';
import type { ChaosReport } from './run-chaos.ts';
import { changeItem, readItems } from './scripted-findings.ts';
import { type ChaosStage, setChaosStage } from './stage.ts';

export interface DigestChaosSettings {
  readonly seed: number;
  /** How long faults are injected. A digest is due every minute. */
  readonly seconds: number;
  readonly faults: DigestFaultSettings;
  readonly idleWithinMs: number;
}

const DIGESTS: readonly ChaosDigest[] = [
  { name: 'platform', channel: 'C0CHAOS0', isQuiet: false },
  { name: 'every-minute', channel: 'C0CHAOS1', isQuiet: false },
  { name: 'quiet', channel: 'C0CHAOS2', isQuiet: true },
];
const QUESTION = { check: 'lab/items', environment: 'prod' };
const QUESTION_ID = questionIdOf(QUESTION.check, QUESTION.environment, {});
/** They change at random. Few enough to fit into one message. */
const ITEMS = ['item-0', 'item-1', 'item-2', 'item-3', 'item-4', 'item-5', 'item-6', 'item-7'];
/** They change all the time. */
const FLAPPING = 'item-8';
/** Broken from the start, and silenced; one is repaired meanwhile. */
const SILENCED = ['item-10', 'item-11'] as const;
/** Broken from the start, and taken; one is repaired meanwhile. */
const TAKEN = ['item-12', 'item-13'] as const;
/** Three times within a day counts as flapping. */
const MAX_TIMES_GONE = 2;
const DAY_MS = 86_400_000;

/** Runs several digests under fault injection, waits until the system is idle, and checks the invariants. */
export async function runDigestChaos(
  settings: DigestChaosSettings,
  log: (line: string) => void = () => undefined,
): Promise<ChaosReport> {
  const startedAt = performance.now();
  let isClean = false;
  await using cleanup = new AsyncDisposableStack();
  const stage = await setChaosStage(
    cleanup,
    {
      batches: DIGESTS.length,
      thingsInBatch: 0,
      workers: 3,
      bots: 2,
      slowMs: 0,
      pace: { approveWithinSeconds: 60, applyWithinSeconds: 60, membershipSeconds: 60, takeOverSeconds: 3 },
      digests: configured(),
    },
    () => !isClean,
  );
  stage.workspace.faults.paceLikeSlack(true);
  const chance = makeChance(settings.seed);
  const stores = {
    silences: openSilences(stage.connection, PREFIX),
    claims: openClaims(stage.connection, PREFIX),
  };
  for (const item of [...SILENCED, ...TAKEN]) changeItem(stage.folder, item, 'broken');
  await waitUntilFound(stage);
  const known = await silenceAndTake(stage, stores);
  log('digests run; fault injection starts');
  const stopped = new AbortController();
  const faults = startDigestFaults(stage, chance.apart('faults'), settings.faults);
  const acting = [
    changeItems(stage, chance.apart('items'), stopped.signal),
    askForRuns(stage, chance.apart('people'), stopped.signal),
  ];
  await sleep(settings.seconds * 1_000);
  for (const item of [SILENCED[0], TAKEN[0]]) changeItem(stage.folder, item, 'healthy');
  stopped.abort();
  await Promise.all(acting);
  for (const { item, state } of lastStates(stage))
    if (state === 'blind') changeItem(stage.folder, item, 'broken');
  const injected = await faults.stop();
  log('fault injection has ended; waiting until the system is idle');
  const judgedUntilMs = await readClock(stage.connection);
  const fromMs = performance.now();
  await runOnceMore(stage, judgedUntilMs, settings.idleWithinMs);
  await waitUntilIdle(stage, settings.idleWithinMs);
  const evidence = await gather(stage, stores, { ...known, judgedUntilMs }, injected);
  const invariants = checkDigests(evidence);
  isClean = invariants.every(({ cases }) => cases.length === 0);
  const { posts, logs } = evidence;
  const roots = posts.filter(({ part }) => part === 'root');
  const runIds = new Set(logs.flatMap(({ states }) => states.flatMap(({ run }) => run?.runId ?? [])));
  const due = new Set(
    logs.flatMap(({ name, states }) =>
      states.flatMap(({ run }) => (run?.due === undefined ? [] : `${name} ${run.due}`)),
    ),
  );
  return {
    invariants,
    folder: stage.folder,
    figures: [
      { what: 'runs', count: runIds.size },
      { what: 'of them due', count: due.size },
      { what: 'digests posted', count: roots.length },
      { what: 'of them with news', count: roots.filter(({ text }) => !text.includes('nothing new')).length },
      { what: 'messages posted again after a lost reply', count: doubledByLoss(posts) },
      { what: 'changes of items', count: evidence.changes.length },
      { what: 'entries in the audit', count: evidence.entries.length },
      { what: 'processes killed', count: injected.kills },
      { what: 'of them at a step', count: injected.killsAtSteps },
      { what: 'times Redis was killed', count: injected.redisKills },
      { what: 'seconds until idle', count: Math.round((performance.now() - fromMs) / 1_000) },
      { what: 'seconds', count: Math.round((performance.now() - startedAt) / 1_000) },
    ],
  };
}

function configured(): Config['digests'] {
  return Object.fromEntries(
    DIGESTS.map(({ name, channel, isQuiet }) => [
      name,
      {
        cron: '* * * * *',
        timeZone: 'UTC',
        channel,
        quiet: isQuiet,
        checks: [{ check: QUESTION.check, args: {} }],
      },
    ]),
  );
}

const fingerprintOf = (item: string) => fingerprint(QUESTION, { reason: 'item-broken', target: item });

async function askForRun({ workspace }: ChaosStage, { name, channel }: ChaosDigest): Promise<void> {
  const [userId = ''] = REQUESTERS;
  await workspace.command({ userId, channelId: channel, command: '/wrench', text: `digest run ${name}` });
}

/** Runs each digest until everything broken at the start is in the history. */
async function waitUntilFound(stage: ChaosStage): Promise<void> {
  const { connection } = stage;
  for (const digest of DIGESTS) await askForRun(stage, digest);
  const history = openFindingHistory(connection, PREFIX, DAY_MS);
  const wanted = [...SILENCED, ...TAKEN];
  for (;;) {
    const found = await history.load({ ...QUESTION, questionId: QUESTION_ID });
    if (wanted.every((item) => found.some(({ target }) => target === item))) return;
    await sleep(100);
  }
}

type Known = Pick<DigestEvidence, 'silences' | 'claims'>;

async function silenceAndTake(
  { connection }: ChaosStage,
  { silences, claims }: { readonly silences: Silences; readonly claims: Claims },
): Promise<Known> {
  const [by = ''] = REQUESTERS;
  const history = openFindingHistory(connection, PREFIX, DAY_MS);
  const all = await history.list();
  const silenced: { id: string; item: string; atMs: number }[] = [];
  for (const item of SILENCED) {
    const until = new Date(Date.now() + DAY_MS).toISOString();
    const scope = { kind: 'finding' as const, ...QUESTION, reason: 'item-broken', target: item };
    const baseline = all.filter(({ finding }) => finding.target === item);
    const added = await silences.add(scope, { by, because: 'a test', until }, baseline);
    if (typeof added === 'string') throw new Error(added);
    silenced.push({ id: added.id, item, atMs: await readClock(connection) });
  }
  for (const item of TAKEN) await claims.take(fingerprintOf(item), { by, at: new Date().toISOString() });
  return { silences: silenced, claims: TAKEN.map((item) => ({ item, by })) };
}

function lastStates({ folder }: ChaosStage) {
  return new Map(readItems(folder).map((change) => [change.item, change])).values();
}

/** Breaks, repairs and hides items at random until it is aborted. */
async function changeItems({ folder }: ChaosStage, chance: Chance, signal: AbortSignal): Promise<void> {
  const timesGone = new Map<string, number>();
  const state = new Map<string, 'broken' | 'healthy' | 'blind'>();
  while (await pause(chance.between(400, 2_500), signal)) {
    const item = chance.happens(0.25) ? FLAPPING : chance.oneOf(ITEMS);
    const is = state.get(item) ?? 'healthy';
    const gone = timesGone.get(item) ?? 0;
    const canRecover = item === FLAPPING || gone < MAX_TIMES_GONE;
    // Hidden items keep their previous state.
    const next =
      is === 'blind' || is === 'healthy'
        ? 'broken'
        : chance.happens(0.3)
          ? 'blind'
          : canRecover
            ? 'healthy'
            : 'blind';
    if (next === 'healthy') timesGone.set(item, gone + 1);
    state.set(item, next);
    changeItem(folder, item, next);
  }
}

async function askForRuns(stage: ChaosStage, chance: Chance, signal: AbortSignal): Promise<void> {
  while (await pause(chance.between(1_000, 5_000), signal)) await askForRun(stage, chance.oneOf(DIGESTS));
}

/** @returns false if aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

const POLL_MS = 500;

/** Runs each digest once more, so that its last message shows the current state. */
async function runOnceMore(stage: ChaosStage, sinceMs: number, withinMs: number): Promise<void> {
  const store = openDigests(stage.connection, PREFIX);
  const deadlineMs = performance.now() + withinMs;
  for (const digest of DIGESTS)
    for (let asked = 0; performance.now() < deadlineMs; asked += 1) {
      const state = await store.read(digest.name);
      const { run, posting } = state ?? {};
      if (run?.state === 'finished' && !posting && Date.parse(run.startedAt) > sinceMs) break;
      if (run?.state === 'finished' && asked % 10 === 0) await askForRun(stage, digest);
      await sleep(POLL_MS);
    }
}

async function gather(
  stage: ChaosStage,
  { silences, claims }: { readonly silences: Silences; readonly claims: Claims },
  known: Known & Pick<DigestEvidence, 'judgedUntilMs'>,
  { redisDeaths }: InjectedDigestFaults,
): Promise<DigestEvidence> {
  const { workspace, connection, redis, chain, queues } = stage;
  const storedClaims = await Promise.all(
    TAKEN.map(async (item) => ({ item, claim: await claims.read(fingerprintOf(item)) })),
  );
  const whole = await readWhole(chain);
  const depths = await queues.depth();
  const commands = await readCommands(redis.folder);
  const deaths = [...stage.bots.deaths, ...redisDeaths];
  return {
    digests: DIGESTS,
    logs: digestLogsIn(
      commands,
      DIGESTS.map(({ name }) => name),
    ),
    posts: withUnread(postsIn(workspace.requests), recordedPlacesIn(commands), deaths),
    changes: readItems(stage.folder),
    flapping: [FLAPPING],
    ...known,
    activeSilences: (await silences.list()).map(({ id }) => id),
    storedClaims: storedClaims.flatMap(({ item, claim }) => (claim ? [{ item, by: claim.by }] : [])),
    entries: await readEntries(stage),
    chain: await verifyAudit(whole.entries, whole.head),
    keys: (await readKeyKinds(connection)).map(({ pattern }) => pattern),
    activeJobs: depths
      .filter(({ jobs }) => jobs > 0)
      .map(({ queue, state, jobs }) => `${queue}: ${jobs} ${state}`),
    crashes: [...stage.fleet.crashes, ...stage.bots.crashes],
  };
}

/** A bot that crashes, or loses its Redis, right after a post may not have recorded it. */
const UNREAD_WITHIN_MS = 5_000;

/**
 * Slack's reply is also lost if the bot that waited for it, or its Redis, was killed before it was
 * recorded.
 */
function withUnread(
  posts: readonly Post[],
  recorded: ReadonlySet<string>,
  deaths: readonly number[],
): readonly Post[] {
  return posts.map((post) => {
    const atMs = Number(post.ts) * 1_000;
    const isUnread =
      !recorded.has(`${post.channel} ${post.ts}`) &&
      deaths.some((deathMs) => deathMs > atMs - 1_000 && deathMs < atMs + UNREAD_WITHIN_MS);
    return isUnread ? { ...post, isLost: true } : post;
  });
}
