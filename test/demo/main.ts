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
/** The number of VMs in the report of the outage. */
const VMS = 12;
const TOKENS = {
  botToken: 'xoxb-demo-demo-demo-not-a-real-token',
  appToken: 'xapp-1-demo-not-a-real-token',
  signingSecret: 'demo-not-a-real-secret',
} as const;
const WAIT = { timeoutMs: MAX_WORLD_WAIT_MS };

/** Everything started, in order; closed in reverse. */
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
    'a small Diego',
    'a small Kubernetes cluster',
    'a repository on a simulated GitHub',
    'three hypervisors with their OpenStack',
    ...(vms > 0 ? ['a small Cloud Foundry'] : []),
    ...(noEngine === undefined ? ['a Docker Engine'] : []),
  ];
  say(`Starting ${parts.join(', ')} …`);
  if (lacking.length > 0) say(noCloudFoundry(lacking));
  const world = await keep(startDemoWorld({ vms, buildNodes: noEngine === undefined }));
  const { cloudFoundry, diego, shop, shopCluster, shopRepository } = world;
  const buildNodes = world.buildNodes instanceof Error ? undefined : world.buildNodes;
  if (noEngine) say(noBuildNodes(noEngine));
  if (world.buildNodes instanceof Error) say(noBuildNodes(reasonOf(world.buildNodes)));
  const redis = await keep(startDemoRedis((error) => say(error.message)));
  if (redis.isStandIn) say(NO_REDIS);
  const workspace = await keep(
    openWorkspace(Number(values.port ?? PAGE_PORT), {
      shop,
      shopCluster,
      shopRepository,
      diego,
      cloudFoundry,
      buildNodes,
    }),
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
  const restarts = `
  Restarts:   type /pods restarts, open the thread, click Request plan, read it, switch to Grace (click her face
              next to the title), approve. It is FIXED once checkout has run for longer than it took to be killed.
  Evictions:  type /pods evicted, and continue as above to delete evicted pods that have been replaced.`;
  const builds = `
  Builds:     type /builds drift: 1 of 3 replicas of api runs an old build. Pin its image as above, and it is FIXED.
              Click "Break something", deploy api again from its chart, and type /builds drift again.
  Pipelines:  type /ci docker-run, request the plan, and let Grace approve it: Wrench opens a pull request.
              Click "Break something", merge it, and type /ci docker-run again.`;
  const outage = `
  Outage:     click "Break something", let doppler_z2/0 lose its key in etcd, type /etcd doppler, open the thread,
              click Request plan, read it, switch to Grace (click her face next to the title), approve.
  No space:   click "Break something", fill etcd, type /etcd health, and continue as above.`;
  const fullDisk = `
  Full disk:  click "Break something", run builds without --rm, type /node disk, open the thread,
              click Run /node leftovers, request their removal in its thread.`;
  const renewal = `
  Renewal:    type /certs expiring --match locket, click Renew.
  Deploy:     also renew those of --match cell/rep. Then a deploy begins, and hangs at the second cell: type /certs drift.
              Click "Break something", replace the certificates of diego-cell/1 by hand, and type /certs drift again.
              Type /certs rotation for what must be renewed next, and in which order.`;
  const networks = `
  Networks:   type /net mtu: a VLAN of instances is stacked on another VLAN. The report names the line to change.
              Type /net bonds: a switch disabled the ports of cmp-13. The report names the sender.
              Type /net dhcp: replies to a client get lost. The report shows the client and what it sent.`;
  const cloud = `
  OpenStack:  type /cloud consoles: a console log of 5.5 GB fills a disk. The report shows its owner, and why truncating
              doesn't help. Type /cloud images: a lost base image. Type /cloud records: too many deleted records.
              Type /cloud services: a compute is down, and can be disabled.
              Type /rabbit health: no one reads a queue of notifications.`;
  const digest = `
  Digest:     open #platform, which gets a digest every two minutes: all findings first, then only changes.
              Click "Break something", let the certificate of shop.test expire, and renew it.
              To get the digest now, type /wrench digest run platform
              Click Silence… or I'm on it in its thread, and see how the next digest shows the finding.`;
  return `
Open ${pageUrl} and try:
${canFix ? [restarts, builds, hasCloudFoundry ? outage : '', hasBuildNodes ? fullDisk : '', renewal].join('') : ''}${networks}${cloud}${digest}
  Terminal:   npm run wrench -- run certs expiring --env demo
`;
}

