import type { ScanResult, SeenPlace } from '../../src/ports/certificates.ts';
import type {
  ClusterNode,
  ContainerStatus,
  DaemonSet,
  KubeletConfig,
  KubeletStats,
  NodeCondition,
  Pod,
  Threshold,
} from '../../src/ports/clusters.ts';
import type {
  DiskCounters,
  FailureMode,
  Operations,
  StoreEndpoint,
  StoreMember,
  StoreMembers,
  StoreQuery,
} from '../../src/ports/key-value.ts';
import type { BuildAnswer } from '../../src/ports/builds.ts';
import type { CloudService } from '../../src/ports/cloud.ts';
import type { BrokerNode, BrokerQueue } from '../../src/ports/brokers.ts';
import type { EngineContainer, EngineUsage, SwarmService } from '../../src/ports/engines.ts';
import type {
  Bond,
  FileState,
  HostFileGrowth,
  HostLinks,
  HostProcess,
  InstanceDisk,
  PathMtu,
} from '../../src/ports/hosts.ts';
import type { PipelineFile } from '../../src/ports/pipelines.ts';
import type { DeployedCertificates, Deployment } from '../../src/ports/processes.ts';
import { SourceError, type SourceErrorKind } from '../../src/ports/source-error.ts';
import type { Answer, Change, Drop, StreamContent } from './drop-answers.ts';
import { incompleteBonds } from './bond-drops.ts';
import { incompleteManaged, unreadDeployments } from './certificate-drops.ts';
import { incompleteBrokerNodes, incompleteQueues } from './broker-drops.ts';
import { incompleteContainers, incompleteSwarmService, incompleteUsage } from './engine-drops.ts';
import { unreadableDisks, unreadableFiles } from './image-drops.ts';
import { incompleteLinks } from './link-drops.ts';
import { unreadPipelines } from './pipeline-drops.ts';

const KINDS: readonly SourceErrorKind[] = ['unreachable', 'refused', 'missing', 'malformed'];

/**
 * Every way in which one response of a source can be dropped: as a whole, and in each part that `src/ports`
 * allows to be missing.
 */
export function dropsOf(answer: Answer): readonly Drop[] {
  const dropsOfParts = PARTS[answer.method];
  if (!dropsOfParts)
    throw new Error(`which parts of the answer to ${answer.method} may be missing? Add it to PARTS`);
  return [...dropsOfWhole(answer), ...dropsOfParts(answer)];
}

/** The response hangs until the deadline: until the source is stopped, and then forever. */
export function hangsOf(answer: Answer): readonly Drop[] {
  const afters = answer.isStream ? upTo(sizeOf(answer)) : [undefined];
  return afters.flatMap((after) =>
    [false, true].map((isDeaf) =>
      whole(
        answer,
        { kind: 'hang', isDeaf, ...(after !== undefined && { after }) },
        `hangs${isDeaf ? ' and ignores its signal' : ''}`,
        true,
      ),
    ),
  );
}

/** The same response fails immediately instead of hanging. */
export function failingInstead({ answer, change, ...drop }: Drop): Drop {
  const after = change.kind === 'hang' ? change.after : undefined;
  const error = errorOf(answer.source, 'unreachable');
  return { ...drop, answer, change: { kind: 'reject', error, ...(after !== undefined && { after }) } };
}

function dropsOfWhole(answer: Answer): readonly Drop[] {
  const afters = answer.isStream ? upTo(sizeOf(answer)) : [undefined];
  return afters.flatMap((after) =>
    KINDS.flatMap((kind) =>
      [false, true].map((isLasting) => {
        const error = errorOf(answer.source, kind);
        const change = { kind: 'reject', error, ...(after !== undefined && { after }) } as const;
        return whole(answer, change, `is ${kind}`, isLasting);
      }),
    ),
  );
}

function whole(answer: Answer, change: Change, how: string, isLasting: boolean): Drop {
  const from = isLasting ? ' from then on' : '';
  const unit = answer.method === 'scan' ? 'places' : 'pages';
  const after = 'after' in change && change.after !== undefined ? ` after ${change.after} ${unit}` : '';
  return {
    label: `${nameOf(answer)} ${how}${after}${from}`,
    answer,
    isLasting,
    subject: answer.source,
    change,
  };
}

function nameOf({ call, nth }: Answer): string {
  return nth === 0 ? call : `${call} #${nth + 1}`;
}

