import { setTimeout as sleep } from 'node:timers/promises';
import type {
  QueryOptions,
  StoreAlarm,
  StoreMember,
  StoreQuery,
  UnansweredQuery,
} from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { TextResponse } from '../../wire/http.ts';
import { startDeadline } from '../../wire/deadline.ts';
import { findFailureMode, isNotConnectable } from './failure-mode.ts';
import { alarmsAmong, isAlarm, readAlarms } from './alarms.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { parseJson } from '../../text/parse-json.ts';
import { countIn, cleanEtcdText, isDenied, LostQuorum } from './responses.ts';
import { startClock } from './clock.ts';
import type { EtcdCluster } from './cluster.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { callV3, parseVersion, type EtcdVersion } from './gateway.ts';
import { readServedCertificate } from './handshake.ts';
import { hexId, hexIdV2 } from './ids.ts';
import { fetchMemberList, type ListedMember } from './member-list.ts';
import { type EtcdMetrics, parseMetrics, reported } from './metrics.ts';
import { readWithQuorum, type QuorumRead } from './quorum.ts';

/** One client port, and what the member that responds there reports about itself. */
export interface MemberStatus {
  readonly client: EndpointClient;
  readonly id?: string;
  readonly clusterId?: string;
  readonly leaderId?: string;
  readonly listed?: readonly ListedMember[];
  readonly alarms: readonly StoreAlarm[];
  readonly quorum?: QuorumRead;
  /** Its other responses were so slow that a timed-out quorum read says nothing about the majority. */
  readonly isSlow?: boolean;
  readonly facts: Partial<
    Omit<StoreMember, 'id' | 'name' | 'clientUrls' | 'url' | 'isConfigured' | 'isLearner'>
  >;
}

/** If `/version` doesn't respond within this time, the other requests are sent as for a current version. */
const VERSION_WITHIN_MS = 1_500;
const CURRENT_VERSION: EtcdVersion = { text: '', prefix: '/v3' };
/** A quorum read is late if it took this many times longer than any response that needs no majority. */
const CLEARLY_LONGER = 2;
const NEED_NO_MAJORITY: ReadonlySet<StoreQuery> = new Set(['version', 'metrics', 'status']);

/** Sends all queries at once; none depends on another. Throws only the reason of `signal`, or on a bug in Wrench. */
export async function probeMember(
  cluster: EtcdCluster,
  client: EndpointClient,
  { signal, withinMs }: QueryOptions,
): Promise<MemberStatus> {
  const deadline = startDeadline(signal, withinMs);
  const endsAt = performance.now() + withinMs;
  const bounded: EndpointClient = {
    ...client,
    request: (question) => {
      const leftMs = Math.max(1, Math.round(endsAt - performance.now()));
      const timeoutMs = Math.min(question.timeoutMs ?? cluster.config.timeoutMs, leftMs);
      return client.request({ ...question, timeoutMs });
    },
  };
  const serving = readServedCertificate(client, deadline.signal);
  try {
    const status = await queryAll(cluster, bounded, signal);
    const certificate = await serving;
    signal.throwIfAborted();
    return { ...status, client, facts: { ...status.facts, ...(certificate && { certificate }) } };
  } finally {
    deadline.stop();
  }
}

