import { z } from 'zod';
import type { AnyCheck } from './define-check.ts';
import { nearest } from '../text/nearest.ts';
import type { Words } from '../text/split-words.ts';

/** One argument of a check, as `help` and the documentation show it. */
export interface ArgumentHelp {
  readonly name: string;
  readonly about: string;
  /** What it is without being asked for. */
  readonly byDefault?: string;
  /** The words it may be, where there is a short list. */
  readonly choices?: readonly string[];
  /** A flag that takes no value. */
  readonly isSwitch: boolean;
  /** Nothing can be asked without it. */
  readonly isRequired: boolean;
}

/** Arguments in their written form, defaults included: they travel, and a report shows them. */
export type WrittenArguments = Readonly<Record<string, string>>;

/** An argument as a flag is written: `warningDays` is `--warning-days`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Whether a flag means this argument: `warning-days` and `warningdays` both mean `warningDays`. */
export function isFlagOf(flag: string, name: string): boolean {
  return flag.replaceAll('-', '').toLowerCase() === name.toLowerCase();
}

/** What is wrong with the arguments, for the person who typed them. */
export class ArgumentsError extends Error {
  override readonly name = 'ArgumentsError';
}

/** A schema's own words about itself cost a quarter of a command's time, and never change. */
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
 * Makes a check's arguments out of words: flags by name, bare words for its `bareArgument`, then the workspace's own defaults,
 * then the check's.
 * @throws {ArgumentsError} naming what is wrong, and the nearest valid word.
 */
export function readArguments(
  check: AnyCheck,
  words: Words,
  defaults: WrittenArguments = {},
): WrittenArguments {
  const known = argumentsOf(check);
  const written: Record<string, string> = {};
  for (const { name, byDefault } of known) {
    const value = defaults[name] ?? byDefault;
    if (value !== undefined) written[name] = value;
  }
  for (const [flag, value] of words.flags) written[knownFlag(flag, known)] = valueOf(flag, value, known);
  if (words.bare.length > 0) written[bareArgument(check, words)] = words.bare.join(' ');
  parseArguments(check, written);
  return written;
}

/**
 * The written arguments as the check reads them.
 * @throws {ArgumentsError} where one of them is not what the check takes.
 */
export function parseArguments(check: AnyCheck, written: WrittenArguments): Record<string, unknown> {
  const parsed = check.args.safeParse(written);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? '');
  const given = written[name];
  if (given === undefined) throw new ArgumentsError(missing(check, name));
  throw new ArgumentsError(
    `\`${name}\` cannot be \`${given.slice(0, 80)}\`: ${issue?.message ?? 'not valid'}.`,
  );
}

function missing(check: AnyCheck, name: string): string {
  return check.bareArgument === name ? `Say which ${name} is meant.` : `\`${flagOf(name)}\` is needed.`;
}

function knownFlag(flag: string, known: readonly ArgumentHelp[]): string {
  const found = known.find(({ name }) => isFlagOf(flag, name));
  if (found) return found.name;
  const names = known.map(({ name }) => name);
  const meant = nearest(flag.replaceAll('-', ''), names);
  const hint = meant
    ? ` Did you mean \`${flagOf(meant)}\`?`
    : names.length > 0
      ? ` It takes ${list(names)}.`
      : ' It takes none.';
  throw new ArgumentsError(`There is no \`--${flag.slice(0, 40)}\` here.${hint}`);
}

function valueOf(flag: string, value: string, known: readonly ArgumentHelp[]): string {
  if (value !== '') return value;
  if (known.find(({ name }) => isFlagOf(flag, name))?.isSwitch) return 'true';
  throw new ArgumentsError(`\`--${flag}\` needs a value.`);
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
      `\`${word.slice(0, 80)}\` is not understood.${meant ? ` Did you mean \`${flagOf(meant)}\`?` : ''}`,
    );
  }
  if ([...flags.keys()].some((flag) => isFlagOf(flag, name)))
    throw new ArgumentsError(`\`${name}\` is given twice: once by name, once without.`);
  return name;
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${flagOf(name)}\``).join(', ');
}
