import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../../src/config/read-config.ts';
import type { Message } from '../workspace/model.ts';
import { startWorkspace, type Workspace } from '../workspace/start-workspace.ts';
import { whyNoBuildNodes } from '../world/build-nodes.ts';
import { missingPackages } from '../world/cloud-foundry.ts';
import { announceDemo } from './announce.ts';
import { type Breakable, makeFaultInjections } from './fault-injection.ts';
import { CHANNELS, PEOPLE } from './people.ts';
import { startDemoRedis } from './redis.ts';
import { startDemoWorld } from './world.ts';
import { MAX_WAIT_MS, MAX_WORLD_WAIT_MS } from '../timeouts.ts';

const PAGE_PORT = 4_000;
/** As many as the outage is told of. */
const VMS = 12;
const TOKENS = {
  botToken: 'xoxb-demo-demo-demo-not-a-real-token',
  appToken: 'xapp-1-demo-not-a-real-token',
  signingSecret: 'demo-not-a-real-secret',
} as const;
const WAIT = { timeoutMs: MAX_WORLD_WAIT_MS };

/** What has been started, in order; closed the other way round. */
const started: (() => Promise<unknown>)[] = [];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      vms: { type: 'string' },
      // `--no-engine`: without the build nodes.
      engine: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const { dataPath } = readEnvironment();
  const wanted = Number(values.vms ?? VMS);
  const lacking = wanted > 0 ? await missingPackages() : [];
  const vms = lacking.length > 0 ? 0 : wanted;
  const noEngine = values.engine ? whyNoBuildNodes() : '';
  const parts = [
    'TLS servers',
    'files',
    'a Vault',
    ...(vms > 0 ? ['a small Cloud Foundry'] : []),
    ...(noEngine === undefined ? ['a Docker Engine'] : []),
  ];
  say(`Starting the world: ${parts.join(', ')} …`);
  if (lacking.length > 0) say(noCloudFoundry(lacking));
  const world = await keep(startDemoWorld({ vms, buildNodes: noEngine === undefined }));
  const { cloudFoundry, shop } = world;
  const buildNodes = world.buildNodes instanceof Error ? undefined : world.buildNodes;
  if (noEngine) say(noBuildNodes(noEngine));
  if (world.buildNodes instanceof Error) say(noBuildNodes(reasonOf(world.buildNodes)));
  const redis = await keep(startDemoRedis((error) => say(error.message)));
  if (redis.isStandIn) say(NO_REDIS);
  const workspace = await keep(
    openWorkspace(Number(values.port ?? PAGE_PORT), { shop, cloudFoundry, buildNodes }),
  );
  started.push(announceDemo(dataPath, world.configPath, redis.url).close);
  await startWrench(workspace, world.configPath, redis.url);
  say(`\n  Wrench is in the workspace:  ${workspace.pageUrl}\n`);
  const [area = 'certs', check = 'expiring'] = positionals[0]?.split('/') ?? [];
  await askFirst(workspace, `/${area}`, check);
  await cloudFoundry?.waitUntilHealthy();
  await runDigest(workspace);
  const canFix = !redis.isStandIn;
  say(
    whatToTry(workspace.pageUrl, {
      hasCloudFoundry: cloudFoundry !== undefined,
      hasBuildNodes: buildNodes !== undefined,
      canFix,
    }),
  );
  say('Ctrl-C stops everything.');
}

interface Tryable {
  readonly hasCloudFoundry: boolean;
  readonly hasBuildNodes: boolean;
  readonly canFix: boolean;
}

function whatToTry(pageUrl: string, { hasCloudFoundry, hasBuildNodes, canFix }: Tryable): string {
  const outage = `
  The outage: "Break something", let doppler_z2/0 lose its key in etcd, type /etcd doppler, open the thread,
              click Restart, read the plan, become Grace (her face is beside the title), approve.
  No space:   "Break something", fill etcd, type /etcd health, and so on.`;
  const fullDisk = `
  Full disk:  "Break something", run builds without --rm, type /node disk, open the thread, click Run /node leftovers,
              then remove the containers there.`;
  const renewal = `
  A renewal:  /certs expiring --match locket, open the thread, click Renew.`;
  const digest = `
  The digest: every two minutes in #platform: what it found first, then only what has changed. "Break something", let
              the certificate of shop.test expire, and renew it. Do not wait: /wrench digest run platform
  Its thread: open it, click Silence… or I'm on it, and see what the next digest and the next answer say.`;
  return `
Open ${pageUrl} and try:
${canFix ? [hasCloudFoundry ? outage : '', hasBuildNodes ? fullDisk : '', renewal].join('') : ''}${digest}
  A question: /certs show mysql. In another terminal: npm run wrench -- run certs expiring --env demo
`;
}

