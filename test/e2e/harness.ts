import type { Catalogue } from '../../src/request/catalogue.ts';
import type { Config, ProcessSettings } from '../../src/config/read-config.ts';
import { startBot } from '../../src/app/bot.ts';
import { type Role, type Shared, prepareShared } from '../../src/app/shared.ts';
import { startWorker } from '../../src/app/worker.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import { type Channel, defaultChannels, type Enterprise } from '../workspace/model.ts';
import { startWorkspace, type Workspace } from '../workspace/start-workspace.ts';
import { MAX_WAIT_MS } from '../timeouts.ts';
import { startRedis, type TestRedis } from '../world/redis.ts';

export const ADA = 'U0123ADA';
export const GRACE = 'U0123GRACE';
export const KATE = 'U0123KATE';
/** The user group that Grace is in. */
export const PLATFORM_TEAM = 'S0123PLATFORM';
export const INCIDENT = 'C0123INCIDENT';
export const PLATFORM = 'C0123PLATFORM';
export const RANDOM = 'C0123RANDOM';
export const SECRET = 'C0123SECRET';

/** Ada by her id and Grace by her group may request and approve; Kate may not. */
export const openToAll: Pick<Config, 'roles' | 'remediations' | 'audit'> = {
  roles: { requester: [ADA, PLATFORM_TEAM], approver: [ADA, PLATFORM_TEAM], auditor: [] },
  remediations: {
    destructive: [],
    off: [],
    approvals: { disruptive: 1, destructive: 2 },
    approveWithinMinutes: 15,
    applyWithinSeconds: 120,
    perRun: 20,
    perHour: 1_000,
    lines: {},
    requireReason: false,
    membershipSeconds: 300,
    notify: 'mention',
    remind: { alsoNotify: [] },
  },
  audit: {},
};

/** Tokens of the loopback workspace. They look real, so that redaction applies to them. */
export const TOKENS = {
  bot: 'xoxb-111111111111-222222222222-abcdefghijklmnopqrstuvwx',
  app: 'xapp-1-A0123WRENCH-333333333333-abcdef0123456789',
  signing: '8f742231b10e8888abcd99yyyzzz85a5',
} as const;

export interface Stage {
  readonly workspace: Workspace;
  readonly redis: TestRedis;
  /** Everything that either role logged, one record per line. */
  readonly log: string[];
  readonly startBot: (changed?: Partial<ProcessSettings>) => Promise<Role>;
  readonly startWorker: () => Promise<Role>;
  readonly close: () => Promise<void>;
}

/** Redis, a workspace, and both roles, which can be started and stopped. */
export async function setStage(options: {
  readonly delivery: 'http' | 'socket';
  readonly catalogue: Catalogue;
  readonly config?: Partial<Config>;
  readonly scopes?: readonly string[];
  /** Channels besides the usual ones. */
  readonly channels?: readonly Channel[];
  /** The app is installed for a whole organization. */
  readonly enterprise?: Enterprise;
}): Promise<Stage> {
  const redis = await startRedis();
  let port = 0;
  const workspace = await startWorkspace({
    channels: [...defaultChannels, ...(options.channels ?? [])],
    app: {
      delivery: options.delivery,
      requestUrl: () => `http://127.0.0.1:${port}/slack/events`,
      signingSecret: TOKENS.signing,
      botToken: TOKENS.bot,
      appToken: TOKENS.app,
      ackWithinMs: MAX_WAIT_MS,
      ...(options.scopes && { scopes: options.scopes }),
    },
    ...(options.enterprise && { enterprise: options.enterprise }),
  });
  const log: string[] = [];
  const shared = makeShared(options, redis, workspace, log);
  const roles = new Set<Role>();
  const keep = (role: Role): Role => {
    roles.add(role);
    return {
      ...role,
      close: async () => {
        if (roles.delete(role)) await role.close();
      },
    };
  };
  return {
    workspace,
    redis,
    log,
    startBot: async (changed = {}) => {
      const bot = await startBot({ ...shared, settings: { ...shared.settings, ...changed } });
      port = bot.port ?? 0;
      return keep(bot);
    },
    startWorker: async () => keep(await startWorker(shared)),
    close: async () => {
      await Promise.all([...roles].map((role) => role.close()));
      await workspace.close();
      await redis.close();
    },
  };
}

function makeShared(
  { delivery, catalogue, config }: Parameters<typeof setStage>[0],
  redis: TestRedis,
  workspace: Workspace,
  lines: string[],
): Shared {
  const settings: ProcessSettings = {
    slackBotToken: TOKENS.bot,
    ...(delivery === 'socket' ? { slackAppToken: TOKENS.app } : { slackSigningSecret: TOKENS.signing }),
    slackApiUrl: workspace.apiUrl,
    port: 0,
    healthPort: 0,
    healthHost: '127.0.0.1',
    configPath: '',
    dataPath: redis.folder,
    logLevel: 'debug',
    secrets: [TOKENS.bot, TOKENS.app, TOKENS.signing],
  };
  const full: Config = {
    environments: { prod: { sources: [] } },
    channels: {},
    defaultEnvironment: 'prod',
    limits: {
      checkSeconds: 30,
      checksAtOnce: 10,
      takeOverSeconds: 2,
      stopSeconds: 1,
      perPersonPerMinute: 10_000,
    },
    ...openToAll,
    history: { days: 30 },
    checks: {},
    digests: {},
    commands: {},
    secrets: [],
    ...config,
  };
  const log = makeLog({
    level: 'debug',
    secrets: settings.secrets,
    to: { write: (line) => lines.push(line) },
  });
  return { ...prepareShared(settings, full, catalogue, { url: redis.url }), log };
}
