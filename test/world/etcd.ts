import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { MAX_WAIT_MS } from '../timeouts.ts';
import type { Authority } from './ca.ts';
import { type EtcdAnswer, type EtcdAsker, expectDone, makeEtcdAsker } from './etcd/ask.ts';
import { type Balancer, startBalancer } from './etcd/balancer.ts';
import { type EtcdProcess, makeEtcdProcess } from './etcd/member.ts';
import {
  NAMES,
  type PeerSecrets,
  peerTlsSettings,
  type Secrets,
  tlsSettings,
  writePeerSecrets,
  writeSecrets,
} from './etcd/secrets.ts';
import { freePort } from './free-port.ts';

/** Real etcd servers for one test, on loopback. */
export interface Etcd {
  readonly members: readonly EtcdMember[];
  /** As configured for the `etcd` source: connects to the address, and verifies the name. */
  readonly access: {
    readonly endpoints: readonly { readonly url: string; readonly servername?: string }[];
    /** Files in PEM, with TLS only. */
    readonly ca?: string;
    readonly clientCertificate?: { readonly cert: string; readonly key: string };
  };
  /** The CA of its certificates, with TLS only. */
  readonly authority?: Authority;
  /** Writes a key over v2, like a doppler; throws if `prevExist` fails. */
  readonly put: (
    key: string,
    value: string,
    options?: { readonly ttlSeconds?: number; readonly prevExist?: boolean },
  ) => Promise<void>;
  readonly mkdir: (directory: string) => Promise<void>;
  /** A key, or a directory with everything in it. */
  readonly remove: (key: string) => Promise<void>;
  /**
   * Writes a key over v3, which has a separate store. Returns etcd's response, which may be that there is
   * no space.
   */
  readonly putV3: (key: string, value: string) => Promise<EtcdAnswer>;
  /** Every other request, sent to the first member that is up. */
  readonly ask: EtcdAsker;
  /** SIGKILL, like a host that fails. */
  readonly kill: (index: number) => Promise<void>;
  /** Starts a killed one on its old ports and data, and waits until it responds. */
  readonly start: (index: number) => Promise<void>;
  /** The same, with more settings for this start only. */
  readonly startWith: (index: number, settings: readonly string[]) => Promise<void>;
  /**
   * Starts a killed one on its old ports and data. Without a majority it accepts connections without
   * responding.
   */
  readonly launch: (index: number) => Promise<void>;
  /** Starts a killed one without its data, as the only member of a new cluster. */
  readonly startAlone: (index: number) => Promise<void>;
  /** Adds a member to the cluster. It runs if `isStarted`, on its own ports. */
  readonly add: (options: { readonly isLearner: boolean; readonly isStarted: boolean }) => Promise<Added>;
  /** Removes a member from the cluster, and waits until it has stopped for that reason. */
  readonly removeMember: (index: number) => Promise<void>;
  /** The index of the member that leads, once all that are up agree on one. */
  readonly leader: () => Promise<number>;
  /** Waits until this one reports that it leads, or that it has no leader. */
  readonly untilLeading: (index: number) => Promise<void>;
  readonly untilLeaderless: (index: number) => Promise<void>;
  /**
   * Closes the connections between the members, with `peerNotAfter` only. They reconnect if their
   * certificates allow it.
   */
  readonly dropPeerConnections: () => void;
  /** SIGSTOP and SIGCONT: a paused member accepts connections and does not respond. */
  readonly pause: (index: number) => void;
  readonly resume: (index: number) => void;
  /** Stops everything started here and removes its folder; safe to call twice. */
  readonly close: () => Promise<void>;
}

/** A member that was added after the start. */
export interface Added {
  /** In decimal. */
  readonly id: string;
  readonly name: string;
  readonly url: string;
}

export interface EtcdMember {
  /** `etcd-z1-0` */
  readonly name: string;
  /** With an IP address; the certificate is valid only for `servername`. */
  readonly url: string;
  readonly port: number;
  /** `etcd-z1-0.cf-etcd.service.cf.internal`, with TLS only. */
  readonly servername?: string;
  readonly pid: () => number | undefined;
}

