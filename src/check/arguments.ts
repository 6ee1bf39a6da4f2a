import { z } from 'zod';
import type { AnyCheck } from './define-check.ts';
import { nearest } from '../text/nearest.ts';
import { capitalize } from '../text/wording.ts';
import type { Words } from '../text/split-words.ts';

/** One argument of a check, as `help` and the documentation show it. */
export interface ArgumentHelp {
  readonly name: string;
  readonly about: string;
  /** Its default value. */
  readonly byDefault?: string;
  /** The allowed values, if there is a short list. */
  readonly choices?: readonly string[];
  /** A flag that takes no value. */
  readonly isSwitch: boolean;
  /** The check can't run without it. */
  readonly isRequired: boolean;
}

/** Arguments as they were written, with defaults. Jobs carry them in this form, and reports show it. */
export type WrittenArguments = Readonly<Record<string, string>>;

/** The flag of an argument: `warningDays` becomes `--warning-days`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Short flags that everyone knows from other tools: `kubectl -n`. */
const SHORT_FLAGS: Readonly<Record<string, string>> = { n: 'namespace' };

/** Whether a flag means this argument: `warning-days` and `warningdays` both mean `warningDays`, and `n` means `namespace`. */
export function isFlagOf(flag: string, name: string): boolean {
  return flag.replaceAll('-', '').toLowerCase() === name.toLowerCase() || SHORT_FLAGS[flag] === name;
}

/** As it is usually typed: `-n`, `--name`. */
function asTyped(flag: string): string {
  return `${flag.length === 1 ? '-' : '--'}${flag.slice(0, 40)}`;
}

/** What is wrong with the arguments, for the person who typed them. */
export class ArgumentsError extends Error {
  override readonly name = 'ArgumentsError';
}

/** Cached: converting a schema takes a quarter of the time of a command. */
const described = new WeakMap<AnyCheck['args'], readonly ArgumentHelp[]>();

/** The arguments of a check in the order of their declaration. */
export function argumentsOf({ args }: Pick<AnyCheck, 'args'>): readonly ArgumentHelp[] {
  const known = described.get(args) ?? describe(args);
  described.set(args, known);
  return known;
}

function describe(args: AnyCheck['args']): readonly ArgumentHelp[] {
  const { properties = {}, required = [] } = z.toJSONSchema(args, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, property]) => {
    const isRequired = required.includes(name);
    if (typeof property !== 'object') return { name, about: '', isSwitch: false, isRequired };
    return {
      name,
      about: property.description ?? '',
      ...(property.default !== undefined && { byDefault: defaultInWords(property.default) }),
      ...(property.enum && { choices: property.enum.map(String) }),
      isSwitch: property['switch'] === true,
      isRequired,
    };
  });
}

function defaultInWords(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Builds the arguments of a check from words: flags by name, words without a flag as its `bareArgument`, then the workspace's defaults, then
 * the check's defaults.
 * @throws {ArgumentsError} that names the problem, and the closest valid word.
 */
export function readArguments(
  check: AnyCheck,
  words: Words,
  defaults: WrittenArguments = {},
): WrittenArguments {
  const known = argumentsOf(check);
  const written: Record<string, string> = { ...defaultArguments(check, defaults) };
  for (const [flag, value] of words.flags) written[knownFlag(flag, known)] = valueOf(flag, value, known);
  if (words.bare.length > 0) written[bareArgument(check, words)] = words.bare.join(' ');
  parseArguments(check, written);
  return written;
}

/** The arguments of a check if none is written: the workspace's defaults, then the check's own. */
export function defaultArguments(check: AnyCheck, defaults: WrittenArguments = {}): WrittenArguments {
  const written: Record<string, string> = {};
  for (const { name, byDefault } of argumentsOf(check)) {
    const value = defaults[name] ?? byDefault;
    if (value !== undefined) written[name] = value;
  }
  return written;
}

/** Everything that is wrong with written arguments, by name, for the person who filled in a form. Empty if they are valid. */
export function argumentProblems(
  check: AnyCheck,
  written: WrittenArguments,
): Readonly<Record<string, string>> {
  const issues: readonly z.core.$ZodIssue[] = check.args.safeParse(written).error?.issues ?? [];
  const problems = issues.toReversed().map((issue): [string, string] => {
    const name = String(issue.path[0] ?? '');
    const { kind, hint } = explainIssue(issue);
    return [name, written[name] === undefined ? 'This is required.' : `Invalid ${kind}.${hint}`];
  });
  return Object.fromEntries(problems);
}

/**
 * Parses written arguments with the check's schema.
 * @throws {ArgumentsError} if a value is invalid or missing.
 */
export function parseArguments(check: AnyCheck, written: WrittenArguments): Record<string, unknown> {
  const parsed = check.args.safeParse(written);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? '');
  const given = written[name];
  if (given === undefined) throw new ArgumentsError(missing(check, name));
  const { kind, hint } = explainIssue(issue);
  throw new ArgumentsError(`Invalid ${kind} \`${given.slice(0, 80)}\` for \`${flagOf(name)}\`.${hint}`);
}

