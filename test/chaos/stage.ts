import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessSettings } from '../../src/config.ts';
import { type Chain, openChain } from '../../src/memory/chain.ts';
import { openRemediations, type Remediations } from '../../src/memory/remediations.ts';
import { connectPatiently, type RedisConnection } from '../../src/queue/connection.ts';
import { openQueues, PREFIX, type Queues } from '../../src/queue/queues.ts';
import { startBot } from '../../src/roles/bot.ts';
import { share } from '../../src/roles/common.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import { TOKENS } from '../e2e/harness.ts';
import { startWorkspace, type Workspace } from '../workspace/start-workspace.ts';
import { startRedis, type TestRedis } from '../world/redis.ts';
import { type Fleet, openFleet } from './fleet.ts';
import { makeLabCatalogue } from './lab.ts';
import { EVERYBODY, GROUPS } from './people.ts';
import { configOf, type Pace } from './worker-orders.ts';

/** Everything that the chaos is done to: a real Redis, real worker processes, the bot, and a workspace with many channels. */
export interface ChaosStage {
  readonly folder: string;
  readonly redis: TestRedis;
  readonly workspace: Workspace;
  readonly fleet: Fleet;
  /** One channel a batch: Slack takes about one message a second in each. */
  readonly channels: readonly string[];
  /** What is remembered, seen from outside. */
  readonly connection: RedisConnection;
  readonly remediations: Remediations;
  readonly chain: Chain;
  readonly queues: Queues;
}

export interface StageSettings {
  readonly batches: number;
  readonly thingsInBatch: number;
  readonly workers: number;
  readonly slowMs: number;
  readonly pace: Pace;
  /**
   * Whether the bot may read the channels' history (`channels:history`, which Wrench does not ask for). With it, a post whose answer was
   * lost is found; without, it is posted again, and the first one stays as it was.
   */
  readonly readsHistory: boolean;
}

/** What Wrench asks for. */
const SCOPES = ['commands', 'chat:write', 'files:write', 'users:read', 'usergroups:read'];

/** Sets it all up; `lasting` takes it down. The folder stays where `keepsFolder` says so when it is taken down. */
export async function setChaosStage(
  lasting: AsyncDisposableStack,
  { batches, thingsInBatch, workers, slowMs, pace, readsHistory }: StageSettings,
  keepsFolder: () => boolean = () => false,
): Promise<ChaosStage> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-chaos-'));
  lasting.defer(async () => {
    if (!keepsFolder()) await rm(folder, { recursive: true, force: true });
  });
  const redis = await startRedis();
  lasting.defer(redis.close);
  const channels = Array.from({ length: batches }, (_, at) => `C0CHAOS${at}`);
  let port = 0;
  const workspace = await startWorkspace({
    app: {
      delivery: 'http',
      requestUrl: () => `http://127.0.0.1:${port}/slack/events`,
      signingSecret: TOKENS.signing,
      botToken: TOKENS.bot,
      appToken: TOKENS.app,
      scopes: [...SCOPES, ...(readsHistory ? ['channels:history'] : [])],
    },
    users: EVERYBODY,
    userGroups: GROUPS,
    channels: channels.map((id) => ({ id, name: id.toLowerCase(), botIsMember: true })),
  });
  lasting.defer(workspace.close);
  const lab = { folder, thingsInBatch, slowMs };
  const bot = await startChaosBot(lasting, workspace, redis.url, lab, pace);
  port = bot.port ?? 0;
  const fleet = openFleet({ redisUrl: redis.url, lab, pace });
  lasting.defer(fleet.close);
  await Promise.all(Array.from({ length: workers }, fleet.start));
  const connection = connectPatiently({ url: redis.url }, () => undefined);
  lasting.defer(() => connection.disconnect());
  const chain = openChain(connection, PREFIX);
  const queues = openQueues(connection, () => undefined);
  lasting.defer(queues.close);
  return {
    folder,
    redis,
    workspace,
    fleet,
    channels,
    connection,
    chain,
    remediations: openRemediations(connection, PREFIX, chain),
    queues,
  };
}

async function startChaosBot(
  lasting: AsyncDisposableStack,
  workspace: Workspace,
  redisUrl: string,
  lab: Parameters<typeof makeLabCatalogue>[0],
  pace: Pace,
) {
  const settings: ProcessSettings = {
    slackBotToken: TOKENS.bot,
    slackSigningSecret: TOKENS.signing,
    slackApiUrl: workspace.apiUrl,
    port: 0,
    healthPort: 0,
    configPath: '',
    dataPath: '',
    logLevel: 'info',
    secrets: Object.values(TOKENS),
  };
  const shared = share(settings, configOf(pace), makeLabCatalogue(lab), { url: redisUrl });
  const to = createWriteStream(join(lab.folder, 'bot.log'));
  lasting.defer(() => to.close());
  const bot = await startBot({
    ...shared,
    log: makeLog({ level: 'info', secrets: settings.secrets, to }),
  });
  lasting.defer(bot.close);
  return bot;
}
