import { type Cause, causeOf, killOf, lastKillOf } from './causes.ts';
import { lastExitOf, lifeMsOf } from './exits.ts';
import type { Facts, RestartedContainer } from './facts.ts';
import { isGoingOn, type Loop, loopOf } from './loops.ts';
import { isOfJob, loopName } from './owner.ts';
import { type Counted, type KnownLoop, samplesByContainer } from './samples.ts';

/** A container in a loop, and why. */
export interface Restarting {
  readonly container: RestartedContainer;
  readonly loop: Loop;
  readonly cause: Cause;
}

/** The containers that restart for one reason because they are made from one template. */
export interface RestartingGroup {
  readonly target: string;
  /** The worst one. */
  readonly lead: Restarting;
  /** All of them, the worst first. */
  readonly members: readonly Restarting[];
}

export function restartingIn({ clusters, earlier }: Facts, now: Date): readonly Restarting[] {
  const samplesOf = samplesByContainer(earlier);
  const all = clusters.flatMap(({ restarted }) => restarted);
  const logs = new Map(all.flatMap((one) => (one.log ? [[exitKey(one), one.log] as const] : [])));
  const withLog = (container: RestartedContainer): RestartedContainer => {
    const log = logs.get(exitKey(container));
    return { ...(log && { log }), ...container };
  };
  const looping = all.flatMap((container): readonly Restarting[] => {
    const earlier = samplesOf(container);
    const loop = loopOf(container, earlier, now);
    return loop ? [{ container, loop, cause: causeOf(withLog(container), loop, earlier.at(-1)?.kill) }] : [];
  });
  // Their kubelets limit the rate of events, so those of one pod may be all that say what kills all of them.
  const kills = new Map(looping.flatMap((one) => ofKill(one).map((kill) => [ownerKey(one.container), kill])));
  return looping.map((one) => {
    const kill = kills.get(ownerKey(one.container));
    return kill && one.cause.kind !== 'killed-by-probe'
      ? { ...one, cause: causeOf(withLog(one.container), one.loop, kill) }
      : one;
  });
}

function ofKill({ container, cause }: Restarting) {
  const kill = killOf(container, cause);
  return kill ? [kill] : [];
}

/** What is remembered of each container for the next run. */
export function knownLoops(facts: Facts, now: Date): (container: Counted) => KnownLoop {
  const samplesOf = samplesByContainer(facts.earlier);
  const looping = new Map(restartingIn(facts, now).map((one) => [one.container, one]));
  const known = new Map<Counted, KnownLoop>(
    facts.clusters.flatMap(({ restarted }) =>
      restarted.map((container) => {
        const one = looping.get(container);
        const kill = one
          ? killOf(container, one.cause)
          : (lastKillOf(container) ?? samplesOf(container).at(-1)?.kill);
        const { pace, isEstimate } = one?.loop ?? {};
        const isMeasured = (pace === 'fast' || pace === 'slow') && isEstimate === false;
        const lifeSeconds = Math.round((one ? (lifeOf(one) ?? 0) : 0) / 1_000);
        return [
          container,
          {
            ...(isMeasured && { pace }),
            ...(kill && { kill }),
            ...(one &&
              isActive(one) &&
              !isOfJob(container) && { loop: { of: loopName(container), lifeSeconds } }),
          },
        ];
      }),
    ),
  );
  return (container) => known.get(container) ?? {};
}

function ownerKey(container: RestartedContainer): string {
  return `${container.cluster}:${loopName(container)}`;
}

/** Only one log is read of all pods of a workload. It explains those that ended with the same exit code. */
function exitKey(container: RestartedContainer): string {
  return `${ownerKey(container)} ${lastExitOf(container.status)?.exitCode ?? ''}`;
}

/** One group for each owner, container and kind of cause. `isOne`: only one cluster was read, so targets need not name it. */
export function groupsOf(
  all: readonly Restarting[],
  { isOne }: { readonly isOne: boolean },
): readonly RestartingGroup[] {
  const byTarget = Map.groupBy(
    all,
    ({ container, cause }) => `${cause.kind} ${targetOf(container, { isOne })}`,
  );
  return [...byTarget.values()].flatMap((some) => {
    const members = some.toSorted(worstFirst);
    const [lead] = members;
    return lead ? [{ target: targetOf(lead.container, { isOne }), lead, members }] : [];
  });
}

/** A cluster that does not respond is still one of several, whose targets are named after them. */
export function namesIn({ clusters, silent = [], engines }: Facts): ReadonlySet<string> {
  return new Set([
    ...clusters.map(({ name }) => name),
    ...silent,
    ...engines.flatMap((engine) => engine.clusters),
  ]);
}

/** `airflow/scheduler (scheduler)`; with several clusters, `lab:airflow/scheduler (scheduler)`. */
export function targetOf(
  {
    cluster,
    namespace,
    owner,
    container,
  }: Pick<RestartedContainer, 'cluster' | 'namespace' | 'owner' | 'container'>,
  { isOne }: { readonly isOne: boolean },
): string {
  const name = owner.name.includes('/') ? owner.name : `${namespace}/${owner.name}`;
  return `${isOne ? '' : `${cluster}:`}${name} (${container})`;
}

/** `airflow/scheduler-6b9d8-kq7ts` */
export function podName({ namespace, pod }: Pick<RestartedContainer, 'namespace' | 'pod'>): string {
  return `${namespace}/${pod}`;
}

const PACES = ['fast', 'slow', 'ended', 'proving'] as const;

function worstFirst(a: Restarting, b: Restarting): number {
  return (
    PACES.indexOf(a.loop.pace) - PACES.indexOf(b.loop.pace) ||
    Number(a.loop.isEstimate) - Number(b.loop.isEstimate) ||
    perHour(b.loop) - perHour(a.loop) ||
    (podName(a.container) < podName(b.container) ? -1 : 1)
  );
}

export function perHour({ restarts, spanMs }: Loop): number {
  return spanMs > 0 ? (restarts * 3_600_000) / spanMs : 0;
}

/** How long the last instance that ended had run. */
export function lifeOf({ container, loop }: Restarting): number | undefined {
  const exit = lastExitOf(container.status);
  return (exit && lifeMsOf(exit)) ?? loop.lifeMs;
}

/** Whether it restarts now. */
export function isActive({ loop }: Restarting): boolean {
  return isGoingOn(loop);
}
