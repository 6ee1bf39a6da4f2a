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
import { EVERYBODY, GROUPS } from './people.ts';
import type { EngineAddress, Timing } from './role-options.ts';

/** What faults are injected into: a real Redis, real worker processes, real bot processes that Slack reaches in turn, and a workspace with many channels. */
export interface ChaosStage {
  readonly folder: string;
  readonly redis: TestRedis;
  readonly workspace: Workspace;
  /** The workers. */
  readonly fleet: Fleet;
  readonly bots: Fleet;
  /** What workers remove containers of. */
  readonly engines: readonly ChaosEngine[];
  /** One channel a batch and one an engine: Slack takes about one message a second in each. */
  readonly channels: readonly string[];
  /** What is remembered, seen from outside. */
  readonly connection: RedisConnection;
  readonly remediations: RemediationStore;
  readonly chain: AuditLog;
  readonly queues: Queues;
}

export interface StageSettings {
  readonly batches: number;
  readonly thingsInBatch: number;
  /** One batch in so many is a rack, with plans for many targets. None by default. */
  readonly rackEvery?: number;
  /** How many container engines there are. None by default. */
  readonly engines?: number;
  /** Engines that the test itself has started. None by default. */
  readonly ownEngines?: readonly EngineAddress[];
  readonly workers: number;
  readonly bots: number;
  readonly slowMs: number;
  readonly pace: Timing;
  /** None by default. */
  readonly digests?: Config['digests'];
  /** How far the clocks of the workers are ahead, from the first on. Default: they are right. */
  readonly clocksAheadMs?: readonly number[];
}

/** What Wrench asks for. */
const SCOPES = ['commands', 'chat:write', 'files:write', 'users:read', 'usergroups:read'];

/** Sets it all up; `lasting` takes it down. The folder stays where `keepsFolder` says so when it is taken down. */
export async function setChaosStage(
  lasting: AsyncDisposableStack,
  {
    batches,
    thingsInBatch,
    rackEvery = 0,
    engines: engineCount = 0,
    ownEngines = [],
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
  lasting.defer(async () => {
    if (!keepsFolder()) await rm(folder, { recursive: true, force: true });
  });
  const redis = await startRedis();
  lasting.defer(redis.close);
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
    users: EVERYBODY,
    userGroups: GROUPS,
    channels: channels.map((id) => ({ id, name: id.toLowerCase(), botIsMember: true })),
  });
  lasting.defer(workspace.close);
  const system = { folder, thingsInBatch, rackEvery, slowMs };
  const engines = await startEngines(engineCount, lasting);
  const addresses = [...engines.map(({ name, url }) => ({ name, url })), ...ownEngines];
  const options = {
    redisUrl: redis.url,
    slackApiUrl: workspace.apiUrl,
    system,
    pace,
    engines: addresses,
    digests,
  };
  const bots = openFleet('bot', options);
  lasting.defer(bots.close);
  nextPort = inTurn(() => bots.ports().flatMap(({ port }) => port ?? []));
  const fleet = openFleet('worker', options, clocksAheadMs);
  lasting.defer(fleet.close);
  await Promise.all([
    ...Array.from({ length: botCount }, bots.start),
    ...Array.from({ length: workers }, fleet.start),
  ]);
  const connection = connectBlocking({ url: redis.url }, () => undefined);
  lasting.defer(() => connection.disconnect());
  const chain = openAuditLog(connection, PREFIX);
  const queues = openQueues(connection, () => undefined);
  lasting.defer(queues.close);
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

/** Each port in its turn; 0, at which nobody listens, where there is none. */
function inTurn(ports: () => readonly number[]): () => number {
  let turn = 0;
  return () => {
    const all = ports();
    turn += 1;
    return all[turn % Math.max(1, all.length)] ?? 0;
  };
}
