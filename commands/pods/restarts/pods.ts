import { type ports, SourceError, wording } from '../../kit.ts';
import { ownerOf } from '../../shared/pod-owner.ts';
import { lastChangeOf } from './exits.ts';
import type { RestartedContainer } from './facts.ts';
import { isGoingOn, type Loop, loopOf } from './loops.ts';
import type { PodEventCollector, PodOfEvents } from './pod-events.ts';
import type { samplesByContainer } from './samples.ts';

/** How many containers of a cluster are kept: those with the most restarts. */
const MOST_KEPT = 2_000;
/** A slow loop restarts several times in this time, and a sample may be as old. */
const RECENT_MS = 26 * 3_600_000;
const MOST_NAMED = 3;

/** What is kept of a container, until the nodes were read. */
export interface KeptContainer {
  readonly container: RestartedContainer;
  readonly nodeName?: string;
  readonly loop?: Loop;
  readonly pod: PodOfEvents;
}

interface Options {
  readonly cluster: string;
  readonly now: Date;
  readonly earlierOf: ReturnType<typeof samplesByContainer>;
  /** The events that were read before. They show probes that never work, whose containers have not restarted. */
  readonly events: PodEventCollector;
}

/** Keeps the few containers that may be restarting, or whose probe never works. */
export class RestartCollector {
  readonly #options: Options;
  #kept: KeptContainer[] = [];
  #unkept = 0;
  #unreadable = 0;
  readonly #unreadableNames: string[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  /** The number of containers that were examined. */
  add(pod: ports.Pod): number {
    let examined = 0;
    const identity = podOfEvents(pod);
    for (const container of pod.containers) {
      if (container.kind === 'ephemeral') continue;
      examined += 1;
      const { status } = container;
      if (!mayRestart(pod)) continue;
      if (!isReadable(pod, container))
        this.#addUnreadable(`${pod.namespace}/${pod.name} (${container.name})`);
      // A new pod whose probe was changed counts as not yet proven even before it has started.
      if (status || adjustmentOf(pod, container)) this.#consider(pod, container, identity);
    }
    return examined;
  }

  result(): {
    readonly kept: readonly KeptContainer[];
    readonly unkept: number;
    readonly unreadable?: SourceError;
  } {
    this.#limit();
    const names = this.#unreadableNames;
    return {
      kept: this.#kept,
      unkept: this.#unkept,
      ...(this.#unreadable > 0 && {
        unreadable: new SourceError(
          this.#options.cluster,
          'malformed',
          `no restart count, or no plausible start time, of ${wording.list(names, MOST_NAMED, this.#unreadable)}`,
          { places: this.#unreadable },
        ),
      }),
    };
  }

  #consider(pod: ports.Pod, spec: ports.PodContainer, identity: PodOfEvents): void {
    const { cluster, now, earlierOf, events } = this.#options;
    const status = spec.status ?? { isReady: false, state: { kind: 'unknown' } };
    const hasErrors = (spec.liveness ?? spec.startup) && events.of(identity, spec.name).errors.length > 0;
    if (!isRecent(status, now) && !adjustmentOf(pod, spec) && !hasErrors) return;
    const container = { ...toContainer(cluster, pod, spec, status), events: events.of(identity, spec.name) };
    const earlier = earlierOf(container);
    const loop = loopOf(container, earlier, now);
    if (!loop && earlier.length === 0 && isWithoutPast(container, now))
      this.#addUnreadable(`${pod.namespace}/${pod.name} (${spec.name})`);
    this.#kept.push({
      container,
      ...(pod.node !== undefined && { nodeName: pod.node }),
      ...(loop && { loop }),
      pod: identity,
    });
    if (this.#kept.length >= 2 * MOST_KEPT) this.#limit();
  }

  #limit(): void {
    if (this.#kept.length <= MOST_KEPT) return;
    const worstFirst = this.#kept.toSorted((a, b) => badness(b) - badness(a));
    this.#kept = worstFirst.slice(0, MOST_KEPT);
    this.#unkept += worstFirst.slice(MOST_KEPT).filter(({ loop }) => isGoingOn(loop)).length;
  }

  #addUnreadable(name: string): void {
    this.#unreadable += 1;
    if (this.#unreadableNames.length <= MOST_NAMED) this.#unreadableNames.push(name);
  }
}

