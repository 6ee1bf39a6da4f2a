import { setTimeout as sleep } from 'node:timers/promises';
import { FINAL_STATES, type RemediationRecord } from '../../src/store/remediation/record.ts';
import type { Message } from '../workspace/model.ts';
import { buttonsOf, readCard } from './buttons.ts';
import type { ChaosStage } from './stage.ts';
import type { ScenarioContext } from './scenario-context.ts';
import { disturbLines } from './between-lines.ts';
import { APPROVERS, LEAVERS, OUTSIDERS, REQUESTERS } from './people.ts';
import type { Chance } from './random.ts';

/**
 * What people do with one offer after three of them requested it at once, with the weight of each scenario.
 */
const SCENARIO_WEIGHTS = {
  /** Two people approve at the same moment. */
  approve: 42,
  /** One approves and one rejects at the same moment. */
  'approve-and-reject': 14,
  /** The requester tries to approve, then someone else does. */
  'own-approval': 7,
  /**
   * Values of other cards, other hashes, ids that never existed; then, half of the time, a valid approval.
   */
  forge: 12,
  /** People without the role, guests, and those who left the group. */
  outsiders: 9,
  /** Everything is frozen at the moment of the approval. */
  freeze: 5,
  /** Right before the plan expires. */
  'last-moment': 5,
  /** Too late. */
  late: 5,
  reject: 3,
} as const;

type Scenario = keyof typeof SCENARIO_WEIGHTS;

const POLL_MS = 300;
const MAX_ATTEMPTS = 6;

/** A check, and the channel in which its offers are clicked. */
interface Batch {
  /** The random generator is passed as an argument. */
  readonly name: string;
  readonly channelId: string;
  readonly command: string;
  readonly text: string;
}

/** The batches of the fake system, with those of the engines spread among them. */
export function batchesOf({ channels, engines }: ChaosStage, things: number): readonly Batch[] {
  const every = Math.max(1, Math.floor(things / Math.max(1, engines.length)));
  const ofEngine = (at: number): readonly Batch[] =>
    engines.slice(at, at + 1).map(({ name }) => ({
      name,
      channelId: channels[things + at] ?? '',
      command: '/node',
      text: `leftovers --source ${name}`,
    }));
  return channels
    .slice(0, things)
    .flatMap((channelId, at) => [
      { name: `${at}`, channelId, command: '/lab', text: `things ${at}` },
      ...(at % every === 0 ? ofEngine(at / every) : []),
    ]);
}

/** Runs the check of one batch and a scenario for each offer in its thread, some at the same time. */
export async function runBatch(context: ScenarioContext, batch: Batch): Promise<void> {
  const { chance } = context;
  const offers = await askForOffers(context, batch);
  if (!offers) return;
  const values = await offersOfRun(context, offers);
  let started = 0;
  for (const together of await orderOf(context, values, chance.apart(batch.name)))
    await Promise.all(
      together.ids.map(async (id, at) => {
        const own = chance.apart(`${batch.name}/${started++}`);
        await sleep(at * own.between(...together.intervalMs));
        await runScenario({ ...context, chance: own }, offers, id);
        if (together.isToEnd) await waitUntilEnded(context, id);
      }),
    );
}

/** All offers of a run, also those that people choose in a form. */
async function offersOfRun(
  { stage: { remediations } }: ScenarioContext,
  offers: Message,
): Promise<readonly string[]> {
  const shown = buttonsOf(offers).find(({ button }) => button === 'request');
  const first = shown && (await remediations.read(shown.value));
  return first ? (await remediations.listByRun(first.record.runId)).map(({ id }) => id) : [];
}

/** Offers that are requested at about the same time. */
interface Together {
  readonly ids: readonly string[];
  readonly intervalMs: readonly [from: number, to: number];
  /** Whether the next ones wait until these have ended. */
  readonly isToEnd?: true;
}

/**
 * The share of racks whose fixes are all requested at once, and of those whose plan for many targets goes
 * first.
 */
const SHARE_AT_ONCE = 0.25;
const SHARE_APPROVED = 0.75;
const STEADY: Together['intervalMs'] = [300, 2_000];

/**
 * Fixes of a rack have the same targets. Either all of them are requested at once, and the first one
 * planned locks the others out; or those for many targets one after the other, and then the single ones.
 */