export interface EtcdOptions {
  /** Default 1. */
  readonly members?: 1 | 3;
  /** Default true: as in Cloud Foundry, with client certificates. */
  readonly tls?: boolean;
  /** Default 2 GiB, etcd's own. */
  readonly quotaBytes?: number;
  /** Default true. */
  readonly v2?: boolean;
  /**
   * The address that members advertise: default `names` with TLS, as in Cloud Foundry, which does not
   * resolve outside; `nowhere` is the same without TLS.
   */
  readonly advertise?: 'addresses' | 'names' | 'nowhere';
  /** Of the servers' certificates, or of each one; an expired one is served anyway. */
  readonly notAfter?: Date | readonly Date[];
  /** Members talk to each other over TLS, with a certificate that expires then, and through a proxy. */
  readonly peerNotAfter?: Date;
}

/** Another program may take a port before etcd listens on it. */
const TRIES = 5;

export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-etcd-'));
  const secrets = (options.tls ?? true) ? await writeSecrets(folder, options.notAfter) : undefined;
  const peerSecrets = options.peerNotAfter && (await writePeerSecrets(folder, options.peerNotAfter));
  for (let attempt = 1; ; attempt += 1) {
    const cluster = await plan(folder, options, { secrets, peerSecrets }, attempt);
    try {
      await Promise.all(cluster.map(({ process }) => process.start()));
      await Promise.all(cluster.map((member) => untilHealthy(member, secrets)));
      return open(folder, cluster, secrets);
    } catch (error) {
      const logs = await Promise.all(cluster.map(({ process }) => process.log()));
      await Promise.all(cluster.map(stop));
      if (attempt < TRIES && logs.some((log) => log.includes('address already in use'))) continue;
      await rm(folder, { recursive: true, force: true });
      throw new Error(`etcd did not start: ${logs.map((log) => log.slice(-4_000)).join('\n')}`, {
        cause: error,
      });
    }
  }
}

interface Planned {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly servername?: string;
  readonly peerUrl: string;
  readonly peerProxy?: Balancer;
  readonly process: EtcdProcess;
}

async function plan(
  folder: string,
  options: EtcdOptions,
  {
    secrets,
    peerSecrets,
  }: { readonly secrets: Secrets | undefined; readonly peerSecrets: PeerSecrets | undefined },
  attempt: number,
): Promise<Planned[]> {
  const scheme = secrets ? 'https' : 'http';
  const names = NAMES.slice(0, options.members ?? 1);
  const ports = await differentPorts(names.length * 2);
  const peerPort = (index: number): number => ports[names.length + index]!;
  const proxies = peerSecrets
    ? await Promise.all(names.map((_, index) => startBalancer([peerPort(index)])))
    : [];
  const peerScheme = peerSecrets ? 'https' : 'http';
  const peer = (index: number): string =>
    `${peerScheme}://127.0.0.1:${proxies[index]?.port ?? peerPort(index)}`;
  const initialCluster = names.map((name, index) => `${name}=${peer(index)}`).join();
  const own = join(folder, `try-${attempt}`);
  return names.map((name, index): Planned => {
    const port = ports[index]!;
    const servername = secrets && `${name}.${secrets.domain}`;
    const url = `${scheme}://127.0.0.1:${port}`;
    const { advertise = 'names' } = options;
    const advertised =
      advertise === 'nowhere'
        ? `${name}.internal.invalid`
        : advertise === 'names' && servername !== undefined
          ? servername
          : '127.0.0.1';
    const settings = [
      ['--name', name],
      ['--listen-client-urls', url],
      ['--advertise-client-urls', `${scheme}://${advertised}:${port}`],
      ['--listen-peer-urls', `${peerScheme}://127.0.0.1:${peerPort(index)}`],
      ['--initial-advertise-peer-urls', peer(index)],
      ['--initial-cluster', initialCluster],
      ['--initial-cluster-token', own],
      // A lost leader is detected within half a second, and a quorum read gives up 5 s and two elections
      // later.
      ['--heartbeat-interval', '50'],
      ['--election-timeout', '500'],
      [`--enable-v2=${options.v2 ?? true}`],
      options.quotaBytes === undefined ? [] : ['--quota-backend-bytes', String(options.quotaBytes)],
      secrets ? tlsSettings(secrets, name) : [],
      peerSecrets ? peerTlsSettings(peerSecrets) : [],
    ].flat();
    const process = makeEtcdProcess(folder, `${name}-${attempt}`, settings);
    return {
      name,
      port,
      url,
      ...(servername !== undefined && { servername }),
      peerUrl: peer(index),
      ...(proxies[index] && { peerProxy: proxies[index] }),
      process,
    };
  });
}

