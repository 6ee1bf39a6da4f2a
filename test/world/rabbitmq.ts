import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_WORLD_WAIT_MS } from '../timeouts.ts';
import { freePort } from './free-port.ts';
import { type AmqpClient, openAmqp } from './rabbitmq/amqp.ts';
import { makeEpmd, makeRabbitmqNode, type OwnProcess } from './rabbitmq/processes.ts';

/** Real RabbitMQ nodes with the management plugin for one test file, on loopback. One starts in about 5 s. */
export interface Rabbitmq {
  readonly nodes: readonly RabbitmqNode[];
  /** As configured for the `rabbitmq` source. The user has the tag `monitoring`, and can neither read nor write. */
  readonly config: {
    readonly urls: readonly string[];
    readonly user: { readonly username: string; readonly password: string };
  };
  /** A user with the tag `management` who can purge queues. */
  readonly purger: { readonly username: string; readonly password: string };
  /** A request to the management API as administrator, of the first node by default. */
  readonly ask: (method: string, path: string, body?: object, node?: number) => Promise<ManagementAnswer>;
  /** Creates a queue. @throws if that fails. */
  readonly declare: (name: string, options?: QueueOptions) => Promise<void>;
  /** Publishes through the default exchange. @throws if a message didn't reach the queue. */
  readonly publish: (name: string, payloads: readonly string[], vhost?: string) => Promise<void>;
  /** A client of the first node, as administrator. */
  readonly connect: () => Promise<AmqpClient>;
  /** SIGKILL, like a host that fails. */
  readonly kill: (node: number) => Promise<void>;
  /** Stops everything started here and removes its folder; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface RabbitmqNode {
  /** `rabbit1@localhost` */
  readonly name: string;
  /** Of its management API. */
  readonly url: string;
}

export interface ManagementAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface QueueOptions {
  readonly vhost?: string;
  /** Default: durable. */
  readonly durable?: boolean;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly node?: string;
}

export interface RabbitmqOptions {
  /** Default 1. */
  readonly nodes?: 1 | 3;
  /** More lines of rabbitmq.conf: `disk_free_limit.absolute = 9000GB`. */
  readonly settings?: readonly string[];
}

const ADMINISTRATOR = { username: 'admin', password: 'admin-password' } as const;
const MONITOR = { username: 'wrench', password: 'wrench-password' } as const;
const PURGER = { username: 'wrench-purge', password: 'purge-password' } as const;
/** Another program may take a port before RabbitMQ listens on it. */
const TRIES = 3;

export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<Rabbitmq> {
  for (let attempt = 1; ; attempt += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'wrench-rabbitmq-'));
    const planned = await plan(folder, options);
    const processes = [...planned.members.map(({ process }) => process), planned.epmd];
    const stop = async (): Promise<void> => {
      await Promise.all(processes.map((one) => one.kill()));
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    };
    try {
      await planned.epmd.start();
      await Promise.all(planned.members.map(({ process }) => process.start()));
      await Promise.all(planned.members.map((member) => untilReady(member, planned.members.length)));
      return open(planned.members, stop);
    } catch (error) {
      const logs = await Promise.all(processes.map((one) => one.log()));
      await stop();
      if (attempt < TRIES && logs.some((log) => /eaddrinuse|address already in use/i.test(log))) continue;
      throw new Error(`RabbitMQ did not start: ${logs.map((log) => log.slice(-4_000)).join('\n')}`, {
        cause: error,
      });
    }
  }
}

interface Member extends RabbitmqNode {
  readonly amqpPort: number;
  readonly process: OwnProcess;
}

