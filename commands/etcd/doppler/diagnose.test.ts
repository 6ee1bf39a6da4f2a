import { expect, test } from 'vitest';
import { check } from './check.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { announced, deployment, doppler, etcd, factsOf, SERVER_TIME } from './builders.ts';
import * as stories from './stories.ts';

function ask(facts: Facts, args: Record<string, string> = {}) {
  return diagnose(facts, check.args.parse(args), SERVER_TIME);
}

const lines = ({ findings }: ReturnType<typeof ask>) =>
  findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);

const ONE = { name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' };
const TWO = { name: 'doppler_z2/0', id: 'id-2', address: '10.0.2.1' };

test('names the one doppler behind every broken VM, and offers to restart that one alone', () => {
  const report = ask(stories.everyVmBroken.facts);

  expect(report.verdict).toBe(
    'doppler_z2/0 is running but not registered; the other 2 are. metron_agent is down on 12 of 12 VMs',
  );
  expect(lines(report)).toEqual([
    'critical registration-stuck doppler_z2/0',
    'critical metron-down metron_agent',
  ]);
  const [stuck, metron] = report.findings;
  expect(stuck?.offers).toEqual([
    {
      remediation: 'restart',
      params: {
        source: 'bosh',
        deployment: 'cf',
        group: 'doppler_z2',
        id: 'abe6a4e9-cd8f-4b1c-8a0e-5f6a3c1b7e02',
        name: 'doppler_z2/0',
        process: 'doppler',
      },
    },
  ]);
  expect(stuck?.evidence).toContainEqual({
    kind: 'field',
    label: 'Directory',
    value: '/doppler/meta/z2/doppler_z2 exists but is empty: an instance registered there before',
  });
  expect(stuck?.evidence).toContainEqual({
    kind: 'table',
    columns: ['Instance', 'Registered', 'TTL', 'Process'],
    rows: [
      ['doppler_z2/0', 'no', '', 'running'],
      ['doppler_z1/0', 'yes', '7 s', 'running'],
      ['doppler_z3/0', 'yes', '7 s', 'running'],
    ],
  });
  expect(metron?.summary).toBe(
    'metron_agent is down on 12 of 12 VMs: most likely because doppler_z2/0 is not registered',
  );
  expect(metron?.offers).toBeUndefined();
});

test('measures show the fix', () => {
  expect(ask(stories.everyVmBroken.facts).measures).toEqual([
    { label: 'doppler_z1', value: 1, unit: 'registered' },
    { label: 'doppler_z2', value: 0, unit: 'registered' },
    { label: 'doppler_z3', value: 1, unit: 'registered' },
    { label: 'metron_agent', value: 0, of: 12, unit: 'running' },
  ]);
  const after = ask(stories.everyVmMended.facts);
  expect(after.measures).toContainEqual({ label: 'doppler_z2', value: 1, unit: 'registered' });
  expect(after.measures).toContainEqual({ label: 'metron_agent', value: 12, of: 12, unit: 'running' });
  expect(after).toMatchObject({ examined: 3, verdict: 'All 3 dopplers are registered', findings: [] });
});

test('without a majority, no doppler is judged and no restart is offered', () => {
  const report = ask(stories.quorumLost.facts);
  expect(report.verdict).toBe(
    "etcd has lost its quorum: 1 of 3 members responds; couldn't check any doppler. metron_agent is down on 12 of 12 VMs",
  );
  expect(lines(report)).toEqual(['critical quorum-lost etcd', 'critical metron-down metron_agent']);
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
  expect(report.findings[0]?.summary).toMatch(/Bring back .* first\. Restarting doppler won't help$/);
  expect(report.findings[1]?.summary).toContain('most likely because of the problem with etcd');
});

test('if the clocks of the members differ, TTLs are wrong and no restart is offered', () => {
  const report = ask(stories.clocksApart.facts);
  expect(report.verdict).toContain(
    "The clocks of etcd's members differ by 41.3 s; doppler_z2/0 and doppler_z3/0",
  );
  expect(lines(report)).toEqual(['critical clock-skew etcd', 'critical metron-down metron_agent']);
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test('all dopplers missing at once have a shared cause: no restart, but a list of what to check', () => {
  const report = ask(stories.syncClusterFailed.facts);
  expect(report.verdict).toBe('None of the 3 dopplers is registered');
  expect(lines(report)).toEqual(['critical all-missing /doppler/meta']);
  const [finding] = report.findings;
  expect(finding?.summary).toContain('(2 failing, 1 running)');
  expect(finding?.offers).toBeUndefined();
  const causes = finding?.evidence?.at(-1);
  expect(causes?.kind === 'table' && causes.rows.join('\n')).toMatch(
    /stderr\.log[^]*\/etcd health[^]*certs expiring[^]*consul/,
  );
});

test('endpoints of two clusters are the cause, and the dopplers are not missing', () => {
  const report = ask(stories.twoClusters.facts);
  expect(report.verdict).toBe(
    "The endpoints of etcd are 2 separate clusters; couldn't check any doppler. metron_agent is down on 12 of 12 VMs",
  );
  expect(lines(report)).toEqual(['critical several-clusters etcd', 'critical metron-down metron_agent']);
  expect(report.findings[1]?.summary).toContain('most likely because of the problem with etcd');
});

test('expired certificates of all members are the cause', () => {
  const { facts, now } = stories.certificatesExpired;
  const report = diagnose(facts, check.args.parse({}), now);
  expect(report.verdict).toMatch(
    /^All 3 endpoint certificates of etcd have expired; couldn't check any doppler/,
  );
  expect(lines(report)).toEqual(['critical certificate-expired etcd', 'critical metron-down metron_agent']);
});

test('under NOSPACE the dopplers are registered, and the alarm is reported', () => {
  const report = ask(stories.noSpace.facts);
  expect(report.verdict).toBe('All 3 dopplers are registered; etcd has raised the alarm NOSPACE');
  expect(lines(report)).toEqual(['warning no-space etcd']);
});

test('a Cloud Foundry from v251 on has nothing to check here, and its dopplers are not reported as missing', () => {
  const report = ask(stories.since251.facts);
  expect(lines(report)).toEqual(['info not-applicable /doppler/meta']);
  expect(report.verdict).toBe(
    "The dopplers of cf don't register in etcd (CF v251 and later): nothing to check",
  );
});

test('no doppler and no key is not a green report', () => {
  const report = ask(factsOf([etcd([])], []));
  expect(lines(report)).toEqual(['info not-applicable /doppler/meta']);
});

test('if not all instances were read, the report does not say that there is nothing to check', () => {
  expect(ask(factsOf([etcd([])], [], 'partly'))).toMatchObject({ examined: 0, findings: [] });
});

test('each row of the table is a separate finding, in the order of work', () => {
  const report = ask(stories.oneOfEach.facts);
  expect(lines(report)).toEqual([
    'critical heartbeat-stopped doppler_z1/0',
    'critical process-failing doppler_z1/2',
    'critical instance-unresponsive doppler_z1/3',
    'critical key-corrupt /doppler/meta/z2/doppler_z2/id-6',
    'critical key-corrupt /doppler/meta/z2/doppler_z2/id-7',
    'critical key-corrupt /doppler/meta/z3/doppler_z3/id-8',
    'warning member-unhealthy etcd',
    'warning process-starting doppler_z1/4',
    'warning registration-flapping doppler_z1/1',
    'warning protocol-mismatch /doppler/meta',
    'warning key-orphan /doppler/meta/z2/doppler_z2/gone',
    'info legacy-only doppler_z3/2',
  ]);
  expect(report.verdict).toMatch(
    /; the other 2 are registered; etcd_z3_0 of etcd is not healthy; 2 other problems with keys$/,
  );
  expect(report.findings.find(({ reason }) => reason === 'protocol-mismatch')?.summary).toBe(
    "1 of 4 dopplers does not listen on [udp], which metron_agent uses. Fix the configuration; a restart won't help",
  );
});

test('only faults that a restart fixes offer one', () => {
  const { findings } = ask(stories.oneOfEach.facts);
  expect(findings.filter(({ offers = [] }) => offers.length > 0).map(({ reason }) => reason)).toEqual([
    'heartbeat-stopped',
    'process-failing',
  ]);
});

test('an address that is not the instance’s own is reported with both', () => {
  const { findings } = ask(stories.oneOfEach.facts);
  expect(findings.find(({ target }) => target.endsWith('id-6'))?.summary).toBe(
    'The key of doppler_z2/0 is invalid: it announces 10.0.99.9, but doppler_z2/0 has 10.0.2.1',
  );
});

test('a key with a negative TTL registers no instance', () => {
  const facts = factsOf(
    [
      etcd([
        announced('z1/doppler_z1/id-1', '10.0.1.1', { ttl: -4 }),
        announced('z2/doppler_z2/id-2', '10.0.2.1'),
      ]),
    ],
    [deployment([doppler(ONE), doppler(TWO)])],
  );
  expect(lines(ask(facts))).toEqual(['critical registration-stuck doppler_z1/0']);
});

test('keys are judged by the server’s clock, not Wrench’s', () => {
  const store = etcd([announced('z1/doppler_z1/id-1', '10.0.1.1', { ttl: 5 })]);
  const slow = {
    ...store,
    later: store.later?.map((tree) => ({ ...tree, serverTime: new Date('2016-12-06T19:42:40Z') })) ?? [],
  };
  const facts = (one: typeof store) => factsOf([one], [deployment([doppler(ONE)])]);
  expect(ask(facts(store)).findings).toEqual([]);
  expect(lines(ask(facts(slow)))).toEqual(['critical registration-stuck doppler_z1/0']);
});

test('a restart that the configuration forbids is not offered, and the finding says why', () => {
  const restart = { allowed: false, because: 'restarts of doppler are not allowed here' } as const;
  const facts = factsOf(
    [etcd([announced('z2/doppler_z2/id-2', '10.0.2.1')])],
    [deployment([doppler({ ...ONE, restart }), doppler(TWO)])],
  );
  const [finding] = ask(facts).findings;
  expect(finding?.offers).toBeUndefined();
  expect(finding?.evidence).toContainEqual({
    kind: 'field',
    label: 'No restart offered',
    value: 'restarts of doppler are not allowed here',
  });
});

test('a restart is offered for a stuck doppler even if another process on its VM is still starting', () => {
  const facts = factsOf(
    [etcd([announced('z2/doppler_z2/id-2', '10.0.2.1')])],
    [
      deployment([
        doppler({ ...ONE, state: 'starting', processes: { metron_agent: 'starting' } }),
        doppler(TWO),
      ]),
    ],
  );
  expect(ask(facts).findings[0]?.offers).toHaveLength(1);
});

test('no restart is offered if other processes may be restarted alone, but not this one', () => {
  const restart = { allowed: true, scope: 'process', processes: ['metron_agent'], sideEffects: [] } as const;
  const facts = factsOf(
    [etcd([announced('z2/doppler_z2/id-2', '10.0.2.1')])],
    [deployment([doppler({ ...ONE, restart }), doppler(TWO)])],
  );
  const [finding] = ask(facts).findings;
  expect(finding?.offers).toBeUndefined();
  expect(finding?.evidence).toContainEqual({
    kind: 'field',
    label: 'No restart offered',
    value: 'the configuration does not allow restarting doppler',
  });
});

test('the task that locks the deployment is shown with the offer', () => {
  const store = etcd([announced('z2/doppler_z2/id-2', '10.0.2.1')]);
  const lock = { taskId: '1180', description: 'create deployment' };
  const [finding] = ask(factsOf([store], [deployment([doppler(ONE), doppler(TWO)], { lock })])).findings;
  expect(finding?.evidence).toContainEqual({
    kind: 'field',
    label: 'Locked',
    value: 'its deployment is locked by task 1180 (create deployment)',
  });
});

test('no doppler is reported as missing in a store that could not be read', () => {
  const facts = factsOf([{ name: 'etcd' }], [deployment([doppler(ONE), doppler(TWO)])]);
  expect(ask(facts)).toMatchObject({ examined: 0, findings: [] });
});

test('metron_agent down with all dopplers registered has another cause', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])],
    [deployment([doppler({ ...ONE, processes: { metron_agent: 'failing' } })])],
  );
  const report = ask(facts);
  expect(report.verdict).toBe('doppler_z1/0 is registered. metron_agent is down on 1 of 1 VM');
  expect(report.findings[0]?.summary).toContain('not because of a missing doppler; see `/bosh processes`');
});

test('the protocol of metron_agent is an argument', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1', { schemes: ['ws'] })])],
    [deployment([doppler(ONE)])],
  );
  expect(ask(facts).verdict).toBe('doppler_z1/0 is registered; no doppler listens on [udp]');
  expect(ask(facts).findings[0]?.summary).toBe(
    "No doppler listens on [udp], which metron_agent uses. Fix the configuration; a restart won't help",
  );
  expect(ask(facts, { protocols: 'tls,ws' }).findings).toEqual([]);
});

test('10,000 keys are judged fast', () => {
  const many = Array.from({ length: 10_000 }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`);
  const facts = factsOf(
    [etcd(many.map((address, at) => announced(`z1/doppler_z1/id-${at}`, address)))],
    [deployment(many.map((address, at) => doppler({ name: `doppler_z1/${at}`, id: `id-${at}`, address })))],
  );
  expect(ask(facts)).toMatchObject({ examined: 10_000, verdict: 'All 10000 dopplers are registered' });
});
