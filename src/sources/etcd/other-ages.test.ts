import { afterEach, expect, test } from 'vitest';
import { type FakeAnswer, type FakeEtcd, serveFakeEtcd } from '../../../test/world/etcd/fake.ts';
import type { Source } from '../../ports/source.ts';
import { etcdConfig } from './config.ts';
import { openEtcd } from './open.ts';

/** Responses that a current, healthy etcd doesn't send, recorded from older, newer and unhealthy ones. */
const { signal } = new AbortController();
const BOUNDED = { signal, withinMs: 20_000 };
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function serve(routes: Readonly<Record<string, FakeAnswer>>): Promise<FakeEtcd> {
  const fake = await serveFakeEtcd(routes);
  closers.push(fake.close);
  return fake;
}

function open(fakes: readonly FakeEtcd[], settings: object = {}): Source {
  const endpoints = fakes.map(({ url }) => url);
  const source = openEtcd(etcdConfig.parse({ kind: 'etcd', endpoints, ...settings }));
  closers.push(source.close);
  return source;
}

const read = async (answer: FakeAnswer, settings?: object) =>
  open([await serve({ 'GET /v2/keys/doppler': answer })], settings).reads.keyValue!.tree('/doppler', {
    signal,
  });
const membersOf = async (routes: Readonly<Record<string, FakeAnswer>>) =>
  open([await serve(routes)]).reads.keyValue!.members(BOUNDED);

const NOT_FOUND = { errorCode: 100, message: 'Key not found', cause: '/_wrench', index: 7 };
const leaf = { key: '/doppler/0', value: 'x', modifiedIndex: 5, createdIndex: 4 };
const METRICS = { text: 'etcd_server_has_leader 1\n' };
/** etcd 2 doesn't report here whether it has a leader. */
const METRICS_2 = { text: 'etcd_server_file_descriptors_used_total 12\n' };
const ETCD_2: Readonly<Record<string, FakeAnswer>> = {
  'GET /metrics': METRICS_2,
  'GET /version': { text: 'etcd 2.0.12' },
  'GET /health': { json: { health: 'true' } },
  'GET /v2/members': {
    json: {
      members: [
        { id: 'bb39b6cc9863f936', name: 'etcd_z1-0', peerURLs: [], clientURLs: ['http://10.0.16.5:4001'] },
      ],
    },
  },
  'GET /v2/stats/self': { json: { name: 'etcd_z1-0', id: 'bb39b6cc9863f936', state: 'StateLeader' } },
  'GET /v2/keys/_wrench': { json: NOT_FOUND, status: 404 },
};

test.each([
  ['absent', {}],
  ['null', { nodes: null }],
  ['an empty list', { nodes: [] }],
])('a directory with %s instead of nodes is empty', async (_, nodes) => {
  const tree = await read({ json: { action: 'get', node: { key: '/doppler', dir: true, ...nodes } } });
  expect(tree).toMatchObject({ exists: true, directories: ['/doppler'], leaves: [] });
});

test('returns a negative time to live as it is, because only a leader could have deleted the key', async () => {
  const node = { ...leaf, ttl: -4, expiration: '2026-11-20T23:49:47.814236114+02:00' };
  const { leaves } = await read({ json: { node: { key: '/doppler', dir: true, nodes: [node] } } });
  expect(leaves).toMatchObject([{ ttlSeconds: -4, expiresAt: new Date('2026-11-20T21:49:47.814Z') }]);
});

test('header names in another case still provide the time of the server', async () => {
  const answer: FakeAnswer = (_, response) => {
    response.sendDate = false;
    response.writeHead(200, ['DATE', 'Fri, 20 Nov 2026 23:49:40 GMT', 'X-ETCD-INDEX', '6']);
    response.end(JSON.stringify({ node: leaf }));
  };
  expect((await read(answer)).serverTime).toEqual(new Date('2026-11-20T23:49:40Z'));
});

test('waits for an election', async () => {
  let asked = 0;
  const tree = await read((_, response) => {
    asked += 1;
    response.writeHead(asked < 3 ? 500 : 200);
    response.end(
      JSON.stringify(asked < 3 ? { errorCode: 301, message: 'During Leader Election' } : { node: leaf }),
    );
  });
  expect(tree.leaves).toHaveLength(1);
});