function errorOf(source: string, kind: SourceErrorKind): SourceError {
  return new SourceError(source, kind, `dropped: ${kind}`);
}

function sizeOf({ value, empty }: Answer): number {
  return empty + (value as readonly unknown[]).length;
}

/** 0 to `most`: a stream may fail even after all results. */
function upTo(most: number): readonly number[] {
  return Array.from({ length: most + 1 }, (_, at) => at);
}

type DropsOfParts = (answer: Answer) => readonly Drop[];

/** By the name of the method. */
const PARTS: Readonly<Record<string, DropsOfParts>> = {
  scan: (answer) => {
    const results = answer.value as readonly ScanResult[];
    const stream = (value: readonly ScanResult[], empty: number): StreamContent => ({ value, empty });
    const ofPlaces = unseenInstead(results).map(({ place, results: value }) =>
      part(answer, `${place} is unseen`, place, stream(value, answer.empty)),
    );
    if (answer.empty === 0) return ofPlaces;
    const place = `${answer.source}:/unread`;
    const value = [...results, unseen(answer.source, place)];
    return [...ofPlaces, part(answer, 'an empty place is unseen', place, stream(value, answer.empty - 1))];
  },
  inspectSite: (answer) =>
    unseenInstead(answer.value as readonly ScanResult[]).map(({ place, results }) =>
      part(answer, `${place} is unseen`, place.slice(place.indexOf(':') + 1), results),
    ),
  managed: dropsOfManaged,
  issuers: dropsOfManaged,
  ask: (answer) => {
    const { body: _body, header: _header, ...rest } = answer.value as BuildAnswer;
    return [
      part(answer, 'the body is too large', '', { ...rest, isTooLarge: true }),
      part(answer, 'the body is not text', '', rest),
      part(answer, 'there is a login page', '', {
        ...rest,
        contentType: 'text/html',
        body: '<!doctype html><title>Sign in</title>',
      }),
    ];
  },
  swarmService: (answer) =>
    incompleteSwarmService(answer.value as SwarmService).map(({ what, subject, value }) =>
      part(answer, what, subject, value),
    ),
  // Versions that no longer exist are left out, as if there were none.
  contents: () => [],
  history: () => [],
  findIssued: () => [],
  deployedCertificates: (answer) =>
    unreadDeployments(answer.value as readonly DeployedCertificates[]).map(({ what, subject, value }) =>
      part(answer, what, subject, value),
    ),
  directorCertificates: () => [],
  processes: (answer) => [
    part(
      answer,
      'no process has a start',
      answer.source,
      (answer.value as readonly HostProcess[]).map(({ pid, program }) => ({ pid, program })),
    ),
  ],
  tasks: () => [],
  ingresses: () => [],
  endpoints: () => [],
  rollouts: () => [],
  restartPermission: () => [],
  pinPermission: () => [],
  tree: () => [],
  members: dropsOfMembers,
  diskCounters: (answer) => {
    const counters = answer.value as ReadonlyMap<string, DiskCounters>;
    return [...counters].flatMap(([url, disk]) => {
      const { host } = new URL(url);
      const withDisk = (changed?: DiskCounters) =>
        new Map(
          [...counters].flatMap(([one, was]) =>
            one !== url ? [[one, was]] : changed ? [[url, changed]] : [],
          ),
        );
      const without = keysOf(disk).map((key) =>
        part(
          answer,
          `${host} counts no ${key}`,
          '',
          withDisk(omit(disk, key)),
          withDisk({ ...disk, [key]: slowly(disk)[key] }),
        ),
      );
      return [part(answer, `${host} is left out`, '', withDisk(), withDisk(slowly(disk))), ...without];
    });
  },
  deployments: dropsOfDeployments,
  version: (answer) => [part(answer, 'the version cannot be parsed', answer.source, 'devel', 'v1.1.0')],
  // Those of brokers are a list, those of clusters come in pages.
  nodes: (answer) =>
    answer.isStream
      ? dropsOfNodes(answer)
      : incompleteBrokerNodes(answer.value as readonly BrokerNode[]).map(({ what, subject, value, hidden }) =>
          part(answer, what, subject, value, hidden),
        ),
  queues: (answer) =>
    incompleteQueues(answer.value as readonly (readonly BrokerQueue[])[]).map(
      ({ what, subject, value, hidden }) => part(answer, what, subject, value, hidden),
    ),
  files: (answer) =>
    unreadPipelines(answer.value as readonly (readonly PipelineFile[])[]).map(({ what, subject, value }) =>
      part(answer, what, subject, value),
    ),
  proposals: () => [],
  overview: () => [],
  memory: () => [],
  pods: (answer) => {
    const pages = answer.value as readonly (readonly Pod[])[];
    return [
      ...dropsOfImages(answer, pages, ({ labels }) =>
        SYSTEM_LABELS.some((label) => labels[label]?.startsWith('kube-')),
      ),
      ...dropsOfStatuses(answer, pages),
    ];
  },
  events: () => [],
  daemonSets: (answer) => dropsOfImages(answer, answer.value as readonly (readonly DaemonSet[])[]),
  kubeletStats: dropsOfKubeletStats,
  kubeletConfig: dropsOfKubeletConfig,
  cordonPermission: () => [],
  removePermission: () => [],
  adjustPermission: () => [],
  workload: () => [],
  replicaSets: () => [],
  previousLog: () => [],
  info: () => [],
  container: () => [],
  containers: (answer) =>
    incompleteContainers(answer.value as readonly (readonly EngineContainer[])[]).map(
      ({ what, subject, value }) => part(answer, what, subject, value),
    ),
  containerSizes: (answer) => {
    const sizes = answer.value as ReadonlyMap<string, number>;
    return [...sizes.keys()].map((id) =>
      part(answer, `the size of ${id} is unknown`, '', new Map([...sizes].filter(([one]) => one !== id))),
    );
  },
  // A time zone that is unknown is 0; the time itself is always there.
  clock: () => [],
  fileGrowth: (answer) =>
    (answer.value as readonly HostFileGrowth[]).map(({ before }) =>
      part(
        answer,
        `${before.path} can't be measured again`,
        '',
        (answer.value as readonly HostFileGrowth[]).map(({ after, ...one }) =>
          one.before === before ? one : { ...one, ...(after && { after }) },
        ),
      ),
    ),
  fileSizes: () => [],
  mounts: () => [],
  novaSettings: () => [],
  openFiles: () => [],
  logLines: () => [],
  lines: () => [],
  checksumRules: () => [],
  dhcpAgents: () => [],
  ports: () => [],
  server: () => [],
  usage: (answer) =>
    incompleteUsage(answer.value as EngineUsage).map(({ what, subject, value }) =>
      part(answer, what, subject, value),
    ),
  bonds: (answer) =>
    incompleteBonds(answer.value as readonly Bond[]).map(({ what, subject, value, hidden }) =>
      part(answer, what, subject, value, hidden),
    ),
  neighbors: () => [],
  switchPorts: () => [],
  servers: () => [],
  alarms: () => [],
  services: (answer) => {
    if (answer.isStream) return [];
    const services = answer.value as readonly CloudService[];
    return services.flatMap(({ host, binary }, at) =>
      [['isUp'], ['isEnabled'], ['isUp', 'isEnabled', 'id']].map((keys) =>
        part(
          answer,
          `${binary} on ${host} has no ${keys.join()}`,
          host,
          services.map((one, index) =>
            index === at
              ? Object.fromEntries(Object.entries(one).filter(([key]) => !keys.includes(key)))
              : one,
          ),
        ),
      ),
    );
  },
  links: (answer) =>
    incompleteLinks(answer.value as HostLinks).map(({ what, subject, value, hidden }) =>
      part(answer, what, subject, value, hidden),
    ),
  addresses: () => [],
  networkSettings: () => [],
  computeNodes: () => [],
  rescuedFile: () => [],
  diskErrors: () => [],
  image: () => [],
  instanceDisks: (answer) =>
    unreadableDisks(answer.value as readonly InstanceDisk[]).map(({ what, subject, value }) =>
      part(answer, what, subject, value),
    ),
  fileStates: (answer) =>
    unreadableFiles(answer.value as readonly FileState[]).map(({ what, subject, value }) =>
      part(answer, what, subject, value),
    ),
  networks: () => [],
  // What else is absent may also be absent in a whole response.
  cells: () => [],
  state: () => [],
  tables: () => [],
  instanceCounts: () => [],
  metadataCounts: () => [],
  pathMtu: (answer) => [
    part(answer, 'no ping is answered', answer.source, {
      address: (answer.value as PathMtu).address,
      failedBytes: 68,
    }),
  ],
};

