import { expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { certificate } from '../../shared/builders.ts';
import { check } from './check.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import {
  announced,
  deployment,
  doppler,
  endpointsOf,
  etcd,
  factsOf,
  members,
  SERVER_TIME,
} from './builders.ts';

function ask(facts: Facts, args: Record<string, string> = {}) {
  return diagnose(facts, check.args.parse(args), SERVER_TIME);
}

const lines = ({ findings }: ReturnType<typeof ask>) =>
  findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);

const ONE = { name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' };
const DOWN = {
  error: new SourceError('etcd', 'unreachable', '10.0.16.6:4001 refused the connection'),
  failureMode: 'not-listening',
} as const;
const TWO = { name: 'doppler_z2/0', id: 'id-2', address: '10.0.2.1' };

test('if no key is refreshed, that is a shared cause: no restart, and none counts as registered', () => {
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

test('a single doppler offers no restart if nothing ever registered', () => {
  const report = ask(factsOf([etcd([])], [deployment([doppler(ONE)])]));
  expect(report.verdict).toBe('The only doppler (doppler_z1/0) is not registered');
  expect(lines(report)).toEqual(['critical all-missing /doppler/meta']);
  expect(report.findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'Never registered',
    value:
      "/doppler/meta and /healthstatus/doppler do not exist: the store was wiped, or nothing ever registered (since CF v251, dopplers don't)",
  });
});

test('a single doppler offers a restart if its empty directory shows that it registered before', () => {
  const store = etcd([], { empty: ['/doppler/meta/z1/doppler_z1'] });
  const report = ask(factsOf([store], [deployment([doppler(ONE)])]));
  expect(lines(report)).toEqual(['critical registration-stuck doppler_z1/0']);
  expect(report.findings[0]?.offers).toHaveLength(1);
});

test('keys that were read before the quorum was lost are not judged', () => {
  const { later: _, ...store } = etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')], {
    members: members(['a', 'b', 'c'], { b: DOWN, c: DOWN }, { hasQuorum: false }),
  });
  const report = ask(factsOf([store], [deployment([doppler(ONE), doppler(TWO)])]));
  expect(lines(report)).toEqual(['critical quorum-lost etcd']);
  expect(report).toMatchObject({ examined: 0, measures: [{ label: 'metron_agent', value: 2 }] });
  const alone = ask(factsOf([store], [], 'no-source'));
  expect(alone.verdict).toBe("etcd has lost its quorum: 1 of 3 members responds; couldn't check any doppler");
});

test('a store whose keys were read has a quorum, although no member responds in time', () => {
  const slow = endpointsOf().map(({ address }) => ({
    address,
    error: new SourceError('etcd', 'unreachable', 'did not respond within 2 s'),
    failureMode: 'hung' as const,
  }));
  const store = etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')], {
    members: { members: [], endpoints: slow, alarms: [] },
  });
  expect(lines(ask(factsOf([store], [deployment([doppler(ONE)])])))).toEqual([]);
});

test('in the middle of a verdict, nothing is capitalized', () => {
  const store = etcd(
    [announced('z1/doppler_z1/id-1', '10.0.1.1'), announced('z2/doppler_z2/id-2', '10.0.2.1')],
    {
      members: members(['a', 'b', 'c'], { b: { clockAheadMs: 9_000 } }),
    },
  );
  expect(ask(factsOf([store], [deployment([doppler(ONE), doppler(TWO)])])).verdict).toContain(
    '; both dopplers are',
  );
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

test('clocks that agree are no finding, however far they are from Wrench’s', () => {
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

test('a metron_agent that is starting is not running yet', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])],
    [deployment([doppler({ ...ONE, processes: { metron_agent: 'starting' } })])],
  );
  expect(ask(facts).measures).toContainEqual({ label: 'metron_agent', value: 0, of: 1, unit: 'running' });
});

test('if dopplers could not be read, it is unknown whether they are why metron_agent is down', () => {
  const down = doppler({ ...ONE, processes: { metron_agent: 'failing' } });
  const [finding] = ask(factsOf([{ name: 'etcd' }], [deployment([down])])).findings;
  expect(finding?.summary).toBe(
    'metron_agent is down on 1 of 1 VM: it is unknown whether a missing doppler is the cause; see `/bosh processes`',
  );
});