async function queryAll(
  cluster: EtcdCluster,
  client: EndpointClient,
  signal: AbortSignal,
): Promise<MemberStatus> {
  const { name } = cluster;
  const clock = startClock();
  const unanswered: UnansweredQuery[] = [];
  let slowestMs = 0;
  let quorumMs = 0;
  const attempt = async <T>(query: StoreQuery, ask: () => Promise<T>): Promise<T | undefined> => {
    const askedAt = performance.now();
    try {
      const answer = await ask();
      if (NEED_NO_MAJORITY.has(query)) slowestMs = Math.max(slowestMs, performance.now() - askedAt);
      return answer;
    } catch (error) {
      if (query === 'quorum read') quorumMs = performance.now() - askedAt;
      if (!(error instanceof SourceError)) throw error;
      unanswered.push({ query, error: explainUnanswered(query, error, client), isDenied: isDenied(error) });
      return undefined;
    }
  };
  const get = (path: string): Promise<TextResponse> => clock.watch(() => client.request({ path, signal }));

  let connection: SourceError | undefined;
  const asking = attempt('version', async () => {
    const answer = await get('/version').catch((error: unknown) => {
      if (error instanceof SourceError) connection = error;
      throw error;
    });
    return parseVersion(name, client.host, answer);
  });
  const healthAsked = attempt('health', async () => readHealth(name, client.host, await get('/health')));
  const metricsAsked = attempt('metrics', async () =>
    parseMetricsResponse(name, client.host, await get('/metrics')),
  );
  const early = await Promise.race([asking, sleep(VERSION_WITHIN_MS, undefined, { ref: false })]);
  // Nothing listens there, or the name doesn't resolve: the other requests would fail too.
  const isGone = connection !== undefined && isNotConnectable(connection);
  const prefixed = early ?? CURRENT_VERSION;
  const [version, health, metrics, self, list, alarms, quorum] = await Promise.all([
    asking,
    healthAsked,
    metricsAsked,
    isGone ? undefined : attempt('status', () => fetchSelfReport(cluster, client, prefixed, signal)),
    isGone ? undefined : attempt('member list', () => fetchMemberList(cluster, client, prefixed, signal)),
    isGone ? undefined : attempt('alarm list', () => fetchAlarms(cluster, client, prefixed, signal)),
    isGone ? undefined : attempt('quorum read', () => readWithQuorum(cluster, client, prefixed, signal)),
  ]);
  if ([version, health, metrics, self, list, alarms, quorum].every((answer) => answer === undefined)) {
    const error = connection ?? unanswered[0]!.error;
    return {
      client,
      alarms: [],
      facts: { error, failureMode: await findFailureMode(error, client, signal) },
    };
  }
  return toMemberStatus({
    client,
    unanswered,
    ...(version && { version }),
    ...(health && { health }),
    metrics: metrics ?? {},
    ...(self && { self }),
    ...(list && { list }),
    alarms: alarms ?? [],
    ...(quorum && { quorum }),
    clockAheadMs: clock.aheadMs(),
    isSlow: quorumMs < CLEARLY_LONGER * slowestMs,
  });
}

interface MemberResponses {
  readonly client: EndpointClient;
  readonly unanswered: readonly UnansweredQuery[];
  readonly version?: EtcdVersion;
  readonly health?: HealthResponse;
  readonly metrics: EtcdMetrics;
  readonly self?: SelfReport;
  readonly list?: {
    readonly members: readonly ListedMember[];
    readonly clusterId?: string;
    readonly memberId?: string;
  };
  readonly alarms: readonly StoreAlarm[];
  readonly quorum?: QuorumRead;
  readonly clockAheadMs: number | undefined;
  readonly isSlow: boolean;
}

