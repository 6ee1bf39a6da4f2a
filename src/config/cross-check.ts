import type { z } from 'zod';
import { argumentsOf } from '../check/arguments.ts';
import type { AnyCheck } from '../check/define-check.ts';
import { nearest } from '../text/nearest.ts';
import type { PlacedProblem } from './explain.ts';
import type { Variables } from './variables.ts';

type Loose = Readonly<Record<string, unknown>>;

/** Checks that no schema of one part can do: names that must exist elsewhere, and names that must be unique. */
export function crossCheck(value: unknown, variables: Variables): readonly PlacedProblem[] {
  const { environments, channels, defaultEnvironment, redis } = asObject(value);
  const known = Object.keys(asObject(environments));
  const inChannels = Object.entries(asObject(channels)).map(([channel, name]) => ({
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
    ...known.flatMap((name) => duplicateSourceNames(name, asObject(asObject(environments)[name])['sources'])),
    ...(redis !== undefined && variables['REDIS_URL']
      ? [{ path: ['redis'], what: 'REDIS_URL names a Redis as well', hint: 'Keep one of the two' }]
      : []),
  ];
}

function unknownEnvironment(name: string, known: readonly string[]) {
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
    const { name, kind } = asObject(source);
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
  const given = asObject(asObject(value)['remediations']);
  const named = [
    ...['destructive', 'off'].flatMap((list) =>
      asArray(given[list]).map((name, index) => ({ path: ['remediations', list, index], name })),
    ),
    ...Object.keys(asObject(given['lines'])).map((name) => ({ path: ['remediations', 'lines', name], name })),
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
  return Object.entries(asObject(asObject(value)['checks'])).flatMap(([name, given]) => {
    const check = checks.get(name);
    if (check) return wrongArguments(name, check, asObject(given));
    const meant = nearest(name, checks.keys());
    const hint = meant ? `Did you mean \`${meant}\`?` : `Known: ${[...checks.keys()].join(', ')}`;
    return [{ path: ['checks'], key: name, what: `there is no check \`${name}\``, hint }];
  });
}

/** Reports names under `commands` that are not commands: a rule for a misspelled one would protect nothing. */
export function crossCheckCommands(value: unknown, checks: KnownChecks): readonly PlacedProblem[] {
  const known = [...new Set([...checks.keys()].map((name) => name.split('/')[0] ?? ''))];
  return Object.keys(asObject(asObject(value)['commands'])).flatMap((area) => {
    if (known.includes(area)) return [];
    const meant = nearest(area, known);
    const hint = meant ? `Did you mean \`${meant}\`?` : `Known: ${known.join(', ') || 'none'}`;
    return [{ path: ['commands'], key: area, what: `there is no command \`${area.slice(0, 60)}\``, hint }];
  });
}

function wrongArguments(name: string, check: Pick<AnyCheck, 'args'>, given: Loose): readonly PlacedProblem[] {
  const known = argumentsOf(check).map((argument) => argument.name);
  const strangers = Object.keys(given).filter((key) => !known.includes(key));
  const written = Object.fromEntries(Object.entries(given).map(([key, one]) => [key, String(one)]));
  const issues: readonly z.core.$ZodIssue[] = check.args.safeParse(written).error?.issues ?? [];
  return [
    ...strangers.map((key) => {
      const meant = nearest(key, known);
      const hint = meant ? `Did you mean \`${meant}\`?` : `It takes ${known.join(', ') || 'none'}`;
      return { path: ['checks', name], key, what: `${name} takes no \`${key}\``, hint };
    }),
    // Required arguments that are missing here are given with the command.
    ...issues
      .filter(
        ({ path }) =>
          path.length > 0 && Object.hasOwn(given, String(path[0])) && known.includes(String(path[0])),
      )
      .map(({ path, message }) => ({ path: ['checks', name, ...path], what: message })),
  ];
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asObject(value: unknown): Loose {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Loose) : {};
}