test('if no doppler listens on its protocol, that is why metron_agent is down', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1', { schemes: ['ws'] })])],
    [deployment([doppler({ ...ONE, processes: { metron_agent: 'failing' } })])],
  );
  expect(ask(facts).findings.map(({ summary }) => summary)).toContain(
    'metron_agent is down on 1 of 1 VM: most likely because no doppler listens on [udp]',
  );
});

test.each(['cf/260', 'v260', 'cf-release 270', 'cf-deployment', 'cf-deployment/1.2'])(
  'a metron_agent of %s does not use etcd, and is not counted',
  (version) => {
    const modern = deployment([doppler({ ...TWO, processes: { metron_agent: 'failing' } })], {
      name: 'cf-new',
      version,
    });
    const facts = factsOf(
      [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])],
      [deployment([doppler(ONE)], { version: 'cf/245' }), modern],
    );
    const report = ask(facts);
    expect(report).toMatchObject({ examined: 1, findings: [] });
    expect(report.measures).toContainEqual({ label: 'metron_agent', value: 1, of: 1, unit: 'running' });
    expect(lines(ask(factsOf([etcd([])], [modern])))).toEqual(['info not-applicable /doppler/meta']);
  },
);

test.each([undefined, '3541.2', 'cf/0+dev.1'])(
  'a doppler of an unknown version (%s) is expected to register',
  (version) => {
    const known = deployment([doppler(ONE), doppler(TWO)], version === undefined ? {} : { version });
    const report = ask(factsOf([etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])], [known]));
    expect(lines(report)).toEqual(['critical registration-stuck doppler_z2/0']);
  },
);

test('a doppler that was just killed is reported as not running, although its key still exists', () => {
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
    'doppler_z1/0 no longer refreshes its key, which expires in 3 s: its doppler is not running (failing)',
  );
});

const KEYS = [announced('z1/doppler_z1/id-1', '10.0.1.1'), announced('z2/doppler_z2/id-2', '10.0.2.1')];
const BOTH = [deployment([doppler(ONE), doppler(TWO)])];
const NAMES = ['a', 'b', 'c'];
const unreachable = new SourceError('etcd', 'unreachable', 'getaddrinfo ENOTFOUND');

/** Both dopplers registered in an etcd of three members. */
function askOf(
  known: Parameters<typeof members>[1],
  whole: Parameters<typeof members>[2] = {},
  names: readonly string[] = NAMES,
) {
  return ask(factsOf([etcd(KEYS, { members: members(names, known, whole) })], BOTH));
}

