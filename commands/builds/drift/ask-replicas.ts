import { type ports, SourceError, wording } from '../../kit.ts';
import { limitTasks } from '../../shared/limit-tasks.ts';
import { settle } from '../../shared/settle.ts';
import type { Context, Replica } from './facts.ts';
import { readBuild } from './read-build.ts';
import type { Target } from './targets.ts';

/** How many replicas of a service are asked at the same time. */
const MOST_AT_ONCE = 64;
/** How many replicas a gap names. */
const MOST_NAMED = 3;

interface Unread {
  readonly name: string;
  readonly error: SourceError;
}

/**
 * Asks each replica which build it runs. One that gets requests and doesn't say so is a gap. One that isn't ready gets none: that it doesn't respond is
 * a note.
 */
export async function askReplicas(
  context: Context,
  source: ports.Builds,
  service: ports.BuildService,
  targets: readonly Target[],
): Promise<readonly Replica[]> {
  const limit = limitTasks(MOST_AT_ONCE);
  const unread: Unread[] = [];
  const replicas = await Promise.all(
    targets.map(async ({ ask, ...replica }): Promise<Replica> => {
      const { name, state } = replica;
      const fail = (error: SourceError): Replica => {
        if (state === 'serving') unread.push({ name, error });
        return { ...replica, because: error.message };
      };
      if (!ask) {
        const { because = 'it was not asked' } = replica;
        return state === 'serving' ? fail(new SourceError(source.name, 'missing', because)) : replica;
      }
      const { value: answer, error } = await limit(() =>
        settle(context, source.name, (signal) => source.ask({ service: service.name, ...ask, signal })),
      );
      if (error) return fail(error);
      const { build, because } = readBuild(answer, service.build);
      if (!build) return fail(new SourceError(source.name, 'malformed', because));
      context.saw(source.name);
      return { ...replica, build };
    }),
  );
  reportUnread(context, service.name, unread);
  const counted = replicas.filter(({ state }) => state !== 'terminating');
  if (!replicas.some(({ state }) => state === 'serving'))
    context.gap(service.name, new SourceError(source.name, 'missing', nothingServes(counted)));
  const notes = [
    ...aboutState(replicas, 'terminating', 'being deleted'),
    ...aboutState(
      replicas.filter(({ build }) => !build),
      'not-ready',
      "not ready and didn't say which build",
    ),
  ];
  for (const text of notes) context.note(`${service.name}: ${text}`);
  return replicas.toSorted((a, b) => a.name.localeCompare(b.name));
}

function nothingServes(counted: readonly Replica[]): string {
  return counted.length === 0
    ? 'it has no replicas'
    : `none of its ${wording.count(counted.length, 'replica')} is ready`;
}

function aboutState(replicas: readonly Replica[], state: Replica['state'], what: string): readonly string[] {
  const names = replicas.filter((one) => one.state === state).map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    `${wording.list(names.toSorted(), MOST_NAMED)} ${names.length === 1 ? 'is' : 'are'} ${what}, and ${names.length === 1 ? "isn't" : "aren't"} counted`,
  ];
}

/** One gap for all with the same reason: hundreds may be down at once. */
function reportUnread({ gap }: Context, service: string, unread: readonly Unread[]): void {
  const groups = Map.groupBy(unread, ({ name, error }) =>
    JSON.stringify([error.source, error.kind, withoutPlace(error.message, name)]),
  );
  for (const group of groups.values()) {
    const [first] = group;
    if (!first) continue;
    const names = group.map(({ name }) => name).toSorted();
    const { source, kind, message } = first.error;
    gap(
      `${service}: ${wording.list(names, MOST_NAMED)}`,
      group.length === 1
        ? new SourceError(source, kind, withoutName(message, first.name))
        : new SourceError(source, kind, withoutPlace(message, first.name), {
            places: names.length,
            placeNames: names,
          }),
    );
  }
}

/** Messages that differ only in an address are one reason. */
function withoutPlace(message: string, name: string): string {
  return withoutName(message, name).replace(/^[\w.\-:[\]]+:\d+:? /, '');
}

/** The gap names the replica already. */
function withoutName(message: string, name: string): string {
  const rest = message.startsWith(name) ? message.slice(name.length) : '';
  return /^:? ./.test(rest) ? rest.replace(/^:? /, '') : message;
}