async function orderOf(
  { stage: { remediations } }: ScenarioContext,
  values: readonly string[],
  chance: Chance,
): Promise<readonly Together[]> {
  const all = await Promise.all(values.map(async (id) => (await remediations.read(id))?.record));
  const many = values.filter((_, at) => all[at]?.each !== undefined);
  if (many.length === 0) return [{ ids: values, intervalMs: STEADY }];
  if (chance.happens(SHARE_AT_ONCE))
    return [{ ids: chance.some(values, values.length), intervalMs: chance.oneOf([[0, 0], STEADY]) }];
  return [
    ...chance
      .some(many, many.length)
      .map((id) => ({ ids: [id], intervalMs: STEADY, isToEnd: true as const })),
    { ids: values.filter((id) => !many.includes(id)), intervalMs: STEADY },
  ];
}

async function askForOffers(
  context: ScenarioContext,
  { channelId, command, text }: Batch,
): Promise<Message | undefined> {
  const { workspace } = context.stage;
  for (let tried = 0; tried < MAX_ATTEMPTS; tried++) {
    const [userId = ''] = REQUESTERS;
    const { body } = await workspace.command({ userId, channelId, command, text });
    const isTaken = !JSON.stringify(body ?? '').includes('Redis');
    const shown = isTaken && (await waitFor(context, () => offersIn(context, channelId)));
    if (shown) return shown;
    await sleep(1_000);
  }
  return undefined;
}

function offersIn({ stage: { workspace } }: ScenarioContext, channelId: string): Message | undefined {
  return workspace
    .messages(channelId)
    .flatMap(({ ts }) => workspace.thread(channelId, ts))
    .find((message) => buttonsOf(message).some(({ button }) => button === 'request'));
}

/** Requests an offer and runs a scenario on its card. Resolves once every click of the scenario was made. */
async function runScenario(context: ScenarioContext, offers: Message, id: string): Promise<void> {
  if (!(await request(context, offers, id))) return;
  const read = async () => (await context.stage.remediations.read(id))?.record;
  // Many requests end without a plan: there is no card to wait for.
  const shown = await waitFor(
    context,
    async () => cardOf(context, offers, id, 'PLAN') ?? (hasEnded(await read()) && 'ended'),
  );
  const remediation = await read();
  if (shown === undefined || shown === 'ended' || !remediation) return;
  const card = shown;
  await sleep(context.chance.between(0, 1_500));
  // Most plans for many targets are applied: the interesting events happen between their lines.
  const isApproved = remediation.plan?.parts && context.chance.happens(SHARE_APPROVED);
  const scenario = isApproved ? 'approve' : chooseScenario(context.chance);
  await Promise.all([
    RUN_SCENARIO[scenario](context, card, remediation, `${id} ${remediation.planHash}`),
    disturbLines(context, remediation),
  ]);
}

/**
 * Three people at once, each delivered up to four times; repeated if no click arrived because of a freeze
 * or an outage of Redis.
 */
async function request(
  { stage, buttons, chance }: ScenarioContext,
  offers: Message,
  id: string,
): Promise<boolean> {
  for (let tried = 0; tried < MAX_ATTEMPTS; tried++) {
    await Promise.all(
      chance
        .some(REQUESTERS, 3)
        .map((userId) => buttons.press(userId, offers, 'request', id, deliver(chance))),
    );
    const remediation = (await stage.remediations.read(id))?.record;
    if (remediation && remediation.state !== 'offered') return true;
    await sleep(1_500);
  }
  return false;
}

type RunScenario = (
  context: ScenarioContext,
  card: Message,
  remediation: RemediationRecord,
  value: string,
) => Promise<void>;

