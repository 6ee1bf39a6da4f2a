import { type ports, SourceError, wording } from '../../kit.ts';
import type { Context, NodeFacts, RestartedContainer } from './facts.ts';
import { isGoingOn } from './loops.ts';
import type { NodeCollector } from './nodes.ts';
import type { KeptContainer } from './pods.ts';

/** How many containers, workloads, namespaces and nodes are asked about. */
const MOST_LOGS = 20;
const MOST_WORKLOADS = 20;
const MOST_NODES = 10;
const LOG_LINES = 40;

type Details = Pick<RestartedContainer, 'log' | 'workload' | 'adjust'>;

/** Reads more about the containers that are in a loop. What fails leaves their restarts known. */
export async function readDetails(
  context: Context,
  cluster: ports.Cluster,
  kept: readonly KeptContainer[],
  readingNodes: Promise<NodeCollector>,
) {
  const looping = kept.filter(({ loop }) => isGoingOn(loop));
  const [logs, workloads, permissions, staticPaths] = await Promise.all([
    readLogs(context, cluster, looping),
    readWorkloads(context, cluster, looping),
    readPermissions(context, cluster, looping),
    readStaticPaths(context, cluster, looping, readingNodes),
  ]);
  const nodes = await readingNodes;
  return {
    nodeOf: (name: string): NodeFacts => {
      const staticPodPath = staticPaths.get(name);
      return { ...nodes.factsOf(name), ...(staticPodPath !== undefined && { staticPodPath }) };
    },
    of: (container: RestartedContainer): Details => {
      const log = logs.get(instanceKey(container));
      const workload = workloads.get(ownerKey(container));
      const adjust = permissions.get(container.namespace);
      return { ...(log && { log }), ...(workload && { workload }), ...(adjust && { adjust }) };
    },
  };
}

function instanceKey({ uid, container }: RestartedContainer): string {
  return `${uid} ${container}`;
}

function ownerKey({ namespace, owner }: RestartedContainer): string {
  return `${owner.kind} ${namespace}/${owner.name}`;
}

function readLogs(context: Context, cluster: ports.Cluster, looping: readonly KeptContainer[]) {
  const all = looping.map(({ container }) => container).filter(hasPrevious);
  // One of each workload first.
  const chosen = [...Map.groupBy(all, (one) => `${ownerKey(one)} ${one.container}`).values()]
    .flatMap((group) => group.map((one, rank) => ({ one, rank })))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, MOST_LOGS)
    .map(({ one }) => one);
  return askEach(context, {
    all: chosen,
    key: instanceKey,
    what: `${cluster.name}: logs of previous instances`,
    ask: ({ namespace, pod, container }) =>
      cluster.previousLog({ namespace, pod, container }, { signal: context.signal, lines: LOG_LINES }),
    isGap: ({ kind }) => kind !== 'missing' && kind !== 'refused',
    noteOn: noteOnLogs,
    inWords: ({ namespace, pod, container }) => `${namespace}/${pod} (${container})`,
  });
}

/** A log that no longer exists is nothing unusual, and the permission to read logs is optional. */
function noteOnLogs({ kind, message }: SourceError): string | undefined {
  if (kind === 'missing') return undefined;
  return message.includes('pods/log')
    ? `${message}. It is optional: the role \`wrench-logs\` grants it`
    : message;
}

function hasPrevious({ status }: RestartedContainer): boolean {
  return (status.restarts ?? 0) > 0 || status.last !== undefined;
}

/** A ReplicaSet is resolved to its Deployment. The plan of a change reads it again. */
function readWorkloads(
  { signal, ...context }: Context,
  cluster: ports.Cluster,
  looping: readonly KeptContainer[],
) {
  const read = async ({ namespace, owner: { kind, name } }: RestartedContainer): Promise<ports.Workload> => {
    const workload = await cluster.workload(
      { kind: kind as ports.WorkloadName['kind'], namespace, name },
      { signal },
    );
    const { controller } = workload;
    return workload.kind === 'ReplicaSet' && controller?.kind === 'Deployment'
      ? cluster.workload({ kind: 'Deployment', namespace, name: controller.name }, { signal })
      : workload;
  };
  return askEach(
    { signal, ...context },
    {
      all: firstOf(changeable(looping), ownerKey, MOST_WORKLOADS),
      key: ownerKey,
      what: `${cluster.name}: workloads`,
      ask: read,
      isGap: () => false,
      inWords: ({ namespace, owner: { kind, name } }) => `${kind} ${namespace}/${name}`,
    },
  );
}

