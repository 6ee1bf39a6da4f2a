import { afterEach, expect, test } from 'vitest';
import type { Broker, BrokerQueue } from '../../ports/brokers.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import {
  type ManagementFault,
  type ManagementOptions,
  serveManagement,
  type ServedManagement,
} from '../../../test/world/rabbitmq/served-management.ts';
import { queueObject } from '../../../test/world/rabbitmq/served-queues.ts';
import { rabbitmqConfig } from './config.ts';
import { openRabbitmq } from './open.ts';

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((close) => close()));
});

const { signal } = new AbortController();
const USER = { username: 'wrench', password: 'wrench-password' };

interface Opened {
  readonly node: ServedManagement;
  readonly source: Source;
  readonly broker: Broker;
  readonly query: { readonly endpoint: string; readonly signal: AbortSignal };
}

async function open(options: ManagementOptions = {}, config: object = {}): Promise<Opened> {
  const node = await serveManagement(options);
  const source = openRabbitmq(
    rabbitmqConfig.parse({ kind: 'rabbitmq', urls: [node.url], user: USER, ...config }),
  );
  cleanup.push(node.close, source.close);
  return { node, source, broker: source.reads.brokers!, query: { endpoint: node.url, signal } };
}

async function readQueues({
  broker,
  query,
}: Opened): Promise<{ readonly queues: readonly BrokerQueue[]; readonly error?: SourceError }> {
  const queues: BrokerQueue[] = [];
  try {
    for await (const page of broker.queues(query)) queues.push(...page);
    return { queues };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { queues, error };
  }
}

const many = (count: number) =>
  Array.from({ length: count }, (_, at) => queueObject(`q-${String(at).padStart(4, '0')}`, { messages: at }));

test('reads the overview', async () => {
  const { broker, query } = await open({
    overview: { object_totals: { connections: '812', queues: 903, consumers: 4 } },
  });
  expect(await broker.overview(query)).toEqual({
    node: 'rabbit@ctl-1',
    cluster: 'os',
    version: '3.10.8',
    hasStatistics: true,
    connections: 812,
    queues: 903,
    consumers: 4,
  });
});

test('says that statistics are switched off, and with which settings', async () => {
  const { broker, query } = await open({ statistics: 'off', overview: { rabbitmq_version: '4.3.0' } });
  expect(await broker.overview(query)).toMatchObject({
    hasStatistics: false,
    statisticsSetting: 'management.disable_stats or management_agent.disable_metrics_collector',
  });
});

test('does not guess whether an old version collects statistics', async () => {
  const { broker, query } = await open({
    overview: { rabbitmq_version: '3.6.16', disable_stats: undefined },
  });
  expect(await broker.overview(query)).not.toHaveProperty('hasStatistics');
});

test('reads nodes, and leaves out what a stopped node or a node without statistics does not say', async () => {
  const running = {
    name: 'rabbit@ctl-1',
    running: true,
    uptime: 40_333,
    mem_used: 173_883_392,
    mem_limit: '20000000',
    mem_alarm: true,
    disk_free: 'disk_free_monitoring_disabled',
    disk_free_limit: 50_000_000,
    disk_free_alarm: false,
    fd_used: 'unknown',
    fd_total: 20_000,
    partitions: ['rabbit@ctl-3'],
    being_drained: null,
  };
  const { broker, query } = await open({ nodes: [running, { name: 'rabbit@ctl-2', running: false }] });
  expect(await broker.nodes(query)).toEqual([
    {
      name: 'rabbit@ctl-1',
      isRunning: true,
      uptimeSeconds: 40.333,
      memoryBytes: 173_883_392,
      memoryLimitBytes: 20_000_000,
      hasMemoryAlarm: true,
      diskLimitBytes: 50_000_000,
      hasDiskAlarm: false,
      filesMost: 20_000,
      partitions: ['rabbit@ctl-3'],
    },
    { name: 'rabbit@ctl-2', isRunning: false },
  ]);
});

test.each([
  ['no nodes', []],
  ['a node without `running`', [{ name: 'rabbit@ctl-1' }]],
  ['partitions of an unknown form', [{ name: 'rabbit@ctl-1', running: true, partitions: 'rabbit@ctl-2' }]],
  ['partitions that are no names', [{ name: 'rabbit@ctl-1', running: true, partitions: [{}] }]],
])('does not accept %s', async (_, nodes) => {
  const { broker, query } = await open({ nodes });
  await expect(broker.nodes(query)).rejects.toMatchObject({ kind: 'malformed' });
});

