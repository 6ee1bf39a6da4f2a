import { type Evidence, wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { shareOf } from '../../shared/grammar.ts';
import { type Build, type BuildGroup, buildInWords } from './build.ts';
import { type BuildFinding, driftFinding, namesOf } from './drift-finding.ts';
import { areExpected, expectationOf } from './expected.ts';
import type { Replica, ServiceFacts, WorkloadFacts } from './facts.ts';
import { compareImages, hasDigest, tagOf } from './image-id.ts';
import { obstacleToDigest, pinOffers } from './pin-image.ts';
import { obstacleToChange } from './restart-rules.ts';
import { restartOffer } from './restart-replicas.ts';

export interface TemplateDrift {
  readonly service: ServiceFacts;
  /** Whose template all of them have. Absent if nothing is known to create them. */
  readonly workload?: WorkloadFacts;
  readonly isComplete: boolean;
  /** The different builds of the replicas of one template, the most frequent first. */
  readonly groups: readonly BuildGroup<Replica>[];
}

/** Replicas that were created from the same template, and run different builds or images: why, and what helps. */
export function explainTemplateDrift(drift: TemplateDrift): BuildFinding {
  // A digest in the template names one image, whatever runtimes call it.
  const isPinned = hasDigest(drift.workload?.container?.image ?? '');
  const relation = isPinned ? 'same' : relationOf(drift.groups);
  if (relation === 'different') return mutableTag(drift);
  if (relation === 'same') return sameImage(drift);
  return differentBuilds(drift);
}

/** Those that are wrong if the expected build is known; otherwise the fewer ones, which proves nothing. */
export function suspectsOf({
  service,
  groups,
}: Pick<TemplateDrift, 'service' | 'groups'>): readonly Replica[] {
  const { expected } = service;
  const wrong = expected ? groups.filter(({ members }) => !areExpected(members, expected, service)) : [];
  const isDecided = wrong.length > 0 && wrong.length < groups.length;
  return (isDecided ? wrong : groups.slice(1)).flatMap(({ members }) => members);
}

/** How the images of replicas with different builds are related. */
function relationOf(groups: readonly BuildGroup<Replica>[]): 'same' | 'different' | 'unknown' {
  const first = groups[0]?.members ?? [];
  const others = groups.slice(1).flatMap(({ members }) => members);
  const relations = others.flatMap((one) => first.map((other) => imagesOf(one, other)));
  if (relations.some((one) => one === 'different' || one === 'likely-different')) return 'different';
  return relations.length > 0 && relations.every((one) => one === 'same') ? 'same' : 'unknown';
}

function imagesOf(a: Replica, b: Replica) {
  if (!a.imageId || !b.imageId) return 'unknown';
  return compareImages({ ...a, id: a.imageId }, { ...b, id: b.imageId });
}

/** Replicas with one build whose images certainly differ: at least one more build has the same number. */
export function differentImagesOf(members: readonly Replica[]): readonly (readonly Replica[])[] {
  const byDigest = [
    ...Map.groupBy(
      members.filter(({ imageId }) => imageId),
      ({ imageId }) => imageId?.digest,
    ).values(),
  ].toSorted((a, b) => b.length - a.length);
  const [first] = byDigest;
  const others = byDigest.filter(
    (group) => group !== first && imagesOf(first![0]!, group[0]!) === 'different',
  );
  return first && others.length > 0 ? [first, ...others] : [];
}

/** Said only if it is certain for all of them. */
export function noneExpected({ service, groups }: Pick<TemplateDrift, 'service' | 'groups'>): string {
  const { expected, replicas } = service;
  const all = groups.flatMap(({ members }) => members);
  const isNone = expected && all.every((one) => expectationOf(one, expected.value, replicas) === 'different');
  return isNone ? `; none runs the expected ${expected.value}` : '';
}

/** `409 (1 replica) and 412 (2 replicas)` */
function countsIn(groups: readonly BuildGroup<Replica>[]): string {
  const named = groups.map(
    ({ build, members }) => `${distinct(build, groups)} (${wording.count(members.length, 'replica')})`,
  );
  return wording.list(named, 3);
}

/** With what makes it different from builds with the same version. */
function distinct(build: Build, groups: readonly BuildGroup<Replica>[]): string {
  const words = buildInWords(build);
  const isAmbiguous = groups.filter((one) => buildInWords(one.build) === words).length > 1;
  return isAmbiguous && build.builtAt ? `${words} of ${wording.utcTime(build.builtAt)}` : words;
}

function majorityEvidence({ service, groups }: TemplateDrift): readonly Evidence[] {
  const [first, second] = groups;
  const { expected } = service;
  const matching = expected ? groups.filter(({ members }) => areExpected(members, expected, service)) : [];
  if (matching.length === 1 || !first || !second) return [];
  return [
    field(
      'Which is right',
      first.members.length === second.members.length
        ? 'unknown: no build has a majority'
        : `unknown: ${buildInWords(first.build)} runs on most replicas, which proves nothing`,
    ),
  ];
}

function mutableTag(drift: TemplateDrift): BuildFinding {
  const { service, workload, groups, isComplete } = drift;
  const suspects = suspectsOf(drift);
  const image = workload?.container?.image ?? suspects[0]?.image;
  const images = new Set(groups.flatMap(({ members }) => members.map((one) => one.image)));
  // Without a template, containers may have been created from different images on purpose.
  if (!workload && images.size > 1)
    return differentBuilds(
      drift,
      [...images].filter((one) => one !== undefined),
    );
  const policy = workload?.container?.pullPolicy;
  const isAlways = policy === 'Always';
  const restart = isAlways && isComplete && workload ? restartOffer(service, workload, suspects) : undefined;
  const isOne = groups.length === 1;
  const numbers = isOne ? `two images that both say ${buildInWords(groups[0]!.build)}` : countsIn(groups);
  return driftFinding({
    service,
    reason: 'mutable-tag',
    headline:
      image === undefined
        ? `${service.name} runs ${numbers} from one template`
        : `${wrongShare(drift) ?? `${service.name} runs ${numbers}`}; the tag of ${image} has moved`,
    action:
      policy === 'IfNotPresent' || policy === 'Never'
        ? `Pin the image to a digest; a restart doesn't help, because \`${policy}\` keeps the copy that a node has`
        : 'Pin the image to a digest',
    affected: suspects,
    evidence: [
      ...majorityEvidence(drift),
      ...optionalField('Pull policy', policy),
      ...optionalField('Nodes', nodesOf(suspects)),
      ...(isAlways
        ? [
            field(
              'Restart',
              'pulls the image again, unless a cache or mirror of the registry has the former one',
            ),
          ]
        : []),
      ...missing(
        'Pin',
        workload &&
          (obstacleToChange(workload, service.kubernetes?.pin, 'pin') ??
            obstacleToDigest(
              service,
              groups.flatMap(({ members }) => members),
            )),
      ),
    ],
    offers: [
      ...(workload && isComplete ? pinOffers(service, workload, groups) : []),
      ...(restart ? [restart] : []),
    ],
  });
}

function missing(label: string, because: string | undefined): readonly Evidence[] {
  return because === undefined ? [] : [field(label, `not offered: ${because}`)];
}

function nodesOf(replicas: readonly Replica[]): string | undefined {
  const nodes = [...new Set(replicas.flatMap(({ node }) => node ?? []))].toSorted();
  return nodes.length > 0 ? wording.list(nodes) : undefined;
}

function sameImage(drift: TemplateDrift): BuildFinding {
  const { service, workload, groups, isComplete } = drift;
  const suspects = suspectsOf(drift);
  const architectures = differentArchitectures(groups);
  if (architectures.length > 0)
    return driftFinding({
      service,
      reason: 'same-image-other-build',
      headline: `${service.name} says ${countsIn(groups)} from one image, depending on the architecture of the node (${wording.list(architectures)})`,
      action: 'Build the image for all architectures from the same source, and push it again',
      affected: suspects,
      evidence: majorityEvidence(drift),
    });
  const obstacle =
    workload && isComplete ? obstacleToChange(workload, service.kubernetes?.restart, 'restart') : undefined;
  const restart = workload && isComplete ? restartOffer(service, workload, suspects) : undefined;
  return driftFinding({
    service,
    reason: 'same-image-other-build',
    headline: `${service.name} says ${countsIn(groups)}, but all run the same image`,
    action: `Check where ${namesOf(suspects)} ${suspects.length === 1 ? 'gets its' : 'get their'} build number from: an environment variable, a mounted file`,
    affected: suspects,
    evidence: [...majorityEvidence(drift), ...missing('Restart', obstacle)],
    offers: restart ? [restart] : [],
  });
}

/** Those of nodes, if each architecture has another build: one image has a manifest for each, which may be of different builds. */
function differentArchitectures(groups: readonly BuildGroup<Replica>[]): readonly string[] {
  const sets = groups.map(({ members }) => [...new Set(members.map(({ architecture }) => architecture))]);
  const all = sets.flat();
  const isDecided = all.length === new Set(all).size && all.every((one) => one !== undefined);
  return isDecided ? all.flatMap((one) => one ?? []).toSorted() : [];
}

function differentBuilds(drift: TemplateDrift, images: readonly string[] = []): BuildFinding {
  const { service, groups } = drift;
  const suspects = suspectsOf(drift);
  const wrong = wrongShare(drift);
  return driftFinding({
    service,
    reason: 'different-builds',
    headline:
      wrong ??
      `${service.name} runs ${wording.count(groups.length, 'different build')}: ${countsIn(groups)}${noneExpected(drift)}`,
    action:
      images.length > 0
        ? `Deploy the right image on all of them: ${wording.list(images)}`
        : wrong !== undefined
          ? `Deploy ${service.expected?.value} to ${namesOf(suspects)}`
          : `Deploy the right build to ${namesOf(suspects)}, or find out which one is right`,
    affected: suspects,
    evidence: majorityEvidence(drift),
  });
}

/** `shop/api: 1 of 3 replicas runs 209, not the expected 210`. undefined if it isn't known which build is expected, or nothing runs it. */
function wrongShare({ service, groups }: TemplateDrift): string | undefined {
  const { name, expected, replicas } = service;
  const suspects = suspectsOf({ service, groups });
  const right = groups.flatMap(({ members }) => members).filter((one) => !suspects.includes(one));
  if (!expected || !areExpected(right, expected, service) || areExpected(suspects, expected, service))
    return undefined;
  const wrong = groups.filter(({ members }) => members.some((one) => suspects.includes(one)));
  const serving = replicas.filter(({ state }) => state === 'serving').length;
  const builds = wording.list(wrong.map(({ build }) => buildInWords(build)));
  return `${name}: ${shareOf(suspects.length, serving, 'replica')} ${suspects.length === 1 ? 'runs' : 'run'} ${builds}, not the expected ${expected.value}`;
}

/** Whether an image is named by a tag that may move to another build. */
export function isMovable(image: string): boolean {
  return !hasDigest(image) && (tagOf(image) === undefined || !/\d/.test(tagOf(image) ?? ''));
}
