import { type ports, SourceError, wording } from '../../kit.ts';
import { buildInWords, compareBuilds, compareWithExpected, groupBuilds, type Likeness } from './build.ts';
import type { Context, Expected, Replica, ServiceFacts } from './facts.ts';
import { buildInTag, compareImages } from './image-id.ts';
import type { FoundService } from './targets.ts';

interface ReadExpected {
  readonly value?: Expected;
  /** Why the configured place doesn't say it. */
  readonly because?: string;
}

/** The expected build: an argument, or what the configuration says: an annotation or label of the workload, or the tag of its image. */
export function expectedOf(
  { expected }: Pick<ports.BuildService, 'expected'>,
  found: FoundService,
  argument: string | undefined,
): ReadExpected | undefined {
  if (argument !== undefined) return { value: { value: argument, from: '`--expect`' } };
  if (!expected) return undefined;
  return expected.kind === 'image-tag' ? fromTag(found) : fromLabel(found, expected);
}

function fromLabel(
  { kubernetes, labels = [] }: FoundService,
  { kind, name }: { readonly kind: 'annotation' | 'label'; readonly name: string },
): ReadExpected {
  const workloads = kubernetes ? mainWorkloads(kubernetes.workloads) : [];
  const all = kubernetes
    ? workloads.map((one) => (kind === 'label' ? one.labels : one.annotations))
    : kind === 'label'
      ? labels
      : [];
  const values = new Set(all.map((one) => one[name]).filter(Boolean));
  if (values.size > 1) return { because: `there are different values of the ${kind} ${name}` };
  const [value] = values;
  if (value !== undefined) return { value: { value, from: `the ${kind} ${name}` } };
  return { because: `nothing has the ${kind} ${name}` };
}

function fromTag({ kubernetes, swarm, targets }: FoundService): ReadExpected {
  const running = targets.filter(({ state }) => state === 'serving');
  const images = kubernetes
    ? mainWorkloads(kubernetes.workloads).flatMap(({ container }) => container?.image ?? [])
    : swarm
      ? [swarm.image]
      : (running.length > 0 ? running : targets).flatMap(({ image }) => image ?? []);
  const [image, ...others] = [...new Set(images)];
  if (image === undefined)
    return {
      because: `its image is unknown${kubernetes ? ': set `container` if its pods have several' : ''}`,
    };
  if (others.length > 0) return { because: 'it has several images, and which is right is unknown' };
  const tag = buildInTag(image);
  return tag === undefined
    ? { because: `the image ${image} has no tag that names a build` }
    : {
        value: { value: tag, from: `the tag of the image in its ${kubernetes ? 'template' : 'definition'}` },
      };
}

/** ReplicaSets that nothing manages are only asked if there is nothing else. */
function mainWorkloads<T extends { readonly kind: string }>(workloads: readonly T[]): readonly T[] {
  const managed = workloads.filter(({ kind }) => kind !== 'ReplicaSet');
  return managed.length > 0 ? managed : workloads;
}

/** What can't be compared is unknown, and never the same. */
export function reportExpectation(
  { gap, note }: Context,
  { name, source, replicas, expected }: ServiceFacts,
): void {
  const serving = replicas.filter(({ state, build }) => state === 'serving' && build);
  if (expected) {
    const unknown = serving.filter((one) => isIncomparable(one, expected.value, replicas));
    if (unknown.length > 0)
      gap(
        `${name}: ${expected.value} expected`,
        new SourceError(
          source,
          'malformed',
          `what ${unknown.length} of ${wording.count(serving.length, 'replica')} said can't be compared with it`,
          { places: unknown.length },
        ),
      );
  } else if (serving.length > 0)
    note(`${name}: no expected build is known, so its replicas are only compared with one another`);
  for (const { name: pod, state, build: own } of replicas) {
    const isOther =
      own &&
      state === 'not-ready' &&
      serving.some(({ build }) => build && compareBuilds(own, build) === 'different');
    if (isOther) note(`${name}: ${pod} runs ${buildInWords(own)}, but isn't ready and gets no requests`);
  }
  const { incomparable } = groupBuilds(serving, ({ build = {} }) => build);
  if (incomparable.length > 0)
    gap(
      `${name}: ${wording.list(incomparable.map((one) => one.name).toSorted(), 3)}`,
      new SourceError(source, 'malformed', "what they say can't be compared with the others", {
        places: incomparable.length,
      }),
    );
}

function isIncomparable(replica: Replica, expected: string, all: readonly Replica[]): boolean {
  return expectationOf(replica, expected, all) === 'unknown';
}

/**
 * Whether a replica runs the expected build, or the image with the expected digest.
 * @param all the replicas of its service. The same image has other digests for its configuration, for each architecture and in another runtime, so if some
 * replicas have the expected one, only those that are like them can be told from it.
 */
export function expectationOf(
  { build = {}, ...own }: Replica,
  expected: string,
  all: readonly Replica[],
): Likeness {
  if (!expected.startsWith('sha256:')) return compareWithExpected(build, expected);
  const { imageId: id } = own;
  if (id?.digest === expected) return 'same';
  if (id?.kind !== 'repository') return 'unknown';
  const right = all.flatMap((one) =>
    one.imageId?.digest === expected ? [compareImages({ ...own, id }, { ...one, id: one.imageId })] : [],
  );
  return right.length > 0 && right.every((one) => one === 'unknown') ? 'unknown' : 'different';
}

export function areExpected(
  replicas: readonly Replica[],
  { value }: Expected,
  { replicas: all }: Pick<ServiceFacts, 'replicas'>,
): boolean {
  return replicas.every((one) => expectationOf(one, value, all) === 'same');
}