async function stop({ process, peerProxy }: Planned): Promise<void> {
  await process.kill();
  await peerProxy?.close();
}

async function differentPorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function agentFor({ servername }: Planned, secrets: Secrets | undefined): Agent {
  if (!secrets) return new Agent();
  // Lets the cluster start even with an expired certificate, which is for the check to find.
  const tls = { ca: secrets.authority.certificatePem, ...secrets.clientPem, rejectUnauthorized: false };
  return new Agent({ connect: { ...tls, ...(servername !== undefined && { servername }) } });
}

/** It has found a leader, and the key spaces can be written. */
async function untilHealthy(member: Planned, secrets: Secrets | undefined): Promise<void> {
  await until(member, secrets, async (ask) => (await ask.v2('GET', '/health')).body['health'] === 'true');
}

/** It responds, healthy or not: it may lack a majority. */
async function untilAnswering(member: Planned, secrets: Secrets | undefined): Promise<void> {
  await until(member, secrets, async (ask) => (await ask.v2('GET', '/version')).status === 200);
}

async function until(
  member: Planned,
  secrets: Secrets | undefined,
  holds: (ask: EtcdAsker) => Promise<boolean>,
): Promise<void> {
  const agent = agentFor(member, secrets);
  const ask = makeEtcdAsker(() => ({ agent, url: member.url }));
  const endsAt = Date.now() + MAX_WAIT_MS;
  try {
    while (!(await holds(ask).catch(() => false))) {
      if (member.process.pid() === undefined) throw new Error(`${member.name} has ended`);
      if (Date.now() > endsAt) throw new Error(`${member.name} does not answer`);
      await sleep(50);
    }
  } finally {
    await agent.destroy();
  }
}

async function untilTrue(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const endsAt = Date.now() + MAX_WAIT_MS; Date.now() < endsAt; await sleep(50))
    if (await holds().catch(() => false)) return;
  throw new Error(`it did not happen that ${what}`);
}

