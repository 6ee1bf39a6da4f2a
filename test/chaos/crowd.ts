import { setTimeout as sleep } from 'node:timers/promises';
import { ENDED, type Remediation } from '../../src/store/remediation/record.ts';
import type { Message } from '../workspace/model.ts';
import { buttonsOf, type Clicker, readCard } from './clicker.ts';
import type { WreakingHavoc } from './havoc.ts';
import { APPROVERS, LEAVERS, OUTSIDERS, REQUESTERS } from './people.ts';
import type { Chance } from './random.ts';
import type { ChaosStage } from './stage.ts';

/** What people do about one offer, beyond asking for it three times at once. */
const TALES = {
  /** Two people approve at the same moment. */
  approve: 42,
  /** One approves and one rejects at the same moment. */
  'approve-and-reject': 14,
  /** Who asked tries to approve, then somebody else does. */
  'own-approval': 7,
  /** Values of other cards, other hashes, ids that never were; then, half of the time, an honest approval. */
  forge: 12,
  /** People without the role, guests, and those who left the group. */
  outsiders: 9,
  /** Everything is frozen at the moment of the approval. */
  freeze: 5,
  /** At the very end of the time there is. */
  'last-moment': 5,
  /** Too late. */
  late: 5,
  reject: 3,
} as const;

type Tale = keyof typeof TALES;

export interface Crowd {
  readonly stage: ChaosStage;
  readonly clicker: Clicker;
  readonly chance: Chance;
  readonly freeze: WreakingHavoc['freeze'];
  /** Nobody waits longer than this for something to show. */
  readonly patienceMs: number;
}

const LOOK_EVERY_MS = 300;
const ASKS = 6;

/** One batch: the question is asked, and every offer in its thread is taken up, some at the same time. */
export async function workThrough(crowd: Crowd, batch: number): Promise<void> {
  const { stage, chance } = crowd;
  const channelId = stage.channels[batch] ?? '';
  const offers = await ask(crowd, channelId, batch);
  if (!offers) return;
  const values = buttonsOf(offers).map(({ value }) => value);
  await Promise.all(
    values.map(async (id, at) => {
      const own = chance.apart(`${batch}/${at}`);
      await sleep(at * own.between(300, 2_000));
      await takeUp({ ...crowd, chance: own }, offers, id);
    }),
  );
}

async function ask(crowd: Crowd, channelId: string, batch: number): Promise<Message | undefined> {
  const { workspace } = crowd.stage;
  for (let tried = 0; tried < ASKS; tried++) {
    const [userId = ''] = REQUESTERS;
    const { body } = await workspace.command({ userId, channelId, command: '/lab', text: `things ${batch}` });
    const isTaken = !JSON.stringify(body ?? '').includes('Redis');
    const shown = isTaken && (await seen(crowd, () => offersIn(crowd, channelId)));
    if (shown) return shown;
    await sleep(1_000);
  }
  return undefined;
}

function offersIn({ stage: { workspace } }: Crowd, channelId: string): Message | undefined {
  return workspace
    .messages(channelId)
    .flatMap(({ ts }) => workspace.thread(channelId, ts))
    .find((message) => buttonsOf(message).some(({ button }) => button === 'request'));
}

/** From the first click to whatever the tale is; done when nobody in it wants to click any more. */
async function takeUp(crowd: Crowd, offers: Message, id: string): Promise<void> {
  if (!(await request(crowd, offers, id))) return;
  const card = await seen(crowd, () => cardOf(crowd, offers, id, 'PLAN'));
  const { remediation } = (await crowd.stage.remediations.read(id)) ?? {};
  if (!card || !remediation) return;
  await sleep(crowd.chance.between(0, 1_500));
  const tale = chooseTale(crowd.chance);
  await TOLD[tale](crowd, card, remediation, `${id} ${remediation.planHash}`);
}

/** Three people at once, each delivered up to four times; again where nobody was heard, for everything was frozen or Redis away. */
async function request({ stage, clicker, chance }: Crowd, offers: Message, id: string): Promise<boolean> {
  for (let tried = 0; tried < ASKS; tried++) {
    await Promise.all(
      chance
        .some(REQUESTERS, 3)
        .map((userId) => clicker.press(userId, offers, 'request', id, deliver(chance))),
    );
    const { remediation } = (await stage.remediations.read(id)) ?? {};
    if (remediation && remediation.state !== 'offered') return true;
    await sleep(1_500);
  }
  return false;
}

type Telling = (crowd: Crowd, card: Message, remediation: Remediation, value: string) => Promise<void>;

