import { beforeEach, expect, test } from 'vitest';
import { anOffer } from '../../../test/world/remediation.ts';
import { remediationsSchema } from '../../store/remediation/policy.ts';
import type { RemediationRecord } from '../../store/remediation/record.ts';
import { makeLog } from '../../telemetry/log.ts';
import type { IdentifiedDelivery } from '../access/identify.ts';
import { OFFERS_PART } from '../delivery/cards.ts';
import type { ActionDeps } from './buttons.ts';
import { makeChooseHandler, makeChosenHandler } from './choose.ts';

const LISTED = { channelId: 'C1', ts: '2.000100' };
const FIX = anOffer({ runId: 'r1', asked: { ...anOffer({}).asked, channelId: 'C1' } });
const ELSEWHERE: RemediationRecord = { ...FIX, id: `m${'9'.repeat(16)}`, runId: 'r2' };
const delivery: IdentifiedDelivery = {
  kind: 'click',
  what: 'a click',
  userId: 'U1',
  triggerId: '1.2.abc',
  isBot: false,
  isEnterpriseInstall: false,
};

let opened: object[];
let offered: readonly RemediationRecord[];
let deps: ActionDeps;

beforeEach(() => {
  opened = [];
  offered = [FIX];
  const records = [FIX, ELSEWHERE];
  deps = {
    client: { views: { open: async (view: object) => void opened.push(view) } },
    threads: {
      read: async (runId: string) => ({
        root: { channelId: 'C1', ts: `${runId}-root` },
        locationOf: (part: string) => (runId === 'r1' && part === OFFERS_PART ? LISTED : undefined),
      }),
    },
    remediations: {
      listByRun: async () => offered,
      read: async (id: string) => {
        const record = records.find((one) => one.id === id);
        return record && { record, revision: 1 };
      },
    },
    policy: {
      ...remediationsSchema.parse({}),
      roles: { requester: ['U1'], approver: ['U2'], auditor: [] },
    },
    redact: (text: string) => text,
    log: makeLog({ level: 'fatal', secrets: [], to: { write: () => undefined } }),
  } as unknown as ActionDeps;
});

const click = (changed: object = {}) => ({
  actions: [{ action_id: 'wrench:choose', value: 'r1' }],
  channel: { id: 'C1' },
  message: { ts: LISTED.ts, thread_ts: '1.000100' },
  ...changed,
});
const submitted = (value: unknown, metadata: object = {}) => ({
  view: {
    private_metadata: JSON.stringify({
      button: 'request',
      value: 'r1',
      channelId: 'C1',
      messageTs: LISTED.ts,
      threadTs: '1.000100',
      ...metadata,
    }),
    state: { values: { fix: { choice: { selected_option: { value } } } } },
  },
});

test('a click opens the form for requesters, from the message with the fixes', async () => {
  const resolved = await makeChooseHandler(deps).resolve(delivery, click());

  expect(resolved).toMatchObject({ requires: { roles: ['requester'] } });
  if (!('form' in resolved)) throw new Error('no form');
  await resolved.form();
  expect(JSON.stringify(opened)).toContain(FIX.id);
});

test.each([
  ['another message', click({ message: { ts: '3.000100' } })],
  ['another channel', click({ channel: { id: 'C2' } })],
  ['another run', click({ actions: [{ action_id: 'wrench:choose', value: 'r2' }] })],
])('a click from %s is refused', async (_, body) => {
  expect(await makeChooseHandler(deps).resolve(delivery, body)).toHaveProperty('refusal');
});

test('a click is refused once nothing is left to choose', async () => {
  offered = [{ ...FIX, state: 'fixed' }];

  expect(await makeChooseHandler(deps).resolve(delivery, click())).toMatchObject({
    refusal: { because: 'no fix is left to choose; run the check again' },
  });
});

test.each([
  null,
  undefined,
  7,
  {},
  { actions: null },
  click({ actions: [] }),
  click({ actions: [{ action_id: 'wrench:choose', value: '../r1' }] }),
  click({ actions: [{ action_id: 'wrench:choose', value: {} }] }),
  click({ channel: null }),
  click({ message: { ts: '__proto__' } }),
])('a malformed click is refused: %j', async (body) => {
  expect(await makeChooseHandler(deps).resolve(delivery, body)).toHaveProperty('refusal');
});

test('a submission is resolved like a click on the button of the chosen fix', async () => {
  const handler = makeChosenHandler(deps);

  expect(handler.validate(submitted(FIX.id))).toBeUndefined();
  expect(await handler.resolve(delivery, submitted(FIX.id))).toMatchObject({
    subject: { click: { button: 'request', value: FIX.id, userId: 'U1' }, remediation: { id: FIX.id } },
    requires: { roles: ['requester'] },
  });
});

test.each([
  ['a fix of another run', submitted(ELSEWHERE.id)],
  ['an unknown fix', submitted(`m${'0'.repeat(16)}`)],
  ['another message', submitted(FIX.id, { messageTs: '3.000100' })],
  ['another channel', submitted(FIX.id, { channelId: 'C2' })],
  ['metadata that is not ours', submitted(FIX.id, { button: 'approve-all' })],
])('a submission for %s is refused', async (_, body) => {
  expect(await makeChosenHandler(deps).resolve(delivery, body)).toHaveProperty('refusal');
});

test.each([null, undefined, 7, {}, { view: null }, submitted(null), submitted('x'), submitted({})])(
  'a malformed submission stays open with an error, and is refused: %j',
  async (body) => {
    const handler = makeChosenHandler(deps);

    expect(handler.validate(body)).toMatchObject({ fix: 'Choose a fix.' });
    expect(await handler.resolve(delivery, body)).toHaveProperty('refusal');
  },
);