/** A schema may give a custom issue `params: { kind, hint }`; otherwise its message is the hint. */
function explainIssue(issue: z.core.$ZodIssue | undefined): { readonly kind: string; readonly hint: string } {
  const message = issue?.message ?? '';
  const byMessage = message === '' || message.startsWith('Invalid') ? '' : ` ${capitalize(message)}.`;
  if (issue?.code === 'custom') {
    const { kind = 'value', hint } = (issue.params ?? {}) as { kind?: string; hint?: string };
    return { kind, hint: hint === undefined ? byMessage : ` ${hint}` };
  }
  if (issue?.code === 'invalid_value') return { kind: 'value', hint: ` Use ${choicesOf(issue)}.` };
  const isNumber =
    (issue?.code === 'invalid_type' && issue.expected === 'number') ||
    ((issue?.code === 'too_small' || issue?.code === 'too_big') && issue.origin === 'number');
  return { kind: isNumber ? 'number' : 'value', hint: byMessage };
}

function choicesOf({ expected, values }: z.core.$ZodIssueInvalidValue & { expected?: unknown }): string {
  const choices = expected === 'stringbool' ? ['true', 'false'] : values.map(String);
  return [choices.slice(0, -1).join(', '), choices.at(-1)].filter(Boolean).join(' or ');
}

function missing(check: AnyCheck, name: string): string {
  return check.bareArgument === name ? `Missing \`<${name}>\`.` : `Missing \`${flagOf(name)}\`.`;
}

function knownFlag(flag: string, known: readonly ArgumentHelp[]): string {
  const found = known.find(({ name }) => isFlagOf(flag, name));
  if (found) return found.name;
  const names = known.map(({ name }) => name);
  const meant = nearest(flag.replaceAll('-', ''), names);
  const hint = meant
    ? ` Did you mean \`${flagOf(meant)}\`?`
    : names.length > 0
      ? ` Available: ${names.map(flagOf).join(', ')}.`
      : ' This check takes no arguments.';
  throw new ArgumentsError(`Unknown flag \`${asTyped(flag)}\`.${hint}`);
}

function valueOf(flag: string, value: string, known: readonly ArgumentHelp[]): string {
  if (value !== '') return value;
  if (known.find(({ name }) => isFlagOf(flag, name))?.isSwitch) return 'true';
  throw new ArgumentsError(`Missing value for \`${asTyped(flag)}\`.`);
}

function bareArgument(check: AnyCheck, { bare, flags }: Words): string {
  const name = check.bareArgument;
  const word = bare[0] ?? '';
  if (name === undefined) {
    const meant = nearest(
      word,
      argumentsOf(check).map((argument) => argument.name),
    );
    throw new ArgumentsError(
      `Unexpected argument \`${word.slice(0, 80)}\`.${meant ? ` Did you mean \`${flagOf(meant)}\`?` : ''}`,
    );
  }
  if ([...flags.keys()].some((flag) => isFlagOf(flag, name)))
    throw new ArgumentsError(`\`${flagOf(name)}\` is given twice: with and without its name.`);
  return name;
}
