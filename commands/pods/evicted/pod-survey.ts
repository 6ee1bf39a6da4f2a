import type { ports } from '../../kit.ts';
import { ownerOf } from '../../shared/pod-owner.ts';
import type { ControllerPods, EvictedPod, Owner } from './facts.ts';
import { isEvictionMessage } from './messages.ts';
import { earliest, latest } from './times.ts';

/** Messages are longer only if a pod has many containers. */
const MAX_MESSAGE_CHARS = 2_000;

const MAX_REASON_CHARS = 60;

/** Without `Unknown`: the state of such a pod could not be read from its node. */
const PHASES: ReadonlySet<string> = new Set(['Pending', 'Running', 'Succeeded', 'Failed']);

/**
 * Whether the kubelet evicted a pod, or refused to start it because of pressure on the node. Other reasons to fail are not evictions: `Terminated` and
 * `NodeShutdown` (https://github.com/kubernetes/kubernetes/issues/113278), `NodeLost`, `Preempting`, `OutOfcpu`, `NodeAffinity`.
 */
export function isEvicted({ phase, reason, message = '' }: ports.Pod): boolean {
  if (reason === 'Evicted') return true;
  return phase === 'Failed' && (reason ?? '') === '' && isEvictionMessage(message);
}

interface Counts {
  readonly namespace: string;
  readonly controller: Owner;
  /** Of ReplicaSets of Deployments; otherwise it is the controller. */
  readonly owner: Owner;
  running: number;
  pending: number;
  oldestPendingAt: Date | undefined;
  succeeded: number;
  newestAt: Date | undefined;
  newestLiveAt: Date | undefined;
  /** Of DaemonSets. */
  newestLiveByNode?: Map<string, Date>;
}

/** Keeps the evicted ones of all pods, and a few numbers about each controller: what replaces a pod may be listed before or after it. */
export class PodSurvey {
  #pods = 0;
  readonly #evicted: EvictedPod[] = [];
  readonly #counts = new Map<string, Counts>();
  readonly #otherFailures = new Map<string, number>();
  readonly #unreadable: string[] = [];

  add(pod: ports.Pod): void {
    this.#pods += 1;
    if (isEvicted(pod)) this.#evicted.push(toEvicted(pod));
    else if (!PHASES.has(pod.phase)) this.#unreadable.push(`${pod.namespace}/${pod.name}`);
    else if (pod.phase === 'Failed' && pod.reason !== undefined && pod.reason !== '') {
      const reason = pod.reason.slice(0, MAX_REASON_CHARS);
      this.#otherFailures.set(reason, (this.#otherFailures.get(reason) ?? 0) + 1);
    }
    if (pod.controller && !pod.isMirror && !pod.deletingSince) this.#count(pod, pod.controller);
  }

  #count(pod: ports.Pod, controller: Owner): void {
    const key = JSON.stringify([pod.namespace, controller.kind, controller.name]);
    let counts = this.#counts.get(key);
    if (!counts) {
      const owner = ownerOf(pod);
      const isOwner = owner.kind === controller.kind;
      counts = {
        namespace: pod.namespace,
        controller,
        owner: isOwner ? controller : owner,
        running: 0,
        pending: 0,
        oldestPendingAt: undefined,
        succeeded: 0,
        newestAt: undefined,
        newestLiveAt: undefined,
      };
      this.#counts.set(key, counts);
    }
    const { createdAt, node } = pod;
    counts.newestAt = latest([counts.newestAt, createdAt]);
    if (isEvicted(pod)) return;
    if (pod.phase === 'Pending') {
      counts.pending += 1;
      counts.oldestPendingAt = earliest([counts.oldestPendingAt, createdAt]);
    }
    if (pod.phase === 'Running') counts.running += 1;
    else if (pod.phase === 'Succeeded' && controller.kind === 'Job') counts.succeeded += 1;
    else return;
    counts.newestLiveAt = latest([counts.newestLiveAt, createdAt]);
    if (controller.kind !== 'DaemonSet' || node === undefined) return;
    const newestOnNode = latest([counts.newestLiveByNode?.get(node), createdAt]);
    counts.newestLiveByNode ??= new Map();
    if (newestOnNode) counts.newestLiveByNode.set(node, newestOnNode);
  }

  result() {
    const owners = new Set(this.#evicted.map(({ namespace, owner }) => keyOf(namespace, owner)));
    return {
      pods: this.#pods,
      evicted: this.#evicted.toSorted(byTimeThenName),
      controllers: [...this.#counts.values()]
        .filter(({ namespace, owner }) => owners.has(keyOf(namespace, owner)))
        .map(toControllerPods),
      /** Failed pods that were not evicted, by reason. */
      otherFailures: this.#otherFailures,
      /** Pods whose phase says nothing. */
      unreadable: this.#unreadable,
    };
  }
}

function keyOf(namespace: string, { kind, name }: Owner): string {
  return JSON.stringify([namespace, kind, name]);
}

function toControllerPods({ newestAt, newestLiveAt, oldestPendingAt, ...counts }: Counts): ControllerPods {
  return {
    ...counts,
    ...(oldestPendingAt && { oldestPendingAt }),
    ...(newestAt && { newestAt }),
    ...(newestLiveAt && { newestLiveAt }),
  };
}

function toEvicted(pod: ports.Pod): EvictedPod {
  const { namespace, name, uid, controller, isMirror, node, phase, createdAt, startedAt, message = '' } = pod;
  const endedAt = endOf(pod);
  return {
    namespace,
    name,
    uid,
    owner: ownerOf(pod),
    ...(controller && { controller }),
    isMirror,
    ...(node !== undefined && { node }),
    phase,
    isBeingDeleted: pod.deletingSince !== undefined,
    ...(pod.reason !== 'Evicted' && { isGuess: true as const }),
    ...(createdAt && { createdAt }),
    ...(startedAt && { startedAt }),
    ...(endedAt && { endedAt }),
    message: message.trim().slice(0, MAX_MESSAGE_CHARS),
  };
}

/**
 * When its last container ended. undefined if one has no time: a container that the kubelet no longer found has an exit code that it made up, and may
 * have been the last.
 */
function endOf({ containers }: ports.Pod): Date | undefined {
  const ends = containers
    .filter(({ kind }) => kind === 'main')
    .map(({ status }) => (status?.state.kind === 'terminated' ? status.state.finishedAt : undefined));
  return ends.includes(undefined) ? undefined : latest(ends);
}

export function byTimeThenName(one: EvictedPod, other: EvictedPod): number {
  return timeOf(one) - timeOf(other) || (one.name < other.name ? -1 : 1);
}

/** When it was created, in milliseconds; 0 if that is unknown. */
function timeOf({ createdAt, startedAt }: EvictedPod): number {
  return (createdAt ?? startedAt)?.getTime() ?? 0;
}