function noCloudFoundry(packages: readonly string[]): string {
  return `
  No Cloud Foundry here, and so no /etcd and no /bosh: its etcd and its monit are real ones.
  apt-get install ${packages.join(' ')}
`;
}

function noBuildNodes(because: string): string {
  return `
  No Docker Engine can run here, so no /node: ${because}
`;
}

/** What failed: in the engine's own words if there are any, without the rest of its log. */
function reasonOf({ message, cause }: Error): string {
  const [, own] = /failed to start daemon: ([^\n]*)/.exec(message) ?? [];
  const [first = ''] = (own ?? (cause instanceof Error ? cause.message : message)).split('\n');
  return `${first}. In a container, run it with --privileged`;
}

const NO_REDIS = `
  ┌──────────────────────────────────────────────────────────────────────────────┐
  │ No Redis is installed: a stand-in written in JavaScript holds everything in  │
  │ memory only. Good for a look, never for work: it applies no remediation.     │
  │ apt-get install redis-tools                                                  │
  └──────────────────────────────────────────────────────────────────────────────┘`;

/** The page's usual port, or a free one where that is taken. */
async function openWorkspace(port: number, broken: Breakable): Promise<Workspace> {
  const { cloudFoundry, buildNodes } = broken;
  const commands = [
    { command: '/certs', description: 'Certificates', usage: 'expiring | show <site>' },
    ...(cloudFoundry
      ? [
          { command: '/etcd', description: 'Who has announced itself in etcd', usage: 'doppler | health' },
          { command: '/bosh', description: 'What runs on the VMs', usage: 'processes' },
        ]
      : []),
    ...(buildNodes
      ? [{ command: '/node', description: 'Kubernetes nodes', usage: 'disk | leftovers | versions' }]
      : []),
    {
      command: '/wrench',
      description: 'All that Wrench can be asked',
      usage: 'help | digest | silences | audit | freeze',
    },
  ];
  const faultInjections = makeFaultInjections(broken, () => workspace);
  const options = {
    app: { delivery: 'socket', ...TOKENS, commands, ackWithinMs: MAX_WAIT_MS },
    faultInjections,
  } as const;
  const workspace = await startWorkspace({ ...options, port }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return startWorkspace(options);
  });
  return workspace;
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
      WRENCH_DATA: join(dirname(configPath), '.wrench'),
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
  // Where Wrench cannot start it ends, and with it the demo: a slow machine is no reason to give up.
  await workspace.waitFor(() => workspace.sockets.connections() > 0, WAIT);
}

async function end(child: ChildProcess): Promise<void> {
  // A process that was ended by a signal has no exit code.
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(hard);
}

async function askFirst(workspace: Workspace, command: string, text: string): Promise<void> {
  say(`@ada types ${command} ${text} in #incident:\n`);
  await workspace.command({ userId: PEOPLE.ada, channelId: CHANNELS.incident, command, text });
  const isAnswer = (message: Message) => message.user !== PEOPLE.ada && !message.text.includes('CHECKING');
  const answer = await workspace.waitFor(() => workspace.messages(CHANNELS.incident).find(isAnswer), WAIT);
  for (const line of answer.text.split('\n')) say(`  ${line.replace(/:[a-z_]+: /, '')}`);
}

/** Later runs have something to compare with, and whoever opens the channel need not wait for the first one. */
async function runDigest(workspace: Workspace): Promise<void> {
  const { platform: channelId } = CHANNELS;
  await workspace.command({ userId: PEOPLE.ada, channelId, command: '/wrench', text: 'digest run platform' });
  await workspace.waitFor(() => workspace.messages(channelId)[0], WAIT);
}

/** Whatever has been started will be closed, also where Ctrl-C came while it was starting. */
async function keep<T extends { readonly close: () => Promise<unknown> }>(starting: Promise<T>): Promise<T> {
  pending = starting;
  const part = await starting;
  started.push(part.close);
  if (stopping) throw new Error('it was stopped');
  return part;
}

let pending: Promise<unknown> | undefined;
let stopping: Promise<never> | undefined;

/** A terminal's Ctrl-C may come twice, for npm passes it on as well. */
function stop(code: number): Promise<never> {
  stopping ??= closeAll(code);
  return stopping;
}

async function closeAll(code: number): Promise<never> {
  await pending?.catch(() => undefined);
  // What has just started is kept in the next moment.
  await setImmediate();
  for (const close of started.toReversed()) await close().catch((error: unknown) => say(String(error)));
  process.exit(code);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
main().catch(async (error: unknown) => {
  if (stopping) return;
  say(`The demo could not start: ${error instanceof Error ? error.message : String(error)}`);
  await stop(1);
});