function dropsOfManaged(answer: Answer): readonly Drop[] {
  return incompleteManaged(answer.value as Parameters<typeof incompleteManaged>[0]).map(
    ({ what, subject, value }) => part(answer, what, subject, value),
  );
}

function part(answer: Answer, what: string, subject: string, value: unknown, hidden?: unknown): Drop {
  return {
    label: `${nameOf(answer)}: ${what}`,
    answer,
    isLasting: true,
    subject,
    change: { kind: 'replace', value },
    ...(hidden !== undefined && { hides: { kind: 'replace', value: hidden } }),
  };
}

function unseenInstead(
  results: readonly ScanResult[],
): readonly { readonly place: string; readonly results: readonly ScanResult[] }[] {
  return results
    .filter((one): one is SeenPlace => one.kind === 'seen')
    .map(({ place }) => ({
      place,
      results: results.map((one) => (one.place === place ? unseen(place.split(':')[0] ?? '', place) : one)),
    }));
}

function unseen(source: string, place: string): ScanResult {
  return { kind: 'unseen', place, error: errorOf(source, 'unreachable') };
}

const FAILURE_MODES: readonly FailureMode[] = ['not-listening', 'hung', 'unreachable', 'rejected'];

/**
 * A request, and the fields that are unknown if a member does not respond to it. `status` is derived from
 * its other responses.
 */