function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (accepts: boolean) => {
      resolve(accepts);
      socket.destroy();
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/**
 * Right after its start a cluster rejects new members: it waits for its members to be connected for 5 s.
 */
async function untilDone(ask: () => Promise<EtcdAnswer>): Promise<EtcdAnswer> {
  const endsAt = Date.now() + MAX_WAIT_MS;
  for (;;) {
    const answer = await ask();
    if (answer.status < 300) return answer;
    if (Date.now() > endsAt) expectDone(answer);
    await sleep(100);
  }
}

function open(folder: string, cluster: readonly Planned[], secrets: Secrets | undefined): Etcd {
  const agents = cluster.map((member) => agentFor(member, secrets));
  const at = (index: number): Planned => {
    const member = cluster[index];
    if (!member) throw new RangeError(`there is no member ${index}`);
    return member;
  };
  const ask = makeEtcdAsker(() => {
    const index = cluster.findIndex(({ process }) => process.isUp());
    const agent = agents[index];
    if (!agent) throw new Error('no member is up');
    return { agent, url: at(index).url };
  });
  const added: EtcdProcess[] = [];
  const statusOf = async (index: number): Promise<Record<string, unknown>> => {
    const agent = agents[index]!;
    const { body } = await makeEtcdAsker(() => ({ agent, url: at(index).url })).v3('maintenance/status', {});
    return body;
  };
  const startWith = async (index: number, settings: readonly string[]): Promise<void> => {
    await at(index).process.start(settings);
    await untilAnswering(at(index), secrets);
  };
  /** In decimal. */
  const idOf = async (index: number): Promise<string> => {
    const { body } = await ask.v3('cluster/member/list', {});
    const members = body['members'] as readonly { readonly ID: string; readonly name: string }[];
    const member = members.find(({ name }) => name === at(index).name);
    if (!member) throw new Error(`${at(index).name} is not a member`);
    return member.ID;
  };
  const idIn = (status: Record<string, unknown>) =>
    (status['header'] as { readonly member_id?: string } | undefined)?.member_id;
  const named = ({ url, servername }: Planned) => ({ url, ...(servername !== undefined && { servername }) });

  return {
    members: cluster.map((member) => ({
      ...named(member),
      name: member.name,
      port: member.port,
      pid: member.process.pid,
    })),
    access: {
      endpoints: cluster.map(named),
      ...(secrets && { ca: secrets.ca, clientCertificate: secrets.client }),
    },
    ...(secrets && { authority: secrets.authority }),
    ask,
    ...writersOver(ask),
    kill: (index) => at(index).process.kill(),
    start: (index) => startWith(index, []),
    startWith,
    launch: async (index) => {
      await at(index).process.start();
      await untilTrue(`${at(index).name} accepts connections`, () => acceptsConnections(at(index).port));
    },
    startAlone: async (index) => {
      const { name, peerUrl, process } = at(index);
      const own = ['--data-dir', join(folder, `${name}-alone`), '--initial-cluster', `${name}=${peerUrl}`];
      await process.start(own);
      await untilHealthy(at(index), secrets);
    },
    add: async ({ isLearner, isStarted }) => {
      const [port, peerPort] = await differentPorts(2);
      const name = `etcd-added-${added.length}`;
      const [url, peerUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
      const answer = await untilDone(() => ask.v3('cluster/member/add', { peerURLs: [peerUrl], isLearner }));
      const { ID: id } = answer.body['member'] as { readonly ID: string };
      if (!isStarted) return { id, name: '', url };
      const settings = [
        ['--name', name],
        ['--listen-client-urls', url],
        ['--advertise-client-urls', url],
        ['--listen-peer-urls', peerUrl],
        ['--initial-advertise-peer-urls', peerUrl],
        [
          '--initial-cluster',
          [...cluster, { name, peerUrl }].map((one) => `${one.name}=${one.peerUrl}`).join(),
        ],
        ['--initial-cluster-state', 'existing'],
        ['--heartbeat-interval', '50', '--election-timeout', '500'],
      ].flat();
      const process = makeEtcdProcess(folder, name, settings);
      added.push(process);
      await process.start();
      await untilAnswering({ name, url, port: port!, peerUrl, process }, undefined);
      return { id, name, url };
    },
    removeMember: async (index) => {
      const id = await idOf(index);
      await untilDone(() => ask.v3('cluster/member/remove', { ID: id }));
      await at(index).process.ended();
    },
    leader: async () => {
      for (const endsAt = Date.now() + MAX_WAIT_MS; Date.now() < endsAt; await sleep(50)) {
        const up = cluster.keys().filter((index) => at(index).process.isUp());
        const statuses = await Promise.all(
          [...up].map(async (index) => ({ index, ...(await statusOf(index)) })),
        );
        const leaders = new Set(statuses.map((status: Record<string, unknown>) => status['leader']));
        const leading = statuses.find((status: Record<string, unknown>) => idIn(status) === status['leader']);
        if (leaders.size === 1 && leading) return leading.index;
      }
      throw new Error('no member leads');
    },
    untilLeading: (index) =>
      untilTrue(`${at(index).name} leads`, async () => {
        const status = await statusOf(index);
        return status['leader'] !== undefined && status['leader'] === idIn(status);
      }),
    untilLeaderless: (index) =>
      untilTrue(`${at(index).name} knows no leader`, async () => {
        const status = await statusOf(index);
        return idIn(status) !== undefined && status['leader'] === undefined;
      }),
    dropPeerConnections: () => {
      for (const { peerProxy } of cluster) peerProxy?.drop();
    },
    pause: (index) => at(index).process.pause(),
    resume: (index) => at(index).process.resume(),
    close: async () => {
      for (const agent of agents) if (!agent.destroyed) await agent.destroy();
      await Promise.all([...cluster.map(stop), ...added.map((process) => process.kill())]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function writersOver(ask: EtcdAsker): Pick<Etcd, 'put' | 'mkdir' | 'remove' | 'putV3'> {
  const pathOf = (key: string): string =>
    `/v2/keys/${key.replace(/^\/+/, '').split('/').map(encodeURIComponent).join('/')}`;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    put: async (key, value, { ttlSeconds, prevExist } = {}) => {
      const ttl = ttlSeconds === undefined ? {} : { ttl: String(ttlSeconds) };
      const before = prevExist === undefined ? {} : { prevExist: String(prevExist) };
      expectDone(await ask.v2('PUT', pathOf(key), { value, ...ttl, ...before }));
    },
    mkdir: async (directory) => expectDone(await ask.v2('PUT', pathOf(directory), { dir: 'true' })),
    remove: async (key) => expectDone(await ask.v2('DELETE', `${pathOf(key)}?recursive=true`)),
    putV3: (key, value) => ask.v3('kv/put', { key: base64(key), value: base64(value) }),
  };
}
