import { expect, test } from 'vitest';
import { certificate } from '../../shared/builders.ts';
import { alarm, factsOf, leader, MB, member, serving, silent, store } from './builders.ts';
import { check } from './check.ts';
import type { StoreState } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { resolved } from './resolved.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;
const QUOTA_BYTES = 2_000 * MB;
const sized = (name: string, mb: number) => member(name, { dbSizeBytes: mb * MB, quotaBytes: QUOTA_BYTES });
const leading = (mb: number) => leader('n1', { dbSizeBytes: mb * MB, quotaBytes: QUOTA_BYTES });
const ask = (state: StoreState, reason: string, target = 'etcd') =>
  resolved(factsOf(state), { reason, target }, NOW);

test('a database that was filling up shows how full it is now', () => {
  expect(ask(store([leading(800), sized('n2', 820)]), 'database-filling')).toBe('now 41% of its quota used');
});

test('says nothing about space while a member does not report it', () => {
  expect(ask(store([leading(800), silent('n2')]), 'database-filling')).toBeUndefined();
});

test('a store that accepts no writes is not resolved while the alarm is raised', () => {
  expect(ask(store([leading(800)], { alarms: [alarm('n1')] }), 'no-space')).toBeUndefined();
  expect(ask(store([leading(800)]), 'no-space')).toBe('now 40% of its quota used');
});

test('reports a member that responds again, and nothing about one that does not or no longer exists', () => {
  const healthy = store([leader('n1'), member('n2')]);

  expect(ask(healthy, 'member-unreachable', 'etcd/n2')).toBe('responding again and healthy');
  expect(ask(healthy, 'quorum-lost')).toBe('both members are responding and healthy');
  expect(ask(healthy, 'member-unreachable', 'etcd/n3')).toBeUndefined();
  expect(ask(store([leader('n1'), silent('n2')]), 'member-unreachable', 'etcd/n2')).toBeUndefined();
  expect(ask(store([leader('n1'), member('n2', { healthy: false })]), 'quorum-lost')).toBeUndefined();
  expect(ask({ ...healthy, hasQuorum: false }, 'quorum-lost')).toBeUndefined();
});

test('a certificate is renewed only if the served one is new', () => {
  const renewed = certificate('n1', '2027-03-03T00:00:00Z', { notBefore: new Date('2026-11-25') });

  expect(ask(store([leader('n1', { certificate: renewed })]), 'certificate-expired', 'etcd/n1')).toBe(
    'renewed, now valid until 3 March 2027',
  );
  expect(
    ask(store([leader('n1', serving('n1', '2026-12-20'))]), 'certificate-expiring', 'etcd/n1'),
  ).toBeUndefined();
  expect(ask(store([leader('n1')]), 'certificate-expired', 'etcd/n1')).toBeUndefined();
  expect(
    ask(store([leader('n1', { certificate: renewed }), member('n2')]), 'certificate-expiring', 'etcd'),
  ).toBeUndefined();
});

test('says nothing about another reason or another store', () => {
  expect(ask(store([leading(800)]), 'corrupt')).toBeUndefined();
  expect(ask(store([leading(800)]), 'database-filling', 'etcd-events')).toBeUndefined();
});

const before = (name: string, mb: readonly number[]) =>
  mb.map((size, at) => ({
    memberId: member(name).id,
    ageMs: (mb.length - at) * HOUR_MS,
    dbSizeBytes: size * MB,
  }));
const judge = (state: StoreState) => diagnose(factsOf(state), check.args.parse({}), NOW);

test('a chart shows how full the fullest member was, in percent of its quota', () => {
  const state = store([leading(1_700), sized('n2', 1_000)], { earlier: before('n1', [1_000, 1_200, 1_500]) });

  expect(judge(state).charts).toMatchObject([
    { unit: '% of quota', series: [{ name: 'etcd', values: [50, 60, 75, 85] }] },
  ]);
});

test('databases far from their quotas need no chart', () => {
  expect(judge(store([leading(40)], { earlier: before('n1', [40, 40, 40]) })).charts).toEqual([]);
});

test('the level of a full database is the share of its quota', () => {
  expect(judge(store([leading(1_700)])).findings).toMatchObject([
    { reason: 'database-filling', level: { value: 85, unit: '% of quota' } },
  ]);
});
