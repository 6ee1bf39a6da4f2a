import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree } from '../../shared/grammar.ts';
import { withoutDomain } from '../../shared/match-engine.ts';
import {
  type ContainerMatch,
  type ContainerMatcher,
  matchContainers,
  type PipelineCommand,
} from '../../shared/pipelines/match-containers.ts';
import { jobOf } from '../../shared/pipelines/places.ts';
import type { EngineFacts, Facts } from './facts.ts';
import { sum } from './usage.ts';
import { digits } from './words.ts';

/** Leftover containers of one command in a pipeline, or of one of several. */
export interface StartedBy extends Pick<ContainerMatch, 'commands' | 'isGuess'> {
  readonly by: ReadonlySet<ContainerMatch['by']>;
  readonly count: number;
  /** As far as known. */
  readonly bytes: number;
}

/** Commands that a sentence names. */
const MAX_NAMED = 2;
const MAX_ROWS = 50;
const MAX_JOB_CHARS = 80;

export function matcherOf({ pipelines }: Facts): ContainerMatcher | undefined {
  return pipelines && matchContainers(pipelines.commands, pipelines);
}

/** The commands that the leftovers of an engine come from, those of the most containers first. */
export function startedBy(
  { engine, node, containers: { leftovers } }: EngineFacts,
  matcher: ContainerMatcher | undefined,
): readonly StartedBy[] {
  if (!matcher) return [];
  const machine = [engine, ...(node ? [node.name, withoutDomain(node.name)] : [])];
  const matched = leftovers.flatMap((container) => {
    const match = matcher(container, machine);
    return match ? [{ container, match }] : [];
  });
  const groups = Map.groupBy(matched, ({ match: { commands, isGuess } }) =>
    JSON.stringify([isGuess, commands.map(keyOf)]),
  );
  return [...groups.values()]
    .flatMap((group): readonly StartedBy[] => {
      const [first] = group;
      if (!first) return [];
      return [
        {
          commands: first.match.commands,
          isGuess: first.match.isGuess,
          by: new Set(group.map(({ match }) => match.by)),
          count: group.length,
          bytes: sum(group.map(({ container }) => container.bytes)),
        },
      ];
    })
    .toSorted((a, b) => b.count - a.count || b.bytes - a.bytes || (placesOf(a) < placesOf(b) ? -1 : 1));
}

function keyOf({ place, leak }: PipelineCommand): string {
  return `${place} ${jobOf(leak)}`;
}

/** `; 37 of them were started by shop/api:ci/test.sh:14, stage test`, if these are at least half of the containers. Otherwise empty. */
export function causeInWords(started: readonly StartedBy[], total: number): string {
  const [first, second] = started.slice(0, MAX_NAMED);
  if (!first || sum([first.count, second?.count]) * 2 < total) return '';
  const subject = total === 1 ? 'it' : first.count === total ? `all ${total}` : `${first.count} of them`;
  const others = second ? ` and ${second.count} ${probably(second)}by ${placesOf(second)}` : '';
  return `; ${subject} ${agree(first.count, BE)} ${probably(first)}started by ${placesOf(first)}${others}`;
}

const BE = { one: 'was', many: 'were' };

function probably({ isGuess }: StartedBy): string {
  return isGuess ? 'probably ' : '';
}

/** `shop/api:ci/test.sh:14, stage test` */
function placesOf({ commands }: Pick<StartedBy, 'commands'>): string {
  const [first] = commands;
  if (commands.length > MAX_NAMED) return `one of ${commands.length} commands, such as ${placeOf(first)}`;
  return commands.map(placeOf).join(' or ');
}

function placeOf({ place, leak }: PipelineCommand): string {
  const job = jobOf(leak);
  const shown = job.length > MAX_JOB_CHARS ? `${job.slice(0, MAX_JOB_CHARS - 1).toWellFormed()}…` : job;
  return shown === '' ? place : `${place}, ${shown}`;
}

/** How containers were matched, and the commands that the summary doesn't name. */
export function startedByEvidence(started: readonly StartedBy[], total: number): readonly Evidence[] {
  const [first] = started;
  if (!first) return [];
  if (first.count === total) return [field('Matched by', wording.list([...first.by]))];
  const known = sum(started.map(({ count }) => count));
  return [
    {
      kind: 'table',
      columns: ['Started by', 'Containers', 'Bytes', 'Matched by'],
      rows: [
        ...started
          .slice(0, MAX_ROWS)
          .map((one) => [
            `${probably(one)}${placesOf(one)}`,
            String(one.count),
            digits(one.bytes),
            wording.list([...one.by]),
          ]),
        ...(known < total ? [['no known command', String(total - known), '', '']] : []),
      ],
    },
  ];
}

/** The check that shows how to correct these commands. */
export function nextOf(started: readonly StartedBy[]): Pick<Finding, 'next'> {
  if (started.length === 0) return {};
  const names = [...new Set(started.flatMap(({ commands }) => commands.map(({ repository }) => repository)))];
  const areNamed = names.length <= MAX_NAMED && names.every((name) => !name.includes(','));
  return { next: [{ check: 'ci/docker-run', args: areNamed ? { repository: names.join(',') } : {} }] };
}

/**
 * `; 79 of 90 stopped containers were started by shop/api:ci/test.sh:14, stage test`, if that is certain and at least half of all. Otherwise empty. `isCounted` if the
 * sentence before it has the number of all.
 */
export function mainCause(
  all: readonly StartedBy[],
  total: number,
  { isCounted }: { readonly isCounted: boolean },
): string {
  const certain = all.filter(({ commands, isGuess }) => commands.length === 1 && !isGuess);
  const [main] = [...Map.groupBy(certain, ({ commands: [command] }) => keyOf(command)).values()]
    .map((group) => ({ group, count: sum(group.map(({ count }) => count)) }))
    .toSorted((a, b) => b.count - a.count);
  const [first] = main?.group ?? [];
  if (!main || !first || main.count * 2 < total) return '';
  return `; ${subjectOf(main.count, total, isCounted)} ${agree(main.count, BE)} started by ${placesOf(first)}`;
}

function subjectOf(count: number, total: number, isCounted: boolean): string {
  if (total === 1) return 'the container';
  if (isCounted) return count === total ? 'all containers' : `${count} of the containers`;
  return count === total ? `all ${total} stopped containers` : `${count} of ${total} stopped containers`;
}
