import { type ports, SourceError } from '../kit.ts';

/** In-memory hosts, logs and clouds for the fixtures of checks (`fixtures.ts`), as documented in `src/ports`. */

export interface StoredHost {
  readonly name: string;
  readonly clock?: Partial<ports.HostClock>;
  readonly links?: readonly ports.Link[];
  readonly linksFrom?: ports.HostLinks['from'];
  readonly addresses?: readonly ports.LinkAddress[];
  readonly routes?: readonly ports.IpRoute[];
  readonly bonds?: readonly ports.Bond[];
  /** Absent: no LLDP agent is installed. */
  readonly neighbors?: readonly ports.SwitchNeighbor[];
  readonly settings?: readonly ports.HostSetting[];
  readonly logs?: Partial<Record<ports.HostLog, readonly ports.LogLine[]>>;
  readonly checksumRules?: readonly ports.ChecksumRules[];
  readonly packages?: Partial<Record<ports.HostProgram, string>>;
  /** The largest packets that are answered, by the host that they are sent to. */
  readonly pathMtus?: Readonly<Record<string, number>>;
  /** Every question fails with it. */
  readonly error?: SourceError;
}

const BATCH_SIZE = 2;

/** Log lines come in batches of 2, newest first. */
export function hostSource({
  name,
  now,
  hosts: stored,
}: {
  readonly name: string;
  readonly now: Date;
  readonly hosts: readonly StoredHost[];
}): ports.Hosts {
  const find = ({ host }: ports.HostQuery): StoredHost => {
    const found = stored.find((one) => one.name === host);
    if (!found) throw new SourceError(name, 'missing', `${host} is not configured`);
    if (found.error) throw found.error;
    return found;
  };
  return {
    name,
    hosts: stored.map((one) => ({ name: one.name, address: `${one.name}:22` })),
    clock: async (query) => ({ time: now, utcOffsetMinutes: 0, ...find(query).clock }),
    links: async (query) => {
      const { links = [], linksFrom = 'json' } = find(query);
      return { links, from: linksFrom };
    },
    addresses: async (query) => find(query).addresses ?? [],
    routes: async (query) => find(query).routes ?? [],
    bonds: async (query) => find(query).bonds ?? [],
    neighbors: async (query) => {
      const { neighbors } = find(query);
      if (!neighbors) throw new SourceError(name, 'missing', `${query.host} has no LLDP agent`);
      return neighbors;
    },
    networkSettings: async (query) => find(query).settings ?? [],
    logLines: async function* (query) {
      const since = now.getTime() - query.withinMs;
      const lines = (find(query).logs?.[query.log] ?? [])
        .filter(({ at }) => at === undefined || at.getTime() >= since)
        .toReversed();
      for (let at = 0; at < Math.max(lines.length, 1); at += BATCH_SIZE)
        yield lines.slice(at, at + BATCH_SIZE);
    },
    checksumRules: async (query) => find(query).checksumRules ?? [],
    mounts: async (query) => (find(query), []),
    fileSizes: async (query) => (find(query), []),
    processes: async (query) => (find(query), []),
    packageVersion: async (query) => find(query).packages?.[query.program],
    pathMtu: async (query) => {
      const bytes = find(query).pathMtus?.[query.to];
      return { address: query.to, ...(bytes !== undefined && { bytes, failedBytes: bytes + 1 }) };
    },
  };
}

/** Lines are given oldest first. */
export function logSource({
  name,
  contains,
  lines,
  switchPorts = [],
}: {
  readonly name: string;
  readonly contains: readonly ports.LogContent[];
  readonly lines: readonly ports.LogLine[];
  readonly switchPorts?: readonly ports.SwitchPort[];
}): ports.Logs {
  return {
    name,
    contains,
    lines: async function* ({ content, since, until }) {
      const wanted = contains.includes(content)
        ? lines
            .filter(({ at }) => at === undefined || (at >= since && (until === undefined || at <= until)))
            .toReversed()
        : [];
      for (let at = 0; at < Math.max(wanted.length, 1); at += BATCH_SIZE)
        yield wanted.slice(at, at + BATCH_SIZE);
    },
    switchPorts: async () => switchPorts,
  };
}

/** Networks and instances come in pages of 2. */
export function cloudSource({
  name,
  networks = [],
  ports: stored = [],
  servers = [],
  dhcpAgents = [],
}: {
  readonly name: string;
  readonly networks?: readonly ports.CloudNetwork[];
  readonly ports?: readonly ports.CloudPort[];
  readonly servers?: readonly ports.CloudServer[];
  readonly dhcpAgents?: readonly ports.DhcpAgent[];
}): ports.Cloud {
  const pages = async function* <T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
    for (let at = 0; at < Math.max(items.length, 1); at += BATCH_SIZE) yield items.slice(at, at + BATCH_SIZE);
  };
  return {
    name,
    networks: () => pages(networks),
    ports: async ({ macs }) => stored.filter(({ mac }) => macs.includes(mac)),
    servers: ({ host }) => pages(servers.filter((one) => one.host === host)),
    server: async ({ id }) => servers.find((one) => one.id === id),
    dhcpAgents: async () => dhcpAgents,
  };
}
