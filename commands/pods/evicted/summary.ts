import { wording } from '../../kit.ts';
import { agree, be } from '../../shared/grammar.ts';
import { type Group, isCertain, newestOf, nodeNamesOf, nodeStateOf } from './groups.ts';
import { type EvictionCause, usageIn } from './messages.ts';
import { conditionsOf, isOnKnownNode, pressureNow, type RefusalLoop } from './urgency.ts';

/** What is wrong with one group of evicted pods, and what to do, in one line. */
export function summaryOf(group: Group, loop: RefusalLoop | undefined): string {
  if (group.reason === 'static-pod-down') return aboutStatic(group);
  if (loop) return aboutLoop(group, loop);
  const { what, advice } = aboutCause(group);
  return `${what}${stateOf(group)}${advice === undefined ? '' : `. ${advice}`}`;
}

/** The first minor version whose kubelet does not evict static pods: https://github.com/kubernetes/kubernetes/pull/80491 */
const KEEPS_STATIC_PODS = 16;

/** `Static pod kube-system/kube-proxy is down on worker-7` */
export function staticInWords(group: Group): string {
  return `Static pod ${group.target} is down on ${placeOf(group)}`;
}

function aboutStatic(group: Group): string {
  const nodes = nodeNamesOf(group);
  const what = `its kubelet ${refusedOrEvicted(group)}`;
  if (!isOnKnownNode(group))
    return `Static pod ${group.target}: ${what}, and ${placeOf(group)} ${agree(nodes.length, be('no longer'))} in the cluster: its mirror should disappear`;
  if (!group.pods.some(isCertain))
    return `Static pod ${group.target} may be down on ${placeOf(group)}: ${what}, but its status is inconsistent`;
  const versions = [...new Set(nodes.flatMap((node) => nodeStateOf(group, node)?.kubeletVersion ?? []))];
  const isOld =
    versions.length > 0 &&
    versions.every((version) => Number(/^v?1\.(\d+)/.exec(version)?.[1] ?? Infinity) < KEEPS_STATIC_PODS);
  const since = isOld
    ? `and kubelets before 1.${KEEPS_STATIC_PODS} (here ${wording.list(versions)}) leave it down`
    : "and hasn't started it again";
  return `${staticInWords(group)}: ${what}, ${since}. Restart the kubelet, or touch the pod's manifest`;
}

/** `worker-7 and worker-8` */
export function placeOf(group: Group): string {
  return wording.list(nodeNamesOf(group)) || 'an unknown node';
}

/** `evicted it because the node was low on disk` */
function refusedOrEvicted(group: Group): string {
  const [cause] = group.causes;
  switch (cause?.kind) {
    case 'pressure':
      return `evicted it because the node was low on ${resourceOf(cause)}`;
    case 'own-limit':
      return 'evicted it because it exceeded its own limit';
    case 'refused':
      return `refused it because of ${conditionWords(group)}`;
    case undefined:
    case 'unknown':
      return 'evicted it';
  }
}

/** `gpu-1 refused 8 pods of ml/trainer in 14 s because of DiskPressure` */
export function loopInWords(group: Group, { node, refused, spanMs }: RefusalLoop): string {
  const within = spanMs > 0 ? ` in ${wording.elapsed(spanMs)}` : '';
  return `${node} refused ${wording.count(refused, 'pod')} of ${group.target}${within} because of ${conditionWords(group)}`;
}

const PINNED = 'The template pins them with `nodeName`, which bypasses the scheduler and taints';

function aboutLoop(group: Group, loop: RefusalLoop): string {
  const { node, boundBy, isOngoing } = loop;
  const others = nodeNamesOf(group).filter((one) => one !== node);
  const elsewhere = others.length === 0 ? '' : `; ${wording.list(others)} refused others`;
  const begin = `${loopInWords(group, loop)}${elsewhere}${stateOf(group)}`;
  if (!isOngoing) return boundBy === 'template' && group.live.running === 0 ? `${begin}. ${PINNED}` : begin;
  const until = `this goes on until ${untilPressureEnds(group, node)}`;
  if (boundBy === 'template') return `${begin}. ${PINNED}: ${until} or \`nodeName\` is removed`;
  if (boundBy === 'daemon') return `${begin}. Pods of a DaemonSet tolerate the taint: ${until}`;
  if (boundBy === 'scheduler')
    return `${begin}. They seem to tolerate the taint of this node: ${until} or the toleration is removed`;
  return `${begin}. Something binds them to this node despite its taint, such as \`nodeName\` or a toleration: ${until} or that is removed`;
}

function untilPressureEnds(group: Group, node: string): string {
  const [condition] = conditionsOf(group);
  return condition === undefined || condition === 'DiskPressure'
    ? `${node} has space`
    : `${node} no longer has ${condition}`;
}