function noCloudFoundry(packages: readonly string[]): string {
  return `
  No Cloud Foundry can run here, so no /etcd and no /bosh: they need etcd and monit.
  To install them:
  apt-get install ${packages.join(' ')}
`;
}

function noBuildNodes(because: string): string {
  return `
  No Docker Engine can run here, so no build nodes: ${because}
`;
}

/** What failed: the engine's own error if there is one, without the rest of its log. */
function reasonOf({ message, cause }: Error): string {
  const [, own] = /failed to start daemon: ([^\n]*)/.exec(message) ?? [];
  const [first = ''] = (own ?? (cause instanceof Error ? cause.message : message)).split('\n');
  return `${first}. In a container, run it with --privileged`;
}

const NO_REDIS = `
  ┌──────────────────────────────────────────────────────────────────────────────┐
  │ No Redis is installed. The demo uses a stand-in written in JavaScript, which │
  │ keeps everything in memory, so Wrench applies no fixes. To install Redis:    │
  │ apt-get install redis-tools                                                  │
  └──────────────────────────────────────────────────────────────────────────────┘`;

/** The page's default port, or a free one if it is in use. */
async function openWorkspace(port: number, broken: Breakable): Promise<Workspace> {
  const { cloudFoundry, buildNodes } = broken;
  const commands = [
    { command: '/certs', description: 'Certificates', usage: 'expiring | drift | rotation | show <site>' },
    { command: '/pods', description: 'Pods: restart loops, evictions', usage: 'restarts | evicted' },
    { command: '/builds', description: 'Builds that the replicas of a service run', usage: 'drift' },
    { command: '/ci', description: 'CI pipelines', usage: 'docker-run' },
    { command: '/net', description: 'Networks of hosts: MTU, bonds, DHCP', usage: 'mtu | bonds | dhcp' },
    {
      command: '/cloud',
      description: 'OpenStack: base images, console logs, deleted records, services',
      usage: 'images | consoles | records | services',
    },
    { command: '/rabbit', description: 'RabbitMQ: alarms, partitions, queues', usage: 'health' },
    ...(cloudFoundry
      ? [
          {
            command: '/etcd',
            description: 'Dopplers in etcd, and the health of etcd',
            usage: 'doppler | health',
          },
          { command: '/bosh', description: 'Processes on BOSH VMs', usage: 'processes' },
        ]
      : []),
    ...(buildNodes
      ? [{ command: '/node', description: 'Kubernetes nodes', usage: 'disk | leftovers | versions' }]
      : []),
    {
      command: '/wrench',
      description: 'Help, digests, silences, the audit, freeze',
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

/** Starts Wrench as in production; only its addresses and tokens are the demo's. */
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
    say(`Wrench exited with ${code}.`);
    void stop(1);
  });
  // If Wrench cannot start, it exits, and the demo stops; a slow machine may take its time.
  await workspace.waitFor(() => workspace.sockets.connections() > 0, WAIT);
}

async function end(child: ChildProcess): Promise<void> {
  // A process that was killed by a signal has no exit code.
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
  const isAnswer = (message: Message) => message.user !== PEOPLE.ada && !message.text.startsWith('Checking ');
  const answer = await workspace.waitFor(() => workspace.messages(CHANNELS.incident).find(isAnswer), WAIT);
  for (const line of answer.text.split('\n')) say(`  ${line.replace(/:[a-z_]+: /, '')}`);
}

/** Gives later runs something to compare with, and the channel a first digest. */
async function runDigest(workspace: Workspace): Promise<void> {
  const { platform: channelId } = CHANNELS;
  await workspace.command({ userId: PEOPLE.ada, channelId, command: '/wrench', text: 'digest run platform' });
  await workspace.waitFor(() => workspace.messages(channelId)[0], WAIT);
}

/** Closes the part at the end, even if Ctrl-C arrives while it starts. */
async function keep<T extends { readonly close: () => Promise<unknown> }>(starting: Promise<T>): Promise<T> {
  pending = starting;
  const part = await starting;
  started.push(part.close);
  if (stopping) throw new Error('stopped');
  return part;
}

let pending: Promise<unknown> | undefined;
let stopping: Promise<never> | undefined;

/** Ctrl-C in a terminal may arrive twice, because npm forwards it too. */
function stop(code: number): Promise<never> {
  stopping ??= closeAll(code);
  return stopping;
}

async function closeAll(code: number): Promise<never> {
  await pending?.catch(() => undefined);
  // A part that has just started is registered in the next turn of the event loop.
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
