import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Message } from '../workspace/model.ts';
import { startWorkspace, type Workspace } from '../workspace/start-workspace.ts';
import { NOTE, type Note } from './join.ts';
import { startDemoRedis } from './redis.ts';
import { startDemoWorld } from './world.ts';

const PAGE_PORT = 4_000;
const READY_WITHIN_MS = 30_000;
const TOKENS = {
  botToken: 'xoxb-demo-demo-demo-not-a-real-token',
  appToken: 'xapp-1-demo-not-a-real-token',
  signingSecret: 'demo-not-a-real-secret',
} as const;
const ADA = 'U0123ADA';
const INCIDENT = 'C0123INCIDENT';

/** What has been started, in order; closed the other way round. */
const started: (() => Promise<unknown>)[] = [];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { port: { type: 'string' } },
  });
  say('Starting the world: TLS servers, files, a Vault …');
  const world = keep(await startDemoWorld());
  const redis = keep(await startDemoRedis((error) => say(error.message)));
  if (redis.isStandIn) say(NO_REDIS);
  const workspace = keep(await openWorkspace(Number(values.port ?? PAGE_PORT)));
  await noteDown(world.configPath);
  await startWrench(workspace, world.configPath, redis.url);
  say(`\n  Wrench is in the workspace:  ${workspace.pageUrl}\n`);
  const [area = 'certs', check = 'expiring'] = positionals[0]?.split('/') ?? [];
  await askFirst(workspace, `/${area}`, check);
  say(
    `\nOpen ${workspace.pageUrl} and type /certs expiring. Beside it: npm run wrench -- run certs expiring --env demo`,
  );
  say('Ctrl-C stops everything.');
}

const NO_REDIS = `
  ┌──────────────────────────────────────────────────────────────────────────────┐
  │ No Redis is installed: a stand-in written in JavaScript holds everything in  │
  │ memory only. Good for a look, never for work.  apt-get install redis-tools   │
  └──────────────────────────────────────────────────────────────────────────────┘`;

/** The page's usual port, or a free one where that is taken. */
async function openWorkspace(port: number): Promise<Workspace> {
  const app = {
    delivery: 'socket',
    ...TOKENS,
    commands: [
      { command: '/certs', description: 'Certificates', usage: 'expiring | show <site>' },
      { command: '/wrench', description: 'All that Wrench can be asked', usage: 'help' },
    ],
  } as const;
  return startWorkspace({ port, app }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return startWorkspace({ app });
  });
}

async function noteDown(configPath: string): Promise<void> {
  const note: Note = { pid: process.pid, configPath };
  await mkdir(dirname(NOTE), { recursive: true });
  await writeFile(NOTE, JSON.stringify(note));
  started.push(() => rm(NOTE, { force: true }));
}

/** The product itself, as production starts it; only its addresses and tokens are the demo's. */
async function startWrench(workspace: Workspace, configPath: string, redisUrl: string): Promise<void> {
  const wrench = spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts'), 'all'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      SLACK_BOT_TOKEN: TOKENS.botToken,
      SLACK_APP_TOKEN: TOKENS.appToken,
      SLACK_API_URL: workspace.apiUrl,
      REDIS_URL: redisUrl,
      WRENCH_CONFIG: configPath,
      HEALTH_PORT: '0',
      LOG_LEVEL: 'warn',
    },
  });
  started.push(() => end(wrench));
  wrench.once('exit', (code) => {
    if (stopping) return;
    say(`Wrench ended with ${code}.`);
    void stop(1);
  });
  await workspace.waitFor(() => workspace.sockets.connections() > 0, { timeoutMs: READY_WITHIN_MS });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(hard);
}

async function askFirst(workspace: Workspace, command: string, text: string): Promise<void> {
  say(`@ada types ${command} ${text} in #incident:\n`);
  await workspace.command({ userId: ADA, channelId: INCIDENT, command, text });
  const isAnswer = (message: Message) => message.user !== ADA && !message.text.includes('LOOKING');
  const answer = await workspace.waitFor(() => workspace.messages(INCIDENT).find(isAnswer), {
    timeoutMs: READY_WITHIN_MS,
  });
  for (const line of answer.text.split('\n')) say(`  ${line.replace(/:[a-z_]+: /, '')}`);
}

function keep<T extends { readonly close: () => Promise<unknown> }>(part: T): T {
  started.push(part.close);
  return part;
}

let stopping = false;

async function stop(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    for (const close of started.toReversed()) await close().catch((error: unknown) => say(String(error)));
  }
  process.exit(code);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
main().catch(async (error: unknown) => {
  say(`The demo could not start: ${error instanceof Error ? error.message : String(error)}`);
  await stop(1);
});