test.each<[string, number, unknown, string]>([
  [
    'a lost quorum',
    500,
    { errorCode: 300, message: 'Raft Internal Error', cause: 'etcdserver: request timed out', index: 0 },
    'unreachable: etcd has lost its quorum: no majority of its members responds (etcdserver: request timed out)',
  ],
  [
    'a user without permission',
    401,
    {
      errorCode: 110,
      message: 'The request requires user authentication',
      cause: 'Insufficient credentials',
    },
    'refused: HOST requires a user with permission to read this (401): Insufficient credentials',
  ],
  [
    'a cleared event, whose number 401 has nothing to do with permissions',
    400,
    { errorCode: 401, message: 'The event in requested index is outdated and cleared', cause: 'cleared' },
    'refused: HOST refused the request (400): cleared',
  ],
  [
    'an error with control characters',
    400,
    { errorCode: 209, cause: 'a\u001b[31m\nb\u202e' },
    'refused: HOST refused the request (400): a\uFFFD[31m\uFFFDb\uFFFD',
  ],
  ['a broken proxy', 502, 'x', 'unreachable: HOST returned an error (502)'],
  [
    'a node without a value',
    200,
    { node: { key: '/a' } },
    "malformed: couldn't read the keys under /doppler: etcd returned a key without a value or an index",
  ],
  [
    'a response of another server',
    200,
    { hello: 1 },
    "malformed: couldn't read the keys under /doppler: HOST sent a response that is not from etcd",
  ],
])('reports %s', async (_, status, json, words) => {
  const said = await read({ json, status }).then(
    () => 'no failure',
    ({ kind, message }: { kind: string; message: string }) =>
      `${kind}: ${message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')}`,
  );
  expect(said).toBe(words);
});

test('skips a member that redirects, and asks the next', async () => {
  const elsewhere: FakeAnswer = (_, response) => {
    response.writeHead(307, { location: 'http://10.255.255.1:4001/v2/keys/doppler' }).end();
  };
  const first = await serve({ 'GET /v2/keys/doppler': elsewhere });
  const second = await serve({ 'GET /v2/keys/doppler': { json: { node: leaf } } });
  const tree = await open([first, second]).reads.keyValue!.tree('/doppler', { signal });
  expect(tree.leaves).toHaveLength(1);
});

test('stops reading 200 MB of keys at the limit, and asks no other member for them', async () => {
  let sentBytes = 0;
  const chunk = Buffer.from(`${JSON.stringify(leaf)},`.repeat(1_000));
  const large: FakeAnswer = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"action":"get","node":{"key":"/doppler","dir":true,"nodes":[');
    const more = (): void => {
      while (!response.destroyed && sentBytes < 200_000_000) {
        sentBytes += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
    };
    more();
  };
  const fakes = await Promise.all([large, large].map((answer) => serve({ 'GET /v2/keys/doppler': answer })));
  await expect(
    open(fakes, { maxBytes: 2_000_000 }).reads.keyValue!.tree('/doppler', { signal }),
  ).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringMatching(
      /^couldn.t read the keys under \/doppler: .* responded with more than 2 MB$/,
    ) as string,
  });
  // What fits into the buffers between the two is sent anyway.
  expect(sentBytes).toBeLessThan(50_000_000);
  expect(fakes[1]!.asked).toEqual([]);
});

test('gives up on a response that never ends', async () => {
  const endless: FakeAnswer = (_, response) => {
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(timer));
  };
  await expect(read(endless, { timeoutMs: 300 })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining("didn't respond within 300 ms") as string,
  });
});

test('reads an etcd 2 with its v2 API only, with ids as it writes them', async () => {
  const fake = await serve(ETCD_2);
  const seen = await open([fake]).reads.keyValue!.members(BOUNDED);
  const { host } = new URL(fake.url);
  expect(seen).toEqual({
    alarms: [],
    hasQuorum: true,
    endpoints: [{ address: host, memberId: 'bb39b6cc9863f936', lists: ['bb39b6cc9863f936'] }],
    members: [
      {
        id: 'bb39b6cc9863f936',
        name: 'etcd_z1-0',
        clientUrls: ['http://10.0.16.5:4001'],
        url: fake.url,
        isConfigured: true,
        version: '2.0.12',
        healthy: true,
        isLeader: true,
        hasLeader: true,
        clockAheadMs: 0,
      },
    ],
  });
});

test('the last remaining etcd 2 reports itself as leader, which does not count', async () => {
  const lost = { errorCode: 300, message: 'Raft Internal Error', cause: 'etcdserver: request timed out' };
  const seen = await membersOf({
    ...ETCD_2,
    'GET /health': { json: { health: 'false' }, status: 503 },
    'GET /v2/keys/_wrench': { json: lost, status: 500 },
  });
  expect(seen).toMatchObject({
    hasQuorum: false,
    members: [{ healthy: false, isLeader: false, hasLeader: false }],
  });
});

