import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { answerOf, type Settled } from '../../shared/settle.ts';
import { selectByName } from '../../shared/select-by-name.ts';
import { chooseSources } from '../../shared/sources.ts';
import type { ClusterState, Facts, NodeState } from './cluster-state.ts';
import { cordonable } from './cordon-rules.ts';
import { uncordonable } from './cordoned.ts';
import { isVirtual, surveyOf } from './survey.ts';
import {
  type ProgramPod,
  programPodOf,
  type ProxyDaemonSet,
  proxyDaemonSetOf,
  SYSTEM_NAMESPACE,
} from './workloads.ts';

type Context = ReadContext<'clusters'>;

/** Reads the versions in every cluster. A version that cannot be read or parsed is a gap. */
export async function collect(
  context: Context,
  { source, node }: { readonly source?: string | undefined; readonly node?: string | undefined },
): Promise<Facts> {
  const read = await Promise.all(
    chooseSources(context, 'clusters', source).map((cluster) => readCluster(context, cluster)),
  );
  const asked = node === undefined ? undefined : askedNodes(context, read, node);
  const clusters = await Promise.all(
    read.map(async ({ cluster, state }) => {
      const narrowed = asked ? { ...state, asked } : state;
      reportUnreadable(context, narrowed);
      return withPermission(context, cluster, narrowed);
    }),
  );
  return { clusters };
}

interface ReadState {
  readonly cluster: ports.Cluster;
  readonly state: ClusterState;
}

async function readCluster(context: Context, cluster: ports.Cluster): Promise<ReadState> {
  const { signal, saw } = context;
  const { name } = cluster;
  const nodes: NodeState[] = [];
  const pods: ProgramPod[] = [];
  const proxies: ProxyDaemonSet[] = [];
  const [version, ofNodes, ofPods, ofDaemonSets] = await Promise.all([
    answerOf(signal, () => cluster.version({ signal })),
    answerOf(signal, async () => {
      for await (const page of cluster.nodes({ signal })) {
        nodes.push(...page.map(stateOf));
        saw(name, page.filter((node) => !isVirtual(node)).length);
      }
    }),
    answerOf(signal, async () => {
      for await (const page of cluster.pods({ signal, namespace: SYSTEM_NAMESPACE }))
        pods.push(...page.flatMap((pod) => programPodOf(pod) ?? []));
    }),
    answerOf(signal, async () => {
      for await (const page of cluster.daemonSets({ signal }))
        proxies.push(...page.flatMap((one) => proxyDaemonSetOf(one) ?? []));
    }),
  ]);
  reportUnread(context, name, {
    'API server version': version,
    nodes: ofNodes,
    [`pods in ${SYSTEM_NAMESPACE}`]: ofPods,
    DaemonSets: ofDaemonSets,
  });
  if (!ofNodes.error && nodes.length === 0)
    context.gap(name, new SourceError(name, 'missing', `${name} has no nodes`));
  const state = {
    name,
    ...(version.value !== undefined && { version: version.value }),
    nodes: nodes.toSorted(byName),
    pods: pods.toSorted(byName),
    proxies: proxies.toSorted(byName),
    arePodsComplete: !ofPods.error,
    areProxiesComplete: !ofPods.error && !ofDaemonSets.error,
  };
  return { cluster, state };
}

/** One gap for the whole cluster if everything failed for the same reason, otherwise one per list. */
function reportUnread(
  { gap }: Context,
  name: string,
  answers: Readonly<Record<string, Settled<unknown>>>,
): void {
  const failed = Object.entries(answers).flatMap(([what, { error }]) => (error ? [{ what, error }] : []));
  const [first] = failed;
  const isOneCause = failed.every(
    ({ error }) =>
      error.kind === first?.error.kind && (error.kind !== 'refused' || error.message === first.error.message),
  );
  if (first && isOneCause && failed.length === Object.keys(answers).length) gap(name, first.error);
  else for (const { what, error } of failed) gap(`${name}: ${what}`, error);
}

function stateOf(node: ports.ClusterNode): NodeState {
  const { conditions, createdAt: _, bootId: __, addresses: ___, kubeletPort: ____, ...rest } = node;
  const status = conditions.find(({ type }) => type === 'Ready')?.status;
  return { ...rest, ready: status === 'True' ? 'yes' : status === 'False' ? 'no' : 'unknown' };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function askedNodes({ gap }: Context, read: readonly ReadState[], requested: string): ReadonlySet<string> {
  const nodes = read.flatMap(({ state }) => state.nodes);
  const nameOf = ({ name }: NodeState) => name;
  return new Set(selectByName(nodes, { flag: '--node', requested, nameOf }, gap).map(nameOf));
}

/** How many names a gap or a note lists. */
const MAX_NAMED = 3;

/** A version that cannot be compared is a gap. It is a note if that is expected: of virtual nodes, or in a cluster without kube-proxy. */
function reportUnreadable({ gap, note }: Context, state: ClusterState): void {
  const { name } = state;
  const { unreadable, virtual, unnumbered } = surveyOf(state);
  const hasProxy = state.proxies.length > 0 || state.pods.some(({ program }) => program === 'kube-proxy');
  for (const { what, targets, because, kind } of unreadable)
    gap(
      `${name}: ${what} of ${wording.list(targets, MAX_NAMED)}`,
      new SourceError(name, kind, because, { places: targets.length, placeNames: targets }),
    );
  if (virtual.length > 0)
    note(
      `${wording.list(virtual, MAX_NAMED)} of ${name} ${virtual.length === 1 ? 'is not compared: virtual node' : 'are not compared: virtual nodes'}`,
    );
  for (const { pod, image } of unnumbered)
    note(`${pod} of ${name} is not compared: ${image} has its own version scheme`);
  if (!hasProxy && state.areProxiesComplete && state.nodes.length > 0 && !state.asked)
    note(
      `${name} runs no kube-proxy as a pod, so none is compared: the distribution or a network plugin may replace it`,
    );
}

/** Reads whether nodes may be cordoned, only if there is a node to cordon or uncordon. If that fails, nothing is offered. */
async function withPermission(
  { signal, gap }: Context,
  cluster: ports.Cluster,
  state: ClusterState,
): Promise<ClusterState> {
  const survey = surveyOf(state);
  if (cordonable(survey).length === 0 && uncordonable(survey).length === 0) return state;
  const { value, error } = await answerOf(signal, () => cluster.cordonPermission({ signal }));
  if (error) gap(`${cluster.name}: permission to cordon nodes`, error, { unrelated: true });
  return value ? { ...state, cordon: value } : state;
}
