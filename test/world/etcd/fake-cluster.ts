import { freePort } from '../free-port.ts';
import { type FakeAnswer, sendAnswer, serveFakeEtcd } from './fake.ts';

/** The requests that a member supports. */
export const ENDPOINTS = [
  'version',
  'status',
  'health',
  'metrics',
  'member list',
  'alarm list',
  'quorum read',
] as const;
export type FakeEndpoint = (typeof ENDPOINTS)[number];
export type FakeAnswers = Readonly<Partial<Record<FakeEndpoint | 'login', FakeAnswer>>>;

export interface FakeAlarm {
  /** In decimal, as the gateway writes it; absent for an alarm of the whole cluster. */
  readonly memberID?: string;
  /** A name, or a number that the gateway has no name for. */
  readonly alarm: string | number;
}

/** Operations: the number of fast ones, and the total. */
type Counted = readonly [quick: number, total: number];

export interface FakeMetrics {
  readonly fsyncs?: Counted;
  readonly commits?: Counted;
  readonly slowApplies?: number;
  readonly leaderChanges?: number;
  readonly pending?: number;
  readonly quotaBytes?: number;
  readonly isLearner?: boolean;
}

export interface FakeMember {
  /** Default `n1`, `n2` ... in order. */
  readonly name?: string;
  /** In decimal; default 1000000000000000001 ... */
  readonly id?: string;
  /** Default `up`. One that is `down` refuses connections. */
  readonly state?: 'up' | 'down';
  /** Its address, if it is not served here. */
  readonly url?: string;
  readonly clusterId?: string;
  /** Its leader: an id in decimal, `''` for none. Default the cluster's leader. */
  readonly leader?: string;
  /** Overrides its status. */
  readonly status?: Readonly<Record<string, unknown>>;
  /** Overrides its entry in all member lists. */
  readonly listed?: Readonly<Record<string, unknown>>;
  /** The indexes of the members that it lists; default all that are not `isUnlisted`. */
  readonly lists?: readonly number[];
  readonly isUnlisted?: boolean;
  /** One reading after the other; the last one repeats. */
  readonly metrics?: readonly FakeMetrics[];
  readonly answers?: FakeAnswers;
}

export interface FakeClusterOptions {
  /** Default 3.5.9. */
  readonly version?: string;
  /** Default `/v3`. */
  readonly prefix?: string;
  /** An id in decimal, `''` for none; default the first member's. */
  readonly leader?: string;
  /** Listed by every member, shown in its status, and a reason to be unhealthy. */
  readonly alarms?: readonly FakeAlarm[];
  readonly metrics?: readonly FakeMetrics[];
  /** For every member without its own. */
  readonly answers?: FakeAnswers;
  readonly members: readonly FakeMember[];
}

export interface FakeCluster {
  readonly endpoints: readonly string[];
  /** Ids in decimal. */
  readonly ids: readonly string[];
  readonly close: () => Promise<void>;
}

const CLUSTER = '1111111111111111111';
const QUOTA_BYTES = 2 * 1024 ** 3;

/** Members that respond like the v3 gateway, unless configured otherwise. */
export async function serveFakeCluster(options: FakeClusterOptions): Promise<FakeCluster> {
  const ids = options.members.map(
    ({ id }, index) => id ?? String(1_000_000_000_000_000_001n + BigInt(index)),
  );
  const endpoints: string[] = [];
  const closers: (() => Promise<void>)[] = [];
  for (const [index, { state = 'up', url }] of options.members.entries()) {
    if (state === 'down' || url !== undefined) {
      endpoints.push(url ?? `http://127.0.0.1:${await freePort()}`);
      continue;
    }
    const fake = await serveFakeEtcd(answering({ options, ids, endpoints }, index));
    endpoints.push(fake.url);
    closers.push(fake.close);
  }
  return { endpoints, ids, close: async () => void (await Promise.all(closers.map((close) => close()))) };
}

interface Cluster {
  readonly options: FakeClusterOptions;
  readonly ids: readonly string[];
  readonly endpoints: readonly string[];
}

function answering(cluster: Cluster, index: number): (question: string) => FakeAnswer | undefined {
  const { prefix = '/v3', answers = {} } = cluster.options;
  const { answers: own = {} } = cluster.options.members[index]!;
  let readings = 0;
  const asked: Readonly<Record<string, FakeEndpoint | 'login'>> = {
    'GET /version': 'version',
    'GET /health': 'health',
    'GET /metrics': 'metrics',
    [`POST ${prefix}/maintenance/status`]: 'status',
    [`POST ${prefix}/cluster/member/list`]: 'member list',
    [`POST ${prefix}/maintenance/alarm`]: 'alarm list',
    [`POST ${prefix}/kv/range`]: 'quorum read',
    [`POST ${prefix}/auth/authenticate`]: 'login',
  };
  return (question) => {
    const name = asked[question];
    if (name === undefined) return undefined;
    return own[name] ?? answers[name] ?? usual(cluster, index, name, () => readings++);
  };
}

