import { once } from 'node:events';
import { dirname } from 'node:path';
import type { Config, ProcessSettings } from '../../src/config/read-config.ts';
import type { Role } from '../../src/app/shared.ts';
import { prepareShared } from '../../src/app/shared.ts';
import { openToAll } from '../e2e/harness.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import { makeFixableCheck, makeFakeSystem } from '../world/fake-system.ts';
import { TOKENS } from './stage.ts';

/** The only argument of this process, in JSON. */
export interface RoleArguments {
  readonly role: 'bot' | 'worker';
  readonly redisUrl: string;
  readonly apiUrl: string;
}

/** What this process reports to its parent. */
export type RoleMessage =
  | { readonly kind: 'ready'; readonly port?: number }
  | { readonly kind: 'broken' }
  /** A fix was applied, at this many milliseconds of the epoch. */
  | { readonly kind: 'applied'; readonly atMs: number };

/**
 * Runs one role of Wrench with the check of a fake system in its catalogue. Each message names the only
 * thing that is broken from then on.
 */
const { role, redisUrl, apiUrl } = JSON.parse(process.argv[2] ?? '') as RoleArguments;
const send = (said: RoleMessage) => process.send?.(said);
const system = makeFakeSystem([]);
system.beforeApply = async () => void send({ kind: 'applied', atMs: Date.now() });
const settings: ProcessSettings = {
  slackBotToken: TOKENS.botToken,
  slackSigningSecret: TOKENS.signingSecret,
  slackApiUrl: apiUrl,
  port: 0,
  healthPort: 0,
  healthHost: '127.0.0.1',
  configPath: '',
  dataPath: dirname(new URL(redisUrl).pathname),
  logLevel: 'warn',
  secrets: Object.values(TOKENS),
};
const config: Config = {
  environments: { prod: { sources: [] } },
  channels: {},
  defaultEnvironment: 'prod',
  limits: {
    checkSeconds: 30,
    checksAtOnce: 10,
    takeOverSeconds: 30,
    stopSeconds: 1,
    perPersonPerMinute: 10_000,
  },
  ...openToAll,
  history: { days: 30 },
  checks: {},
  digests: {},
  commands: {},
  secrets: [],
};
const shared = prepareShared(settings, config, makeCatalogue({ things: makeFixableCheck(system) }), {
  url: redisUrl,
});
const started: Role & { readonly port?: number } =
  role === 'bot'
    ? await (await import('../../src/app/bot.ts')).startBot(shared)
    : await (await import('../../src/app/worker.ts')).startWorker(shared);
process.on('message', (thing: string) => {
  system.broken.clear();
  system.broken.add(thing);
  send({ kind: 'broken' });
});
send({ kind: 'ready', ...(started.port !== undefined && { port: started.port }) });
// The parent is gone, or requests a stop.
await Promise.race([once(process, 'disconnect'), once(process, 'SIGTERM')]);
await started.close();
process.exit();
