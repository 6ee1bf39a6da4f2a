import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Channel, defaultChannels } from '../workspace/model.ts';
import { startWorkspace, type Workspace } from '../workspace/start-workspace.ts';
import { startRedis } from '../world/redis.ts';
import { type StartOptions, type RoleName, type RunningRole, startRole } from './processes.ts';

/** Tokens of the loopback workspace. */
export const TOKENS = {
  botToken: 'xoxb-bench-bench-bench-not-a-real-token',
  appToken: 'xapp-1-bench-not-a-real-token',
  signingSecret: 'bench-not-a-real-secret',
} as const;

/** Slack lets a bot post once a second in a channel, so concurrent commands go to many channels. */
const CHANNELS = 40;
export const CHANNEL_IDS: readonly string[] = Array.from({ length: CHANNELS }, (_, at) => `C0BENCH${at}`);

export interface BenchStage {
  readonly workspace: Workspace;
  /** Only for this benchmark, and removed after it. */
  readonly folder: string;
  /** Starts a role in a separate process; a bot receives Slack's requests over HTTP. */
  readonly start: (role: RoleName, how?: Pick<StartOptions, 'nodeArguments' | 'env'>) => Promise<RunningRole>;
}

/** Redis, a workspace that delivers to the most recently started bot, and `wrench.yaml`. */
export async function setBenchStage(
  cleanup: AsyncDisposableStack,
  { sources, limits = {} }: { sources: readonly object[]; limits?: Record<string, number> },
): Promise<BenchStage> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-bench-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const redis = await startRedis();
  cleanup.defer(redis.close);
  let port = 0;
  const workspace = await startWorkspace({
    app: { delivery: 'http', requestUrl: () => `http://127.0.0.1:${port}/slack/events`, ...TOKENS },
    channels: [...defaultChannels, ...CHANNEL_IDS.map(toChannel)],
  });
  cleanup.defer(workspace.close);
  const config = join(folder, 'wrench.yaml');
  await writeFile(
    config,
    stringify({ environments: { prod: { sources } }, limits: { perPersonPerMinute: 10_000, ...limits } }),
    { mode: 0o600 },
  );
  const env = { REDIS_URL: redis.url, WRENCH_CONFIG: config, LOG_LEVEL: 'info' };
  const slack = {
    SLACK_BOT_TOKEN: TOKENS.botToken,
    SLACK_SIGNING_SECRET: TOKENS.signingSecret,
    SLACK_API_URL: workspace.apiUrl,
  };
  return {
    workspace,
    folder,
    start: async (role, how = {}) => {
      const its = role === 'worker' ? env : { ...env, ...slack };
      const running = await startRole(role, { ...how, cwd: folder, env: { ...its, ...how.env } });
      cleanup.defer(running.stop);
      if (role !== 'worker') port = running.port();
      return running;
    },
  };
}

export function toChannel(id: string): Channel {
  return { id, name: id.toLowerCase(), botIsMember: true };
}
