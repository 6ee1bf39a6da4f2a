import type { ports } from '../../kit.ts';
import { containerId } from '../../shared/fixture-engines.ts';
import type { Pattern } from '../../shared/pipelines/container-commands.ts';
import type { PipelineCommand } from '../../shared/pipelines/match-containers.ts';
import type { EngineFacts, Facts, KeptContainers, KeptReason, Leftover, SortedContainers } from './facts.ts';

/** Builders of facts, for the stories and tests of this check. */

const DAY_MS = 86_400_000;

/** A stopped container without an owner, with overrides. */
export function leftover(name: string, finishedAt: Date, known: Partial<Leftover> = {}): Leftover {
  return {
    id: idOf(name),
    name,
    image: 'registry.example/it:1',
    labels: {},
    state: 'exited',
    finishedAt,
    finishedAtText: finishedAt.toISOString().replace('Z', '000001Z'),
    volumes: [],
    ...known,
  };
}

export function kept(why: KeptReason, examples: readonly string[], count = examples.length): KeptContainers {
  return { why, count, examples, byName: 0 };
}

/** An engine on which nothing is left over, with overrides. Its removal is allowed. */
export function engineFacts(
  engine: string,
  {
    containers = {},
    usage,
    ...known
  }: Partial<Omit<EngineFacts, 'containers' | 'usage'>> & {
    readonly containers?: Partial<SortedContainers>;
    readonly usage?: Partial<ports.EngineUsage>;
  } = {},
): EngineFacts {
  return {
    target: `builders:${engine}`,
    source: 'builders',
    engine,
    product: 'docker',
    version: '27.5.1',
    rootFolder: '/var/lib/docker',
    removal: { allowed: true },
    containers: {
      leftovers: [],
      kept: [],
      sharingVolumes: [],
      inUse: 1,
      hasKubelet: false,
      isComplete: true,
      imageIds: new Set(),
      volumes: new Set(),
      runnerCacheVolumes: new Set(),
      ...containers,
    },
    usage: { imageBytes: 0, images: [], volumes: [], buildCache: [], ...usage },
    ...known,
  };
}

export function factsOf(...engines: readonly EngineFacts[]): Facts {
  return { engines };
}

/** The facts of an environment whose pipelines were all read, with overrides. */
export function withPipelines(
  facts: Facts,
  commands: readonly PipelineCommand[],
  { areAllKnown = true }: { readonly areAllKnown?: boolean } = {},
): Facts {
  return { ...facts, pipelines: { commands, areAllKnown } };
}

/** `commandAt('shop/api:ci/test.sh:14', { image: ['base:', '$TAG'] })`: parts that begin with `$` are variables. */
export function commandAt(
  place: string,
  {
    image,
    name,
    labels = [],
    ...leak
  }: Partial<Omit<PipelineCommand['leak'], 'image' | 'name' | 'labels'>> & {
    readonly image?: readonly string[];
    readonly name?: readonly string[];
    readonly labels?: readonly (readonly string[])[];
  },
): PipelineCommand {
  const pattern = (parts: readonly string[]): Pattern => ({
    parts: parts.map((part) => (part.startsWith('$') ? { variable: part } : { text: part })),
  });
  return {
    repository: place.slice(0, place.indexOf(':')),
    place,
    leak: {
      reason: 'left',
      ...(image && { image: pattern(image) }),
      ...(name && { name: pattern(name) }),
      labels: labels.map(pattern),
      ...leak,
    },
  };
}

/** A tagged image that no container uses, with overrides. */
export function unusedImage(name: string, known: Partial<ports.EngineImage> = {}): ports.EngineImage {
  return {
    id: `sha256:${idOf(name)}`,
    tags: [name],
    digests: [],
    createdAt: new Date('2018-06-01T00:00:00Z'),
    bytes: 200_000_000,
    sharedBytes: 0,
    containers: 0,
    isParent: false,
    ...known,
  };
}

/** Containers of numbered builds that ended one after the other. */
export function builds(
  image: string,
  {
    count,
    firstBuild,
    bytes,
    now,
    everyDays,
  }: {
    readonly count: number;
    readonly firstBuild: number;
    readonly bytes: number;
    readonly now: Date;
    readonly everyDays: number;
  },
): readonly Leftover[] {
  return Array.from({ length: count }, (_, at) => {
    const build = firstBuild + at;
    const finishedAt = new Date(now.getTime() - Math.round((count - at) * everyDays * DAY_MS));
    return leftover(generatedName(at), finishedAt, { image: `${image}:${build}`, bytes: bytes + at });
  });
}

const ADJECTIVES = ['elastic', 'quirky', 'sleepy', 'fervent', 'admiring'];
const SURNAMES = ['morse', 'hopper', 'curie', 'tesla', 'lovelace', 'turing', 'noether'];

/** As an engine names a container without a name, with a digit if there is already one of that name. */
function generatedName(at: number): string {
  const again = Math.floor(at / (ADJECTIVES.length * SURNAMES.length));
  return `${ADJECTIVES[at % ADJECTIVES.length] ?? ''}_${SURNAMES[at % SURNAMES.length] ?? ''}${again === 0 ? '' : again}`;
}

/** 64 hexadecimal digits, which begin with the end of the name. */
function idOf(name: string): string {
  return containerId(Array.from(name).toReversed().join(''));
}
