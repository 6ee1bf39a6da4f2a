import { type ports, SourceError } from '../kit.ts';

/**
 * In-memory sources for the fixtures of checks (`fixtures.ts`), which behave as documented in `src/ports`, and builders for their
 * responses.
 */

/** The responses of an environment's sources, and the status of the check's report. The contract test drops each response in turn. */
export interface Fixture {
  readonly title: string;
  readonly status: 'found' | 'clear';
  /** When the check runs. */
  readonly now: Date;
  /** As text, if they differ from the check's defaults. */
  readonly args?: Readonly<Record<string, string>>;
  /** New sources for each run, several for each port that the check reads. */
  readonly read: () => Partial<ports.Readers>;
  /** Responses that a report can do without because another one gives the same information, each with the reason. */
  readonly answeredOtherwise?: readonly { readonly answer: RegExp; readonly because: string }[];
}

type StoredCertificates = Pick<ports.CertificateStore, 'name' | 'role' | 'storedIn'> & {
  readonly places: readonly ports.ScanResult[];
  /** How many places have no certificate. */
  readonly empty?: number;
  readonly managed?: readonly (ports.ManagedCertificate | ports.UnseenPlace)[];
  /** The contents of managed certificates, by place. */
  readonly contents?: Readonly<Record<string, readonly ports.VersionContent[]>>;
  /** Former versions by place, newest first. */
  readonly history?: Readonly<Record<string, readonly ports.VersionContent[]>>;
  readonly issuers?: readonly (ports.PkiIssuer | ports.UnseenPlace)[];
};

/** A served one can inspect each of its sites by name. */
export function certificateSource({
  places,
  empty = 0,
  managed,
  contents,
  history,
  issuers,
  ...store
}: StoredCertificates): ports.CertificateStore {
  const named = (site: string) => places.filter(({ place }) => place === `${store.name}:${site}`);
  return {
    ...store,
    scan: async function* ({ onEmpty }) {
      for (let count = 0; count < empty; count += 1) onEmpty?.();
      yield* places;
    },
    ...(managed && { managed: () => streamOf(managed) }),
    ...(contents && {
      contents: async (place: string, { versions }: { readonly versions: readonly string[] }) => {
        const known = contents[place];
        if (!known) throw new SourceError(store.name, 'missing', `${place} doesn't exist`);
        return known.filter(({ id }) => versions.includes(id));
      },
    }),
    ...(history && {
      history: async (place: string, { most }: { readonly most: number }) =>
        (history[place] ?? []).slice(0, most),
    }),
    ...(issuers && { issuers: () => streamOf(issuers) }),
    ...(store.role === 'served' && {
      inspectSite: async (site: string) => {
        if (named(site).length > 0) return named(site);
        throw new SourceError(store.name, 'refused', `${site} is not configured`);
      },
    }),
  };
}

async function* streamOf<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all;
}

/** A healthy live site, with overrides: its certificate is for its name, and it negotiates TLS 1.3. */
export function liveSite(
  place: string,
  certificate: ports.Certificate,
  known: Partial<ports.Handshake> = {},
): ports.SeenPlace {
  const served = handshake(certificate.name, known);
  return { kind: 'seen', place, chain: [certificate], served };
}

interface StoredKeys {
  readonly name: string;
  /** Values by key. Each has a TTL and is refreshed between two reads. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Directories whose keys have expired. */
  readonly emptyDirectories?: readonly string[];
  readonly members: ports.StoreMembers;
  readonly now: Date;
}

const BETWEEN_READS_MS = 6_000;

/** A cluster whose members always respond the same. Between two reads of their disks, they have written 200 times. */
export function keyValueSource({
  name,
  keys = {},
  emptyDirectories = [],
  members,
  now,
}: StoredKeys): ports.KeyValueStore {
  const reads = new Map<string, number>();
  return {
    name,
    maintain: false,
    tree: async (root) => {
      const nth = reads.get(root) ?? 0;
      reads.set(root, nth + 1);
      const serverTimeMs = now.getTime() + nth * BETWEEN_READS_MS;
      const leaves = Object.entries(keys)
        .filter(([key]) => key.startsWith(`${root}/`))
        .map(([key, value]): ports.KeyLeaf => ({
          key,
          value,
          ttlSeconds: 7,
          expiresAt: new Date(serverTimeMs + 7_000),
          createdIndex: 1_000,
          modifiedIndex: 2_000 + nth,
        }));
      const directories = [...leaves.flatMap(({ key }) => parentsOf(key)), ...emptyDirectories].filter(
        (path) => path === root || path.startsWith(`${root}/`),
      );
      return {
        exists: directories.length > 0,
        directories: [...new Set(directories)].toSorted(),
        leaves,
        serverTime: new Date(serverTimeMs),
      };
    },
    members: async () => members,
    diskCounters: async (urls) =>
      new Map(
        members.members.flatMap(({ url, disk }) =>
          url !== undefined && disk && urls.includes(url) ? [[url, after200Writes(disk)] as const] : [],
        ),
      ),
  };
}

