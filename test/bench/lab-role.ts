import { once } from 'node:events';
import { dirname } from 'node:path';
import type { Config, ProcessSettings } from '../../src/config/read-config.ts';
import type { Role } from '../../src/app/shared.ts';
import { share } from '../../src/app/shared.ts';
import { makeCatalogue, openToAll } from '../e2e/harness.ts';
import { makeMendable, openLab } from '../e2e/lab-remediation.ts';
import { TOKENS } from './stage.ts';

/** What a role of the lab is started with, as its only argument. */
export interface LabRole {
  readonly role: 'bot' | 'worker';
  readonly redisUrl: string;
  readonly apiUrl: string;
}

/** What it says of itself. */
export type FromLab =
  | { readonly kind: 'ready'; readonly port?: number }
  | { readonly kind: 'broken' }
  /** A deed happened, at this many milliseconds of the epoch. */
  | { readonly kind: 'deed'; readonly atMs: number };

/** Run as a process of its own: one role of the product, with a check of a lab in its catalogue. Each message names the one thing that is broken from then on. */
const { role, redisUrl, apiUrl } = JSON.parse(process.argv[2] ?? '') as LabRole;
const say = (said: FromLab) => process.send?.(said);
const lab = openLab([]);
lab.beforeDeed = async () => void say({ kind: 'deed', atMs: Date.now() });
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
  checks: {},
  commands: {},
  secrets: [],
};
const shared = share(settings, config, makeCatalogue({ things: makeMendable(lab) }), { url: redisUrl });
const started: Role & { readonly port?: number } =
  role === 'bot'
    ? await (await import('../../src/app/bot.ts')).startBot(shared)
    : await (await import('../../src/app/worker.ts')).startWorker(shared);
process.on('message', (thing: string) => {
  lab.broken.clear();
  lab.broken.add(thing);
  say({ kind: 'broken' });
});
say({ kind: 'ready', ...(started.port !== undefined && { port: started.port }) });
// Whoever started it is gone, or asks it to stop.
await Promise.race([once(process, 'disconnect'), once(process, 'SIGTERM')]);
await started.close();
process.exit();