test('reads alarms, which come with 503', async () => {
  const alarms = [
    { node: 'rabbit@ctl-1', resource: 'disk space' },
    { node: 'rabbit@ctl-2', resource: 'something new' },
  ];
  const { broker, query, node } = await open({ alarms });
  expect(await broker.alarms(query)).toEqual(alarms);
  expect(node.requests).toHaveLength(1);
});

test('reads that there are no alarms', async () => {
  const { broker, query } = await open();
  expect(await broker.alarms(query)).toEqual([]);
});

test.each<[string, ManagementFault, string]>([
  ['an old version without this check', { status: 404, body: { error: 'Object Not Found' } }, 'missing'],
  ['a proxy without a node', { status: 503, body: '<html>Service Unavailable</html>' }, 'unreachable'],
  ['503 without alarms', { status: 503, body: { status: 'failed', reason: 'starting' } }, 'unreachable'],
  ['another status', { status: 200, body: { status: 'unsure' } }, 'malformed'],
  ['an alarm without its node', { status: 503, body: { alarms: [{ resource: 'memory' }] } }, 'malformed'],
  ['a web page', 'html', 'malformed'],
])('alarms are unknown with %s', async (_, fault, kind) => {
  const { broker, query, node } = await open();
  node.setFault('/api/health', fault);
  await expect(broker.alarms(query)).rejects.toMatchObject({ kind });
});

const PARTS = {
  binary: 30_000_000,
  queue_procs: '16296',
  code: 0,
  mgmt_db: 'unknown',
  allocated_unused: 19,
  reserved_unallocated: 7,
};

test.each([
  ['by the configured strategy', { strategy: 'allocated', total: { erlang: 1, rss: 2, allocated: 3 } }, 3],
  ['as a number', { total: '44' }, 44],
  ['by a strategy that is unknown', { strategy: 'other', total: { erlang: 1, rss: 2 } }, 2],
  ['by the legacy strategy', { strategy: 'legacy', total: { erlang: 1, rss: 2 } }, 1],
])('reads the total memory %s', async (_, total, usedBytes) => {
  const { broker, query } = await open({ memory: { 'rabbit@ctl-1': { ...PARTS, ...total } } });
  expect(await broker.memory({ ...query, node: 'rabbit@ctl-1' })).toEqual({
    usedBytes,
    unusedBytes: 19,
    parts: { binary: 30_000_000, queue_procs: 16_296 },
  });
});

test('the memory of a node that is down is unknown', async () => {
  const { broker, query } = await open({ memory: { 'rabbit@ctl-2': 'not_available', 'rabbit@ctl-3': {} } });
  await expect(broker.memory({ ...query, node: 'rabbit@ctl-2' })).rejects.toMatchObject({
    kind: 'unreachable',
  });
  await expect(broker.memory({ ...query, node: 'rabbit@ctl-3' })).rejects.toMatchObject({
    kind: 'malformed',
  });
  await expect(broker.memory({ ...query, node: 'rabbit@x' })).rejects.toMatchObject({ kind: 'missing' });
});