async function plan(
  folder: string,
  { nodes: count = 1, settings = [] }: RabbitmqOptions,
): Promise<{ readonly members: readonly Member[]; readonly epmd: OwnProcess }> {
  const ports = new Set<number>();
  while (ports.size < count * 3 + 1) ports.add(await freePort());
  const [epmdPort = 0, ...others] = [...ports];
  const names = Array.from({ length: count }, (_, index) => `rabbit${index + 1}@localhost`);
  const cookie = randomBytes(12).toString('hex');
  const peers =
    count === 1
      ? []
      : [
          'cluster_formation.peer_discovery_backend = classic_config',
          ...names.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}`),
        ];
  const members = names.map(async (name, index): Promise<Member> => {
    const [amqpPort = 0, management, distPort = 0] = others.slice(index * 3);
    const process = await makeRabbitmqNode({
      folder: join(folder, name),
      name,
      cookie,
      distPort,
      epmdPort,
      settings: [
        `listeners.tcp.1 = 127.0.0.1:${amqpPort}`,
        'management.tcp.ip = 127.0.0.1',
        `management.tcp.port = ${management}`,
        'collect_statistics_interval = 1000',
        'cluster_name = wrench',
        ...peers,
        ...settings,
      ],
      definitions: definitions(),
    });
    return { name, url: `http://127.0.0.1:${management}`, amqpPort, process };
  });
  return { members: await Promise.all(members), epmd: makeEpmd(folder, epmdPort) };
}

function definitions(): object {
  const user = ({ username, password }: { username: string; password: string }, tags: string) => ({
    name: username,
    password,
    tags,
  });
  const allows = (username: string, read: string, write: string) => ({
    user: username,
    vhost: '/',
    configure: write,
    write,
    read,
  });
  return {
    users: [user(ADMINISTRATOR, 'administrator'), user(MONITOR, 'monitoring'), user(PURGER, 'management')],
    vhosts: [{ name: '/' }],
    permissions: [
      allows(ADMINISTRATOR.username, '.*', '.*'),
      allows(MONITOR.username, '^$', '^$'),
      allows(PURGER.username, '.*', '^$'),
    ],
  };
}

/** Until it sees all nodes and knows the users. @throws if it stops, or takes too long. */
async function untilReady({ url, process }: Member, count: number): Promise<void> {
  const deadline = Date.now() + MAX_WORLD_WAIT_MS;
  const none = { status: 0, body: [] };
  while (Date.now() < deadline) {
    if (!process.isAlive()) throw new Error('it has stopped');
    const { status, body } = await request(url, 'GET', '/api/nodes').catch(() => none);
    const running = status === 200 ? (body as { running?: boolean }[]).filter((one) => one.running) : [];
    // The definitions are loaded after the API responds, and their permissions last.
    const queues = await request(url, 'GET', '/api/queues/%2F', undefined, PURGER).catch(() => none);
    if (running.length >= count && queues.status === 200) return;
    await sleep(100);
  }
  throw new Error('it did not respond in time');
}

function open(members: readonly Member[], stop: () => Promise<void>): Rabbitmq {
  let closing: Promise<void> | undefined;
  const at = (index: number): Member => members[index]!;
  const ask: Rabbitmq['ask'] = (method, path, body, node = 0) => request(at(node).url, method, path, body);
  const expectDone = async (method: string, path: string, body: object): Promise<ManagementAnswer> => {
    const answer = await ask(method, path, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  };
  return {
    nodes: members.map(({ name, url }) => ({ name, url })),
    config: { urls: members.map(({ url }) => url), user: MONITOR },
    purger: PURGER,
    ask,
    declare: async (name, { vhost = '/', durable = true, arguments: given = {}, node } = {}) => {
      await expectDone('PUT', pathOf(vhost, name), {
        durable,
        arguments: given,
        ...(node !== undefined && { node }),
      });
    },
    publish: async (name, payloads, vhost = '/') => {
      for (const payload of payloads) {
        const path = `/api/exchanges/${encodeURIComponent(vhost)}/amq.default/publish`;
        const message = { properties: {}, routing_key: name, payload, payload_encoding: 'string' };
        const { body } = await expectDone('POST', path, message);
        if (!(body as { routed?: boolean }).routed) throw new Error(`${name} does not exist`);
      }
    },
    connect: () => openAmqp(at(0).amqpPort, ADMINISTRATOR),
    kill: (node) => at(node).process.kill(),
    close: () => (closing ??= stop()),
  };
}

function pathOf(vhost: string, name: string): string {
  return `/api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`;
}

async function request(
  url: string,
  method: string,
  path: string,
  body?: object,
  { username, password }: { readonly username: string; readonly password: string } = ADMINISTRATOR,
): Promise<ManagementAnswer> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
}