function aboutCause(group: Group): { readonly what: string; readonly advice?: string } {
  const { reason, causes, pods } = group;
  const were = agree(pods.length, { one: 'was', many: 'were' });
  const where = placeOf(group);
  if (reason === 'refused-by-node')
    return {
      what: `${where} refused ${ofOwner(group)} because of ${conditionWords(group)}`,
    };
  if (reason === 'evicted-for-unknown-reason')
    return {
      what: `${ofOwner(group)} ${were} evicted from ${where} for a reason that Wrench doesn't know`,
      advice: 'Read the message',
    };
  if (reason.endsWith('-limit-exceeded'))
    return { what: `${ofOwner(group)} ${limitWords(group)}`, advice: RAISE };
  const [cause] = causes;
  // Kubelets name only containers that used more than they requested.
  const usedTooMuch = reason === 'node-low-on-memory' && usageIn(newestOf(group).message).length > 0;
  const short = cause?.kind === 'pressure' ? resourceOf(cause) : 'resources';
  const nodes = nodeNamesOf(group);
  const pressed = nodes.filter((node) => pressureNow(group, node).length > 0);
  const conditions = wording.list(conditionsOf(group));
  return {
    what: `${ofOwner(group)} ${were} evicted because ${where} ${agree(Math.max(nodes.length, 1), { one: 'was', many: 'were' })} low on ${short}`,
    ...(pressed.length > 0 && {
      advice: `${wording.list(pressed)} still ${agree(pressed.length, { one: 'has', many: 'have' })} ${conditions}`,
    }),
    ...(pressed.length === 0 && usedTooMuch && { advice: REQUEST }),
  };
}

/** https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction */
const REQUEST =
  'Raise its memory request to what it uses: pods that use more than they request are evicted first';
const RAISE = 'Raise the limit, or write less; no node is at fault';

/** `exceeded the size limit of the emptyDir volume scratch (1Gi)` */
function limitWords({ causes, reason, pods }: Group): string {
  const limits = causes.flatMap((cause) => (cause.kind === 'own-limit' ? [cause] : []));
  if (reason === 'pod-limit-exceeded') {
    const known = limits.flatMap(({ limit }) => limit ?? []);
    return `used more ephemeral storage than the total limit of ${pods.length === 1 ? 'its' : 'their'} containers${known.length === 0 ? '' : ` (${wording.list(known)})`}`;
  }
  const what = reason === 'volume-limit-exceeded' ? 'emptyDir volume' : 'container';
  const named = limits.map(({ name, limit }) => {
    const whose = name === undefined ? `${what === 'container' ? 'a' : 'an'} ${what}` : `${what} ${name}`;
    return limit === undefined ? whose : `${whose} (${limit})`;
  });
  const of = reason === 'volume-limit-exceeded' ? 'size limit' : 'ephemeral storage limit';
  return `exceeded the ${of} of ${wording.list(named)}`;
}

/** `4 pods of media/transcode`; of a bare pod `pod default/debug-shell`. */
function ofOwner({ pods, owner, target, namespace }: Group): string {
  if (owner.kind === 'Pod') return `pod ${namespace}/${owner.name}`;
  return `${wording.count(pods.length, 'pod')} of ${target}`;
}

/** `; none is running now`: what has stopped completely says more. Empty if not all pods are known. */
function stateOf(group: Group): string {
  const { owner, cluster } = group;
  if (owner.kind === 'Pod') return '; it has no controller, so nothing recreates it';
  const { running, pending, succeeded } = group.live;
  if (running === 0 && pending === 0 && succeeded > 0) return '; another pod of it has succeeded';
  if (running > 0)
    return `; ${cluster.arePodsComplete ? '' : 'at least '}${running} ${agree(running, be('running'))} now`;
  if (!cluster.arePodsComplete) return '';
  return pending > 0
    ? `; none is running now, ${pending} ${agree(pending, be('pending'))}`
    : '; none is running now';
}

function conditionWords({ causes }: Group): string {
  const named = causes.flatMap((cause) => (cause.kind === 'refused' ? cause.conditions : []));
  return wording.list([...new Set(named)]) || 'a lack of resources';
}

/** `disk`, `memory`; the kubelet's word if it says something else: `inodes`. */
export function resourceOf({
  short,
  resource,
}: Extract<EvictionCause, { readonly kind: 'pressure' }>): string {
  if (short === 'pids') return 'process IDs';
  if (short === 'other') return resource === 'compute' ? 'compute resources' : resource;
  return short;
}

/** When the newest pod started, for sorting. */
export function newestMs(group: Group): number {
  const { createdAt, startedAt } = newestOf(group);
  return (startedAt ?? createdAt)?.getTime() ?? 0;
}