const QUERIES: Readonly<Record<StoreQuery, readonly (keyof StoreMember)[]>> = {
  version: ['version'],
  status: [],
  health: ['healthy'],
  metrics: ['leaderChanges', 'proposalsFailed', 'proposalsPending', 'disk'],
  'member list': [],
  'alarm list': [],
  'quorum read': [],
};

/**
 * What a member may fail to report, and with a fault. Fields that are not listed mean something if absent:
 * `isLearner`, or a certificate without TLS.
 */
const FAULTY: Partial<StoreMember> = {
  version: '2.1.1',
  healthy: false,
  hasLeader: false,
  isLeader: false,
  dbSizeBytes: 2_140_000_000,
  dbInUseBytes: 1,
  quotaBytes: 210_000,
  raftIndex: 0,
  raftAppliedIndex: 0,
  leaderChanges: 10_000,
  proposalsFailed: 10_000,
  proposalsPending: 10_000,
  disk: {
    fsyncs: { slow: 20_000, total: 40_000 },
    commits: { slow: 4_000, total: 9_000 },
    slowApplies: 10_000,
  },
  clockAheadMs: 60_000,
};

const OTHER_ID = 'ffffffffffffffff';

/** The same for an endpoint. */
const FAULTY_ENDPOINT = {
  clusterId: OTHER_ID,
  memberId: OTHER_ID,
  leaderId: OTHER_ID,
  lists: [OTHER_ID],
} satisfies Partial<StoreEndpoint>;

/** Far more of them were slow since the last reading. */
function slowly({ fsyncs, commits, slowApplies }: DiskCounters): DiskCounters {
  const slower = ({ slow, total }: Operations) => ({ slow: slow + 150, total });
  return {
    ...(fsyncs && { fsyncs: slower(fsyncs) }),
    ...(commits && { commits: slower(commits) }),
    ...(slowApplies !== undefined && { slowApplies: slowApplies + 1_000 }),
  };
}

function dropsOfMembers(answer: Answer): readonly Drop[] {
  const store = answer.value as StoreMembers;
  return [
    ...store.members.flatMap((member) => [
      ...silences(answer, store, member),
      ...unansweredQueries(answer, store, member),
      ...unreported(answer, store, member),
    ]),
    ...store.endpoints.flatMap((endpoint) => dropsOfEndpoint(answer, store, endpoint)),
    ...unansweredByAll(answer, store),
  ];
}

function withMember(
  { members, endpoints, ...store }: StoreMembers,
  changed: StoreMember,
  endpoint: (was: StoreEndpoint) => StoreEndpoint = (was) => was,
): StoreMembers {
  return {
    ...store,
    members: members.map((one) => (one.id === changed.id ? changed : one)),
    endpoints: endpoints.map((one) =>
      one.memberId === changed.id && isAt(one, changed) ? endpoint(one) : one,
    ),
  };
}

