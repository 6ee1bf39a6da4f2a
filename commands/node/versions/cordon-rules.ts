import type { ports } from '../../kit.ts';
import { kubeletSkews } from './kubelet-skews.ts';
import type { NodeOffer, NodeParams } from './problem.ts';
import { type Kubelet, type Survey, targetIn } from './survey.ts';

/** Each offer is a button and is stored, so there is a limit. */
const MAX_SINGLE_OFFERS = 20;

type Node = Pick<
  ports.ClusterNode,
  'name' | 'kind' | 'isServerless' | 'operatingSystem' | 'architecture' | 'taints' | 'unschedulable' | 'roles'
>;

/** A node, and whether it is ready. */
export interface Placeable extends Node {
  readonly isReady: boolean;
}

/** Nodes with an unsupported kubelet that still get new pods. */
export function cordonable(survey: Survey): readonly Kubelet[] {
  const { newer, tooOld } = kubeletSkews(survey);
  return [...newer, ...tooOld].filter(
    ({ node }) => !node.unschedulable && !isReserved(node) && !node.isServerless,
  );
}

/**
 * Why this node must not be cordoned; undefined if it may be. Nodes in `alsoCordoned` count as cordoned. At least half of the ready nodes that
 * could run its pods must remain schedulable.
 */
export function obstacleToCordon(
  node: Node,
  all: readonly Placeable[],
  alsoCordoned: ReadonlySet<string> = new Set(),
): string | undefined {
  // Each Fargate node runs only one pod: https://docs.aws.amazon.com/eks/latest/userguide/fargate.html
  if (node.isServerless) return `${node.name} is a Fargate node, which never gets another pod`;
  if (isReserved(node)) return `${node.name} is reserved for the control plane, whose pods ignore a cordon`;
  const isLeft = (one: Placeable) =>
    one.isReady && !one.unschedulable && one.name !== node.name && !alsoCordoned.has(one.name);
  const peers = all.filter(
    (one) => one.kind === 'machine' && !one.isServerless && one.isReady && canRunPodsOf(one, node),
  );
  const left = peers.filter(isLeft);
  if (left.length === 0) return `no other ready, schedulable node could run the pods of ${node.name}`;
  if (2 * left.length < peers.length)
    return `only ${left.length} of ${peers.length} ready nodes that could run the pods of ${node.name} would remain schedulable`;
  if (isControlPlane(node) && !all.filter(isLeft).some(isControlPlane))
    return `${node.name} is the last schedulable node of the control plane`;
  return undefined;
}

/**
 * One offer for all of these nodes that can be cordoned and one for each, or why there are none. All of them count as cordoned: moving new
 * pods from one unsupported node to another would not help.
 */
export function offersToCordon(
  survey: Survey,
  kubelets: readonly Kubelet[],
): { readonly offers?: readonly NodeOffer[]; readonly because?: string } {
  const { state } = survey;
  const candidates = cordonable(survey);
  const asked = new Set(kubelets);
  const wanted = candidates.filter((one) => asked.has(one));
  if (wanted.length === 0 || !state.cordon) return {};
  if (!state.cordon.allowed) return { because: state.cordon.because };
  const together = new Set(candidates.map(({ node }) => node.name));
  const all = state.nodes.map((node) => ({ ...node, isReady: node.ready === 'yes' }));
  // Nodes that can run the same pods have the same obstacle, so each kind is checked once.
  const kinds = [...Map.groupBy(wanted, ({ node }) => kindOf(node)).values()];
  const obstacles = kinds.map(([one]) => one && obstacleToCordon(one.node, all, together));
  const allowed = new Set(kinds.filter((_, at) => obstacles[at] === undefined).flat());
  if (allowed.size > 0) {
    const nodes = wanted.filter((one) => allowed.has(one)).map(({ node }) => node);
    return { offers: offersFor('cordon', survey, nodes) };
  }
  const [because] = obstacles;
  return because === undefined ? {} : { because };
}

/** One offer for all nodes if there are several, then one for each. */
export function offersFor(
  remediation: NodeOffer['remediation'],
  { state }: Survey,
  nodes: readonly { readonly name: string; readonly uid: string }[],
): readonly NodeOffer[] {
  const each = nodes.map(({ name, uid }) => ({
    target: targetIn(state, name),
    params: { cluster: state.name, node: name, uid } satisfies NodeParams,
  }));
  const singles = each.slice(0, MAX_SINGLE_OFFERS).map((one) => ({ remediation, ...one }) as NodeOffer);
  return each.length > 1 ? [{ remediation, each } as NodeOffer, ...singles] : singles;
}

const CONTROL_PLANE = /^(?:control-plane|controlplane|master)$/;

function isControlPlane({ roles }: Node): boolean {
  return roles.some((role) => CONTROL_PLANE.test(role));
}

/** Whether it has the taint that keeps ordinary pods off the control plane. */
function isReserved({ taints }: Node): boolean {
  return taints.some(
    ({ key, effect }) =>
      /^node-role\.kubernetes\.io\/(?:control-plane|controlplane|master)$/.test(key) &&
      effect !== 'PreferNoSchedule',
  );
}

/** An approximation: a pod that runs on a node tolerates its taints, and may need its platform. */
function canRunPodsOf(other: Node, node: Node): boolean {
  const tolerated = new Set(repelling(node));
  return (
    other.operatingSystem === node.operatingSystem &&
    other.architecture === node.architecture &&
    repelling(other).every((taint) => tolerated.has(taint))
  );
}

/** Equal for nodes that can run the same pods. */
function kindOf(node: Node): string {
  const { operatingSystem, architecture } = node;
  return JSON.stringify([operatingSystem, architecture, repelling(node), isControlPlane(node)]);
}

/** The taints that keep pods off a node, without those that Kubernetes sets for conditions. */
function repelling({ taints }: Node): readonly string[] {
  return taints
    .filter(({ key, effect }) => effect !== 'PreferNoSchedule' && !key.startsWith('node.kubernetes.io/'))
    .map(({ key, value = '', effect }) => `${key}=${value}:${effect}`);
}

/** The label of the measure that is 1 while new pods can be scheduled to this node, and 0 once it is cordoned. */
export function schedulableLabel({
  cluster,
  node,
}: {
  readonly cluster: string;
  readonly node: string;
}): string {
  return `${node} in ${cluster}`;
}