function usual(
  { options, ids, endpoints }: Cluster,
  index: number,
  question: FakeEndpoint | 'login',
  reading: () => number,
): FakeAnswer {
  const member = options.members[index]!;
  const { alarms = [], version = '3.5.9' } = options;
  const leader = member.leader ?? options.leader ?? ids[0]!;
  const header = {
    cluster_id: member.clusterId ?? CLUSTER,
    member_id: ids[index],
    revision: '4711',
    raft_term: '7',
  };
  switch (question) {
    case 'version':
      return { json: { etcdserver: version, etcdcluster: version } };
    case 'health': {
      const [alarm] = alarms;
      if (alarm) return { status: 503, json: { health: 'false', reason: `ALARM ${alarm.alarm}` } };
      if (leader === '') return { status: 503, json: { health: 'false', reason: 'RAFT NO LEADER' } };
      return { json: { health: 'true', reason: '' } };
    }
    case 'metrics': {
      const readings = member.metrics ?? options.metrics ?? [{}];
      return { text: metricsOf(readings[Math.min(reading(), readings.length - 1)]!, leader, ids[index]!) };
    }
    case 'status':
      return {
        json: {
          header,
          version,
          dbSize: '20480',
          dbSizeInUse: '16384',
          ...(leader !== '' && { leader }),
          raftIndex: '900000',
          raftAppliedIndex: '900000',
          raftTerm: '7',
          ...(alarms.length > 0 && { errors: alarms.map(inStatus) }),
          ...member.status,
        },
      };
    case 'member list':
      return { json: { header, members: listed(options, ids, endpoints, member.lists) } };
    case 'alarm list':
      return { json: { header, ...(alarms.length > 0 && { alarms }) } };
    case 'quorum read':
      return leader === '' ? noQuorum : { json: { header } };
    case 'login':
      return { json: { header, token: 'token.1' } };
  }
}

function listed(
  { members }: FakeClusterOptions,
  ids: readonly string[],
  endpoints: readonly string[],
  only: readonly number[] | undefined,
): readonly unknown[] {
  return members.flatMap((member, index) => {
    if (only ? !only.includes(index) : member.isUnlisted) return [];
    const name = member.name ?? `n${index + 1}`;
    return [{ ID: ids[index], name, clientURLs: [endpoints[index]], ...member.listed }];
  });
}

/** Go prints a protocol buffer without fields that are 0. */
function inStatus({ memberID, alarm }: FakeAlarm): string {
  return `${memberID === undefined ? '' : `memberID:${memberID} `}alarm:${alarm} `;
}

function metricsOf(metrics: FakeMetrics, leader: string, id: string): string {
  const { fsyncs, commits, slowApplies = 0, leaderChanges = 1, pending = 0, isLearner = false } = metrics;
  const flag = (is: boolean) => (is ? 1 : 0);
  const histogram = (name: string, counted: Counted | undefined): readonly string[] => {
    if (!counted) return [];
    const [quick, total] = counted;
    const buckets = ['0.001', '0.008', '0.032'].map((le) => `${name}_bucket{le="${le}"} ${quick}`);
    return [
      ...buckets,
      `${name}_bucket{le="+Inf"} ${total}`,
      `${name}_sum ${total / 10}`,
      `${name}_count ${total}`,
    ];
  };
  return [
    `etcd_server_has_leader ${flag(leader !== '')}`,
    `etcd_server_is_leader ${flag(leader === id)}`,
    `etcd_server_is_learner ${flag(isLearner)}`,
    `etcd_server_leader_changes_seen_total ${leaderChanges}`,
    'etcd_server_proposals_failed_total 0',
    `etcd_server_proposals_pending ${pending}`,
    `etcd_server_quota_backend_bytes ${metrics.quotaBytes ?? QUOTA_BYTES}`,
    ...(fsyncs || commits ? [`etcd_server_slow_apply_total ${slowApplies}`] : []),
    ...histogram('etcd_disk_wal_fsync_duration_seconds', fsyncs),
    ...histogram('etcd_disk_backend_commit_duration_seconds', commits),
    '',
  ].join('\n');
}

/** A gRPC error as forwarded by the gateway: https://grpc.io/docs/guides/status-codes/ */
export function grpcError(status: number, code: number, message: string): FakeAnswer {
  return { status, json: { error: message, message, code } };
}

export const denied = grpcError(403, 7, 'etcdserver: permission denied');
export const tooManyRequests = grpcError(429, 8, 'etcdserver: too many requests');
export const noQuorum = grpcError(503, 14, 'etcdserver: request timed out');
/** Never responds; the connection stays open. */
export const hangs: FakeAnswer = () => undefined;
export const resets: FakeAnswer = (request) => void request.socket.resetAndDestroy();

export function later(delayMs: number, answer: FakeAnswer): FakeAnswer {
  return (request, response) => {
    const timer = setTimeout(() => sendAnswer(answer, request, response), delayMs);
    response.once('close', () => clearTimeout(timer));
  };
}
