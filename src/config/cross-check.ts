import type { z } from 'zod';
import { argumentsOf } from '../check/arguments.ts';
import type { AnyCheck } from '../check/define-check.ts';
import { type PlacedProblem, hintForWord } from './explain.ts';
import type { ConfigPath } from './problem.ts';
import type { Variables } from './variables.ts';

/** A part of the file that is not validated yet. */
export type Loose = Readonly<Record<string, unknown>>;

/** Validates what no single schema can: names that must exist elsewhere, and names that must be unique. */
export function crossCheck(value: unknown, variables: Variables): readonly PlacedProblem[] {
  const { environments, channels, defaultEnvironment, redis } = toObject(value);
  const known = Object.keys(toObject(environments));
  const inChannels = Object.entries(toObject(channels)).map(([channel, name]) => ({
    path: ['channels', channel],
    name,
  }));
  return [
    ...(known.length === 0 && environments !== undefined
      ? [{ path: ['environments'], what: 'must contain at least one environment' }]
      : []),
    ...[...inChannels, { path: ['defaultEnvironment'], name: defaultEnvironment }].flatMap(({ path, name }) =>
      typeof name === 'string' && !known.includes(name) ? [{ path, ...unknownEnvironment(name, known) }] : [],
    ),
    ...known.flatMap((name) => duplicateSourceNames(name, toObject(toObject(environments)[name])['sources'])),
    ...(redis !== undefined && variables['REDIS_URL']
      ? [{ path: ['redis'], what: '`REDIS_URL` is set too', hint: 'Remove one of the two' }]
      : []),
  ];
}

/** The problem for an environment that doesn't exist. */
export function unknownEnvironment(name: string, known: readonly string[]) {
  return { what: `unknown environment \`${name.slice(0, 60)}\``, hint: hintForWord(name, known) };
}

/** A source without a name is named after its kind. Reports show the name, so two sources can't share one. */
function duplicateSourceNames(environment: string, sources: unknown): readonly PlacedProblem[] {
  if (!Array.isArray(sources)) return [];
  const seen = new Set<unknown>();
  return sources.flatMap((source: unknown, index) => {
    const { name, kind } = toObject(source);
    const called = name ?? kind;
    if (typeof called !== 'string' || !seen.has(called)) return (seen.add(called), []);
    const what = `another source of \`${environment}\` is also called \`${called}\``;
    return [
      {
        path: ['environments', environment, 'sources', index],
        what,
        hint: 'Give each source its own `name`',
      },
    ];
  });
}

/** The checks that the file may name, such as a catalogue. */
export type KnownChecks = ReadonlyMap<string, Pick<AnyCheck, 'args' | 'remediations'>>;

/** Validates the names of fixes: a fix that is misspelled under `off` would still be offered. */
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
    return [{ path, what: `unknown fix \`${name.slice(0, 80)}\``, hint: hintForWord(name, known) }];
  });
}

/** Validates the workspace's default arguments against the arguments of each check. */
export function crossCheckArguments(value: unknown, checks: KnownChecks): readonly PlacedProblem[] {
  return Object.entries(toObject(toObject(value)['checks'])).flatMap(([name, given]) => {
    const check = checks.get(name);
    if (check) return wrongArguments(['checks', name], name, check, toObject(given));
    return [{ path: ['checks'], key: name, ...unknownCheck(name, checks) }];
  });
}

/** Reports unknown commands under `commands`: a rule for a misspelled command would protect nothing. */
export function crossCheckCommands(value: unknown, checks: KnownChecks): readonly PlacedProblem[] {
  const known = [...new Set([...checks.keys()].map((name) => name.split('/')[0] ?? ''))];
  return Object.keys(toObject(toObject(value)['commands'])).flatMap((area) => {
    if (known.includes(area)) return [];
    const what = `unknown command \`${area.slice(0, 60)}\``;
    return [{ path: ['commands'], key: area, what, hint: hintForWord(area, known) }];
  });
}

/** The problem for a check that doesn't exist. */
export function unknownCheck(name: string, checks: KnownChecks) {
  return { what: `unknown check \`${name.slice(0, 60)}\``, hint: hintForWord(name, [...checks.keys()]) };
}

/** Reports unknown arguments at `path`, and invalid values. */
export function wrongArguments(
  path: ConfigPath,
  name: string,
  check: Pick<AnyCheck, 'args'>,
  given: Loose,
): readonly PlacedProblem[] {
  const known = argumentsOf(check).map((argument) => argument.name);
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  const written = Object.fromEntries(Object.entries(given).map(([key, one]) => [key, String(one)]));
  const issues: readonly z.core.$ZodIssue[] = check.args.safeParse(written).error?.issues ?? [];
  return [
    ...unknown.map((key) => ({
      path,
      key,
      what: `unknown argument \`${key}\` for \`${name}\``,
      hint: hintForWord(key, known),
    })),
    // Required arguments that are missing here are passed with the command.
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

/** An array unchanged; an empty one for anything else. */
export function toArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** An object unchanged; an empty one for anything else. */
export function toObject(value: unknown): Loose {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Loose) : {};
}
