import type { Pattern } from './container-commands.ts';
import { type CompiledGlob, compileGlob, hasGap, hasWord, isGlobMatch, isOnlyGap, toGlob } from './glob.ts';
import {
  type ImageName,
  imageName,
  type ImagePattern,
  imagePattern,
  isPublicImage,
  matchesImage,
} from './image-pattern.ts';
import type { Leak } from './leak.ts';

/** A command of a pipeline that leaves containers behind, with where it is. */
export interface PipelineCommand {
  /** As people see it: `shop/api`. */
  readonly repository: string;
  /** `shop/api:ci/test.sh:14` */
  readonly place: string;
  readonly leak: Pick<
    Leak,
    'reason' | 'image' | 'name' | 'labels' | 'remote' | 'job' | 'stage' | 'isOnDiscardedMachine'
  >;
}

/** What identifies where a container comes from. */
export interface StartedContainer {
  readonly name: string;
  /** As it was created from: `base:209`. An id if the tag now belongs to another image. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Where a container comes from. */
export interface ContainerMatch<C extends PipelineCommand = PipelineCommand> {
  /** More than one: it comes from one of them. */
  readonly commands: readonly [C, ...C[]];
  readonly by: 'name' | 'labels' | 'image';
  /** Whether something else may as well have started it. */
  readonly isGuess: boolean;
}

/** Finds the commands that containers of one machine come from. Undefined: none is known. */
export type ContainerMatcher<C extends PipelineCommand = PipelineCommand> = (
  container: StartedContainer,
  /** The names of its machine. */
  machine: readonly string[],
) => ContainerMatch<C> | undefined;

interface Compiled<C> {
  readonly command: C;
  readonly name: KnownText | undefined;
  readonly labels: readonly KnownText[];
  readonly image: ImagePattern | undefined;
}

/** Text of a command, as far as it is known. */
interface KnownText {
  readonly glob: CompiledGlob;
  readonly hasWord: boolean;
  readonly hasGap: boolean;
  readonly isOnlyGap: boolean;
}

function knownText(pattern: Pattern): KnownText {
  const glob = toGlob(pattern);
  return {
    glob: compileGlob(glob),
    hasWord: hasWord(glob),
    hasGap: hasGap(glob),
    isOnlyGap: isOnlyGap(glob),
  };
}

/**
 * A container comes from a command if nothing contradicts it, and its name, its labels or its image is evidence: the best of these decides. `areAllKnown` if all
 * pipelines of the environment were read: otherwise an image alone is a guess.
 */
export function matchContainers<C extends PipelineCommand>(
  commands: readonly C[],
  { areAllKnown }: { readonly areAllKnown: boolean },
): ContainerMatcher<C> {
  const compiled = commands
    .filter(({ leak }) => canStay(leak))
    .map(compile)
    .filter(hasEvidence);
  // Nearly all images are known, and there may be thousands of commands and containers.
  const byFolder = Map.groupBy(compiled, ({ image }) => image?.lastFolder);
  const anyImage = byFolder.get(undefined) ?? [];
  return (container, machine) => {
    const image = imageName(container.image);
    const candidates = image ? [...(byFolder.get(image.lastFolder) ?? []), ...anyImage] : compiled;
    const possible = candidates.flatMap((one) => {
      const by = evidenceFor(one, container, image);
      return by && isOnMachine(one.command.leak, machine) ? [{ one, by }] : [];
    });
    for (const by of ['name', 'labels', 'image'] as const) {
      const [first, ...others] = possible.filter((match) => match.by === by).map(({ one }) => one);
      if (!first) continue;
      return {
        commands: [first.command, ...others.map(({ command }) => command)],
        by,
        isGuess: [first, ...others].some((one) =>
          by === 'image' ? !areAllKnown || isPublic(one, image) : isVague(one, by, image),
        ),
      };
    }
    return undefined;
  };
}

/** A restart policy keeps a container, and a discarded machine takes it with it. */
function canStay({ reason, isOnDiscardedMachine }: PipelineCommand['leak']): boolean {
  return reason !== 'long-lived' && !isOnDiscardedMachine;
}

function compile<C extends PipelineCommand>(command: C): Compiled<C> {
  const { name, labels, image } = command.leak;
  return {
    command,
    name: name && knownText(name),
    labels: labels.map(knownText),
    image: image && imagePattern(toGlob(image)),
  };
}

/** Many commands, such as those of Compose, say too little to find their containers. */
function hasEvidence({ name, labels, image }: Compiled<PipelineCommand>): boolean {
  return name?.hasWord === true || labels.some((label) => label.hasWord) || image?.isEvidence === true;
}

function evidenceFor<C extends PipelineCommand>(
  { command: { leak }, name, labels, image }: Compiled<C>,
  container: StartedContainer,
  imageOfContainer: ImageName | undefined,
): ContainerMatch['by'] | undefined {
  if (!isPossibleName(name, container.name, leak.reason)) return undefined;
  if (!labels.every((label) => hasLabel(container.labels, label))) return undefined;
  if (image && imageOfContainer && !matchesImage(image, imageOfContainer)) return undefined;
  if (name?.hasWord) return 'name';
  if (labels.some((label) => label.hasWord)) return 'labels';
  // Something that removes it in any case rather speaks for another command with this image.
  return image?.isEvidence && imageOfContainer && leak.reason !== 'removed' ? 'image' : undefined;
}

function isPublic({ command, image }: Compiled<PipelineCommand>, of: ImageName | undefined): boolean {
  return !image || !of || isPublicImage(of, image, command.repository);
}

/** A name that is known only in part needs the image as well: `test-$ID`. */
function isVague(
  { name, labels, image }: Compiled<PipelineCommand>,
  by: 'name' | 'labels',
  of: ImageName | undefined,
): boolean {
  if (of && image?.isEvidence) return false;
  return by === 'name'
    ? name?.hasGap === true
    : labels.filter((label) => label.hasWord).every((label) => label.hasGap);
}

/** Docker and Podman give a container without a name two words: https://github.com/moby/moby/blob/master/internal/namesgenerator/names-generator.go */
const GENERATED = /^[a-z]+_[a-z]+\d?$/;

function isPossibleName(pattern: KnownText | undefined, name: string, reason: Leak['reason']): boolean {
  if (pattern) return isGlobMatch(pattern.glob, name);
  // Options in a variable may name it.
  return reason === 'depends-on-variable' || GENERATED.test(name);
}

/** `ci=42`, `ci` for an empty value. The key may be known only when the command runs. */
function hasLabel(labels: StartedContainer['labels'], pattern: KnownText): boolean {
  if (pattern.isOnlyGap) return true;
  return Object.entries(labels).some(
    ([key, value]) =>
      isGlobMatch(pattern.glob, `${key}=${value}`) || (value === '' && isGlobMatch(pattern.glob, key)),
  );
}

/** Programs that know the machine themselves. */
const UNKNOWN_HOSTS: ReadonlySet<string> = new Set(['colima', 'gcloud', 'minikube', 'vagrant']);

/** A command that is given to ssh starts its container on that machine and on no other. */
function isOnMachine({ remote }: PipelineCommand['leak'], machine: readonly string[]): boolean {
  if (remote === undefined || UNKNOWN_HOSTS.has(remote)) return true;
  const host = remote.slice(remote.lastIndexOf('@') + 1).toLowerCase();
  if (host.includes('*')) return true;
  return machine.some((name) => isSameHost(name.toLowerCase(), host));
}

/** One of the two may be without its domain. */
function isSameHost(name: string, host: string): boolean {
  return name === host || name.startsWith(`${host}.`) || host.startsWith(`${name}.`);
}
