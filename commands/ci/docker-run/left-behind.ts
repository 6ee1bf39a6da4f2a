import { type Finding, wording } from '../../kit.ts';
import { matchContainers, type PipelineCommand } from '../../shared/pipelines/match-containers.ts';
import type { Facts, PlacedLeak, RepositoryFacts } from './facts.ts';
import { targetOf } from '../../shared/pipelines/places.ts';

/** Stopped containers on engines that come from some commands. */
export interface LeftBehind {
  /** By engine, those with the most containers first. */
  readonly engines: ReadonlyMap<string, number>;
  readonly count: number;
  /** Whether something else may as well have started some of them. */
  readonly isGuess: boolean;
}

interface Candidate extends PipelineCommand {
  readonly source: PlacedLeak;
}

const NOTHING: LeftBehind = { engines: new Map(), count: 0, isGuess: false };
/** Engines that a sentence names. */
const MAX_NAMED = 2;

/** Counts the containers of each command. One that several commands may have started counts for none of them. */
export function countContainers(facts: Facts): (leaks: readonly PlacedLeak[]) => LeftBehind {
  const { engines = [], repositories, areAllRead } = facts;
  if (engines.length === 0) return () => NOTHING;
  const matcher = matchContainers(repositories.flatMap(candidatesIn), { areAllKnown: areAllRead });
  const counted = new Map<PlacedLeak, { engine: string; isGuess: boolean }[]>();
  for (const { target, machine, containers } of engines)
    for (const container of containers) {
      const match = matcher(container, machine);
      if (!match || match.commands.length > 1) continue;
      const { source } = match.commands[0];
      const known = counted.get(source) ?? [];
      counted.set(source, known);
      known.push({ engine: target, isGuess: match.isGuess });
    }
  return (leaks) => {
    const all = leaks.flatMap((leak) => counted.get(leak) ?? []);
    const byEngine = [...Map.groupBy(all, ({ engine }) => engine)]
      .map(([engine, some]) => [engine, some.length] as const)
      .toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1));
    return {
      engines: new Map(byEngine),
      count: all.length,
      isGuess: all.some(({ isGuess }) => isGuess),
    };
  };
}

function candidatesIn({ name, leaks, others }: RepositoryFacts): readonly Candidate[] {
  return [...leaks, ...others].map((leak) => ({
    repository: name,
    place: `${targetOf(name, leak.path)}:${leak.line}`,
    leak,
    source: leak,
  }));
}

/** `, and has left 37 stopped containers on build-1`. Empty if none is known. */
export function leftInWords(left: LeftBehind): string {
  if (left.count === 0) return '';
  return `, and has ${left.isGuess ? 'probably ' : ''}left ${wording.count(left.count, 'stopped container')} on ${enginesInWords(left)}`;
}

export function enginesInWords({ engines }: Pick<LeftBehind, 'engines'>): string {
  return engines.size > MAX_NAMED
    ? wording.count(engines.size, 'container engine')
    : wording.list([...engines.keys()]);
}

/** How bad it is, and the check that can remove these containers. */
export function consequencesOf({ count, engines }: LeftBehind): Pick<Finding, 'level' | 'next'> {
  if (count === 0) return {};
  const names = [...engines.keys()];
  const areNamed = names.length <= MAX_NAMED && names.every((name) => !name.includes(','));
  return {
    level: { value: count, unit: 'containers' },
    next: [{ check: 'node/leftovers', args: areNamed ? { node: names.join(',') } : {} }],
  };
}
