import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { startCluster } from '../world/kubernetes/api-server.ts';
import { clusterOfResponses } from '../world/kubernetes/cluster-of-responses.ts';
import type { BuildCase, ReplicaAnswer } from './build-case.ts';
import type { CaseFile } from './case-file.ts';
import { serveEngineCase } from './serve-engine-case.ts';

/** Sources that have the answers of a case about builds, and how its replicas are named. */
interface ServedBuilds {
  readonly sources: readonly object[];
  /** Replaces the addresses on loopback by those of the case. */
  readonly asInCase: <T>(report: T) => T;
  readonly close: () => Promise<void>;
}

/** Long enough for a slow machine, and short enough to wait for a replica that never answers. */
const TIMEOUT_MS = 2_000;

/**
 * Serves each replica of a case at its own port on an address on loopback that stands for its own, and a cluster and engines with what the case says. All
 * fixes are allowed, so that each one that is offered shows.
 */
export async function serveBuilds({ builds, ...file }: CaseFile, folder: string): Promise<ServedBuilds> {
  if (!builds) return { sources: [], asInCase: (report) => report, close: async () => {} };
  const addresses = new Loopback();
  const places = Map.groupBy(builds.replicas, ({ url }) => new URL(url).host);
  const servers = await Promise.all([...places.values()].map((answers) => serveReplica(answers, addresses)));
  const cluster = builds.kubernetes && (await serveCluster(builds.kubernetes, addresses, folder));
  const engines = await serveEngines(file, builds, addresses);
  return {
    sources: [buildsSource(builds, addresses), ...(cluster ? [cluster.source] : []), ...engines.sources],
    asInCase: addresses.restore,
    close: async () => {
      await Promise.all([...servers.map((close) => close()), cluster?.close(), engines.close()]);
    },
  };
}

/** An address on loopback for each host of a case. */
class Loopback {
  readonly #byHost = new Map<string, string>();
  /** Other cases may run at the same time. */
  readonly #network = `127.${randomInt(1, 255)}.${randomInt(0, 255)}`;

  of(host: string): string {
    const known = this.#byHost.get(host);
    if (known !== undefined) return known;
    const address = `${this.#network}.${this.#byHost.size + 1}`;
    this.#byHost.set(host, address);
    return address;
  }

  get all(): readonly string[] {
    return [...this.#byHost.values()];
  }

  replace<T>(json: T): T {
    return this.#rewrite(json, [...this.#byHost]);
  }

  restore = <T>(json: T): T =>
    this.#rewrite(
      json,
      [...this.#byHost].map(([host, address]) => [address, host] as const),
    );

  /** Only addresses: names of hosts may be parts of other names. */
  #rewrite<T>(json: T, pairs: readonly (readonly [string, string])[]): T {
    let text = JSON.stringify(json);
    for (const [from, to] of pairs)
      if (/^[\d.]+$|:/.test(from))
        text = text.replaceAll(
          new RegExp(`(?<![\\d.])${from.replaceAll('.', String.raw`\.`)}(?![\\d.]*\\d)`, 'g'),
          to,
        );
    return JSON.parse(text) as T;
  }
}

function hostOf({ url }: ReplicaAnswer): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

function portOf({ url }: ReplicaAnswer): number {
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** Answers in order; the last one repeats. Nothing listens where a connection is refused, or where a host is unknown. */
async function serveReplica(
  answers: readonly ReplicaAnswer[],
  addresses: Loopback,
): Promise<() => Promise<void>> {
  const [first] = answers;
  const address = addresses.of(hostOf(first!));
  const { error } = first!;
  if (error === undefined) {
    let asked = 0;
    const server = createServer((request, response) => {
      const answer = answers[Math.min(asked, answers.length - 1)]!;
      asked += 1;
      const isKnown = new URL(answer.url).pathname === new URL(request.url ?? '/', 'http://x').pathname;
      response.writeHead(isKnown ? (answer.status ?? 200) : 404, isKnown ? answer.headers : {});
      response.end(isKnown ? answer.body : 'not found');
    });
    return listen(server, portOf(first!), address);
  }
  if (/timeout|timed ?out/i.test(error)) return listen(createTcpServer(), portOf(first!), address);
  if (/reset|hang ?up|EPIPE/i.test(error))
    return listen(
      createTcpServer((socket) => socket.destroy()),
      portOf(first!),
      address,
    );
  return async () => {};
}

async function listen(
  server: Server | TcpServer,
  port: number,
  address: string,
): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    // What a client does to its connection is not a fault of the server.
    sockets.add(socket.on('error', () => undefined));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}

async function serveCluster(
  responses: Readonly<Record<string, unknown>>,
  addresses: Loopback,
  folder: string,
): Promise<{ readonly source: object; readonly close: () => Promise<void> }> {
  const cluster = await startCluster(clusterOfResponses(addresses.replace(responses)));
  const kubeconfig = join(folder, 'builds.kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig({ context: 'kubernetes' }), { mode: 0o600 });
  return {
    source: {
      kind: 'kubernetes',
      name: 'kubernetes',
      kubeconfig,
      allow: { restart: {}, pin: {}, remove: { running: true } },
    },
    close: () => cluster.close(),
  };
}

/** A case has it only if it matters. */
const VERSION = {
  request: 'GET /version',
  status: 200,
  body: { Version: '27.5.1', ApiVersion: '1.47', MinAPIVersion: '1.24' },
};

interface ListedContainer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image?: string;
  readonly Created?: number;
  readonly State?: string;
  readonly Labels?: object;
  readonly Ports?: readonly object[];
}

