import { wording } from '../../kit.ts';
import { agree } from '../../shared/grammar.ts';
import type { Facts, RepositoryFacts } from './facts.ts';
import type { Group, Reason } from './groups.ts';
import { enginesInWords } from './left-behind.ts';

/** The answer in one line: what leaves containers on machines that continue to exist; otherwise what is only worth knowing. */
export function verdictOf(groups: readonly Group[], facts: Facts, unlisted = 0): string {
  const warnings = groups.filter(({ severity }) => severity === 'warning');
  const starts = startsOf(facts);
  if (groups.length === 0) return unlisted === 0 ? nothingFound(facts, starts) : noWarnings(facts, unlisted);
  const shown = warnings.length > 0 ? warnings : groups;
  const commands = countCommands(shown);
  const who =
    starts === undefined
      ? wording.count(commands, 'command')
      : `${commands} of ${wording.count(starts, 'pipeline command')}`;
  return `${who} ${predicateOf(warnings, shown, commands)}: ${placesOf(shown, facts, commands)}${leftBehind(shown, commands)}`;
}

function predicateOf(warnings: readonly Group[], shown: readonly Group[], commands: number): string {
  if (warnings.length > 0)
    return agree(commands, { one: 'leaves its container behind', many: 'leave containers behind' });
  const reasons = new Set(shown.map(({ reason }) => reason));
  const [only] = reasons;
  const known = reasons.size === 1 && only !== undefined ? INFO[only] : undefined;
  return agree(commands, known ?? OTHERS);
}

/** What is not wrong, but worth knowing. */
const INFO: Readonly<Partial<Record<Reason, { readonly one: string; readonly many: string }>>> = {
  'container-removed-elsewhere': {
    one: 'relies on another one to remove its container',
    many: 'rely on others to remove their containers',
  },
  'container-may-be-left': {
    one: 'may leave its container behind',
    many: 'may leave containers behind',
  },
  'container-meant-to-stay': { one: 'starts a container that stays', many: 'start containers that stay' },
  'container-left-on-discarded-machine': {
    one: 'leaves its container on a machine that is discarded',
    many: 'leave containers on machines that are discarded',
  },
};
const OTHERS = {
  one: 'leaves its container to others',
  many: 'leave their containers to another command or to a machine that is discarded',
};

/** `ci/test.sh:14 and 6 others`: with the repository if there are several. */
function placesOf([first]: readonly Group[], { repositories }: Facts, commands: number): string {
  if (!first) return '';
  const { path, repository, target, leaks } = first;
  const file = target === repository.name ? target : path;
  const place = `${file}:${leaks[0].line}`;
  const where = repositories.length > 1 && file === path ? `${repository.name} ${place}` : place;
  return commands === 1 ? where : `${where} and ${wording.count(commands - 1, 'other')}`;
}

/** The commands that leave a container behind are of a severity that wasn't requested. */
function noWarnings({ repositories }: Facts, unlisted: number): string {
  const files = wording.count(sum(repositories.map((one) => one.files)), 'pipeline file');
  return `No warnings in ${files}; ${wording.count(unlisted, 'command')} of severity info ${agree(unlisted, { one: "isn't", many: "aren't" })} listed`;
}

/** `; 79 stopped containers on build-1 come from them` */
function leftBehind(shown: readonly Group[], commands: number): string {
  const all = shown.map(({ left }) => left).filter((left) => left.count > 0);
  const certain = all.filter((left) => !left.isGuess);
  const isGuess = certain.length === 0;
  const known = isGuess ? all : certain;
  const count = sum(known.map((left) => left.count));
  if (count === 0) return '';
  const engines = new Map(known.flatMap((left) => [...left.engines]));
  const verb = agree(count, { one: 'comes', many: 'come' });
  return `; ${wording.count(count, 'stopped container')} on ${enginesInWords({ engines })} ${isGuess ? 'probably ' : ''}${verb} from ${commands === 1 ? 'it' : 'them'}`;
}

function nothingFound({ repositories }: Facts, starts: number | undefined): string {
  const files = wording.count(sum(repositories.map((one) => one.files)), 'pipeline file');
  if (starts === 0) return `No command starts a container in ${files}`;
  if (starts === undefined) return `Found no command that leaves a container behind in ${files}`;
  return `Found no command that leaves a container behind among ${starts} that ${agree(starts, { one: 'starts', many: 'start' })} one, in ${files}`;
}

function startsOf({ repositories }: Facts): number | undefined {
  if (repositories.some(({ starts }) => starts === undefined)) return undefined;
  return sum(repositories.map(({ starts = 0 }: RepositoryFacts) => starts));
}

export function countCommands(groups: readonly Group[]): number {
  return sum(groups.map(({ leaks }) => leaks.length));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
