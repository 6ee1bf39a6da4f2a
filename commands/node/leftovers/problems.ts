import { type Finding, type Level, type ports, wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { agree } from '../../shared/grammar.ts';
import type { ContainerMatcher } from '../../shared/pipelines/match-containers.ts';
import {
  aboutEngine,
  blindSpot,
  bytesOf,
  cameFrom,
  finishedBetween,
  goDuration,
  sizeText,
  sizeTextInFull,
  imageTable,
  keptInFull,
  namesOf,
  rangeInWords,
  tableOf,
  upTo,
  volumeTable,
} from './describe.ts';
import type { EngineFacts } from './facts.ts';
import { notOffered, offerContainers, offerImages, type OfferOfLeftovers } from './offers.ts';
import { causeInWords, nextOf, type StartedBy, startedBy, startedByEvidence } from './started-by.ts';
import { originsInWords, originsOf } from './origins.ts';
import { INCLUDABLE } from '../../shared/container-owners.ts';
import { containerTarget, imageTarget } from './targets.ts';
import { type JudgedUsage, judgeUsage, sum } from './usage.ts';
import { bytesInFull, KEPT_WORDS } from './words.ts';

/** One finding, with its text in the verdict. */
export interface Problem {
  readonly finding: Finding<OfferOfLeftovers>;
  /** `3 stopped containers use 46 GB` */
  readonly headline: string;
  /** As far as known. */
  readonly bytes: number;
  /** Of stopped containers, the commands that they come from. */
  readonly started?: readonly StartedBy[];
}

export interface Limits {
  readonly now: Date;
  /** How long ago something must have been used. */
  readonly olderMs: number;
  /** Finds the commands of pipelines that containers come from. Absent if no pipelines were read. */
  readonly matcher?: ContainerMatcher | undefined;
}

/** From this size on, leftovers are a warning, and large objects that are not leftovers are mentioned. */
const LARGE_BYTES = 1_000_000_000;
/** This many stopped containers slow the engine down, however small they are. */
const MANY = 100;
const MAX_NAMED = 5;

/** What is left over on one engine. */
export function problemsOf(engine: EngineFacts, limits: Limits): readonly Problem[] {
  const { containers, usage } = engine;
  const judged = usage && judgeUsage(usage, { ...limits, containers });
  return [
    ...stoppedContainers(engine, limits),
    ...probableLeftovers(engine),
    ...sharingVolumes(engine),
    ...(judged
      ? [
          ...danglingImages(engine, judged),
          ...buildCache(engine, judged, limits),
          ...unusedImages(engine, judged),
          ...unusedVolumes(engine, judged),
          ...largeVolumes(engine, judged),
        ]
      : []),
  ];
}

function stoppedContainers(engine: EngineFacts, { olderMs, matcher }: Limits): readonly Problem[] {
  const { target, containers, removal } = engine;
  const { leftovers, kept } = containers;
  if (leftovers.length === 0) return [];
  const { bytes, unknown } = bytesOf(leftovers);
  const origins = originsOf(leftovers);
  const started = startedBy(engine, matcher);
  const count = wording.count(leftovers.length, 'stopped container');
  const isLarge = bytes >= LARGE_BYTES || unknown > 0 || leftovers.length >= MANY;
  const volumes = [...new Set(leftovers.flatMap((one) => one.volumes))].toSorted();
  const finding: Finding<OfferOfLeftovers> = {
    reason: 'stopped-containers',
    severity: isLarge ? 'warning' : 'info',
    target,
    targets: leftovers.map(({ name }) => containerTarget(target, name)),
    summary: `${count} without an owner ${agree(leftovers.length, USE)} ${sizeTextInFull(bytes, unknown)}${originsInWords(origins, 3)}${causeInWords(started, leftovers.length)}`,
    ...sizeLevel(bytes, unknown),
    evidence: [
      field('Finished', `${finishedBetween(leftovers)}, more than ${wording.period(olderMs)} ago`),
      ...startedByEvidence(started, leftovers.length),
      ...cameFrom(origins),
      tableOf(leftovers),
      ...optionalField('Kept', keptInFull(kept)),
      ...optionalField(
        'Volumes that stay',
        volumes.length === 0 ? undefined : wording.list(volumes, MAX_NAMED),
      ),
      ...optionalField(
        'Removal',
        removal.allowed ? notOffered(leftovers.length) : `not offered: ${removal.because}`,
      ),
      ...optionalField('Kubernetes', blindSpot(engine)),
      ...aboutEngine(engine),
    ],
    ...offerContainers(engine, leftovers),
    ...nextOf(started),
  };
  return [
    {
      finding,
      bytes,
      headline: `${count} ${agree(leftovers.length, USE)} ${sizeText(bytes, unknown)}`,
      started,
    },
  ];
}

/** Absent if a size is unknown. */
function sizeLevel(bytes: number, unknown = 0): { readonly level?: Level } {
  return unknown > 0 ? {} : { level: { value: bytes, unit: 'bytes' } };
}

const USE = { one: 'uses', many: 'use' };

/** Containers of an owner that does not remove them, but may still need them. */
function probableLeftovers(engine: EngineFacts): readonly Problem[] {
  const { target, containers } = engine;
  const groups = containers.kept.filter(({ why }) => (INCLUDABLE as readonly string[]).includes(why));
  if (groups.length === 0) return [];
  const what = groups.map(
    ({ why, count, examples }) =>
      `${wording.count(count, 'stopped container')} ${KEPT_WORDS[why]} (${namesOf(examples, count)})`,
  );
  const include = groups.map(({ why }) => why).join(',');
  const count = sum(groups.map((one) => one.count));
  const finding: Finding<OfferOfLeftovers> = {
    reason: 'probable-leftovers',
    severity: 'info',
    target,
    summary: `${wording.list(what)} ${agree(count, { one: 'is probably a leftover', many: 'are probably leftovers' })}, kept without \`--include ${include}\``,
    evidence: aboutEngine(engine),
    next: [{ check: 'node/leftovers', args: { node: target, include } }],
  };
  return [
    {
      finding,
      bytes: 0,
      headline: `${wording.count(count, 'stopped container')} ${agree(count, { one: 'is probably a leftover', many: 'are probably leftovers' })}`,
    },
  ];
}

/** They use space, but removing them may not be safe. */
function sharingVolumes(engine: EngineFacts): readonly Problem[] {
  const { target, containers } = engine;
  const { sharingVolumes: sharing } = containers;
  const { bytes, unknown } = bytesOf(sharing);
  if (sharing.length === 0 || (bytes < LARGE_BYTES && unknown === 0)) return [];
  const count = wording.count(sharing.length, 'stopped container');
  const finding: Finding<OfferOfLeftovers> = {
    reason: 'containers-sharing-volumes',
    severity: 'info',
    target,
    summary: `${count} ${agree(sharing.length, USE)} ${sizeTextInFull(bytes, unknown)} but ${agree(sharing.length, { one: 'shares', many: 'share' })} volumes with containers that are kept, so removal is not offered (${namesOf(
      sharing.map(({ name }) => name),
      sharing.length,
    )})`,
    ...sizeLevel(bytes, unknown),
    evidence: [...aboutEngine(engine), tableOf(sharing)],
  };
  return [
    {
      finding,
      bytes,
      headline: `${count} with shared volumes ${agree(sharing.length, USE)} ${sizeText(bytes, unknown)}`,
    },
  ];
}

function danglingImages(engine: EngineFacts, { dangling, danglingBytes }: JudgedUsage): readonly Problem[] {
  const { target, removal } = engine;
  if (dangling.length === 0) return [];
  const count = wording.count(dangling.length, 'dangling image');
  const finding: Finding<OfferOfLeftovers> = {
    reason: 'dangling-images',
    severity: danglingBytes.most >= LARGE_BYTES ? 'warning' : 'info',
    target,
    targets: dangling.map(({ id }) => imageTarget(target, id)),
    summary: `${count} ${agree(dangling.length, USE)} ${rangeInWords(danglingBytes)}`,
    ...sizeLevel(danglingBytes.most),
    evidence: [
      ...aboutEngine(engine),
      imageTable(dangling),
      ...optionalField('Removal', removal.allowed ? undefined : `not offered: ${removal.because}`),
    ],
    ...offerImages(engine, dangling),
  };
  return [
    {
      finding,
      bytes: danglingBytes.least,
      headline: `${count} ${agree(dangling.length, USE)} ${upTo(danglingBytes)}`,
    },
  ];
}

function buildCache(engine: EngineFacts, { cache }: JudgedUsage, { olderMs }: Limits): readonly Problem[] {
  const { target, product } = engine;
  const { unusedBytes, oldBytes, entries } = cache;
  if (oldBytes === 0) return [];
  const finding: Finding<OfferOfLeftovers> = {
    reason: 'unused-build-cache',
    severity: oldBytes >= LARGE_BYTES ? 'warning' : 'info',
    target,
    summary:
      unusedBytes === oldBytes
        ? `${bytesInFull(oldBytes)} of build cache has been unused for more than ${wording.period(olderMs)}`
        : `${bytesInFull(unusedBytes)} of build cache is unused, ${bytesInFull(oldBytes)} of it for more than ${wording.period(olderMs)}`,
    ...sizeLevel(oldBytes),
    evidence: [
      ...aboutEngine(engine),
      field('Unused entries', String(entries)),
      ...(product === 'docker'
        ? [
            field(
              'To remove it',
              `run on the host: docker builder prune --filter until=${goDuration(olderMs)}. The next build will take longer`,
            ),
          ]
        : []),
    ],
  };
  return [{ finding, bytes: oldBytes, headline: `${wording.bytes(unusedBytes)} of build cache is unused` }];
}

/** Tagged images are not leftovers, because someone may want to run them. On a Kubernetes node, the kubelet collects them. */
function unusedImages(
  engine: EngineFacts,
  { unused, unusedBytes, dangling }: JudgedUsage,
): readonly Problem[] {
  const { target, containers } = engine;
  if (containers.hasKubelet || unusedBytes.most < LARGE_BYTES) return [];
  const count = wording.count(unused.length, 'unused tagged image');
  const finding: Finding<OfferOfLeftovers> = {
    reason: 'unused-images',
    severity: 'info',
    target,
    summary: `${count} ${agree(unused.length, USE)} ${rangeInWords(unusedBytes)}, shared layers counted once. Removal is not offered: someone may still need ${unused.length === 1 ? 'it' : 'them'}`,
    ...sizeLevel(unusedBytes.most),
    evidence: [
      imageTable(unused),
      ...(dangling.length > 0 ? [field('Dangling images', String(dangling.length))] : []),
      ...aboutEngine(engine),
    ],
  };
  return [
    {
      finding,
      bytes: unusedBytes.least,
      headline: `${count} ${agree(unused.length, USE)} ${upTo(unusedBytes)}`,
    },
  ];
}

function unusedVolumes(engine: EngineFacts, { anonymousVolumes: volumes }: JudgedUsage): readonly Problem[] {
  const { target } = engine;
  const bytes = sum(volumes.map((one) => one.bytes));
  const unknown = volumes.filter((one) => one.bytes === undefined).length;
  if (volumes.length === 0 || (bytes === 0 && unknown === 0)) return [];
  const count = wording.count(volumes.length, 'unused anonymous volume');
  const finding: Finding<OfferOfLeftovers> = {
    reason: 'unused-volumes',
    severity: 'info',
    target,
    summary: `${count} ${agree(volumes.length, USE)} ${sizeTextInFull(bytes, unknown)}. Wrench does not remove volumes. Check what ${volumes.length === 1 ? 'it contains' : 'they contain'} first`,
    ...sizeLevel(bytes, unknown),
    evidence: [...aboutEngine(engine), volumeTable(volumes)],
  };
  return [{ finding, bytes, headline: `${count} ${agree(volumes.length, USE)} ${sizeText(bytes, unknown)}` }];
}

/** Only newer versions of GitLab Runner set a label. */
function adviseOnCaches(caches: readonly ports.EngineVolume[]): string {
  const areLabelled = caches.every(({ labels }) => 'com.gitlab.gitlab-runner.type' in labels);
  const command = 'docker volume ls --filter label=com.gitlab.gitlab-runner.type=cache';
  return `${areLabelled ? `${command} lists them; ` : ''}GitLab Runner fills them again if they are removed`;
}

/** Volumes that are large and that Wrench does not remove. */
function largeVolumes(engine: EngineFacts, { namedVolumes, runnerCaches }: JudgedUsage): readonly Problem[] {
  const { target } = engine;
  const bytesIn = (volumes: readonly ports.EngineVolume[]) => sum(volumes.map((one) => one.bytes));
  const groups = [
    { volumes: runnerCaches, what: 'GitLab Runner cache volume' },
    {
      volumes: namedVolumes,
      what: 'unused named volume',
      many: 'unused named volumes',
    },
  ]
    .map((group) => ({ ...group, bytes: bytesIn(group.volumes) }))
    .filter(({ bytes }) => bytes >= LARGE_BYTES)
    .toSorted((a, b) => b.bytes - a.bytes);
  const [first] = groups;
  if (!first) return [];
  const bytes = sum(groups.map((group) => group.bytes));
  const parts = groups.map(
    (group) =>
      `${bytesInFull(group.bytes)} in ${wording.count(group.volumes.length, group.what, group.many)}`,
  );
  const finding: Finding<OfferOfLeftovers> = {
    reason: 'large-volumes',
    severity: 'info',
    target,
    summary: `${wording.list(parts)} cannot be removed here: Wrench does not remove volumes`,
    ...sizeLevel(bytes),
    evidence: [
      ...aboutEngine(engine),
      volumeTable(groups.flatMap(({ volumes }) => volumes)),
      ...(runnerCaches.length > 0 && engine.product === 'docker'
        ? [field('Runner caches', adviseOnCaches(runnerCaches))]
        : []),
    ],
  };
  return [
    {
      finding,
      bytes,
      headline: `${wording.bytes(first.bytes)} in ${wording.count(first.volumes.length, first.what, first.many)}`,
    },
  ];
}
