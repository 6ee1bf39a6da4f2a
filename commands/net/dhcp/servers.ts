import { isSameHost } from '../../shared/host-names.ts';
import { type DhcpMessage, type Facts, type ServerEvent, serverOf } from './facts.ts';

/** What is known about the servers: their networks, lease times and starts. */
export interface Servers {
  /** As findings name it: `net-3 network 5d0a`, or `net-3 tap03dd9e5f-c1` if its network is unknown. */
  readonly nameOf: (server: string) => string;
  readonly networkOf: (server: string) => string | undefined;
  /** When clients of this conversation renew, if known. */
  readonly renewMsOf: (messages: readonly DhcpMessage[]) => number | undefined;
  /** When it started, in order. */
  readonly startsOf: (server: string) => readonly Date[];
  /** When it stopped, if it hasn't started again. */
  readonly stoppedAt: (server: string) => Date | undefined;
  /** Whether it has addresses only for the clients that it knows. */
  readonly isStaticOnly: (server: string) => boolean;
}

type KnownFacts = Pick<Facts, 'conversations' | 'events' | 'agents' | 'ports' | 'earlier'>;

/** A process that logs for one link logs about itself under the same process id. */
export function indexServers({ conversations, events, agents, ports: known, earlier }: KnownFacts): Servers {
  const processes = new Map<string, Set<string>>();
  const macs = new Map<string, Set<string>>();
  const firstLines = new Map<string, Map<number, Date>>();
  const lastLines = new Map<string, Date>();
  for (const { mac, messages } of conversations) {
    let last: DhcpMessage | undefined;
    for (const message of messages) {
      // Only the first line of each process counts, and most lines follow one of the same process.
      const isSame = last?.host === message.host && last.link === message.link && last.pid === message.pid;
      last = message;
      if (isSame) continue;
      const server = serverOf(message);
      addTo(processes, server, processOf(message));
      addTo(macs, server, mac);
      if (message.pid === undefined) continue;
      const ofServer = firstLines.get(server) ?? new Map<number, Date>();
      const first = ofServer.get(message.pid);
      if (!first || message.at < first) ofServer.set(message.pid, message.at);
      firstLines.set(server, ofServer);
    }
    for (const message of messages.slice(-1)) {
      const server = serverOf(message);
      const known = lastLines.get(server);
      if (!known || message.at > known) lastLines.set(server, message.at);
    }
  }
  const ofProcess = Map.groupBy(events, processOf);
  const ownEvents = (server: string): readonly ServerEvent[] =>
    [...(processes.get(server) ?? [])].flatMap((one) => ofProcess.get(one) ?? []);
  const cloudNetworks = new Map(known.map((port) => [port.mac, port.network]));
  const networks = new Map(
    earlier.flatMap((one) => (one.network === undefined ? [] : [[one.name, one.network]])),
  );
  const networkOf = (server: string) => {
    for (const event of ownEvents(server)) if (event.kind === 'network') return event.network;
    const remembered = networks.get(server);
    if (remembered !== undefined) return remembered;
    const ofClients = new Set([...(macs.get(server) ?? [])].flatMap((mac) => cloudNetworks.get(mac) ?? []));
    return ofClients.size === 1 ? [...ofClients][0] : undefined;
  };
  const leases = (list: readonly ServerEvent[]) => {
    const granted = list.filter((one) => one.kind === 'lease' || one.kind === 'static-only');
    const renewals = granted.flatMap((one) => ('renewMs' in one ? (one.renewMs ?? []) : []));
    const halves = granted.flatMap(({ leaseMs }) => (leaseMs === undefined ? [] : leaseMs / 2));
    return smallest(renewals) ?? smallest(halves);
  };
  const leaseOfProcess = new Map([...ofProcess].map(([one, list]) => [one, leases(list)]));
  return {
    networkOf,
    nameOf: (server) => {
      const network = networkOf(server);
      return network === undefined ? server : `${hostOf(server)} network ${network}`;
    },
    renewMsOf: (messages) => {
      const ofServers = new Set(messages.map(serverOf));
      const own = [...ofServers]
        .flatMap((server) => [...(processes.get(server) ?? [])])
        .flatMap((one) => leaseOfProcess.get(one) ?? []);
      const ofAgents = [...ofServers].flatMap((server) => {
        const seconds = agents.find(({ host }) => isSameHost(host, hostOf(server)))?.leaseSeconds;
        return seconds === undefined || seconds <= 0 ? [] : seconds * 500;
      });
      return smallest(own) ?? smallest(ofAgents);
    },
    startsOf: (server) => {
      const logged = ownEvents(server).filter(({ kind }) => kind === 'started');
      const withStart = new Set(logged.map(({ pid }) => pid));
      // The first process of the window may have started long before.
      const [, ...later] = [...(firstLines.get(server) ?? [])].toSorted(
        ([, a], [, b]) => a.getTime() - b.getTime(),
      );
      const unlogged = later.filter(([pid]) => !withStart.has(pid)).map(([, at]) => at);
      return [...logged.map(({ at }) => at), ...unlogged].toSorted((a, b) => a.getTime() - b.getTime());
    },
    stoppedAt: (server) => {
      const stopped = ownEvents(server).findLast(({ kind }) => kind === 'stopped');
      if (!stopped || (lastLines.get(server) ?? stopped.at) > stopped.at) return undefined;
      const network = networkOf(server);
      const isAgain = events.some(
        (one) =>
          one.host === stopped.host &&
          one.at >= stopped.at &&
          (network === undefined
            ? one.kind === 'started'
            : one.kind === 'network' && one.network === network),
      );
      return isAgain ? undefined : stopped.at;
    },
    // Those of a cloud know the ports of its networks, and no other client.
    isStaticOnly: (server) =>
      ownEvents(server).some(({ kind }) => kind === 'static-only') ||
      agents.some(({ host }) => isSameHost(host, hostOf(server))),
  };
}

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key);
  if (known) known.add(value);
  else map.set(key, new Set([value]));
}

function processOf({ host, pid }: { readonly host: string; readonly pid?: number }): string {
  return `${host} ${pid ?? ''}`;
}

export function hostOf(server: string): string {
  return server.slice(0, server.lastIndexOf(' '));
}

function smallest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((least, one) => Math.min(least, one));
}
