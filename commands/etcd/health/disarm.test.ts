import { expect, test } from 'vitest';
import { type ReadContext, SourceError, type ports } from '../../kit.ts';
import { disarm } from './disarm.ts';
import { MB, QUOTA, alarm, idOf, leader, member, silent, store } from './builders.ts';

const ASKED = { store: 'etcd' };
const CLOSED = { healthy: false, unhealthyBecause: 'ALARM NOSPACE' };
const members = [leader('n1', CLOSED), member('n2', CLOSED), member('n3', CLOSED)];
const freed = store(members, { alarms: [alarm('n1'), alarm('n3')] });

function context(found: ports.StoreMembers): ReadContext<'keyValue'> {
  const one: ports.KeyValueStore = {
    name: 'etcd',
    maintain: true,
    tree: () => Promise.reject(new Error('no key is read')),
    members: () => Promise.resolve(found),
    diskCounters: () => Promise.reject(new Error('no disk is read')),
  };
  return {
    read: { keyValue: [one] },
    now: new Date('2026-02-20'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

async function apply(found: ports.StoreMembers) {
  const read = context(found);
  const disarmed: ports.StoreAlarm[] = [];
  const steps: string[] = [];
  const refuse = () => Promise.reject(new Error('nothing else is done'));
  await disarm.apply(
    {
      ...read,
      write: {
        keyValue: () => ({
          compact: refuse,
          defragment: refuse,
          disarm: async (one) => void disarmed.push(one),
        }),
      },
      applyContext: { idempotencyKey: 'm0123456789abcdef', signal: read.signal },
      recordStep: async (line) => void steps.push(line),
    },
    ASKED,
    { lines: [], targets: [], precondition: {} },
  );
  return { disarmed, steps };
}

test('the plan is one step, bound to the members and the alarm', async () => {
  expect(await disarm.plan(context(freed), ASKED)).toMatchObject({
    lines: ['Disarm every NOSPACE alarm, if each database is still below its quota'],
    targets: ['etcd:etcd'],
    precondition: {
      alarms: 'NOSPACE',
      members: `n1 (${idOf('n1')}), n2 (${idOf('n2')}), n3 (${idOf('n3')})`,
    },
  });
});

test('every NOSPACE alarm is disarmed, also one without a member, and nothing else is done', async () => {
  const alarms = [alarm('n1'), { kind: 'NOSPACE' }];
  expect(await apply({ ...freed, alarms })).toEqual({
    disarmed: alarms,
    steps: ['NOSPACE alarm of n1 disarmed', 'NOSPACE alarm of no member disarmed'],
  });
});

const fullAgain = { ...CLOSED, dbSizeBytes: QUOTA + MB, dbInUseBytes: QUOTA };
test.each<[string, ports.StoreMembers, string]>([
  ['has no alarm', store([leader('n1'), member('n2')]), 'no alarm is raised'],
  [
    'is still full',
    { ...freed, members: [leader('n1', fullAgain), member('n2', CLOSED)] },
    'no space was freed yet',
  ],
  ['is corrupt', { ...freed, alarms: [...freed.alarms, { kind: 'CORRUPT' }] }, 'CORRUPT is raised'],
  [
    'has a member down',
    store([...members.slice(1), silent('n4')], { alarms: freed.alarms }),
    'n4 is not healthy',
  ],
])('an etcd that %s is refused, with the reason', async (_, found, because) => {
  const planned = disarm.plan(context(found), ASKED);
  await expect(planned).rejects.toThrow(because);
  await expect(planned).rejects.toBeInstanceOf(SourceError);
});

test('the alarm stays if the database filled up since the plan', async () => {
  const refilled = { ...freed, members: [leader('n1', fullAgain), ...members.slice(1)] };
  await expect(apply(refilled)).rejects.toThrow('still full: n1');
});