const TOLD: Readonly<Record<Tale, Telling>> = {
  approve: (crowd, card, remediation, value) => approve(crowd, card, remediation, value),
  'approve-and-reject': async ({ clicker, chance }, card, remediation, value) => {
    const [one = '', other = ''] = chance.some(othersThan(remediation), 2);
    await Promise.all([
      clicker.press(one, card, 'approve', value, deliver(chance)),
      clicker.press(other, card, 'reject', value, deliver(chance)),
    ]);
  },
  'own-approval': async (crowd, card, remediation, value) => {
    await crowd.clicker.press(remediation.requested?.by ?? '', card, 'approve', value, { deliveries: 2 });
    await approve(crowd, card, remediation, value);
  },
  forge: async (crowd, card, remediation, value) => {
    const { clicker, chance } = crowd;
    const [forger = ''] = chance.some(othersThan(remediation), 1);
    await Promise.all(
      forgeries(crowd, card, value).map((forged) =>
        clicker.press(forger, card, 'approve', forged, { isForged: true }),
      ),
    );
    if (chance.happens(0.5)) await approve(crowd, card, remediation, value);
  },
  outsiders: async (crowd, card, remediation, value) => {
    const { clicker, chance } = crowd;
    await Promise.all(
      [...OUTSIDERS, ...LEAVERS].map((userId) => clicker.press(userId, card, 'approve', value)),
    );
    if (chance.happens(0.5)) await approve(crowd, card, remediation, value);
  },
  freeze: async (crowd, card, remediation, value) => {
    const { clicker, chance } = crowd;
    const [one = ''] = chance.some(othersThan(remediation), 1);
    await Promise.all([
      clicker.press(one, card, 'approve', value, deliver(chance)),
      sleep(chance.between(0, 150)).then(() => crowd.freeze(1_000)),
    ]);
  },
  'last-moment': async ({ clicker, chance }, card, remediation, value) => {
    const leftMs = Date.parse(remediation.until ?? '') - Date.now();
    await sleep(Math.max(0, leftMs + chance.between(-150, 50)));
    await clicker.press(chance.oneOf(othersThan(remediation)), card, 'approve', value, deliver(chance));
  },
  late: async (crowd, card, remediation, value) => {
    const { stage, clicker, chance } = crowd;
    await seen(crowd, async () => hasEnded((await stage.remediations.read(remediation.id))?.remediation));
    await clicker.press(chance.oneOf(othersThan(remediation)), card, 'approve', value, { deliveries: 3 });
  },
  reject: async ({ clicker, chance }, card, remediation, value) => {
    await clicker.press(chance.oneOf(othersThan(remediation)), card, 'reject', value, { deliveries: 2 });
  },
};

/** Two people at once, one of them twice; again where nobody was heard. Some click once more long after, on what their screen still shows. */
async function approve(crowd: Crowd, card: Message, remediation: Remediation, value: string): Promise<void> {
  const { stage, clicker, chance } = crowd;
  for (let tried = 0; tried < 3; tried++) {
    const [one = '', other = ''] = chance.some(othersThan(remediation), 2);
    await Promise.all(
      [one, other, one].map((userId) => clicker.press(userId, card, 'approve', value, deliver(chance))),
    );
    const now = (await stage.remediations.read(remediation.id))?.remediation;
    if (now?.state !== 'planned') break;
    await sleep(1_500);
  }
  if (!chance.happens(0.25)) return;
  await sleep(chance.between(100, 6_000));
  await clicker.press(chance.oneOf(othersThan(remediation)), card, 'approve', value, deliver(chance));
}

/** What the card never offered: values of cards and offers nearby, another hash, an id that never was, nonsense. */
function forgeries({ stage: { workspace } }: Crowd, card: Message, value: string): readonly string[] {
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

function othersThan({ requested }: Remediation): readonly string[] {
  return APPROVERS.filter((userId) => userId !== requested?.by);
}

function hasEnded(remediation: Remediation | undefined): boolean {
  return remediation !== undefined && ENDED.has(remediation.state);
}

function cardOf({ stage: { workspace } }: Crowd, { channel, threadTs }: Message, id: string, word: string) {
  return workspace.thread(channel, threadTs ?? '').find((message) => {
    const card = readCard(message);
    return card?.id === id && card.word === word;
  });
}

async function seen<T>(
  { patienceMs }: Crowd,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T | undefined> {
  const deadlineMs = performance.now() + patienceMs;
  while (performance.now() < deadlineMs) {
    const found = await look();
    if (found) return found;
    await sleep(LOOK_EVERY_MS);
  }
  return undefined;
}

function chooseTale(chance: Chance): Tale {
  const all = Object.entries(TALES) as [Tale, number][];
  let left = chance.next() * all.reduce((sum, [, share]) => sum + share, 0);
  for (const [tale, share] of all) {
    left -= share;
    if (left < 0) return tale;
  }
  return 'approve';
}