/** The engines of hosts with their containers. What only an inspection says is derived from the list, and so are ports that it doesn't have. */
async function serveEngines(
  file: Omit<CaseFile, 'builds'>,
  { docker = {}, replicas }: BuildCase,
  addresses: Loopback,
): Promise<{ readonly sources: readonly object[]; readonly close: () => Promise<void> }> {
  const calls = Object.entries(docker).map(([call, body]) => {
    const [, host = '', request = ''] = /^(\S+)\s+(\S+ \S+)$/.exec(call) ?? [];
    return { host, request, body };
  });
  const hosts = [...new Set(calls.map(({ host }) => host))].filter((host) => host !== '');
  const answers = calls.flatMap(({ host, request, body }): CaseFile['answers'] => {
    const from = `engine:${host}`;
    if (request !== 'GET /containers/json') return [{ from, request, status: 200, body }];
    const ports = replicas.filter((one) => hostOf(one) === host).map(portOf);
    const rows = (body as readonly ListedContainer[]).map((row) => ({ ...withPorts(row, ports) }));
    const inspected = rows.map((row) => ({
      from,
      request: `GET /containers/${row.Id.slice(0, 12)}/json`,
      status: 200,
      body: inspectionOf(row),
    }));
    return [{ from, request, status: 200, body: rows }, ...inspected, { from, ...VERSION }];
  });
  const engines = await Promise.all(
    hosts.map(async (host) => ({ host, server: await serveEngineCase({ ...file, answers }, host) })),
  );
  return {
    sources: engines.map(({ host, server }) => ({
      kind: 'docker',
      name: host,
      url: server.url,
      node: host,
      publishedOn: addresses.of(host),
    })),
    close: async () => {
      await Promise.all(engines.map(({ server }) => server.close()));
    },
  };
}

function withPorts(row: ListedContainer, ports: readonly number[]): ListedContainer {
  const published = ports.map((port) => ({
    IP: '0.0.0.0',
    PrivatePort: port,
    PublicPort: port,
    Type: 'tcp',
  }));
  return { ...row, Ports: row.Ports ?? published };
}

function inspectionOf({
  Id,
  Names,
  Image = '',
  Created = 0,
  State = 'running',
  Labels = {},
}: ListedContainer) {
  const at = new Date(Created * 1_000).toISOString();
  return {
    Id,
    Name: Names[0] ?? '',
    Created: at,
    State: {
      Status: State,
      Running: State === 'running',
      StartedAt: at,
      FinishedAt: '0001-01-01T00:00:00Z',
      ExitCode: 0,
    },
    Config: { Image, Labels },
    HostConfig: {
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      VolumesFrom: null,
      NetworkMode: 'bridge',
    },
    Mounts: [],
  };
}

function buildsSource(build: BuildCase, addresses: Loopback): object {
  const { service, replicas, kubernetes, docker, expected } = build;
  const isOnHosts = docker !== undefined && kubernetes === undefined;
  const own = isOnHosts || !kubernetes ? replicas : replicas.filter((one) => /^[\d.]+$|:/.test(hostOf(one)));
  const { pathname, protocol } = new URL((own[0] ?? replicas[0]!).url);
  const ports = [...new Set(own.map(portOf))];
  const isOneOfPods = kubernetes !== undefined || isOnHosts;
  return {
    kind: 'builds',
    name: 'builds',
    timeoutMs: TIMEOUT_MS,
    retries: 0,
    // This machine's own addresses are allowed one by one.
    ...(isOneOfPods && { hosts: addresses.all }),
    services: [
      {
        name: service,
        replicas: locationOf(build, addresses),
        path: pathname,
        ...(isOneOfPods && ports.length === 1 && { port: ports[0] }),
        ...(isOneOfPods && { scheme: protocol.slice(0, -1) }),
        ...(kubernetes && expected && placeOfExpected(expected)),
      },
    ],
  };
}

function locationOf({ service, kubernetes, docker, replicas }: BuildCase, addresses: Loopback): object {
  const [name = '', namespace = namespaceIn(kubernetes)] = service.split('/').toReversed();
  if (kubernetes) return { kubernetes: { namespace, service: name } };
  if (docker) return { containers: { name } };
  const origins = replicas.map((one) => {
    const { protocol } = new URL(one.url);
    return `${protocol}//${addresses.of(hostOf(one))}:${portOf(one)}`;
  });
  return { addresses: [...new Set(origins)] };
}

function namespaceIn(kubernetes: BuildCase['kubernetes'] = {}): string {
  const [, namespace = 'default'] = /\/namespaces\/([^/]+)\//.exec(Object.keys(kubernetes).join(' ')) ?? [];
  return namespace;
}

/** `label app.kubernetes.io/version`, `annotation example.com/build`, `image tag`. */
function placeOfExpected({ from }: NonNullable<BuildCase['expected']>): object {
  const [kind = '', name = ''] = from.split(/\s+/);
  if (kind === 'label') return { expected: { label: name } };
  if (kind === 'annotation') return { expected: { annotation: name } };
  return kind === 'image' ? { expected: 'image-tag' } : {};
}
