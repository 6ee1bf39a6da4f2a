import type { ports } from '../../kit.ts';
import type { Replica, WorkloadFacts } from './facts.ts';

/**
 * How far a workload has replaced its pods, by the rules of `kubectl rollout status`:
 * https://github.com/kubernetes/kubectl/blob/master/pkg/polymorphichelpers/rollout_status.go
 */
export type Progress =
  | { readonly kind: 'complete' }
  | {
      readonly kind: 'progressing';
      readonly since?: Date;
      readonly progressAt?: Date;
      readonly deadlineMs: number;
    }
  | { readonly kind: 'stuck'; readonly since?: Date; readonly because?: string }
  /** `because`: its new pods can't start. */
  | { readonly kind: 'paused'; readonly since?: Date; readonly because?: string }
  /** Of a StatefulSet: pods with a lower ordinal keep the earlier template. */
  | { readonly kind: 'partition'; readonly partition: number }
  | { readonly kind: 'on-delete' }
  /** Of Argo. */
  | { readonly kind: 'canary'; readonly isPaused: boolean }
  | { readonly kind: 'aborted' };

const DEADLINE_EXCEEDED = 'ProgressDeadlineExceeded';
const DEFAULT_DEADLINE_MS = 600_000;
/** The controller itself notices it at the next resync, and clocks differ. */
const DEADLINE_GRACE_MS = 60_000;
/** "No deadline" in the API is the largest 32-bit number. */
const NO_DEADLINE_SECONDS = 2_147_483_647;

/** What only a change of the image or its registry can end. */
const NEVER_STARTS: ReadonlySet<string> = new Set([
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
]);

/** What an unfinished rollout says about the reason. */
const FAILS_TO_START: ReadonlySet<string> = new Set([
  ...NEVER_STARTS,
  'CrashLoopBackOff',
  'CreateContainerError',
  'RunContainerError',
]);

export function progressOf(workload: WorkloadFacts, replicas: readonly Replica[], now: Date): Progress {
  const own = replicas.filter(({ pod, state }) => pod?.workload === workload.uid && state !== 'terminating');
  if (workload.kind === 'ReplicaSet') return { kind: 'complete' };
  if (workload.kind === 'Rollout') return progressOfArgo(workload, own);
  if (isComplete(workload)) return { kind: 'complete' };
  const progressing = conditionOf(workload, 'Progressing');
  const since = progressing?.since ?? progressing?.updatedAt;
  const neverStarts = own.some((one) => one.waiting !== undefined && NEVER_STARTS.has(one.waiting));
  if (workload.isPaused) {
    const isFailing = neverStarts || progressing?.reason === DEADLINE_EXCEEDED;
    const cause = isFailing ? whyUnfinished(workload, own, true) : undefined;
    return { kind: 'paused', ...(since && { since }), ...(cause !== undefined && { because: cause }) };
  }
  if (workload.isUpdatedOnDelete) return { kind: 'on-delete' };
  const { partition = 0, status } = workload;
  if (partition > 0 && status.updated >= desiredOf(workload) - partition)
    return { kind: 'partition', partition };
  const isOver = progressing?.status === 'False';
  const because = whyUnfinished(workload, own, isOver);
  if (isOver) return stuck(since, because);
  const startedAt = startOf(workload, own, progressing?.updatedAt);
  const progressAt = progressing?.updatedAt ?? progressing?.since ?? startedAt;
  const deadlineMs = deadlineOf(workload);
  const isLate =
    progressAt !== undefined && now.getTime() - progressAt.getTime() > deadlineMs + DEADLINE_GRACE_MS;
  if (isLate || neverStarts) return stuck(progressAt, because);
  return {
    kind: 'progressing',
    deadlineMs,
    ...(startedAt && { since: startedAt }),
    ...(progressAt && { progressAt }),
  };
}

function stuck(since: Date | undefined, because: string | undefined): Progress {
  return { kind: 'stuck', ...(since && { since }), ...(because !== undefined && { because }) };
}

/** How many pods it should have. */
export function desiredOf({ replicas, status }: Pick<ports.Rollout, 'replicas' | 'status'>): number {
  return replicas ?? status.desired ?? status.total;
}