const RUN_SCENARIO: Readonly<Record<Scenario, RunScenario>> = {
  approve: (context, card, remediation, value) => approve(context, card, remediation, value),
  'approve-and-reject': async ({ buttons, chance }, card, remediation, value) => {
    const [one = '', other = ''] = chance.some(othersThan(remediation), 2);
    await Promise.all([
      buttons.press(one, card, 'approve', value, deliver(chance)),
      buttons.press(other, card, 'reject', value, deliver(chance)),
    ]);
  },
  'own-approval': async (context, card, remediation, value) => {
    await context.buttons.press(remediation.requested?.by ?? '', card, 'approve', value, { deliveries: 2 });
    await approve(context, card, remediation, value);
  },
  forge: async (context, card, remediation, value) => {
    const { buttons, chance } = context;
    const [forger = ''] = chance.some(othersThan(remediation), 1);
    await Promise.all(
      forgeries(context, card, value).map((forged) =>
        buttons.press(forger, card, 'approve', forged, { isForged: true }),
      ),
    );
    if (chance.happens(0.5)) await approve(context, card, remediation, value);
  },
  outsiders: async (context, card, remediation, value) => {
    const { buttons, chance } = context;
    await Promise.all(
      [...OUTSIDERS, ...LEAVERS].map((userId) => buttons.press(userId, card, 'approve', value)),
    );
    if (chance.happens(0.5)) await approve(context, card, remediation, value);
  },
  freeze: async (context, card, remediation, value) => {
    const { buttons, chance } = context;
    const [one = ''] = chance.some(othersThan(remediation), 1);
    await Promise.all([
      buttons.press(one, card, 'approve', value, deliver(chance)),
      sleep(chance.between(0, 150)).then(() => context.injector.freeze(1_000)),
    ]);
  },
  'last-moment': async ({ buttons, chance }, card, remediation, value) => {
    const leftMs = Date.parse(remediation.until ?? '') - Date.now();
    await sleep(Math.max(0, leftMs + chance.between(-150, 50)));
    await buttons.press(chance.oneOf(othersThan(remediation)), card, 'approve', value, deliver(chance));
  },
  late: async (context, card, remediation, value) => {
    const { buttons, chance } = context;
    await waitUntilEnded(context, remediation.id);
    await buttons.press(chance.oneOf(othersThan(remediation)), card, 'approve', value, { deliveries: 3 });
  },
  reject: async ({ buttons, chance }, card, remediation, value) => {
    await buttons.press(chance.oneOf(othersThan(remediation)), card, 'reject', value, { deliveries: 2 });
  },
};

/**
 * Two people at once, one of them twice; repeated if no click arrived. Some click again much later, on what
 * their screen still shows.
 */
async function approve(
  context: ScenarioContext,
  card: Message,
  remediation: RemediationRecord,
  value: string,
): Promise<void> {
  const { stage, buttons, chance } = context;
  for (let tried = 0; tried < MAX_ATTEMPTS; tried++) {
    const [one = '', other = ''] = chance.some(othersThan(remediation), 2);
    await Promise.all(
      [one, other, one].map((userId) => buttons.press(userId, card, 'approve', value, deliver(chance))),
    );
    const now = (await stage.remediations.read(remediation.id))?.record;
    if (now?.state !== 'planned') break;
    await sleep(1_500);
  }
  if (!chance.happens(0.25)) return;
  await sleep(chance.between(100, 6_000));
  await buttons.press(chance.oneOf(othersThan(remediation)), card, 'approve', value, deliver(chance));
}

/**
 * Values that the card never offered: those of other cards and offers, another hash, an unknown id,
 * nonsense.
 */
function forgeries(
  { stage: { workspace } }: ScenarioContext,
  card: Message,
  value: string,
): readonly string[] {
  const [id = '', hash = ''] = value.split(' ');
  const nearby = workspace
    .thread(card.channel, card.threadTs ?? card.ts)
    .flatMap(buttonsOf)
    .map((shown) => shown.value)
    .filter((other) => !other.startsWith(id));
  return [
    ...nearby.slice(0, 3).map((other) => (other.includes(' ') ? other : `${other} ${hash}`)),
    `${id} ${hash.replace(/^./, (first) => (first === '0' ? '1' : '0'))}`,
    id,
    `m${'0'.repeat(16)} ${hash}`,
    'nonsense',
  ];
}

/** As Slack may: up to four times. */
function deliver(chance: Chance): { readonly deliveries: number } {
  return { deliveries: chance.between(1, 4) };
}

function othersThan({ requested }: RemediationRecord): readonly string[] {
  return APPROVERS.filter((userId) => userId !== requested?.by);
}

async function waitUntilEnded(context: ScenarioContext, id: string): Promise<void> {
  const { remediations } = context.stage;
  await waitFor(context, async () => hasEnded((await remediations.read(id))?.record));
}

function hasEnded(remediation: RemediationRecord | undefined): boolean {
  return remediation !== undefined && FINAL_STATES.has(remediation.state);
}

function cardOf(
  { stage: { workspace } }: ScenarioContext,
  { channel, ts, threadTs = ts }: Message,
  id: string,
  word: string,
) {
  return workspace.thread(channel, threadTs).find((message) => {
    const card = readCard(message);
    return card?.id === id && card.word === word;
  });
}

async function waitFor<T>(
  { timeoutMs }: ScenarioContext,
  find: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T | undefined> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs) {
    const found = await find();
    if (found) return found;
    await sleep(POLL_MS);
  }
  return undefined;
}

function chooseScenario(chance: Chance): Scenario {
  const all = Object.entries(SCENARIO_WEIGHTS) as [Scenario, number][];
  let left = chance.next() * all.reduce((sum, [, share]) => sum + share, 0);
  for (const [scenario, share] of all) {
    left -= share;
    if (left < 0) return scenario;
  }
  return 'approve';
}