function toMemberStatus(answers: MemberResponses): MemberStatus {
  const { client, version, health = {}, metrics, self, list, alarms, quorum, clockAheadMs } = answers;
  const { id: ownId, leaderId, hasLeader, isLearner, errors = [], ...sizes } = self ?? {};
  const id = ownId ?? list?.memberId ?? quorum?.memberId ?? metrics.id;
  const clusterId = self?.clusterId ?? list?.clusterId ?? quorum?.clusterId;
  // Every reported error that isn't an alarm is a fault, known here or not.
  const others = errors.filter((error) => !isAlarm(error) && !/no leader/.test(error));
  const healthy = others.length > 0 ? false : health.healthy;
  const isHealthUnusable = health.isUnusable === true;
  const unanswered = isHealthUnusable
    ? [...answers.unanswered, { query: 'health' as const, error: health.error!, isDenied: true }]
    : answers.unanswered;
  const isLearnerByStatus = isLearner === true || metrics.isLearner === true;
  const facts = reported({
    version: version?.text,
    leaderChanges: metrics.leaderChanges,
    proposalsFailed: metrics.proposalsFailed,
    proposalsPending: metrics.proposalsPending,
    disk: metrics.disk,
    // If the status is missing, these have the same numbers.
    raftIndex: sizes.raftIndex ?? metrics.proposalsCommitted,
    raftAppliedIndex: sizes.raftAppliedIndex ?? metrics.proposalsApplied,
    dbSizeBytes: sizes.dbSizeBytes ?? metrics.dbSizeBytes,
    dbInUseBytes: sizes.dbInUseBytes ?? metrics.dbInUseBytes,
    quotaBytes: sizes.quotaBytes ?? metrics.quotaBytes,
    ...leadership({ hasLeader, isLeader: self?.isLeader, healthy }, metrics),
    isLearnerByStatus: isLearnerByStatus ? true : undefined,
    healthy,
    unhealthyBecause: healthy === false ? (health.because ?? others[0] ?? errors[0]) : undefined,
    clockAheadMs,
    unanswered: unanswered.length > 0 ? unanswered : undefined,
  });
  return {
    client,
    ...(id !== undefined && { id }),
    ...(clusterId !== undefined && { clusterId }),
    ...(leaderId !== undefined && { leaderId }),
    ...(list && { listed: list.members }),
    alarms: [...alarms, ...alarmsAmong(errors), ...alarmsInHealth(health.because)],
    ...(quorum && { quorum }),
    isSlow: answers.isSlow,
    facts,
  };
}

/** `ALARM NOSPACE` */
function alarmsInHealth(because: string | undefined): readonly StoreAlarm[] {
  const kind = /^ALARM (\w+)$/.exec(because ?? '')?.[1];
  return kind === undefined ? [] : [{ kind }];
}

/** A query that timed out says nothing about the majority, unless it was the quorum read. */
function explainUnanswered(query: StoreQuery, error: SourceError, { host }: EndpointClient): SourceError {
  if (!(error instanceof LostQuorum) || query === 'quorum read') return error;
  return new SourceError(error.source, 'unreachable', `${host} didn't respond (${error.reason})`);
}

export function parseMetricsResponse(
  source: string,
  host: string,
  { status, text }: TextResponse,
): EtcdMetrics {
  if (status === 200 && /^etcd_/m.test(text)) return parseMetrics(text);
  throw new SourceError(
    source,
    status === 200 ? 'malformed' : 'unreachable',
    status === 200 ? `${host} has no etcd metrics at /metrics` : `${host} returned ${status} for /metrics`,
  );
}

interface HealthResponse {
  readonly healthy?: boolean;
  readonly because?: string;
  /** This says nothing about the member: 3.5.0 queries itself without a user. */
  readonly isUnusable?: boolean;
  readonly error?: SourceError;
}

/** https://github.com/etcd-io/etcd/issues/13144 */
const HEALTH_NEEDS_USER = /user name is empty|permission denied/i;

/**
 * `health` is a string, or in the oldest versions a boolean; without a majority it comes with 503.
 * @throws {SourceError} if the response is not from etcd.
 */
function readHealth(source: string, host: string, { status, text }: TextResponse): HealthResponse {
  const body = asObject(parseJson(text));
  if (!('health' in body))
    throw new SourceError(
      source,
      status >= 400 ? 'unreachable' : 'malformed',
      `${host} returned ${status >= 400 ? status : 'a response that is not from etcd'} for /health`,
    );
  const healthy = status === 200 && String(body['health']) === 'true';
  const reason = textIn(body, 'reason');
  if (healthy || reason === undefined) return { healthy };
  if (HEALTH_NEEDS_USER.test(reason))
    return {
      isUnusable: true,
      error: new SourceError(
        source,
        'refused',
        `/health of ${host} fails because authentication is enabled (${cleanEtcdText(reason)})`,
      ),
    };
  return { healthy, because: cleanEtcdText(reason) };
}

interface SelfReport extends Pick<
  StoreMember,
  'hasLeader' | 'isLeader' | 'dbSizeBytes' | 'dbInUseBytes' | 'quotaBytes' | 'raftIndex' | 'raftAppliedIndex'