/** 17496614320493254894, as etcdctl shows it. */
const ID = 17496614320493254894n.toString(16);

/** Members as listed by the gateway below its prefix. */
function gateway(
  prefix: string,
  version: string,
  more: Readonly<Record<string, FakeAnswer>> = {},
): Readonly<Record<string, FakeAnswer>> {
  const header = {
    cluster_id: '3556172557997394135',
    member_id: '17496614320493254894',
    revision: '9223372036854775807',
  };
  const status = { header, version, dbSize: '20480', leader: '17496614320493254894', raftIndex: '39' };
  const members = [{ ID: '17496614320493254894', name: 'n1', clientURLs: ['http://10.0.16.5:2379'] }];
  return {
    'GET /version': { json: { etcdserver: version, etcdcluster: version } },
    'GET /health': { json: { health: 'true', reason: '' } },
    'GET /metrics': METRICS,
    [`POST ${prefix}/maintenance/status`]: { json: status },
    [`POST ${prefix}/maintenance/alarm`]: { json: { header } },
    [`POST ${prefix}/cluster/member/list`]: { json: { header, members } },
    [`POST ${prefix}/kv/range`]: { json: { header } },
    ...more,
  };
}

test.each([
  ['/v3alpha', '3.2.32'],
  ['/v3beta', '3.3.27'],
  ['/v3', '3.5.30'],
  ['/v3', '3.6.1'],
])('finds the gateway at %s of etcd %s, and keeps numbers beyond 2^53 exact', async (prefix, version) => {
  expect(await membersOf(gateway(prefix, version))).toMatchObject({
    hasQuorum: true,
    revision: '9223372036854775807',
    members: [{ id: ID, version, isLeader: true, dbSizeBytes: 20480, raftIndex: 39 }],
  });
});

test('reads learners, the quotas of 3.6, the reasons for bad health, and members that never started', async () => {
  const members = [
    { ID: '17496614320493254894', name: 'n1', clientURLs: ['http://10.0.16.5:2379'], isLearner: true },
    { ID: '5', peerURLs: ['http://10.0.16.6:2380'] },
  ];
  const status = {
    header: { member_id: '17496614320493254894' },
    leader: '7',
    isLearner: true,
    dbSizeQuota: '8589934592',
    errors: ['memberID:17496614320493254894 alarm:CORRUPT '],
  };
  const seen = await membersOf(
    gateway('/v3', '3.6.1', {
      'GET /health': { json: { health: 'false', reason: 'ALARM CORRUPT' }, status: 503 },
      'POST /v3/cluster/member/list': { json: { header: {}, members } },
      'POST /v3/maintenance/status': { json: status },
    }),
  );
  expect(seen).toMatchObject({
    quotaBytes: 8 * 1024 ** 3,
    alarms: [{ memberId: ID, kind: 'CORRUPT' }],
    members: [
      { isLearner: true, isLeader: false, healthy: false, unhealthyBecause: 'ALARM CORRUPT' },
      {
        id: '5',
        name: '',
        clientUrls: [],
        error: { message: 'it was added to the cluster but has never started' },
      },
    ],
  });
});

test("alarms that can't be listed do not count as no alarms, and do not affect the other responses", async () => {
  const denied = {
    error: 'etcdserver: permission denied',
    message: 'etcdserver: permission denied',
    code: 7,
  };
  const routes = gateway('/v3', '3.5.30', { 'POST /v3/maintenance/alarm': { json: denied, status: 403 } });
  expect(await membersOf(routes)).toMatchObject({
    hasQuorum: true,
    alarms: [],
    members: [
      {
        healthy: true,
        raftIndex: 39,
        unanswered: [{ query: 'alarm list', isDenied: true, error: { kind: 'refused' } }],
      },
    ],
  });
});

test.each<[string, unknown, unknown]>([
  ['of no member', { alarm: 'CORRUPT' }, { kind: 'CORRUPT' }],
  ['of member 0', { memberID: '0', alarm: 'CORRUPT' }, { kind: 'CORRUPT' }],
  ['of an unknown kind', { memberID: '10', alarm: 'READONLY' }, { kind: 'READONLY', memberId: 'a' }],
  ['of a kind that is a number', { memberID: '10', alarm: 7 }, { kind: '7', memberId: 'a' }],
  ['without a kind', { memberID: '10' }, { kind: 'UNKNOWN', memberId: 'a' }],
])('reads an alarm %s', async (_, alarm, expected) => {
  const json = { header: {}, alarms: [alarm] };
  const routes = gateway('/v3', '3.5.30', { 'POST /v3/maintenance/alarm': { json } });
  expect((await membersOf(routes)).alarms).toEqual([expected]);
});

