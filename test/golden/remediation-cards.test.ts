import { expect, test } from 'vitest';
import { REMEDIATION_STATES, type RemediationRecord, type RemediationState } from '../../src/store/remediation/record.ts';
import type { Message } from '../../src/slack/render/message.ts';
import { mostSevereFirst, renderOffers } from '../../src/slack/render/remediation/offers.ts';
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

test('the card of each state begins with its own word', () => {
  const words = REMEDIATION_STATES.map((state) => renderCard(inState[state]).text.split(' · ')[0]);

  expect(new Set(words).size).toBe(REMEDIATION_STATES.length);
});

test('only a plan can be approved or rejected, and only an unclear outcome can be checked again', () => {
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

test('the buttons approve or reject exactly this plan', () => {
  const [approve, reject] = buttonsOf(renderCard(planned));

  expect(approve).toMatchObject({ value: `${planned.id} ${planned.planHash}`, style: 'primary' });
  expect(reject).toMatchObject({ value: `${planned.id} ${planned.planHash}` });
  expect(reject).not.toHaveProperty('style');
});

test('approving an irreversible plan needs a confirmation', () => {
  const [approve] = buttonsOf(renderCard({ ...planned, risk: 'destructive' }));

  expect(approve?.confirm?.text.text).toBe(
    "In prod: Stops 1 of 3 dopplers until it has restarted; 2 others are registered. This can't be undone. Have you read the whole plan?",
  );
});

const blocksOf = (record: RemediationRecord, approvers: readonly string[] = []) =>
  renderCard(record, { approvers }).blocks.map((block) => JSON.stringify(block));

test('a plan begins with its risk, and its buttons follow who may approve it', () => {
  const blocks = blocksOf(remediations.plannedDestructive, ['U0123LIN']);
  const at = (part: string) => blocks.findIndex((block) => block.includes(part));

  expect(blocks[0]).toMatch(/Irreversible.*Deletes 3 stopped containers.*Can't be undone.*outside of volumes is lost/);
  expect(at('Checked again before applying:')).toBe(1);
  expect(at('Steps')).toBe(2);
  expect(at('of 2 approvals.')).toBe(3);
  expect(at('wrench:approve')).toBe(4);
  expect(at('Each step is checked again')).toBe(5);
  expect(blocks.at(-1)).toContain(remediations.plannedDestructive.id);
});

test('a card names who may approve, but not the requester', () => {
  const needs = (approvers: readonly string[], record = planned) =>
    blocksOf(record, approvers).find((block) => block.includes('approval'));

  expect(needs(['U0123ADA', 'U0123LIN'])).toContain('*Needs 1 approval* from <@U0123LIN>. Expires');
  expect(needs(['U0123ADA'])).toContain('*Needs 1 approval* from someone other than <@U0123ADA>. Expires');
  expect(needs([])).toContain('from someone other than <@U0123ADA>');
  expect(needs(['U0123LIN'], remediations.plannedDestructive)).toContain(
    '*1 of 2 approvals.* Needs 1 more from <@U0123LIN>. Expires',
  );
  // Grace has approved it already.
  expect(needs(['U0123GRACE', 'U0123LIN'], remediations.plannedDestructive)).toContain('1 more from <@U0123LIN>.');
  expect(needs(['S0123LEADS'])).toContain(', not from <@U0123ADA>. Expires');
});

test('a safe fix is confirmed, and never waits for an approval', () => {
  const { fixedSafe, plannedForMany } = remediations;
  const states = [
    plannedForMany,
    { ...fixedSafe, state: 'approved' },
    fixedSafe,
  ] as const satisfies readonly RemediationRecord[];

  for (const record of states) {
    const { text, blocks } = renderCard(record);
    expect(text + JSON.stringify(blocks)).not.toMatch(/PLAN\b|APPROVED|[Aa]pproved by|Applies immediately|approval/);
  }
  expect(renderCard(plannedForMany).text).toContain('CONFIRMED · Renew all 13');
  expect(renderCard(fixedSafe).text).toContain('Confirmed by <@U0123ADA>');
  expect(blocksOf(fixedSafe).at(-1)).toContain('4.0 s from confirmation to fixed');
});

test('what was only true until a fix is verified disappears with the proof', () => {
  const { settling, unverified } = inState;
  const incomplete = { ...fixed.after!, measures: [{ label: 'metron_agent', value: 11, of: 12, unit: 'running' }] };
  const says = (record: RemediationRecord) => blocksOf(record).join('\n').includes('It should register within 5 s');

  expect(says(fixed)).toBe(false);
  expect(says(inState.failed)).toBe(false);
  for (const record of [settling, unverified, { ...fixed, after: incomplete }, { ...fixed, after: { ...fixed.after!, gaps: ['bosh'] } }])
    expect(says(record)).toBe(true);
  expect(blocksOf(remediations.fixedSafe).join('\n')).toContain('Deploy what uses secret/cf/bbs/locket/tls');
});

test('a fix that takes minutes to prove says so before it is approved, and then how many are left', () => {
  const slow = { ...planned.plan!, settlesWithinSeconds: 600 };

  expect(blocksOf(planned).join('\n')).not.toContain('It should register within 5 s');
  expect(blocksOf({ ...planned, plan: slow }).join('\n')).toContain('It should register within 5 s');
  const { settling } = remediations.settlingSlowly;
  const record = { ...remediations.settlingSlowly, settling: { ...settling!, until: '2026-11-20T14:15:31.000Z' } };
  expect(renderCard(record).text).toMatch(/Checks again every 5 s until .*\(10 minutes left\)/);
});

test('a fix whose finding is gone says why that proves nothing', () => {
  const unproven = 'Deployment shop/web has 1 of 2 new pods';
  const gone = { ...remediations.settlingSlowly.settling!.observed!, finding: 'gone' as const, unproven };
  const { settling } = remediations.settlingSlowly;
  const waiting = { ...remediations.settlingSlowly, settling: { ...settling!, observed: gone } };
  const ended = { ...remediations.unverified, after: gone, because: `10 minutes after it was applied: ${unproven}` };

  expect(renderCard(waiting).text).toContain(`The finding is gone, which proves nothing yet: ${unproven}.`);
  const { text } = renderCard(ended);
  expect(text).toContain('Applied, and the finding is gone, which proves nothing.');
  expect(text.split(unproven)).toHaveLength(2);
});

test('a plan of an older version has neither a risk line nor small print that it lacks', () => {
  const { impact: _, safety: __, untilVerified: ___, ...old } = planned.plan!;
  const [head, steps] = blocksOf({ ...planned, plan: { ...old, afterwards: ['Run a smoke test.'] } });

  expect(head).toContain('Disruptive');
  expect(steps).toContain('Steps');
});

test('the card counts approvals and says whose does not count', () => {
  const two: RemediationRecord = { ...planned, approvalsNeeded: 2, approvals: [{ by: 'U0123GRACE', at: now.toISOString() }] };

  expect(renderCard(two).text).toContain(
    '*1 of 2 approvals.* Needs 1 more from someone other than <@U0123ADA>. Expires <!date^',
  );
});

test('the card of a fix begins with the proof', () => {
  expect(renderCard(fixed).text.split('\n')[0]).toBe(
    ':white_check_mark: FIXED · doppler_z2: 0 -&gt; 1 registered; metron_agent running on 12 of 12',
  );
  const unmeasured = renderCard({ ...fixed, before: { ...fixed.after!, measures: [] }, after: { ...fixed.after!, measures: [] } });
  expect(unmeasured.text).toContain('FIXED · All 3 dopplers are running and registered');
  expect(JSON.stringify(renderCard(fixed).blocks)).toContain('30.4 s from approval to fixed');
});

test('an interrupted fix is never reported as applied or not applied', () => {
  const { text } = renderCard(inState.interrupted);

  expect(text).toContain("Wrench won't retry it: check what was applied.");
});

test('forty lines and thirteen targets fit on the card', () => {
  const lines = Array.from({ length: 40 }, (_, at) => `Delete the orphan key /healthstatus/doppler/z${at}/doppler/${at} in etcd`);
  const targets = Array.from({ length: 13 }, (_, at) => `etcd:/healthstatus/doppler/z${at}`);
  const long: RemediationRecord = { ...planned, plan: { ...planned.plan!, lines, targets } };

  const shown = JSON.stringify(renderCard(long).blocks);

  expect(planFile(long)).toBeUndefined();
  for (const part of [...lines, ...targets]) expect(shown).toContain(part);
});

test('a card says that its plan does not fit, and the file has all of it', () => {
  const lines = Array.from({ length: 400 }, (_, at) => `Delete the orphan key /healthstatus/doppler/z${at} in etcd`);
  const long: RemediationRecord = { ...planned, plan: { ...planned.plan!, lines } };

  const shown = JSON.stringify(renderCard(long).blocks);
  const file = planFile(long);

  expect(shown).toMatch(/and \d+ more/);
  expect(shown).toContain(`The attached plan-${long.id}.txt has the rest: read it before you approve.`);
  expect(file?.content).toContain(long.planHash);
  for (const part of lines) expect(file?.content).toContain(part);
});

test('a plan with more than fifty lines is summarized with its bytes, and the file has all of it', () => {
  const lines = Array.from({ length: 51 }, (_, at) => `Remove build-${at}`);
  const { impact: _, ...unweighed } = planned.plan!;
  const long: RemediationRecord = { ...planned, plan: { ...unweighed, lines, bytes: 46_000_000_000 } };

  const shown = JSON.stringify(renderCard(long).blocks);

  expect(shown).toContain('51 steps, for example:');
  expect(shown).toContain('Remove build-9');
  expect(shown).not.toContain('Remove build-10');
  expect(shown).toContain('and 41 more');
  expect(shown).toContain('46.0 GB');
  for (const part of lines) expect(planFile(long)?.content).toContain(part);
});

test('a single offer has the primary button; several have none', () => {
  const other: RemediationRecord = { ...offered, id: 'm0000000000000001', title: 'Restart doppler_z1/0' };
  const at = { now: new Date('2026-11-20T14:10:00.000Z') };

  expect(buttonsOf(renderOffers([offered], at))).toMatchObject([{ value: offered.id, style: 'primary' }]);
  expect(buttonsOf(renderOffers([offered, other], at)).map(({ style, value }) => [style, value])).toEqual([
    [undefined, offered.id],
    [undefined, other.id],
  ]);
});

test('the button of a safe fix needs a confirmation', () => {
  const [button] = buttonsOf(renderOffers([{ ...offered, risk: 'safe' }], { now: new Date('2026-11-20T14:10:00.000Z') }));

  expect(button).toMatchObject({
    confirm: {
      title: { text: 'Restart doppler_z2/0?' },
      text: { text: "In prod. Applies immediately, if it's still needed." },
      confirm: { text: 'Restart' },
      deny: { text: 'Cancel' },
    },
  });
});

test('the confirmation of a safe fix says what will be written where', () => {
  const effect = 'Writes a new version of secret/cf/bbs/locket/tls in vault. Deploys nothing.';
  const textOf = (record: RemediationRecord) =>
    buttonsOf(renderOffers([record], { now: new Date('2026-11-20T14:10:00.000Z') }))[0]?.confirm?.text.text;

  expect(textOf({ ...offered, risk: 'safe', effect })).toBe(`In prod: ${effect}`);
  const long = textOf({ ...offered, risk: 'safe', effect: `Writes ${'x'.repeat(900)}` });
  expect(long?.length).toBeLessThanOrEqual(300);
});

test('an offer has a button until it is requested or expires', () => {
  const message = renderOffers([offered, planned], { now: new Date('2026-11-20T18:00:00.000Z') });

  expect(buttonsOf(message)).toEqual([]);
  expect(message.text).toContain('expired; run the check again');
  expect(message.text).toContain('requested by <@U0123ADA> <!date^1795183450^');
  expect(message.text).toMatch(/: in progress$/);
});

test('five fixes have their own buttons, and the rest are behind Choose', () => {
  const many = Array.from({ length: 57 }, (_, at) => ({ ...offered, id: `m${at}`, title: `Restart doppler_z2/${at}` }));
  const requested = { ...planned, id: 'm-requested', title: 'Restart doppler_z1/0' };

  const message = renderOffers([...many, requested], { now: new Date('2026-11-20T14:10:00.000Z') });

  expect(buttonsOf(message).map(({ action_id, value }) => [action_id, value])).toEqual([
    ...['m0', 'm1', 'm2', 'm3', 'm4'].map((id) => ['wrench:request', id]),
    ['wrench:choose', offered.runId],
  ]);
  expect(JSON.stringify(message.blocks)).toContain('52 more fixes, one at a time');
  expect(JSON.stringify(message.blocks)).toMatch(/Restart doppler_z1\/0.*in progress/);
  expect(message.text).toContain('• 52 more fixes, one at a time');
});

test('the fixes of the most severe findings come first', () => {
  const other = { ...offered, id: 'm0000000000000001', finding: { ...offered.finding, reason: 'orphan-key' } };
  const { reason, target } = offered.finding;
  const findings = [
    { reason: 'orphan-key', target, severity: 'warning' as const },
    { reason, target, severity: 'critical' as const },
  ];

  expect(mostSevereFirst([other, offered], findings)).toEqual([offered, other]);
});

test('if all fixes are unavailable, each reason is shown once', () => {
  const because = 'destructive, and off until `remediations.destructive` names `etcd/health:free-space`';
  const disabled = ['etcd-1', 'etcd-2', 'etcd-3', 'etcd-4'].map((member) => ({ title: `Free space in ${member}`, because }));

  expect(renderOffers([], { disabled }).text).toBe(
    `Unavailable fixes:\n• Free space in etcd-1, Free space in etcd-2, Free space in etcd-3 and 1 more: ${because}`,
  );
});

test('a name at the start of a verdict is not capitalized on the card', () => {
  const after = { ...fixed.after, verdict: 'locket expired 3 days ago' } as NonNullable<RemediationRecord['after']>;

  const { text, blocks } = renderCard({ ...fixed, after });

  expect(text + JSON.stringify(blocks)).toContain('locket expired 3 days ago.');
});