function isAt({ address }: StoreEndpoint, { url }: StoreMember): boolean {
  return url !== undefined && new URL(url).host === address;
}

function silences(answer: Answer, store: StoreMembers, member: StoreMember): readonly Drop[] {
  const { id, name, clientUrls, isConfigured, url } = member;
  return FAILURE_MODES.map((failureMode) => {
    const failed = { error: failureOf(answer.source, failureMode), failureMode };
    const changed = { id, name, clientUrls, isConfigured, ...(url !== undefined && { url }), ...failed };
    const value = withMember(store, changed, ({ address }) => ({ address, memberId: id, ...failed }));
    return part(answer, `${name} does not respond (${failureMode})`, name, value);
  });
}

function failureOf(source: string, failureMode: FailureMode): SourceError {
  return errorOf(source, failureMode === 'rejected' ? 'refused' : 'unreachable');
}

function unansweredQueries(answer: Answer, store: StoreMembers, member: StoreMember): readonly Drop[] {
  return (Object.keys(QUERIES) as StoreQuery[]).flatMap((query) =>
    [false, true].map((isDenied) => {
      const changed = withoutQuery(answer.source, member, query, isDenied);
      const value = withMember(store, changed, (one) =>
        query === 'member list' ? omit(one, 'lists') : query === 'status' ? omit(one, 'leaderId') : one,
      );
      const faults = Object.fromEntries(QUERIES[query].map((key) => [key, FAULTY[key]]));
      const hidden = QUERIES[query].length > 0 ? withMember(store, { ...member, ...faults }) : undefined;
      const how = isDenied ? 'is denied' : 'is not answered';
      return part(answer, `${query} of ${member.name} ${how}`, member.name, value, hidden);
    }),
  );
}

function withoutQuery(
  source: string,
  member: StoreMember,
  query: StoreQuery,
  isDenied: boolean,
): StoreMember {
  const error = errorOf(source, isDenied ? 'refused' : 'unreachable');
  return { ...omit(member, ...QUERIES[query]), unanswered: [{ query, error, isDenied }] };
}

function unreported(answer: Answer, store: StoreMembers, member: StoreMember): readonly Drop[] {
  const { name, disk = {} } = member;
  const ofMember = keysOf(FAULTY)
    .filter((key) => key in member)
    .map((key) => {
      const hidden = withMember(store, { ...member, [key]: FAULTY[key] });
      return part(answer, `${name} reports no ${key}`, name, withMember(store, omit(member, key)), hidden);
    });
  const ofDisk = keysOf(disk).map((key) => {
    const withDisk = (changed: DiskCounters) => withMember(store, { ...member, disk: changed });
    const hidden = withDisk({ ...disk, [key]: FAULTY.disk?.[key] });
    return part(answer, `${name} counts no ${key}`, name, withDisk(omit(disk, key)), hidden);
  });
  return [...ofMember, ...ofDisk];
}

/** An endpoint at the address of a member is queried with that member. */
function dropsOfEndpoint(answer: Answer, store: StoreMembers, endpoint: StoreEndpoint): readonly Drop[] {
  const { address } = endpoint;
  const withEndpoint = (changed: StoreEndpoint) => ({
    ...store,
    endpoints: store.endpoints.map((one) => (one === endpoint ? changed : one)),
  });
  const silent = store.members.some((member) => isAt(endpoint, member))
    ? []
    : FAILURE_MODES.map((failureMode) => {
        const value = withEndpoint({ address, error: failureOf(answer.source, failureMode), failureMode });
        return part(answer, `${address} does not respond (${failureMode})`, address, value);
      });
  const without = keysOf(FAULTY_ENDPOINT)
    .filter((key) => key in endpoint)
    .map((key) => {
      const hidden = withEndpoint({ ...endpoint, [key]: FAULTY_ENDPOINT[key] });
      return part(answer, `${address} reports no ${key}`, address, withEndpoint(omit(endpoint, key)), hidden);
    });
  return [...silent, ...without];
}