test.each([
  ['a page', { text: '<html>Please log in</html>' }],
  ['an unrelated object', { json: { login: 'required' } }],
])(
  '%s with status 200 counts neither as an empty list of alarms nor as a status without a leader',
  async (_, answer) => {
    const routes = gateway('/v3', '3.5.30', {
      'POST /v3/maintenance/alarm': answer,
      'POST /v3/maintenance/status': answer,
    });
    expect((await membersOf(routes)).members[0]).toMatchObject({
      healthy: true,
      hasLeader: true,
      unanswered: [
        { query: 'status', error: { kind: 'malformed' } },
        { query: 'alarm list', error: { kind: 'malformed' } },
      ],
    });
  },
);

const GONE = { text: '404 page not found', status: 404 };

test('without the gateway, the list of alarms is missing, not empty', async () => {
  const routes = gateway('/nowhere', '3.4.23', { 'POST /v3/maintenance/alarm': GONE });
  const [member] = (await membersOf(routes)).members;
  expect(member!.unanswered).toContainEqual(
    expect.objectContaining({
      query: 'alarm list',
      error: expect.objectContaining({
        message: expect.stringContaining('--enable-grpc-gateway') as string,
      }) as Error,
    }),
  );
});

test('a member that is slow for every response has not lost its quorum', async () => {
  const slow = Object.fromEntries(
    Object.entries(gateway('/v3', '3.5.30')).map(([route, answer]): [string, FakeAnswer] => [
      route,
      (_, response) => {
        if (route.startsWith('POST')) return;
        setTimeout(() => {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end('json' in answer ? JSON.stringify(answer.json) : '');
        }, 900);
      },
    ]),
  );
  const source = open([await serve(slow)]);
  const seen = await source.reads.keyValue!.members({ signal, withinMs: 2_000 });
  expect(seen).not.toHaveProperty('hasQuorum');
});

test('a load balancer that drops one request still gets the others', async () => {
  const routes = gateway('/v3', '3.5.30', { 'GET /version': (request) => request.destroy() });
  expect(await membersOf(routes)).toMatchObject({
    hasQuorum: true,
    members: [{ id: ID, healthy: true, raftIndex: 39, unanswered: [{ query: 'version' }] }],
  });
});

test('if two addresses respond as one member, prefers the address of the member, and queries each address once', async () => {
  const list = 'POST /v3/cluster/member/list';
  const routes: Record<string, FakeAnswer> = { ...gateway('/v3', '3.5.30') };
  const unhealthy = { json: { health: 'false', reason: 'RAFT NO LEADER' }, status: 503 };
  const balanced: Record<string, FakeAnswer> = { ...routes, 'GET /health': unhealthy };
  const [balancer, own] = [await serve(balanced), await serve(routes)];
  const members = [{ ID: '17496614320493254894', name: 'n1', clientURLs: [own.url] }];
  routes[list] = balanced[list] = { json: { header: {}, members } };
  const seen = await open([balancer, own, own]).reads.keyValue!.members(BOUNDED);
  expect(seen.members).toMatchObject([{ name: 'n1', url: own.url, healthy: true }]);
  expect(seen.endpoints).toHaveLength(2);
  expect(own.asked.filter((question) => question === 'GET /version')).toHaveLength(1);
});

test('a rate limit is not a missing permission', async () => {
  const busy = { error: 'etcdserver: too many requests', message: 'etcdserver: too many requests', code: 8 };
  const routes = gateway('/v3', '3.5.30', { 'POST /v3/maintenance/status': { json: busy, status: 429 } });
  expect((await membersOf(routes)).members[0]!.unanswered).toMatchObject([
    { query: 'status', isDenied: false, error: { kind: 'unreachable' } },
  ]);
});

test('without a list of members, uses the endpoints and what they report', async () => {
  const routes = gateway('/v3', '3.5.30', {
    'POST /v3/cluster/member/list': { json: {}, status: 500 },
    'GET /health': { json: { health: 'false', reason: 'RAFT NO LEADER' }, status: 503 },
  });
  expect(await membersOf(routes)).toMatchObject({
    members: [{ id: ID, healthy: false, unhealthyBecause: 'RAFT NO LEADER' }],
  });
});

test('reports a server that is not etcd', async () => {
  const fake = await serve({ 'GET /version': { text: '<html>Welcome to nginx!</html>' } });
  expect(await open([fake]).healthCheck(signal)).toMatchObject({
    ok: false,
    summary: expect.stringContaining('does not respond like etcd') as string,
  });
});