test('reads queues, and leaves out what is unknown', async () => {
  const opened = await open({
    queues: [
      queueObject('notifications.info', {
        messages: '412907',
        consumers: '2',
        message_bytes: 1_238_721_000,
        messages_details: { rate: -24.6 },
        message_stats: { publish_details: { rate: 3.5 }, deliver_get_details: { rate: 28 } },
        arguments: { 'x-max-length': 500_000, 'x-message-ttl': 60_000 },
        effective_policy_definition: { 'max-length': 400_000, expires: 3_600_000 },
      }),
      queueObject('conductor', {
        type: 'quorum',
        leader: 'rabbit@ctl-3',
        members: ['a', 'b', 'c'],
        online: ['a'],
        consumers: 0,
        idle_since: '2026-11-26 9:05:06',
      }),
      queueObject('events', { consumers: 0 }),
      queueObject('lost', { type: 'quorum', leader: '', node: 'rabbit@ctl-3' }),
      {
        name: 'fresh',
        vhost: '/',
        type: 'classic',
        node: 'rabbit@ctl-1',
        arguments: {},
        durable: false,
        exclusive: false,
      },
    ],
  });
  const { queues, error } = await readQueues(opened);
  expect(error).toBeUndefined();
  const named = new Map(queues.map((one) => [one.name, one]));
  expect(named.get('notifications.info')).toEqual({
    vhost: '/',
    name: 'notifications.info',
    type: 'classic',
    node: 'rabbit@ctl-1',
    state: 'running',
    messages: 412_907,
    ready: 0,
    unacknowledged: 0,
    consumers: 2,
    messageBytes: 1_238_721_000,
    messagesPerSecond: -24.6,
    publishedPerSecond: 3.5,
    deliveredPerSecond: 28,
    isDurable: true,
    isExclusive: false,
    isAutoDelete: false,
    maxLength: 400_000,
    expiresMs: 3_600_000,
    messageTtlMs: 60_000,
  });
  expect(named.get('conductor')).toMatchObject({
    node: 'rabbit@ctl-3',
    members: ['a', 'b', 'c'],
    online: ['a'],
    idleSince: new Date('2026-11-26T09:05:06Z'),
  });
  expect(named.get('events')).toMatchObject({ idleSince: new Date('2026-11-28T03:33:18.432Z') });
  expect(named.get('lost')).not.toHaveProperty('node');
  expect(named.get('fresh')).toEqual({
    vhost: '/',
    name: 'fresh',
    type: 'classic',
    node: 'rabbit@ctl-1',
    isDurable: false,
    isExclusive: false,
  });
});

test('reads all pages, the queue with most messages first', async () => {
  const opened = await open({ queues: many(1_203) });
  const { queues, error } = await readQueues(opened);
  expect(error).toBeUndefined();
  expect(queues).toHaveLength(1_203);
  expect(queues[0]).toMatchObject({ name: 'q-1202', messages: 1_202 });
  expect(opened.node.requests.filter((one) => one === 'GET /api/queues')).toHaveLength(3);
});

test.each([
  ['no queues', {}, 0],
  ['a list without pages', { hasPages: false, queues: many(1_203) }, 1_203],
  ['tags as one text', { tagsAsText: true, queues: many(2) }, 2],
])('reads %s', async (_, options, count) => {
  const { queues, error } = await readQueues(await open(options));
  expect(error).toBeUndefined();
  expect(queues).toHaveLength(count);
});

test.each([
  ['repeats', 'unreachable'],
  ['first', 'malformed'],
  ['short', 'malformed'],
  ['grows', 'unreachable'],
  ['endless', 'unreachable'],
] as const)('a list whose pages have the fault %s is not complete', async (fault, kind) => {
  const opened = await open({ queues: many(1_203) });
  opened.node.setPageFault(fault);
  const { queues, error } = await readQueues(opened);
  expect(error?.kind).toBe(kind);
  expect(queues.length).toBeGreaterThanOrEqual(499);
  expect(new Set(queues.map(({ name }) => name)).size).toBe(queues.length);
});

test('a list without end, all of whose queues are different, ends at a limit', async () => {
  const opened = await open({ queues: many(500).map(({ vhost, name }) => ({ vhost, name, messages: 0 })) });
  opened.node.setPageFault('endless with new names');
  const { queues, error } = await readQueues(opened);
  expect(error).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('listed more than 200000 queues') as string,
  });
  expect(queues.length).toBeLessThanOrEqual(200_000);
}, 120_000);

test('reads the list again by name if queues moved between its pages', async () => {
  const opened = await open({ queues: many(1_000) });
  opened.node.setPageFault('moves');
  const { queues, error } = await readQueues(opened);
  expect(error).toBeUndefined();
  expect(new Set(queues.map(({ name }) => name)).size).toBe(1_000);
  expect(queues).toHaveLength(1_000);
  expect(opened.node.requests.filter((one) => one === 'GET /api/queues')).toHaveLength(4);
});

test('stops between pages', async () => {
  const opened = await open({ queues: many(1_203) });
  for await (const page of opened.broker.queues(opened.query)) {
    expect(page).toHaveLength(500);
    break;
  }
  const stop = new AbortController();
  const rest = opened.broker.queues({ ...opened.query, signal: stop.signal })[Symbol.asyncIterator]();
  await rest.next();
  stop.abort(new Error('the deadline'));
  const readRest = async (): Promise<void> => {
    while (!(await rest.next()).done);
  };
  await expect(readRest()).rejects.toThrow('the deadline');
});