/** What any of the members could have reported, and none does. */
function unansweredByAll(answer: Answer, store: StoreMembers): readonly Drop[] {
  const { source } = answer;
  const { members, endpoints } = store;
  const none = (query: StoreQuery, isDenied: boolean) =>
    members.map((member) => withoutQuery(source, member, query, isDenied));
  const ofQueries = [false, true].flatMap((isDenied) => {
    const how = isDenied ? 'is denied' : 'is not answered';
    const asEndpoints = none('member list', isDenied).map((member) => {
      const name = member.url === undefined ? member.name : new URL(member.url).host;
      return { ...omit(member, 'isLearner'), name };
    });
    return [
      part(
        answer,
        `alarm list of every member ${how}`,
        source,
        { ...store, members: none('alarm list', isDenied) },
        { ...store, alarms: [{ kind: 'NOSPACE' }] },
      ),
      part(
        answer,
        `quorum read of every member ${how}`,
        source,
        { ...omit(store, 'hasQuorum', 'revision'), members: none('quorum read', isDenied) },
        { ...store, hasQuorum: false },
      ),
      part(answer, `member list of every member ${how}`, source, {
        ...store,
        members: asEndpoints,
        endpoints: endpoints.map((one) => omit(one, 'lists')),
      }),
    ];
  });
  const unknownQuorum = part(
    answer,
    'whether there is a quorum is not known',
    source,
    omit(store, 'hasQuorum'),
    {
      ...store,
      hasQuorum: false,
    },
  );
  const noQuota = part(answer, 'no quota is known', source, omit(store, 'quotaBytes'), {
    ...store,
    quotaBytes: 1,
  });
  const unlisted = part(answer, 'no endpoint responds', endpoints[0]?.address ?? source, {
    alarms: [],
    members: [],
    endpoints: endpoints.map(({ address }) => ({
      address,
      error: errorOf(source, 'unreachable'),
      failureMode: 'unreachable',
    })),
  } satisfies StoreMembers);
  return [...ofQueries, unknownQuorum, noQuota, unlisted];
}

function dropsOfDeployments(answer: Answer): readonly Drop[] {
  const deployments = answer.value as readonly Deployment[];
  const error = errorOf(answer.source, 'unreachable');
  return deployments.flatMap((deployment) => {
    const { name, instances } = deployment;
    const withDeployment = (changed: Partial<Deployment>) =>
      deployments.map((one) => (one === deployment ? { ...deployment, ...changed } : one));
    const gap = (what: string, changed: Partial<Deployment> = {}) =>
      part(answer, what, what, withDeployment({ ...changed, gaps: [{ what, error }] }));
    const ofInstances = instances.flatMap((instance) => {
      const withInstance = (state: 'unknown' | 'unresponsive') =>
        withDeployment({
          instances: instances.map((one) => (one === instance ? { ...one, state, processes: [] } : one)),
        });
      return [
        gap(`${name}: 1 of its instances (${instance.name})`, {
          instances: instances.filter((one) => one !== instance),
        }),
        part(answer, `the processes of ${instance.name} are unknown`, instance.name, withInstance('unknown')),
        part(answer, `${instance.name} does not respond`, instance.name, withInstance('unresponsive')),
      ];
    });
    return [
      gap(`${name}: its instances`, { instances: [] }),
      gap(`${name}: whether it is locked`),
      ...ofInstances,
    ];
  });
}

/** Fields of a node that may be absent. An absent pool, reason or date alone hides no fault. */
const FAULTY_NODE = {
  kubeletVersion: 'v1.1.0',
} satisfies Partial<ClusterNode>;

function dropsOfNodes(answer: Answer): readonly Drop[] {
  const pages = answer.value as readonly (readonly ClusterNode[])[];
  return pages.flat().flatMap((node) => {
    const withNode = (changed: ClusterNode) =>
      pages.map((page) => page.map((one) => (one === node ? changed : one)));
    const conditions = (status: NodeCondition['status'], type: string) =>
      withNode({
        ...node,
        conditions: node.conditions.map((one) => (one.type === type ? { ...one, status } : one)),
      });
    const without = keysOf(FAULTY_NODE)
      .filter((key) => key in node)
      .map((key) => {
        const hidden = withNode({ ...node, [key]: FAULTY_NODE[key] });
        return part(answer, `${node.name} reports no ${key}`, node.name, withNode(omit(node, key)), hidden);
      });
    const unknown = node.conditions
      .filter(({ status }) => status !== 'Unknown')
      .map(({ type, status }) =>
        part(
          answer,
          `${type} of ${node.name} is unknown`,
          node.name,
          conditions('Unknown', type),
          conditions(status === 'True' ? 'False' : 'True', type),
        ),
      );
    return [...without, ...unknown];
  });
}

