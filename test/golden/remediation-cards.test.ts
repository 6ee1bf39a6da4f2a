import { expect, test } from 'vitest';
import { REMEDIATION_STATES, type RemediationRecord, type RemediationState } from '../../src/store/remediation/record.ts';
import type { Message } from '../../src/slack/render/message.ts';
import { renderOffers } from '../../src/slack/render/remediation/offers.ts';
import { planFile } from '../../src/slack/render/remediation/plan.ts';
import { renderCard } from '../../src/slack/render/remediation/card.ts';
import * as remediations from './remediations.ts';

const inState: Readonly<Record<RemediationState, RemediationRecord>> = { ...remediations };
const { offered, planned, fixed } = inState;
const now = new Date('2026-11-20T15:00:00.000Z');

interface Clickable {
  readonly action_id: string;
  readonly value: string;
  readonly style?: string;
  readonly confirm?: { readonly text: { readonly text: string } };
}

function buttonsOf({ blocks }: Message): readonly Clickable[] {
  return (blocks as readonly { elements?: readonly unknown[]; accessory?: unknown }[])
    .flatMap(({ elements = [], accessory }) => [...elements, accessory] as ({ type?: string } | undefined)[])
    .filter((element) => element?.type === 'button') as unknown as readonly Clickable[];
}

test('every state has a card of its own, and begins with its word', () => {
  const words = REMEDIATION_STATES.map((state) => renderCard(inState[state]).text.split(' · ')[0]);

  expect(new Set(words).size).toBe(REMEDIATION_STATES.length);
});

test('only a plan can be approved or rejected, and only what ended in doubt can be looked at again', () => {
  const actions = Object.fromEntries(
    REMEDIATION_STATES.map((state) => [
      state,
      buttonsOf(renderCard(inState[state])).map(({ action_id }) => action_id),
    ]),
  );

  expect(Object.entries(actions).filter(([, ids]) => ids.length > 0)).toEqual([
    ['planned', ['wrench:approve', 'wrench:reject']],
    ['unverified', ['wrench:look']],
    ['failed', ['wrench:look']],
    ['interrupted', ['wrench:look']],
  ]);
});

test('a click approves this plan and no other', () => {
  const [approve, reject] = buttonsOf(renderCard(planned));

  expect(approve).toMatchObject({ value: `${planned.id} ${planned.planHash}`, style: 'primary' });
  expect(reject).toMatchObject({ value: `${planned.id} ${planned.planHash}` });
  expect(reject).not.toHaveProperty('style');
});

test('what takes something away asks once more before it is approved', () => {
  const [approve] = buttonsOf(renderCard({ ...planned, risk: 'destructive' }));

  expect(approve?.confirm?.text.text).toBe(
    'In prod, 2 targets. What this takes away is gone for good. Have you read the whole plan?',
  );
});

test('the card counts votes and says who may not give one', () => {
  const two: RemediationRecord = { ...planned, approvalsNeeded: 2, approvals: [{ by: 'U0123GRACE', at: now.toISOString() }] };

  expect(renderCard(two).text).toContain(
    'Needs 2 approvals by different people other than <@U0123ADA>: 1 of 2 so far.',
  );
});

test('the proof is the first thing said of a fix', () => {
  expect(renderCard(fixed).text.split('\n')[0]).toBe(
    ':white_check_mark: FIXED · doppler_z2: 0 -&gt; 1 registered; metron_agent running on 12 of 12',
  );
  const unmeasured = renderCard({ ...fixed, before: { ...fixed.after!, measures: [] }, after: { ...fixed.after!, measures: [] } });
  expect(unmeasured.text).toContain('FIXED · All 3 dopplers are running and registered');
  expect(JSON.stringify(renderCard(fixed).blocks)).toContain('30.4 s from approval to fixed');
});

test('an interrupted fix is never reported as applied or not applied', () => {
  const { text } = renderCard(inState.interrupted);

  expect(text).toContain('nobody knows whether it was done. It is not done again by itself.');
});

test('forty lines and thirteen targets are on the card itself', () => {
  const lines = Array.from({ length: 40 }, (_, at) => `Delete the orphan key /healthstatus/doppler/z${at}/doppler/${at} in etcd`);
  const targets = Array.from({ length: 13 }, (_, at) => `etcd:/healthstatus/doppler/z${at}`);
  const long: RemediationRecord = { ...planned, plan: { ...planned.plan!, lines, targets } };

  const shown = JSON.stringify(renderCard(long).blocks);

  expect(planFile(long)).toBeUndefined();
  for (const part of [...lines, ...targets]) expect(shown).toContain(part);
});