function readPermissions(context: Context, cluster: ports.Cluster, looping: readonly KeptContainer[]) {
  return askEach(context, {
    all: firstOf(changeable(looping), ({ namespace }) => namespace, MOST_WORKLOADS),
    key: ({ namespace }) => namespace,
    what: `${cluster.name}: permission to change probes`,
    ask: ({ namespace }) => cluster.adjustPermission({ signal: context.signal, namespace }),
    isGap: () => false,
    inWords: ({ namespace }) => `the namespace ${namespace}`,
  });
}

const CHANGEABLE: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

/** Those with a probe that could be changed in what creates their pods. */
function changeable(looping: readonly KeptContainer[]): readonly RestartedContainer[] {
  return looping
    .map(({ container }) => container)
    .filter(({ owner, liveness, startup }) => CHANGEABLE.has(owner.kind) && (liveness ?? startup));
}

/** The directories of manifests on the nodes whose static pods restart. */
async function readStaticPaths(
  context: Context,
  cluster: ports.Cluster,
  looping: readonly KeptContainer[],
  readingNodes: Promise<NodeCollector>,
): Promise<ReadonlyMap<string, string>> {
  const names = new Set(
    looping.flatMap(({ container, nodeName }) => (container.owner.kind === 'Static' ? (nodeName ?? []) : [])),
  );
  if (names.size === 0 || cluster.kubelets === 'none') return new Map();
  const nodes = await readingNodes;
  const configs = await askEach(context, {
    all: [...names].slice(0, MOST_NODES).flatMap((name) => nodes.addressOf(name) ?? []),
    key: ({ name }) => name,
    what: `${cluster.name}: directories of static pods`,
    ask: (address) => cluster.kubeletConfig(address, { signal: context.signal }),
    isGap: () => false,
    inWords: ({ name }) => name,
  });
  return new Map(
    [...configs].flatMap(([name, { staticPodPath }]) =>
      staticPodPath === undefined ? [] : [[name, staticPodPath]],
    ),
  );
}

interface Questions<T, V> {
  readonly all: readonly T[];
  readonly key: (one: T) => string;
  /** What can't be read, for people. */
  readonly what: string;
  readonly ask: (one: T) => Promise<V>;
  /** Whether an error is a gap, or only worth a note. */
  readonly isGap: (error: SourceError) => boolean;
  readonly inWords: (one: T) => string;
  /** What the note says about an error that is no gap; nothing if undefined. By default, its message. */
  readonly noteOn?: (error: SourceError) => string | undefined;
}

/** Asks about each at the same time. Failures become one gap and one note. */
async function askEach<T, V>(
  { signal, gap, note }: Pick<Context, 'signal' | 'gap' | 'note'>,
  { all, key, what, ask, isGap, inWords, noteOn = ({ message }) => message }: Questions<T, V>,
): Promise<ReadonlyMap<string, V>> {
  const answers = new Map<string, V>();
  const failures: { readonly one: T; readonly error: SourceError }[] = [];
  await Promise.all(
    all.map(async (one) => {
      try {
        answers.set(key(one), await ask(one));
      } catch (error) {
        const cause: unknown = signal.aborted ? signal.reason : error;
        if (!(cause instanceof SourceError)) throw error;
        failures.push({ one, error: cause });
      }
    }),
  );
  failures.sort((a, b) => (key(a.one) < key(b.one) ? -1 : 1));
  const [gaps, notes] = [
    failures.filter(({ error }) => isGap(error)),
    failures.filter(({ error }) => !isGap(error) && noteOn(error) !== undefined),
  ];
  const { error } = gaps[0] ?? {};
  if (error) gap(what, new SourceError(error.source, error.kind, error.message, { places: gaps.length }));
  // The message of a single one names it.
  const areSome = notes.length > 1 && notes.length < all.length;
  const others = areSome ? ` (${wording.list(notes.map(({ one }) => inWords(one)))})` : '';
  if (notes[0]) note(`${what}: ${noteOn(notes[0].error)}${others}`);
  return answers;
}

function firstOf<T>(all: readonly T[], key: (one: T) => string, most: number): readonly T[] {
  return [...Map.groupBy(all, key).values()].flatMap(([first]) => first ?? []).slice(0, most);
}
