import type { ports, Remembered } from '../../kit.ts';
import { ownerOf } from '../../shared/pod-owner.ts';
import { CALM_MS } from './loops.ts';
import { loopName } from './owner.ts';
import { mayRestart } from './pods.ts';
import { targetOf } from './restarting.ts';
import type { RestartSample } from './samples.ts';

/** Pods of a new template may be older than the last restart of those before. */
const ROLLOUT_MS = 3_600_000;

interface Options {
  readonly cluster: string;
  readonly isOnlyCluster: boolean;
  readonly earlier: readonly Remembered<RestartSample>[];
  readonly now: Date;
}

/**
 * Finds new pods of workloads whose earlier pods were in a loop: after a rollout or on another node, that they have not restarted yet proves nothing
 * until they have run for longer than those before.
 */
export class NewPods {
  readonly #options: Options;
  /** How long the longest instance of each loop lived, and when it was last seen. */
  readonly #loops = new Map<string, { readonly lifeMs: number; readonly seenMs: number }>();
  readonly #known = new Set<string>();
  /** The targets of new pods that have not run for long enough. */
  readonly #unproven = new Map<string, string>();
  /** What has certainly ended: pods of about the same age have run for long enough. */
  readonly #proven = new Set<string>();

  constructor(options: Options) {
    this.#options = options;
    const newest = new Map(options.earlier.map((sample) => [`${sample.uid} ${sample.container}`, sample]));
    for (const [key, { source = options.cluster, loop, at }] of newest) {
      this.#known.add(key);
      if (!loop || source !== options.cluster) continue;
      const { lifeMs = 0, seenMs = 0 } = this.#loops.get(loop.of) ?? {};
      this.#loops.set(loop.of, {
        lifeMs: Math.max(lifeMs, loop.lifeSeconds * 1_000),
        seenMs: Math.max(seenMs, at.getTime()),
      });
    }
  }

  add(pod: ports.Pod): void {
    if (this.#loops.size === 0 || pod.adjusted || !mayRestart(pod)) return;
    const { cluster, isOnlyCluster, now } = this.#options;
    const owner = ownerOf(pod);
    for (const { name: container, status } of pod.containers) {
      const of = loopName({ namespace: pod.namespace, owner, container });
      const loop = this.#loops.get(of);
      if (!loop || this.#known.has(`${pod.uid} ${container}`)) continue;
      const startedAt = status?.state.kind === 'running' ? status.state.startedAt : undefined;
      const isProven = startedAt && now.getTime() - startedAt.getTime() > Math.max(CALM_MS, 2 * loop.lifeMs);
      if (isProven && startedAt.getTime() > loop.seenMs - ROLLOUT_MS) this.#proven.add(of);
      if (!isProven)
        this.#unproven.set(
          of,
          targetOf({ cluster, namespace: pod.namespace, owner, container }, { isOne: isOnlyCluster }),
        );
    }
  }

  /** The targets of which nothing is proven. */
  unproven(): readonly string[] {
    return [...this.#unproven].flatMap(([of, target]) => (this.#proven.has(of) ? [] : [target])).toSorted();
  }
}
