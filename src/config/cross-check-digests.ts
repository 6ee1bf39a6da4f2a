import type { z } from 'zod';
import { argumentsOf, type WrittenArguments } from '../check/arguments.ts';
import type { AnyCheck } from '../check/define-check.ts';
import { explainCron, explainTimeZone } from '../text/cron.ts';
import {
  toArray,
  toObject,
  type KnownChecks,
  type Loose,
  unknownCheck,
  unknownEnvironment,
  wrongArguments,
} from './cross-check.ts';
import type { PlacedProblem } from './explain.ts';
import type { ConfigPath } from './problem.ts';

/** Validates the schedules of digests, and the names and arguments of their checks. Without `checks`, any check name is accepted. */
export function crossCheckDigests(value: unknown, checks: KnownChecks | undefined): readonly PlacedProblem[] {
  const config = toObject(value);
  const seen = new Map<string, string>();
  return Object.entries(toObject(config['digests'])).flatMap(([name, given]) => {
    const path = ['digests', name];
    const digest = toObject(given);
    const twin = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    return [
      ...(twin === undefined
        ? []
        : [
            {
              path: ['digests'],
              key: name,
              what: `another digest is called \`${twin}\``,
              hint: "Rename one: names aren't case-sensitive",
            },
          ]),
      ...wrongSchedule(path, digest),
      ...wrongChecks(path, digest, config, checks),
    ];
  });
}

function wrongSchedule(path: ConfigPath, { cron, timeZone }: Loose): readonly PlacedProblem[] {
  const wrong = typeof cron === 'string' ? explainCron(cron) : undefined;
  const zone = typeof timeZone === 'string' ? explainTimeZone(timeZone) : undefined;
  return [
    ...(wrong === undefined ? [] : [{ path: [...path, 'cron'], what: wrong }]),
    ...(zone === undefined
      ? []
      : [
          {
            path: [...path, 'timeZone'],
            what: `unknown time zone \`${String(timeZone).slice(0, 60)}\``,
            hint:
              zone.meant === undefined
                ? 'Use an IANA name such as `Europe/Berlin`'
                : `Did you mean \`${zone.meant}\`?`,
          },
        ]),
  ];
}

function wrongChecks(
  digestPath: ConfigPath,
  digest: Loose,
  config: Loose,
  checks: KnownChecks | undefined,
): readonly PlacedProblem[] {
  const known = Object.keys(toObject(config['environments']));
  const byDefault = config['defaultEnvironment'] ?? (known.length === 1 ? known[0] : undefined);
  const seen = new Set<string>();
  return toArray(digest['checks']).flatMap((entry, at): readonly PlacedProblem[] => {
    const path = [...digestPath, 'checks', at];
    const { check: name, environments, args } = toObject(entry);
    if (typeof name !== 'string') return [];
    const check = checks?.get(name);
    if (checks && !check) return [{ path: [...path, 'check'], ...unknownCheck(name, checks) }];
    const given = toObject(args);
    const wrong = check
      ? wrongDigestArguments(path, name, check, given, toObject(toObject(config['checks'])[name]))
      : [];
    const unknown = toArray(environments).flatMap((one, index) =>
      typeof one === 'string' && !known.includes(one)
        ? [{ path: [...path, 'environments', index], ...unknownEnvironment(one, known) }]
        : [],
    );
    if (environments === undefined && byDefault === undefined) return [...wrong, { path, ...NO_ENVIRONMENT }];
    if (wrong.length > 0 || unknown.length > 0) return [...wrong, ...unknown];
    const parsed = check ? parse(check, given, toObject(toObject(config['checks'])[name])) : given;
    const checked = toArray(environments ?? [byDefault]).filter((one) => typeof one === 'string');
    const twice = checked.find((environment) => {
      const run = JSON.stringify([name, environment, sorted(parsed)]);
      return seen.has(run) || (seen.add(run), false);
    });
    if (twice === undefined) return [];
    const what = `\`${name}\` in \`${twice}\` is listed twice with the same arguments`;
    return [{ path, what, hint: 'Remove one' }];
  });
}

const NO_ENVIRONMENT = {
  what: 'neither `environments` nor `defaultEnvironment` is set',
  hint: 'Add `environments`',
};

/** Like those under `checks`, but no required argument may be missing. */
function wrongDigestArguments(
  path: ConfigPath,
  name: string,
  check: Pick<AnyCheck, 'args'>,
  given: Loose,
  defaults: Loose,
): readonly PlacedProblem[] {
  const missing = argumentsOf(check).filter(
    (argument) =>
      argument.isRequired && given[argument.name] === undefined && defaults[argument.name] === undefined,
  );
  return [
    ...wrongArguments([...path, 'args'], name, check, given),
    ...missing.map((argument) => ({
      path,
      what: `missing argument \`${argument.name}\` for \`${name}\``,
      hint: 'Add it under `args`',
    })),
  ];
}

/** The arguments as the check parses them; as written if one is invalid, which is reported elsewhere. */
function parse(check: Pick<AnyCheck, 'args'>, given: Loose, defaults: Loose): Loose {
  const written: WrittenArguments = Object.fromEntries(
    [...Object.entries(defaults), ...Object.entries(given)].map(([key, one]) => [key, String(one)]),
  );
  const parsed: z.ZodSafeParseResult<Record<string, unknown>> = check.args.safeParse(written);
  return parsed.success ? parsed.data : written;
}

function sorted(args: Loose): readonly (readonly [string, unknown])[] {
  return Object.entries(args).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
