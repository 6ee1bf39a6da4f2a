import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/read-config.ts';
import { type AuditLog, openAuditLog } from '../../src/store/audit/audit-log.ts';
import {
  openRemediationStore,
  type RemediationStore,
} from '../../src/store/remediation/remediation-store.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { openQueues, PREFIX, type Queues } from '../../src/queue/queues.ts';
import { TOKENS } from '../e2e/harness.ts';
import { startWorkspace, type Workspace } from '../workspace/start-workspace.ts';
import { startRedis, type TestRedis } from '../world/redis.ts';
import { type ChaosEngine, startEngines } from './engines.ts';
import { type Fleet, openFleet } from './fleet.ts';
import { ALL_USERS, GROUPS } from './people.ts';
import type { EngineAddress, Timing } from './role-options.ts';

/**
 * The system that faults are injected into: a real Redis, real worker processes, real bot processes that
 * Slack reaches in turn, and a workspace with many channels.
 */
export interface ChaosStage {
  readonly folder: string;
  readonly redis: TestRedis;
  readonly workspace: Workspace;
  /** The workers. */
  readonly fleet: Fleet;
  readonly bots: Fleet;
  /** The engines from which workers remove containers. */
  readonly engines: readonly ChaosEngine[];
  /** One channel per batch and one per engine: Slack accepts about one message a second in each. */
  readonly channels: readonly string[];
  /** The stored remediations, seen from outside. */
  readonly connection: RedisConnection;
  readonly remediations: RemediationStore;
  readonly chain: AuditLog;
  readonly queues: Queues;
}

export interface StageSettings {
  readonly batches: number;
  readonly thingsInBatch: number;
  /** One batch in this many is a rack, with plans for many targets. None by default. */
  readonly rackEvery?: number;
  /** How many container engines there are. None by default. */
  readonly engines?: number;
  /** Engines that the test itself has started. None by default. */
  readonly ownEngines?: readonly EngineAddress[];
  /** RabbitMQ clusters that the test itself has started. None by default. */
  readonly brokers?: readonly EngineAddress[];
  readonly workers: number;
  readonly bots: number;
  readonly slowMs: number;
  readonly pace: Timing;
  /** None by default. */
  readonly digests?: Config['digests'];
  /** How far the clocks of the workers are ahead, starting with the first. Default: they are right. */
  readonly clocksAheadMs?: readonly number[];
}

/** What Wrench asks for. */
const SCOPES = ['commands', 'chat:write', 'files:write', 'users:read', 'usergroups:read'];

/** Starts everything; `cleanup` stops it. The folder is kept if `keepsFolder` says so at that time. */
export async function setChaosStage(
  cleanup: AsyncDisposableStack,
  {
    batches,
    thingsInBatch,
    rackEvery = 0,
    engines: engineCount = 0,
    ownEngines = [],
    brokers = [],
    workers,
    bots: botCount,
    slowMs,
    pace,
    digests = {},
    clocksAheadMs = [],
  }: StageSettings,
  keepsFolder: () => boolean = () => false,
): Promise<ChaosStage> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-chaos-'));
  cleanup.defer(async () => {
    if (!keepsFolder()) await rm(folder, { recursive: true, force: true });
  });
  const redis = await startRedis();
  cleanup.defer(redis.close);
  const channels = Array.from({ length: batches + engineCount }, (_, at) => `C0CHAOS${at}`);
  let nextPort = () => 0;
  const workspace = await startWorkspace({
    app: {
      delivery: 'http',
      requestUrl: () => `http://127.0.0.1:${nextPort()}/slack/events`,
      signingSecret: TOKENS.signing,
      botToken: TOKENS.bot,
      appToken: TOKENS.app,
      scopes: SCOPES,
    },
    users: ALL_USERS,
    userGroups: GROUPS,
    channels: channels.map((id) => ({ id, name: id.toLowerCase(), botIsMember: true })),
  });
  cleanup.defer(workspace.close);
  const system = { folder, thingsInBatch, rackEvery, slowMs };
  const engines = await startEngines(engineCount, cleanup);
  const addresses = [...engines.map(({ name, url }) => ({ name, url })), ...ownEngines];
  const options = {
    redisUrl: redis.url,
    slackApiUrl: workspace.apiUrl,
    system,
    pace,
    engines: addresses,
    brokers,
    digests,
  };
  const bots = openFleet('bot', options);
  cleanup.defer(bots.close);
  nextPort = inTurn(() => bots.ports().flatMap(({ port }) => port ?? []));
  const fleet = openFleet('worker', options, clocksAheadMs);
  cleanup.defer(fleet.close);
  await Promise.all([
    ...Array.from({ length: botCount }, bots.start),
    ...Array.from({ length: workers }, fleet.start),
  ]);
  const connection = connectBlocking({ url: redis.url }, () => undefined);
  cleanup.defer(() => connection.disconnect());
  const chain = openAuditLog(connection, PREFIX);
  const queues = openQueues(connection, () => undefined);
  cleanup.defer(queues.close);
  return {
    folder,
    redis,
    workspace,
    fleet,
    bots,
    engines,
    channels,
    connection,
    chain,
    remediations: openRemediationStore(connection, PREFIX, chain),
    queues,
  };
}

/** Each port in turn; 0, where nothing listens, if there is none. */
function inTurn(ports: () => readonly number[]): () => number {
  let turn = 0;
  return () => {
    const all = ports();
    turn += 1;
    return all[turn % Math.max(1, all.length)] ?? 0;
  };
}
