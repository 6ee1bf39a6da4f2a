import { expect, test } from 'vitest';
import { SourceError } from '../../kit.ts';
import { check } from './check.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { announced, deployment, doppler, etcd, factsOf, members, SERVER_TIME } from './sightings.ts';

function ask(facts: Facts, args: Record<string, string> = {}) {
  return diagnose(facts, check.args.parse(args), SERVER_TIME);
}

const lines = ({ findings }: ReturnType<typeof ask>) =>
  findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);

const ONE = { name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' };
const DOWN = {
  error: new SourceError('etcd', 'unreachable', '10.0.16.6:4001 refused the connection'),
  absence: 'not-listening',
} as const;
const TWO = { name: 'doppler_z2/0', id: 'id-2', address: '10.0.2.1' };

test('all keys fading at once is a shared cause, too: no restart, and none counts as registered', () => {
  const fading = { before: { modified: 56_766_863 }, ttl: 3 };
  const facts = factsOf(
    [
      etcd([
        announced('z1/doppler_z1/id-1', '10.0.1.1', fading),
        announced('z2/doppler_z2/id-2', '10.0.2.1', fading),
      ]),
    ],
    [deployment([doppler(ONE), doppler(TWO)])],
  );
  const report = ask(facts);
  expect(report.verdict).toBe('None of the 2 dopplers refreshes its key');
  expect(lines(report)).toEqual(['critical all-missing /doppler/meta']);
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
  expect(report.measures).toContainEqual({ label: 'doppler_z2', value: 0, unit: 'registered' });
});

test('one doppler alone that runs where nobody ever registered is not offered a restart', () => {
  const report = ask(factsOf([etcd([])], [deployment([doppler(ONE)])]));
  expect(report.verdict).toBe('The only doppler (doppler_z1/0) is not registered');
  expect(lines(report)).toEqual(['critical all-missing /doppler/meta']);
  expect(report.findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'Nothing ever there',
    value:
      '/doppler/meta and /healthstatus/doppler do not exist: the store was wiped, or nothing ever registered (from CF v251 on nothing does)',
  });
});

test('one doppler alone whose empty directory remembers it is offered one', () => {
  const look = etcd([], { empty: ['/doppler/meta/z1/doppler_z1'] });
  const report = ask(factsOf([look], [deployment([doppler(ONE)])]));
  expect(lines(report)).toEqual(['critical registration-stuck doppler_z1/0']);
  expect(report.findings[0]?.offers).toHaveLength(1);
});

test('keys that were read before the quorum was lost are not judged', () => {
  const { later: _, ...look } = etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')], {
    members: members(['a', 'b', 'c'], { b: DOWN, c: DOWN }, { hasQuorum: false }),
  });
  const report = ask(factsOf([look], [deployment([doppler(ONE), doppler(TWO)])]));
  expect(lines(report)).toEqual(['critical quorum-lost etcd']);
  expect(report).toMatchObject({ examined: 0, measures: [{ label: 'metron_agent', value: 2 }] });
  const alone = ask(factsOf([look], [], 'nobody-tells'));
  expect(alone.verdict).toBe('etcd has lost its quorum: 1 of 3 members responds; no doppler can be judged');
});

test.each([
  [2_000, []],
  [2_001, ['critical clock-skew etcd']],
])('clocks of members that differ by %i ms: %j', (clockAheadMs, expected) => {
  const facts = factsOf(
    [
      etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')], {
        members: members(['a', 'b', 'c'], { b: { clockAheadMs } }),
      }),
    ],
    [deployment([doppler(ONE)])],
  );
  expect(lines(ask(facts))).toEqual(expected);
});

test('a clock that all members share is right among them, however far from ours', () => {
  const ahead = { clockAheadMs: 90_000 };
  const facts = factsOf(
    [
      etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')], {
        members: members(['a', 'b', 'c'], { a: ahead, b: ahead, c: ahead }),
      }),
    ],
    [deployment([doppler(ONE)])],
  );
  expect(ask(facts).findings).toEqual([]);
});

test('a metron_agent that is starting does not run yet', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])],
    [deployment([doppler({ ...ONE, processes: { metron_agent: 'starting' } })])],
  );
  expect(ask(facts).measures).toContainEqual({ label: 'metron_agent', value: 0, of: 1, unit: 'running' });
});

test('whether dopplers are why metron_agent is down is not said where they could not be seen', () => {
  const down = doppler({ ...ONE, processes: { metron_agent: 'failing' } });
  const [finding] = ask(factsOf([{ name: 'etcd' }], [deployment([down])])).findings;
  expect(finding?.summary).toBe(
    'metron_agent is down on 1 of 1 VM: whether for want of a doppler cannot be told here; see /bosh processes',
  );
});

test('where no doppler speaks their protocol, that is why metron agents are down', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1', { schemes: ['ws'] })])],
    [deployment([doppler({ ...ONE, processes: { metron_agent: 'failing' } })])],
  );
  expect(ask(facts).findings.map(({ summary }) => summary)).toContain(
    'metron_agent is down on 1 of 1 VM: most likely because no doppler listens on [udp]',
  );
});

test('a metron_agent of CF v251 or later does not look in etcd, and is not counted here', () => {
  const modern = deployment([doppler({ ...TWO, processes: { metron_agent: 'failing' } })], {
    name: 'cf-new',
    version: 'cf/260',
  });
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])],
    [deployment([doppler(ONE)], { version: 'cf/245' }), modern],
  );
  const report = ask(facts);
  expect(report).toMatchObject({ examined: 1, findings: [] });
  expect(report.measures).toContainEqual({ label: 'metron_agent', value: 1, of: 1, unit: 'running' });
  expect(lines(ask(factsOf([etcd([])], [modern])))).toEqual(['info not-applicable /doppler/meta']);
});

test('a doppler that was just killed is said not to run, though its key is still there', () => {
  const fading = { before: { modified: 56_766_863 }, ttl: 3 };
  const facts = factsOf(
    [
      etcd([
        announced('z1/doppler_z1/id-1', '10.0.1.1', fading),
        announced('z2/doppler_z2/id-2', '10.0.2.1'),
      ]),
    ],
    [deployment([doppler({ ...ONE, state: 'failing', processes: { doppler: 'failing' } }), doppler(TWO)])],
  );
  expect(ask(facts).findings[0]?.summary).toBe(
    'doppler_z1/0 no longer refreshes its key, which goes away in 3 s: its doppler does not run (failing)',
  );
});