function parentsOf(key: string): readonly string[] {
  const segments = key.split('/').slice(1, -1);
  return segments.map((_, at) => `/${segments.slice(0, at + 1).join('/')}`);
}

function after200Writes({ fsyncs, commits, slowApplies }: ports.DiskCounters): ports.DiskCounters {
  const more = ({ slow, total }: ports.Operations) => ({ slow, total: total + 200 });
  return {
    ...(fsyncs && { fsyncs: more(fsyncs) }),
    ...(commits && { commits: more(commits) }),
    ...(slowApplies !== undefined && { slowApplies }),
  };
}

/** What the members of a healthy cluster report, with overrides by name. The first one leads. */
export function membersOf(
  names: readonly string[],
  known: Readonly<Record<string, Partial<ports.StoreMember>>> = {},
): ports.StoreMembers {
  const idOf = (name: string) => hexOf(name, 16).slice(-16);
  const lists = names.map(idOf).toSorted();
  const leaderId = idOf(names[0] ?? '');
  return {
    members: names.map((name, at) => storeMember(idOf(name), name, { isLeader: at === 0, ...known[name] })),
    endpoints: names.map((name) => ({
      address: `${name}.example.com:2379`,
      clusterId: leaderId,
      memberId: idOf(name),
      leaderId,
      lists,
    })),
    alarms: [],
    hasQuorum: true,
    quotaBytes: DEFAULT_QUOTA_BYTES,
    revision: '3847',
  };
}

/** A director, or monit on some machines. */
export function processSource(
  name: string,
  supervisor: ports.ProcessSupervisor['supervisor'],
  deployments: readonly Omit<ports.Deployment, 'source'>[],
): ports.ProcessSupervisor {
  return {
    name,
    supervisor,
    deployments: async () => deployments.map((one) => ({ source: name, ...one })),
  };
}

/** `instanceOf('doppler_z2/0', { doppler: 'running' })` */
export function instanceOf(
  name: string,
  processes: Readonly<Record<string, ports.RunningProcess['state']>>,
  known: Partial<ports.Instance> = {},
): ports.Instance {
  const [group = name, index = '0'] = name.split('/');
  const running = Object.values(processes).every((state) => state === 'running');
  return {
    group,
    id: index,
    index: Number(index),
    name,
    addresses: [],
    desired: 'started',
    ignored: false,
    state: running ? 'running' : 'failing',
    processes: Object.entries(processes).map(([process, state]) => ({ name: process, state })),
    restart: { allowed: false, because: 'the configuration does not allow it' },
    ...known,
  };
}

/** The handshake of a healthy live site, with overrides. */
export function handshake(servername: string, known: Partial<ports.Handshake> = {}): ports.Handshake {
  return {
    address: '203.0.113.7:443',
    servername,
    protocol: 'TLSv1.3',
    nameMatches: true,
    path: 'complete',
    clientCertificateRequired: false,
    legacyOnly: false,
    stapled: false,
    ...known,
  };
}

/** The default of etcd. */
export const DEFAULT_QUOTA_BYTES = 2 * 1_024 ** 3;

/** A healthy follower with 210 kB, with overrides. */
export function storeMember(
  id: string,
  name: string,
  known: Partial<ports.StoreMember> = {},
): ports.StoreMember {
  return {
    id,
    name,
    clientUrls: [`https://${name}.example.com:2379`],
    url: `https://${name}.example.com:2379`,
    isConfigured: true,
    version: '3.4.23',
    healthy: true,
    hasLeader: true,
    isLeader: false,
    dbSizeBytes: 210_000,
    dbInUseBytes: 200_000,
    quotaBytes: DEFAULT_QUOTA_BYTES,
    raftIndex: 4_812_396,
    raftAppliedIndex: 4_812_396,
    leaderChanges: 2,
    proposalsFailed: 0,
    proposalsPending: 0,
    disk: { fsyncs: { slow: 836, total: 418_200 }, commits: { slow: 90, total: 90_500 }, slowApplies: 3 },
    clockAheadMs: 0,
    ...known,
  };
}

/** Hexadecimal digits, derived from the name. */
export function hexOf(name: string, length: number): string {
  return Buffer.from(name, 'utf8').toString('hex').padEnd(length, '0');
}