function isComplete(workload: WorkloadFacts): boolean {
  const { kind, isObserved, status, conditions, isUpdatedOnDelete } = workload;
  const { updated, total, available, currentRevision, updateRevision } = status;
  if (!isObserved) return false;
  const progressing = conditions.find(({ type }) => type === 'Progressing');
  if (progressing?.status === 'False') return false;
  if (kind === 'Deployment') {
    if (total > updated) return false;
    // Once it was complete, pods that are added or fail don't begin another rollout. Without a deadline it has no such condition.
    if (progressing?.reason === 'NewReplicaSetAvailable') return true;
    if (!progressing && available > 0) return true;
    return updated >= desiredOf(workload) && available >= updated;
  }
  if (kind === 'StatefulSet' && updateRevision !== undefined && updateRevision === currentRevision)
    return true;
  if (isUpdatedOnDelete && kind === 'StatefulSet' && updateRevision === undefined) return true;
  // A node on which none of its pods runs yet has no old one either.
  return updated >= (kind === 'DaemonSet' ? total : desiredOf(workload));
}

function progressOfArgo(workload: WorkloadFacts, own: readonly Replica[]): Progress {
  const { conditions, isPaused } = workload;
  const progressing = conditionOf(workload, 'Progressing');
  const hasReason = (reason: string) =>
    conditions.some((one) => one.reason === reason && one.status !== 'Unknown');
  if (progressing?.reason === 'RolloutAborted') return { kind: 'aborted' };
  if (progressing?.status === 'False' && progressing.reason !== 'RolloutPaused')
    return stuck(progressing.since ?? progressing.updatedAt, whyUnfinished(workload, own, true));
  const isMixed = own.some(({ pod, state }) => state === 'serving' && pod?.isCurrent === false);
  const isStarting = own.some(
    ({ pod, waiting }) => pod?.isCurrent === true && waiting !== undefined && NEVER_STARTS.has(waiting),
  );
  if (isStarting) return stuck(progressing?.updatedAt, whyUnfinished(workload, own, true));
  if (!isMixed) return { kind: 'complete' };
  return { kind: 'canary', isPaused: isPaused || hasReason('RolloutPaused') };
}

function conditionOf({ conditions }: WorkloadFacts, type: string): ports.RolloutCondition | undefined {
  return conditions.find((one) => one.type === type);
}

function deadlineOf({ progressDeadlineSeconds }: WorkloadFacts): number {
  return progressDeadlineSeconds === undefined || progressDeadlineSeconds >= NO_DEADLINE_SECONDS
    ? DEFAULT_DEADLINE_MS
    : progressDeadlineSeconds * 1_000;
}

/** `ImagePullBackOff of registry.example/api:210`, or what the controller says. */
function whyUnfinished(
  workload: WorkloadFacts,
  own: readonly Replica[],
  isOver: boolean,
): string | undefined {
  const waiting = own.filter(({ pod, waiting: reason }) => reason !== undefined && pod?.isCurrent !== false);
  const first = waiting.find(({ waiting: reason = '' }) => FAILS_TO_START.has(reason)) ?? waiting[0];
  if (first?.waiting !== undefined)
    return first.image === undefined || first.waiting === 'Pending'
      ? first.waiting
      : `${first.waiting} of ${first.image}`;
  const failure = conditionOf(workload, 'ReplicaFailure');
  if (failure?.status === 'True') return failure.message ?? failure.reason;
  if (own.some(({ pod, state }) => state === 'not-ready' && pod?.isCurrent !== false))
    return 'its new pods are not ready';
  return isOver ? conditionOf(workload, 'Progressing')?.reason : undefined;
}

/**
 * When a rollout began. One that goes back to an earlier template uses its old ReplicaSet again, but creates new pods: then it began with the first
 * of these.
 */
function startOf(
  { kind, newest, conditions }: WorkloadFacts,
  own: readonly Replica[],
  updatedAt: Date | undefined,
): Date | undefined {
  if (!newest?.createdAt) return newestPodAt(own);
  const oldest = newestPodAt(
    own.filter(({ pod }) => pod?.isCurrent === true),
    -1,
  );
  if (oldest)
    return oldest.getTime() - newest.createdAt.getTime() > DEFAULT_DEADLINE_MS ? oldest : newest.createdAt;
  return kind === 'Deployment' && conditions.length > 0 ? (updatedAt ?? newest.createdAt) : newest.createdAt;
}

function newestPodAt(own: readonly Replica[], at = 0): Date | undefined {
  return own
    .flatMap(({ pod }) => pod?.createdAt ?? [])
    .toSorted((a, b) => b.getTime() - a.getTime())
    .at(at);
}