test.each([
  [
    'two clusters',
    endpointsOf({ 2: { clusterId: '92a3e1bb18b2aac8' } }),
    'several-clusters',
    "The endpoints of etcd are 2 separate clusters; couldn't check any doppler",
  ],
  [
    'three clusters of one member each',
    endpointsOf({ 1: { clusterId: '1' }, 2: { clusterId: '2' } }),
    'several-clusters',
    "The endpoints of etcd are 3 separate clusters; couldn't check any doppler",
  ],
  [
    'two leaders in one cluster',
    endpointsOf({ 2: { leaderId: 'ce2a822cea30bfc2' } }),
    'several-leaders',
    "The endpoints of etcd follow 2 leaders; couldn't check any doppler",
  ],
])('%s: their keys are not compared, and no restart is offered', (_, endpoints, reason, verdict) => {
  const store = etcd([KEYS[0]!], { members: members(NAMES, {}, { endpoints }) });
  const report = ask(factsOf([store], BOTH));
  expect(lines(report)).toEqual([`critical ${reason} etcd`]);
  expect(report).toMatchObject({ verdict, examined: 0 });
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test.each([
  ['is not a member', endpointsOf({ 2: { memberId: 'f00' } }), NAMES.slice(0, 2), 'endpoint-not-a-member'],
  ['lists other members', endpointsOf({ 2: { lists: ['ce2a822cea30bfc2'] } }), NAMES, 'member-lists-differ'],
])('an endpoint that %s is a warning, and dopplers are still judged', (_, endpoints, names, reason) => {
  const report = askOf({}, { endpoints }, names);
  expect(report.findings.map((finding) => `${finding.severity} ${finding.reason}`)).toEqual([
    `warning ${reason}`,
  ]);
  expect(report.verdict).toMatch(/^Both dopplers are registered; /);
});

test('an endpoint that does not respond, while all members were found elsewhere, may be another address of one', () => {
  const [first, second] = endpointsOf();
  const { memberId: _, ...third } = endpointsOf()[2]!;
  const endpoints = [first!, second!, { ...third, error: unreachable, failureMode: 'unreachable' as const }];
  const [finding] = askOf({}, { endpoints }, NAMES.slice(0, 2)).findings;
  expect(finding?.summary).toBe(
    '10.0.16.7:4001 is unreachable from here, but every member of etcd was found elsewhere, so it is no longer a member, or is a second address of one. Correct the endpoints of this source',
  );
});

test.each([
  [
    'a configured member that is unreachable is not reported as down',
    { c: { error: unreachable, failureMode: 'unreachable' } },
    'c of etcd is unreachable from here; the cluster has a quorum. See `/etcd health`',
  ],
  [
    'one that refuses connections is not responding',
    { c: DOWN },
    'c of etcd is not responding; the cluster has a quorum. See `/etcd health`',
  ],
  [
    'one that never started is named by its id in hexadecimal',
    { c: { name: '', error: unreachable, failureMode: 'unreachable', isConfigured: false } },
    'ce2a822cea30bfc2 of etcd was added but never started; the cluster has a quorum. See `/etcd health`',
  ],
] as const)('%s', (_, known, summary) => {
  const report = askOf(known);
  expect(report.findings).toMatchObject([{ reason: 'member-unhealthy', severity: 'warning', summary }]);
});

test('members that advertise unknown names are no finding', () => {
  const elsewhere = { error: unreachable, failureMode: 'unreachable', isConfigured: false } as const;
  const report = askOf({ b: elsewhere, c: elsewhere }, { endpoints: endpointsOf().slice(0, 1) });
  expect(report).toMatchObject({ verdict: 'Both dopplers are registered', findings: [] });
});

test('a failed quorum read is not reported if the keys were read with a quorum', () => {
  const report = askOf({}, { hasQuorum: false, quorumError: 'etcdserver: request timed out' });
  expect(report).toMatchObject({ verdict: 'Both dopplers are registered', findings: [] });
});

test('if no member could be queried for a quorum read, the quorum is not reported as lost', () => {
  const { hasQuorum: _, ...unasked } = members(NAMES);
  expect(ask(factsOf([{ name: 'etcd', members: unasked }], BOTH)).findings).toEqual([]);
});

/** No endpoint responds, each for its own reason. */
const nobody = (...absences: readonly ports.FailureMode[]): ports.StoreMembers => ({
  members: [],
  alarms: [],
  endpoints: absences.map((failureMode, at) => ({
    address: `10.0.16.${5 + at}:4001`,
    error: new SourceError('etcd', 'unreachable', 'no response'),
    failureMode,
  })),
});

test.each([
  [['not-listening', 'not-listening', 'not-listening'], ['critical quorum-lost etcd']],
  [['not-listening', 'hung', 'unreachable'], ['critical quorum-lost etcd']],
  [['not-listening', 'unreachable', 'unreachable'], ['warning endpoints-down etcd']],
  [['unreachable', 'unreachable', 'unreachable'], []],
  [['rejected', 'rejected', 'rejected'], []],
] as const)('endpoints that don’t respond (%j): %j', (absences, expected) => {
  const report = ask(factsOf([{ name: 'etcd', members: nobody(...absences) }], BOTH));
  expect(lines(report)).toEqual(expected);
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test('endpoints that respond but may not list the members are not reported as not responding', () => {
  const [first, second, { memberId: _, ...third }] = endpointsOf() as [
    ports.StoreEndpoint,
    ports.StoreEndpoint,
    ports.StoreEndpoint,
  ];
  const endpoints = [first, second, { ...third, ...DOWN }];
  const unlisted = { members: [], alarms: [], endpoints };
  expect(ask(factsOf([{ name: 'etcd', members: unlisted }], BOTH)).findings).toEqual([]);
  const [finding] = ask(
    factsOf([{ name: 'etcd', members: { ...unlisted, hasQuorum: false } }], BOTH),
  ).findings;
  expect(finding?.summary).toMatch(/^etcd cannot complete a quorum read, although 2 of 3 endpoints respond/);
});

test('if members respond but have no leader, expired peer certificates are named', () => {
  const known = Object.fromEntries(
    NAMES.map((name) => [name, { healthy: false, hasLeader: false, isLeader: false }]),
  );
  const expired = { peerCertificate: certificate('peer', '2016-12-01T00:00:00Z') };
  const withPeers = Object.fromEntries(NAMES.map((name) => [name, { ...known[name], ...expired }]));
  const ofNoLeader = (one: Parameters<typeof members>[1]) =>
    ask(factsOf([{ name: 'etcd', members: members(NAMES, one, { hasQuorum: false }) }], BOTH)).findings[0];
  expect(ofNoLeader(known)?.summary).toContain('Check the peer certificates');
  expect(ofNoLeader(withPeers)).toMatchObject({ reason: 'no-leader', severity: 'critical' });
  expect(ofNoLeader(withPeers)?.summary).toContain('the peer certificates of a, b and c have expired');
});

test.each([
  ['2016-12-05T19:42:26Z', 'critical client-certificate-expired', 'some members still accept it'],
  ['2016-12-08T20:42:26Z', 'warning client-certificate-expiring', 'expires in 2 days'],
])("Wrench's own client certificate expires at %s", (until, expected, words) => {
  const [finding] = askOf({}, { clientCertificate: certificate('wrench', until) }).findings;
  expect(`${finding?.severity} ${finding?.reason}`).toBe(expected);
  expect(finding?.summary).toContain(words);
});

test('with one expired certificate of three, the dopplers are still judged', () => {
  const report = askOf({ c: { certificate: certificate('c', '2016-12-05T00:00:00Z') } });
  expect(lines(report)).toEqual(['critical certificate-expired etcd/c']);
  expect(report).toMatchObject({
    examined: 2,
    verdict: expect.stringMatching(/^Both dopplers are registered/),
  });
});

test.each([
  ['NOSPACE', 'no-space', 'can still be written'],
  ['CORRUPT', 'corrupt', 'can still be written'],
  ['READONLY', 'unknown-alarm', 'so it is unknown whether keys can still be written'],
])('the alarm %s is a warning, and says what it means for v2 keys', (kind, reason, words) => {
  const known = Object.fromEntries(NAMES.map((name) => [name, { healthy: false }]));
  const report = askOf(known, { alarms: [{ kind }] });
  expect(lines(report)).toEqual([`warning ${reason} etcd`]);
  expect(report.findings[0]?.summary).toContain(words);
  expect(report.verdict).toBe(`Both dopplers are registered; etcd has raised the alarm ${kind}`);
});

test('keys that were read once are judged, but no restart is offered', () => {
  const { later: _, ...once } = etcd([KEYS[1]!]);
  const [finding] = ask(factsOf([once], BOTH)).findings;
  expect(finding).toMatchObject({ reason: 'registration-stuck', target: 'doppler_z1/0' });
  expect(finding).not.toHaveProperty('offers');
  expect(finding?.summary).toBe("doppler_z1/0 is running but not registered: clients can't find it");
  expect(finding?.evidence).toContainEqual({
    kind: 'field',
    label: 'No restart offered',
    value: 'the keys were read only once; run the check again',
  });
});

test('if one store could not be read, the report does not say that no doppler ever registered', () => {
  expect(ask(factsOf([etcd([]), { name: 'old' }], []))).toMatchObject({
    findings: [],
    verdict: "Couldn't check any doppler",
  });
});