> {
  readonly id?: string;
  readonly clusterId?: string;
  readonly leaderId?: string;
  readonly isLearner?: boolean;
  /** The errors that it reports about itself, including alarms. */
  readonly errors?: readonly string[];
}

async function fetchSelfReport(
  cluster: EtcdCluster,
  client: EndpointClient,
  version: EtcdVersion,
  signal: AbortSignal,
): Promise<SelfReport> {
  if (version.prefix !== undefined) {
    try {
      const answer = await callV3(cluster, client, version, { path: 'maintenance/status', signal });
      if ('header' in answer) return fromStatus(answer);
      throw new SourceError(cluster.name, 'malformed', `${client.host} sent an invalid status`);
    } catch (error) {
      // The gateway may be disabled.
      if (!(error instanceof SourceError) || error.kind !== 'missing') throw error;
    }
  }
  const { status, text, headers } = await client.request({ path: '/v2/stats/self', signal });
  const body = asObject(parseJson(text));
  if (status !== 200 || !('id' in body))
    throw new SourceError(
      cluster.name,
      'missing',
      `${client.host} reports no status: it has neither a v3 nor a v2 API`,
    );
  const leaderId = hexIdV2(asObject(body['leaderInfo'])['leader']);
  return reported({
    id: hexIdV2(body['id']),
    clusterId: hexIdV2(headers['x-etcd-cluster-id']),
    leaderId,
    isLeader: textIn(body, 'state') === 'StateLeader',
  });
}

function fromStatus(status: JsonObject): SelfReport {
  const header = asObject(status['header']);
  const id = hexId(header['member_id']);
  const leaderId = hexId(status['leader']);
  const errors = Array.isArray(status['errors']) ? status['errors'] : [];
  return reported({
    id,
    clusterId: hexId(header['cluster_id']),
    leaderId,
    hasLeader: leaderId !== undefined,
    isLeader: leaderId !== undefined && leaderId === id,
    isLearner: status['isLearner'] === true ? true : undefined,
    dbSizeBytes: countIn(status, 'dbSize'),
    dbInUseBytes: countIn(status, 'dbSizeInUse'),
    // Since 3.6.
    quotaBytes: countIn(status, 'dbSizeQuota'),
    raftIndex: countIn(status, 'raftIndex'),
    raftAppliedIndex: countIn(status, 'raftAppliedIndex'),
    errors: errors.filter((error) => typeof error === 'string').map(cleanEtcdText),
  });
}

async function fetchAlarms(
  cluster: EtcdCluster,
  client: EndpointClient,
  version: EtcdVersion,
  signal: AbortSignal,
): Promise<readonly StoreAlarm[]> {
  // etcd 2 has no alarms.
  if (version.prefix === undefined) return [];
  const call = { path: 'maintenance/alarm', body: { action: 'GET' }, signal };
  const answer = await callV3(cluster, client, version, call).catch((error: unknown) => {
    if (!(error instanceof SourceError) || error.kind !== 'missing') throw error;
    throw new SourceError(
      cluster.name,
      'missing',
      `${client.host} doesn't serve the v3 JSON gateway (--enable-grpc-gateway), so its alarms are unknown`,
    );
  });
  const isKnown = Object.keys(answer).every((key) => key === 'header' || key === 'alarms');
  if (isKnown && (!('alarms' in answer) || Array.isArray(answer['alarms']))) return readAlarms(answer);
  throw new SourceError(cluster.name, 'malformed', `${client.host} sent an invalid list of alarms`);
}

/** `/v2/stats/self` also reports the last remaining member as leader, so it counts only for a healthy member. */
function leadership(
  {
    hasLeader,
    isLeader,
    healthy,
  }: Partial<Record<'hasLeader' | 'isLeader' | 'healthy', boolean | undefined>>,
  metrics: EtcdMetrics,
): { readonly hasLeader?: boolean | undefined; readonly isLeader?: boolean | undefined } {
  if (hasLeader !== undefined) return { hasLeader, isLeader };
  const knows = metrics.hasLeader ?? healthy;
  const leads = metrics.isLeader ?? (healthy === true && isLeader === true);
  return { hasLeader: knows, isLeader: leads && knows !== false };
}