test('a plan that does not fit says so, and the file has all of it', () => {
  const lines = Array.from({ length: 400 }, (_, at) => `Delete the orphan key /healthstatus/doppler/z${at} in etcd`);
  const long: RemediationRecord = { ...planned, plan: { ...planned.plan!, lines } };

  const shown = JSON.stringify(renderCard(long).blocks);
  const file = planFile(long);

  expect(shown).toMatch(/and \d+ more/);
  expect(shown).toContain(`The attached plan-${long.id}.txt has the rest: read it before you approve.`);
  expect(file?.content).toContain(long.planHash);
  for (const part of lines) expect(file?.content).toContain(part);
});

test('a plan of more than fifty lines is summed up, with its bytes, and the file has all of it', () => {
  const lines = Array.from({ length: 51 }, (_, at) => `Remove build-${at}`);
  const long: RemediationRecord = { ...planned, plan: { ...planned.plan!, lines, bytes: 46_000_000_000 } };

  const shown = JSON.stringify(renderCard(long).blocks);

  expect(shown).toContain('51 steps, for example:');
  expect(shown).toContain('Remove build-9');
  expect(shown).not.toContain('Remove build-10');
  expect(shown).toContain('and 41 more');
  expect(shown).toContain('46.0 GB');
  for (const part of lines) expect(planFile(long)?.content).toContain(part);
});

test('one offer is the primary button; of several none is', () => {
  const other: RemediationRecord = { ...offered, id: 'm0000000000000001', title: 'Restart doppler_z1/0' };
  const at = { now: new Date('2026-11-20T14:10:00.000Z') };

  expect(buttonsOf(renderOffers([offered], at))).toMatchObject([{ value: offered.id, style: 'primary' }]);
  expect(buttonsOf(renderOffers([offered, other], at)).map(({ style, value }) => [style, value])).toEqual([
    [undefined, offered.id],
    [undefined, other.id],
  ]);
});

test('a safe offer asks before it acts', () => {
  const [button] = buttonsOf(renderOffers([{ ...offered, risk: 'safe' }], { now: new Date('2026-11-20T14:10:00.000Z') }));

  expect(button).toMatchObject({
    confirm: {
      title: { text: 'Restart doppler_z2/0?' },
      text: { text: 'In prod. It is done at once, if it is still needed.' },
      confirm: { text: 'Restart' },
      deny: { text: 'Cancel' },
    },
  });
});

test('an offer has a button until somebody asks for it or it is too old', () => {
  const message = renderOffers([offered, planned], { now: new Date('2026-11-20T18:00:00.000Z') });

  expect(buttonsOf(message)).toEqual([]);
  expect(message.text).toContain('too old: ask the question again');
  expect(message.text).toContain('<@U0123ADA> asked <!date^1795183450^');
  expect(message.text).toContain('under way; its card below tells how it stands');
});

test('of very many offers forty are drawn, and it is said how to reach the rest', () => {
  const many = Array.from({ length: 57 }, (_, at) => ({ ...offered, title: `Restart doppler_z2/${at}` }));

  const message = renderOffers(many, { now: new Date('2026-11-20T14:10:00.000Z') });

  expect(buttonsOf(message)).toHaveLength(40);
  expect(JSON.stringify(message.blocks)).toContain('Not shown: 17 more');
  expect(message.text).toContain('17 more without a button here: narrow the question with --match.');
});

test('where all is off, nothing is said to be possible, and each reason is given once', () => {
  const because = 'it is destructive, and off until `remediations.destructive` names `etcd/health:free-space`';
  const disabled = ['etcd-1', 'etcd-2', 'etcd-3', 'etcd-4'].map((member) => ({ title: `Free space in ${member}`, because }));

  expect(renderOffers([], { disabled }).text).toBe(
    `What could be done, but is off:\n• Free space in etcd-1, Free space in etcd-2, Free space in etcd-3 and 1 more: ${because}`,
  );
});

test('a verdict that begins with a name keeps its letters on the card', () => {
  const after = { ...fixed.after, verdict: 'locket expired 3 days ago' } as NonNullable<RemediationRecord['after']>;

  const { text, blocks } = renderCard({ ...fixed, after });

  expect(text + JSON.stringify(blocks)).toContain('locket expired 3 days ago.');
});