test('without statistics, reads the counts of messages if the server has them', async () => {
  const { queues, error } = await readQueues(await open({ statistics: 'totals', queues: many(600) }));
  expect(error).toBeUndefined();
  expect(queues).toHaveLength(600);
  expect(queues[0]).toMatchObject({ messages: 599, ready: 599 });
  expect(queues[0]).not.toHaveProperty('consumers');
});

test('without statistics, counts are unknown and not 0', async () => {
  const { queues, error } = await readQueues(await open({ statistics: 'off', queues: many(3) }));
  expect(error).toBeUndefined();
  expect(queues).toHaveLength(3);
  for (const count of ['messages', 'ready', 'consumers', 'messageBytes', 'messagesPerSecond'])
    expect(queues[0]).not.toHaveProperty(count);
});

test('refuses a list that the tag management limits', async () => {
  const users = [{ ...USER, tags: ['management'] }];
  const { queues, error } = await readQueues(await open({ users, queues: many(3) }));
  expect(queues).toHaveLength(3);
  expect(error).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('the tag monitoring') as string,
  });
});

test('refuses a list without the queues of a virtual host in which the user has no permission', async () => {
  const users = [{ ...USER, tags: ['monitoring'], vhosts: ['/'] }];
  const opened = await open({
    users,
    vhosts: ['/', 'a/b %é', 'empty'],
    queues: [...many(2), queueObject('hidden', { vhost: 'a/b %é' })],
  });
  const { queues, error } = await readQueues(opened);
  expect(queues).toHaveLength(2);
  expect(error).toMatchObject({ kind: 'refused', placeNames: ['a/b %é', 'empty'] });
});

test.each<[string, ManagementFault, string, RegExp]>([
  ['a web page', 'html', 'malformed', /web page instead of JSON/],
  ['truncated JSON', 'cut', 'malformed', /something other than JSON/],
  ['a closed connection', 'reset', 'unreachable', /closed the connection/],
  ['a stopped node behind a proxy', { status: 502, body: '<html>' }, 'unreachable', /\(502\)/],
  ['a login page', { redirect: '/login' }, 'unreachable', /redirects \(302\)/],
  ['another host', { redirect: 'http://elsewhere.invalid/' }, 'unreachable', /redirects \(302\)/],
  [
    'no permission',
    { status: 401, body: { error: 'not_authorised', reason: 'Not monitor user' } },
    'refused',
    /needs the tag monitoring/,
  ],
  [
    'a web page with 403',
    { status: 403, body: '<html>Forbidden</html>' },
    'refused',
    /refused the user wrench \(403\)/,
  ],
  ['a web page with 404', { status: 404, body: '<html>Not Found</html>' }, 'malformed', /web page/],
  ['another list', { status: 200, body: { items: {} } }, 'malformed', /did not return/],
])('every question fails with %s', async (_, fault, kind, message) => {
  const { broker, query, node } = await open();
  node.setFault('/', fault);
  const ask = [
    () => broker.overview(query),
    () => broker.nodes(query),
    () => broker.queues(query)[Symbol.asyncIterator]().next(),
  ];
  // Any object may be an overview.
  const isObject = typeof fault === 'object' && 'status' in fault && fault.status === 200;
  for (const question of isObject ? ask.slice(1) : ask)
    await expect(question()).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(message) as string,
    });
});

test('names the user, never the password, if the login is rejected', async () => {
  const { broker, query } = await open({}, { user: { username: 'wrench', password: 'wrong-password' } });
  const error: unknown = await broker.nodes(query).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('refused the user wrench') as string,
  });
  expect(JSON.stringify(error) + String(error)).not.toContain('wrong-password');
});

test('a slow node fails after the timeout', async () => {
  const { broker, query, node } = await open({}, { timeoutMs: 200 });
  node.setFault('/api/nodes', 'hang');
  await expect(broker.nodes(query)).rejects.toMatchObject({ kind: 'unreachable', code: 'TIMEOUT' });
});

test('waits for a node that is only slow', async () => {
  const { broker, query, node } = await open();
  node.setFault('/api/nodes', { delayMs: 100 });
  expect(await broker.nodes(query)).toHaveLength(1);
});

test('asks only the configured addresses', async () => {
  const { broker } = await open();
  await expect(broker.nodes({ endpoint: 'http://127.0.0.1:1', signal })).rejects.toMatchObject({
    kind: 'missing',
  });
});
