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
  readonly processes?: readonly ports.HostProcess[];
  readonly mounts?: readonly ports.HostMount[];
  readonly files?: Partial<Record<ports.HostFiles, readonly ports.HostFileSize[]>>;
  /** The second measurement of files, by path. Default: unchanged. */
  readonly filesLater?: Readonly<Record<string, ports.HostFileSize>>;
  readonly openFiles?: Partial<Record<ports.HostFiles, readonly ports.OpenFile[]>>;
  readonly disks?: readonly ports.InstanceDisk[];
  /** Files that aren't listed are missing. */
  readonly fileStates?: readonly ports.FileState[];
  readonly novaSettings?: readonly ports.HostSetting[];
  /** Absent: there is no such file. */
  readonly computeNodes?: readonly ports.ComputeNodeStamp[];
  readonly diskErrors?: readonly ports.GuestDiskError[];
  readonly load?: ports.HostLoad;
  readonly newestDump?: ports.HostFileSize;
  /** Copies in the rescue folder, by name. */
  readonly rescued?: Readonly<Record<string, ports.RescuedCopy>>;
  /** Every question fails with it. */
  readonly error?: SourceError;
}

const BATCH_SIZE = 2;

/** Log lines come in batches of 2, newest first. */
export function hostSource({
  name,
  now,
  hosts: stored,
  allows = {},
}: {
  readonly name: string;
  readonly now: Date;
  readonly hosts: readonly StoredHost[];
  /** Default: no changes. */
  readonly allows?: Partial<Pick<ports.Hosts, 'rescue' | 'truncation' | 'archiving'>>;
}): ports.Hosts {
  const not = (key: string) =>
    ({ allowed: false, because: `\`allow.${key}\` is not configured for the source ${name}` }) as const;
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
    mounts: async (query) => find(query).mounts ?? [],
    fileSizes: async (query) => find(query).files?.[query.files] ?? [],
    processes: async (query) =>
      (find(query).processes ?? []).filter(({ program }) => program === query.program),
    packageVersion: async (query) => find(query).packages?.[query.program],
    pathMtu: async (query) => {
      const bytes = find(query).pathMtus?.[query.to];
      return { address: query.to, ...(bytes !== undefined && { bytes, failedBytes: bytes + 1 }) };
    },
    instanceDisks: async (query) => find(query).disks ?? [],
    fileStates: async (query) => {
      const { fileStates = [] } = find(query);
      return query.paths.map(
        (path) => fileStates.find((one) => one.path === path) ?? { path, state: 'missing' },
      );
    },
    novaSettings: async (query) => find(query).novaSettings,
    computeNodes: async (query) => {
      const { computeNodes } = find(query);
      if (!computeNodes) throw new SourceError(name, 'missing', `${query.host} has no such file`);
      return computeNodes;
    },
    diskErrors: async (query) => find(query).diskErrors ?? [],
    fileGrowth: async (query) => {
      const { files, filesLater = {} } = find(query);
      return (files?.[query.files] ?? [])
        .filter(
          ({ bytes, diskBytes = bytes, error }) =>
            error !== undefined || Math.max(bytes, diskBytes) >= query.leastBytes,
        )
        .map((before) => ({ before, after: filesLater[before.path] ?? before, betweenMs: query.watchMs }));
    },
    openFiles: async (query) => find(query).openFiles?.[query.files] ?? [],
    load: async (query) => find(query).load ?? { oneMinute: 0.5, cpus: 8 },
    rescue: not('rescue'),
    truncation: not('truncate'),
    archiving: not('archive'),
    rescuedFile: async (query) => find(query).rescued?.[query.name],
    newestDump: async () => stored.find(({ newestDump }) => newestDump)?.newestDump,
    ...allows,
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
  services = [],
  images = [],
  serviceChanges = {
    allowed: false,
    because: `\`allow.disable\` is not configured for the source ${name}`,
  },
}: {
  readonly name: string;
  readonly networks?: readonly ports.CloudNetwork[];
  readonly ports?: readonly ports.CloudPort[];
  readonly servers?: readonly ports.CloudServer[];
  readonly dhcpAgents?: readonly ports.DhcpAgent[];
  readonly services?: readonly ports.CloudService[];
  readonly images?: readonly ports.CloudImage[];
  readonly serviceChanges?: ports.ConfiguredPermission;
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
    services: async () => services,
    image: async ({ id }) => images.find((one) => one.id === id),
    serviceChanges,
  };
}
