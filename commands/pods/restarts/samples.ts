import { z } from 'zod';
import type { ports, Remembered } from '../../kit.ts';
import { lastChangeOf } from './exits.ts';

/** What is remembered of one container between runs. */
export const sampleSchema = z.strictObject({
  /** The cluster; absent if there is only one. */
  source: z.string().exactOptional(),
  /** The uid of its pod: a new pod starts counting at zero. */
  uid: z.string(),
  container: z.string(),
  restartCount: z.int().nonnegative(),
  /** How fast it was measured to restart. */
  pace: z.enum(['fast', 'slow']).exactOptional(),
  /** The kill that explains its restarts: its event is deleted after an hour. */
  kill: z
    .strictObject({ probe: z.enum(['liveness', 'startup']), exitCode: z.int().exactOptional() })
    .exactOptional(),
  /** The loop that it is in, to know it again in other pods. */
  loop: z.strictObject({ of: z.string(), lifeSeconds: z.number().nonnegative() }).exactOptional(),
});

export type RestartSample = z.output<typeof sampleSchema>;

/** What a run knows of a loop, and later ones may not. */
export type KnownLoop = Pick<RestartSample, 'pace' | 'kill' | 'loop'>;

/** A container, as far as its samples need it. */
export interface Counted {
  readonly cluster: string;
  readonly uid: string;
  readonly container: string;
  readonly status: ports.ContainerStatus;
}

/** How many targets are kept for a check. */
const MOST_TARGETS = 1_000;

/** `prod-eu:10a2d32e-ec07-46fa-a580-1f260e61240a app` */
export function sampleTarget({ source, uid, container }: RestartSample): string {
  return `${source === undefined ? '' : `${source}:`}${uid} ${container}`;
}

/** One for each container that has restarted. If there are more than can be kept, those that started or ended most recently. */
export function samplesOf(
  clusters: readonly { readonly restarted: readonly Counted[] }[],
  knownOf: (container: Counted) => KnownLoop,
): readonly RestartSample[] {
  return clusters
    .flatMap(({ restarted }) => restarted)
    .filter(({ status }) => (status.restarts ?? 0) > 0)
    .toSorted((a, b) => lastChangeMs(b) - lastChangeMs(a))
    .slice(0, MOST_TARGETS)
    .map((one) => ({
      source: one.cluster,
      uid: one.uid,
      container: one.container,
      restartCount: one.status.restarts ?? 0,
      ...knownOf(one),
    }));
}

/** One that waits to be started again, and whose times are unknown, comes first. */
function lastChangeMs({ status }: Pick<Counted, 'status'>): number {
  return lastChangeOf(status)?.getTime() ?? Number.MAX_SAFE_INTEGER;
}

/** Finds the samples of a container, oldest first. */
export function samplesByContainer(earlier: readonly Remembered<RestartSample>[]) {
  const key = ({ uid, container }: Pick<RestartSample, 'uid' | 'container'>) => `${uid} ${container}`;
  const byContainer = Map.groupBy(earlier, key);
  return ({
    cluster,
    uid,
    container,
  }: Pick<Counted, 'cluster' | 'uid' | 'container'>): readonly Remembered<RestartSample>[] =>
    (byContainer.get(key({ uid, container })) ?? [])
      .filter(({ source = cluster }) => source === cluster)
      .toSorted((a, b) => a.at.getTime() - b.at.getTime());
}
