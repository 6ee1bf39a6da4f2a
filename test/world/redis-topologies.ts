import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import type { RedisSettings } from '../../src/queue/redis-settings.ts';
import { REDIS_PROGRAMS } from '../../src/queue/local-redis.ts';
import { issue, makeAuthority } from './ca.ts';
import { freePort } from './free-port.ts';

/** Redis topologies of large installations, as real servers on loopback. */
export interface Topology {
  readonly settings: RedisSettings;
  /** Kills the primary, like a host that fails; only if another can take over. */
  readonly killPrimary?: () => Promise<void>;
  readonly close: () => Promise<void>;
}

type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

const HOST = '127.0.0.1';
const DURABLE = [
  '--appendonly',
  'yes',
  '--appendfsync',
  'always',
  '--save',
  '',
  '--maxmemory-policy',
  'noeviction',
];

/** A Cluster of one node that accepts only TLS, with a private CA, and requires a password. */
export async function startTlsRedis(): Promise<Topology> {
  const processes = await makeRedisProcesses();
  const authority = await makeAuthority({ name: 'Redis root' });
  const { certificatePem, keyPem } = await issue(authority, { name: 'redis', names: [HOST, 'redis.test'] });
  const file = async (name: string, content: string) => {
    await writeFile(join(processes.folder, name), content);
    return join(processes.folder, name);
  };
  const [port = 0] = await freePorts(1);
  const ca = await file('ca.pem', authority.certificatePem);
  const options = {
    port: '0',
    'cluster-enabled': 'yes',
    'cluster-announce-ip': HOST,
    'tls-cluster': 'yes',
    'tls-port': String(port),
    'tls-auth-clients': 'no',
    requirepass: 'open sesame',
    'tls-cert-file': await file('cert.pem', certificatePem),
    'tls-key-file': await file('key.pem', keyPem),
    'tls-ca-cert-file': ca,
  };
  await startNode(
    processes,
    port,
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
  );
  const access = { password: 'open sesame', tls: { ca: authority.certificatePem } };
  await ready({ host: HOST, port, ...access });
  await shareSlots([port], access);
  return {
    settings: { cluster: [{ host: HOST, port }], password: 'open sesame', tls: { ca } },
    close: processes.close,
  };
}

/** A primary, a replica, and three Sentinels that agree within a second. */
export async function startSentinels(): Promise<Topology> {
  const processes = await makeRedisProcesses();
  const [primary = 0, replica = 0, ...sentinels] = await freePorts(5);
  const node = await startNode(processes, primary, ['--port', String(primary)]);
  await ready({ host: HOST, port: primary });
  await startNode(processes, replica, ['--port', String(replica), '--replicaof', `${HOST} ${primary}`]);
  await ready({ host: HOST, port: replica });
  for (const port of sentinels) await startSentinel(processes, port, primary);
  await knowsAll(sentinels);
  return {
    settings: { name: 'wrench', sentinels: sentinels.map((port) => ({ host: HOST, port })) },
    killPrimary: () => kill(node),
    close: processes.close,
  };
}

async function startSentinel(processes: RedisProcesses, port: number, primary: number): Promise<void> {
  const config = join(processes.folder, `sentinel-${port}.conf`);
  const lines = [
    `port ${port}`,
    `dir ${processes.folder}`,
    `sentinel monitor wrench ${HOST} ${primary} 2`,
    'sentinel down-after-milliseconds wrench 1000',
    'sentinel failover-timeout wrench 3000',
  ];
  await writeFile(config, lines.join('\n'));
  await processes.start([config, '--sentinel']);
  await ready({ host: HOST, port });
}

async function knowsAll(sentinels: readonly number[]): Promise<void> {
  for (const port of sentinels) {
    const client = new Redis({ host: HOST, port });
    const others = async () => (await client.call('sentinel', 'sentinels', 'wrench')) as unknown[];
    const replicas = async () => (await client.call('sentinel', 'replicas', 'wrench')) as unknown[];
    while ((await others()).length < sentinels.length - 1 || (await replicas()).length < 1) await sleep(100);
    client.disconnect();
  }
}

/** Three primaries that share the slots. */
export async function startCluster(): Promise<Topology> {
  const processes = await makeRedisProcesses();
  const ports = await freePorts(3);
  for (const port of ports)
    await startNode(processes, port, ['--port', String(port), '--cluster-enabled', 'yes']);
  for (const port of ports) await ready({ host: HOST, port });
  await shareSlots(ports);
  return {
    settings: { cluster: ports.map((port) => ({ host: HOST, port })) },
    close: processes.close,
  };
}

const SLOTS = 16_384;

async function shareSlots(ports: readonly number[], access: ClientOptions = {}): Promise<void> {
  const clients = ports.map((port) => new Redis({ host: HOST, port, ...access }));
  const share = Math.ceil(SLOTS / ports.length);
  for (const [at, client] of clients.entries()) {
    await client.cluster('ADDSLOTSRANGE', at * share, Math.min(SLOTS, (at + 1) * share) - 1);
    for (const port of ports) await client.cluster('MEET', HOST, port);
  }
  for (const client of clients) {
    while (!(await client.cluster('INFO')).includes('cluster_state:ok')) await sleep(100);
    client.disconnect();
  }
}

interface RedisProcesses {
  readonly folder: string;
  readonly start: (settings: readonly string[]) => Promise<ChildProcess>;
  readonly close: () => Promise<void>;
}

async function makeRedisProcesses(): Promise<RedisProcesses> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-redis-'));
  const children: ChildProcess[] = [];
  return {
    folder,
    start: async (settings) => {
      const child = await spawnServer(settings);
      children.push(child);
      return child;
    },
    close: async () => {
      await Promise.all(children.map(kill));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A Redis with its data in its own folder. */
async function startNode(
  processes: RedisProcesses,
  port: number,
  settings: readonly string[],
): Promise<ChildProcess> {
  const dir = join(processes.folder, String(port));
  await mkdir(dir);
  return processes.start([...settings, ...DURABLE, '--dir', dir]);
}

async function spawnServer(settings: readonly string[]): Promise<ChildProcess> {
  for (const [program, argv0] of REDIS_PROGRAMS) {
    const child = spawn(program, settings, { argv0, stdio: 'ignore' });
    const isThere = await new Promise((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false));
    });
    if (isThere) return child;
  }
  throw new Error('no Redis is installed');
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
}

async function ready(options: ClientOptions): Promise<void> {
  const client = new Redis({ ...options, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  await client.ping();
  client.disconnect();
}

/** Cluster nodes talk to each other on a port 10,000 higher, which must exist too. */
async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = await freePort();
    if (port < 55_000 && !ports.includes(port)) ports.push(port);
  }
  return ports;
}