/** What Wrench changed about this container. Its change also replaces the others of its pod, which prove nothing about it. */
function adjustmentOf(
  { adjusted }: ports.Pod,
  { name }: Pick<ports.PodContainer, 'name'>,
): ports.Adjustment | undefined {
  return (adjusted?.container ?? name) === name ? adjusted : undefined;
}

/** Whether its kubelet starts its containers again. */
export function mayRestart({ phase, deletingSince }: ports.Pod): boolean {
  return phase !== 'Succeeded' && phase !== 'Failed' && !deletingSince;
}

function podOfEvents({ namespace, name, uid, isMirror, containers }: ports.Pod): PodOfEvents {
  const [main, ...others] = containers.filter(({ kind }) => kind === 'main');
  const onlyContainer = others.length === 0 ? main?.name : undefined;
  const [probed, ...moreProbed] = containers.filter(({ liveness, startup }) => liveness ?? startup);
  const onlyProbed = moreProbed.length === 0 ? probed?.name : undefined;
  return {
    namespace,
    name,
    uid,
    isMirror,
    ...(onlyContainer !== undefined && { onlyContainer }),
    ...(onlyProbed !== undefined && { onlyProbed }),
  };
}

function badness({ loop, container }: KeptContainer): number {
  const paces: Readonly<Record<Loop['pace'], number>> = { fast: 4, slow: 3, proving: 2, ended: 1 };
  const rank = loop ? paces[loop.pace] + (loop.isEstimate ? 0 : 0.5) : 0;
  return rank * 1e12 + (container.status.restarts ?? 0);
}

function isReadable(pod: ports.Pod, { kind, status }: ports.PodContainer): boolean {
  if (!status) return pod.phase === 'Pending' || kind === 'init';
  const { restarts, state } = status;
  if (restarts === undefined) return false;
  if (restarts === 0) return true;
  if (state.kind !== 'running') return state.kind !== 'unknown';
  return state.startedAt !== undefined && !isBeforeItsPod(state.startedAt, pod);
}

/** Clocks differ a little. */
const MAX_CLOCK_BEHIND_MS = 300_000;

/** Then the clock of its node is behind, so a container that has just restarted seems to have run for long. A mirror may be newer than its static pod. */
function isBeforeItsPod(startedAt: Date, { createdAt, isMirror }: ports.Pod): boolean {
  return (
    !isMirror && createdAt !== undefined && createdAt.getTime() - startedAt.getTime() > MAX_CLOCK_BEHIND_MS
  );
}

const MANY_RESTARTS = 20;
const JUST_STARTED_MS = 10 * 60_000;

/** A static pod that has just restarted, and often before, without its previous instance: no age says how often. The next run has a sample. */
function isWithoutPast(
  { owner, status: { restarts = 0, state, last } }: RestartedContainer,
  now: Date,
): boolean {
  return (
    owner.kind === 'Static' &&
    restarts >= MANY_RESTARTS &&
    !last &&
    state.kind === 'running' &&
    state.startedAt !== undefined &&
    now.getTime() - state.startedAt.getTime() < JUST_STARTED_MS
  );
}

/** Whether it restarted, ended or failed to start in about a day, as far as is known. */
function isRecent(status: ports.ContainerStatus, now: Date): boolean {
  const { restarts, state } = status;
  if (
    state.kind === 'waiting' &&
    !/^(?:ContainerCreating|PodInitializing)$/.test(state.reason ?? 'ContainerCreating')
  )
    return true;
  if (restarts === undefined || restarts === 0) return false;
  const at = lastChangeOf(status);
  return !at || now.getTime() - at.getTime() <= RECENT_MS;
}

function toContainer(
  cluster: string,
  pod: ports.Pod,
  { name, kind, isSidecar, liveness, startup, memoryLimit }: ports.PodContainer,
  status: ports.ContainerStatus,
): RestartedContainer {
  const { namespace, uid, createdAt, restartPolicy = 'Always', graceSeconds = 30 } = pod;
  const adjusted = adjustmentOf(pod, { name });
  return {
    cluster,
    namespace,
    pod: pod.name,
    uid,
    container: name,
    kind: isSidecar ? 'sidecar' : kind === 'init' ? 'init' : 'main',
    owner: ownerOf(pod),
    ...(createdAt && { podCreatedAt: createdAt }),
    restartPolicy,
    graceSeconds,
    ...(liveness && { liveness }),
    ...(startup && { startup }),
    ...(memoryLimit !== undefined && { memoryLimit }),
    status,
    ...(adjusted && { adjusted }),
    events: { failures: [], errors: [], startFailures: [] },
  };
}