const SYSTEM_LABELS = ['component', 'k8s-app'];

interface WithContainers {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly { readonly image: string }[];
}

/** A Kubernetes component whose image is referenced by digest has no visible version. */
function dropsOfImages<T extends WithContainers>(
  answer: Answer,
  pages: readonly (readonly T[])[],
  isProgram: (one: T) => boolean = () => true,
): readonly Drop[] {
  return pages
    .flat()
    .filter((one) => one.namespace === 'kube-system' && isProgram(one))
    .map((one) => {
      const inImage = (suffix: string) =>
        pages.map((page) =>
          page.map((other) =>
            other === one
              ? {
                  ...one,
                  containers: one.containers.map((container) => ({
                    ...container,
                    image: container.image.replace(/:[^:/]*$/, suffix),
                  })),
                }
              : other,
          ),
        );
      const byDigest = `@sha256:${'5147'.repeat(16)}`;
      return part(
        answer,
        `the image of ${one.name} has no tag`,
        one.name,
        inImage(byDigest),
        inImage(':v1.1.0'),
      );
    });
}

/** A container whose restarts are unknown may be restarting all the time. */
function dropsOfStatuses(answer: Answer, pages: readonly (readonly Pod[])[]): readonly Drop[] {
  return pages.flat().flatMap((pod) =>
    pod.containers.flatMap(({ name, status }, index) => {
      if (!status) return [];
      const withStatus = (changed?: ContainerStatus) =>
        pages.map((page) =>
          page.map((other) =>
            other === pod
              ? {
                  ...pod,
                  containers: pod.containers.map((one, at) =>
                    at === index ? { ...omit(one, 'status'), ...(changed && { status: changed }) } : one,
                  ),
                }
              : other,
          ),
        );
      const what = `${name} of ${pod.name}`;
      const looping = withStatus({
        restarts: 400,
        isReady: false,
        state: { kind: 'waiting', reason: 'CrashLoopBackOff' },
      });
      return [
        part(answer, `the status of ${what} is unknown`, pod.name, withStatus(), looping),
        part(
          answer,
          `the restart count of ${what} is unknown`,
          pod.name,
          withStatus(omit(status, 'restarts')),
          looping,
        ),
      ];
    }),
  );
}

const FILE_SYSTEMS = ['nodeFs', 'imageFs'] as const;

/** An absent number can hide a full disk. */
function dropsOfKubeletStats(answer: Answer): readonly Drop[] {
  const stats = answer.value as KubeletStats;
  const node = answer.call.slice(answer.call.indexOf('(') + 1, -1);
  return FILE_SYSTEMS.flatMap((name) => {
    const fileSystem = stats[name];
    if (!fileSystem) return [];
    const full = { ...stats, [name]: { ...fileSystem, availableBytes: 0, inodesFree: 0 } };
    const without = (['availableBytes', 'capacityBytes', 'inodes', 'inodesFree'] as const)
      .filter((key) => key in fileSystem)
      .map((key) =>
        part(
          answer,
          `${node} measures no ${key} of its ${name}`,
          node,
          { ...stats, [name]: omit(fileSystem, key) },
          full,
        ),
      );
    return [part(answer, `${node} measures no ${name}`, node, omit(stats, name), full), ...without];
  });
}

function dropsOfKubeletConfig(answer: Answer): readonly Drop[] {
  const config = answer.value as KubeletConfig;
  const node = answer.call.slice(answer.call.indexOf('(') + 1, -1);
  return Object.keys(config.evictionHard)
    .filter((signal) => !signal.startsWith('memory.'))
    .map((signal) => {
      const withThreshold = (threshold: Threshold) => ({
        ...config,
        evictionHard: { ...config.evictionHard, [signal]: threshold },
      });
      return part(
        answer,
        `${signal} of ${node} cannot be read`,
        node,
        withThreshold({ unreadable: '15 percent' }),
        withThreshold({ share: 1 }),
      );
    });
}

function keysOf<T extends object>(value: T): readonly (keyof T & string)[] {
  return Object.keys(value) as (keyof T & string)[];
}

function omit<T extends object, K extends keyof T>(value: T, ...keys: readonly K[]): Omit<T, K> & T {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key as K))) as Omit<T, K> &
    T;
}
