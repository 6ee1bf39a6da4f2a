import type { z } from 'zod';
import { argumentsOf } from '../check/arguments.ts';
import type { AnyCheck } from '../check/define-check.ts';
import { nearest } from '../text/nearest.ts';
import type { PlacedProblem } from './explain.ts';
import type { ConfigPath } from './problem.ts';
import type { Variables } from './variables.ts';

/** A part of the file that is not validated yet. */
export type Loose = Readonly<Record<string, unknown>>;

/** Checks that no schema of one part can do: names that must exist elsewhere, and names that must be unique. */
export function crossCheck(value: unknown, variables: Variables): readonly PlacedProblem[] {
  const { environments, channels, defaultEnvironment, redis } = toObject(value);
  const known = Object.keys(toObject(environments));
  const inChannels = Object.entries(toObject(channels)).map(([channel, name]) => ({
    path: ['channels', channel],
    name,
  }));
  return [
    ...(known.length === 0 && environments !== undefined
      ? [{ path: ['environments'], what: 'there is no environment', hint: 'Name at least one' }]
      : []),
    ...[...inChannels, { path: ['defaultEnvironment'], name: defaultEnvironment }].flatMap(({ path, name }) =>
      typeof name === 'string' && !known.includes(name) ? [{ path, ...unknownEnvironment(name, known) }] : [],
    ),
    ...known.flatMap((name) => duplicateSourceNames(name, toObject(toObject(environments)[name])['sources'])),
    ...(redis !== undefined && variables['REDIS_URL']
      ? [{ path: ['redis'], what: 'REDIS_URL names a Redis as well', hint: 'Keep one of the two' }]
      : []),
  ];
}

/** What is wrong with the name of an environment that does not exist. */
export function unknownEnvironment(name: string, known: readonly string[]) {
  const meant = nearest(name, known);
  const hint = meant
    ? `Did you mean \`${meant}\`?`
    : `Known: ${known.map((one) => `\`${one}\``).join(', ') || 'none'}`;
  return { what: `there is no environment \`${name.slice(0, 60)}\``, hint };
}

/** A source without a name is named after its kind. Reports name sources, so two with one name could not be distinguished. */
function duplicateSourceNames(environment: string, sources: unknown): readonly PlacedProblem[] {
  if (!Array.isArray(sources)) return [];
  const seen = new Set<unknown>();
  return sources.flatMap((source: unknown, index) => {
    const { name, kind } = toObject(source);
    const called = name ?? kind;
    if (typeof called !== 'string' || !seen.has(called)) return (seen.add(called), []);
    const what = `another source of \`${environment}\` is called \`${called}\` too`;
    return [
      { path: ['environments', environment, 'sources', index], what, hint: 'Give each its own `name`' },
    ];
  });
}

/** The checks that `checks:` may name; a catalogue is one. */
export type KnownChecks = ReadonlyMap<string, Pick<AnyCheck, 'args' | 'remediations'>>;

/** Checks the names of fixes: one that is misspelled under `off` would still be offered. */
export function crossCheckRemediations(value: unknown, checks: KnownChecks): readonly PlacedProblem[] {
  const known = [...checks].flatMap(([check, { remediations = {} }]) =>
    Object.keys(remediations as object).map((name) => `${check}:${name}`),
  );
  const given = toObject(toObject(value)['remediations']);
  const named = [
    ...['destructive', 'off'].flatMap((list) =>
      toArray(given[list]).map((name, index) => ({ path: ['remediations', list, index], name })),
    ),
    ...Object.keys(toObject(given['lines'])).map((name) => ({ path: ['remediations', 'lines', name], name })),
  ];
  return named.flatMap(({ path, name }) => {
    if (typeof name !== 'string' || known.includes(name)) return [];
    const meant = nearest(name, known);
    const hint = meant ? `Did you mean \`${meant}\`?` : `Known: ${known.join(', ') || 'none'}`;
    return [{ path, what: `there is no fix \`${name.slice(0, 80)}\``, hint }];
  });
}

/** Checks the workspace's default arguments against the arguments of each check. */
export function crossCheckArguments(value: unknown, checks: KnownChecks): readonly PlacedProblem[] {
  return Object.entries(toObject(toObject(value)['checks'])).flatMap(([name, given]) => {
    const check = checks.get(name);
    if (check) return wrongArguments(['checks', name], name, check, toObject(given));
    return [{ path: ['checks'], key: name, ...unknownCheck(name, checks) }];
  });
}

/** Reports names under `commands` that are not commands: a rule for a misspelled one would protect nothing. */
export function crossCheckCommands(value: unknown, checks: KnownChecks): readonly PlacedProblem[] {
  const known = [...new Set([...checks.keys()].map((name) => name.split('/')[0] ?? ''))];
  return Object.keys(toObject(toObject(value)['commands'])).flatMap((area) => {
    if (known.includes(area)) return [];
    const meant = nearest(area, known);
    const hint = meant ? `Did you mean \`${meant}\`?` : `Known: ${known.join(', ') || 'none'}`;
    return [{ path: ['commands'], key: area, what: `there is no command \`${area.slice(0, 60)}\``, hint }];
  });
}

/** What is wrong with the name of a check that does not exist. */
export function unknownCheck(name: string, checks: KnownChecks) {
  const meant = nearest(name, checks.keys());
  const hint = meant ? `Did you mean \`${meant}\`?` : `Known: ${[...checks.keys()].join(', ')}`;
  return { what: `there is no check \`${name.slice(0, 60)}\``, hint };
}

/** Reports arguments at `path` that the check does not take, and values that it does not accept. */
export function wrongArguments(
  path: ConfigPath,
  name: string,
  check: Pick<AnyCheck, 'args'>,
  given: Loose,
): readonly PlacedProblem[] {
  const known = argumentsOf(check).map((argument) => argument.name);
  const strangers = Object.keys(given).filter((key) => !known.includes(key));
  const written = Object.fromEntries(Object.entries(given).map(([key, one]) => [key, String(one)]));
  const issues: readonly z.core.$ZodIssue[] = check.args.safeParse(written).error?.issues ?? [];
  return [
    ...strangers.map((key) => {
      const meant = nearest(key, known);
      const hint = meant ? `Did you mean \`${meant}\`?` : `It takes ${known.join(', ') || 'none'}`;
      return { path, key, what: `${name} takes no \`${key}\``, hint };
    }),
    // Required arguments that are missing here are given with the command.
    ...issues
      .filter(
        ({ path: [argument] }) =>
          argument !== undefined &&
          Object.hasOwn(given, String(argument)) &&
          known.includes(String(argument)),
      )
      .map((issue) => ({ path: [...path, ...issue.path], what: issue.message })),
  ];
}

/** An array as it is, anything else as an empty one. */
export function toArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** An object as it is, anything else as an empty one. */
export function toObject(value: unknown): Loose {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Loose) : {};
}
