import {
  argumentProblems,
  argumentsOf,
  defaultArguments,
  type WrittenArguments,
} from '../check/arguments.ts';
import type { AnyCheck } from '../check/define-check.ts';
import { askedInWords } from '../check/report-in-words.ts';
import { type ParsedRequest, parseAreaRequest, type RequestContext } from './parse.ts';

/** A command that a form is opened for. */
export interface FormRequest {
  readonly kind: 'form';
  /** `certs/expiring` */
  readonly name: string;
  readonly check: AnyCheck;
  /** The arguments that differ from their defaults. */
  readonly args: WrittenArguments;
  readonly defaults: WrittenArguments;
  readonly environment?: string;
}

type Problem = Extract<ParsedRequest, { kind: 'problem' }>;

/**
 * Reads the command that a form is opened for. It may lack required arguments. If it is invalid otherwise, such as a command of an older version, the
 * form has the defaults.
 */
export function readFormRequest(area: string, text: string, context: RequestContext): FormRequest | Problem {
  const [word = ''] = text.trim().split(/\s+/);
  const name = `${area}/${word.toLowerCase()}`;
  const check = context.catalogue.checks.get(name);
  const parsed = parseAreaRequest(area, text, context);
  if (!check)
    return parsed.kind === 'problem'
      ? parsed
      : { kind: 'problem', problem: `\`/${area}\` has no such check.`, usage: [`/${area} help`] };
  const defaults = defaultArguments(check, context.defaults?.[name]);
  if (parsed.kind !== 'run') return { kind: 'form', name, check, args: {}, defaults };
  const { args, environment } = parsed;
  return {
    kind: 'form',
    name,
    check,
    args: withoutDefaults(args, defaults),
    defaults,
    ...(environment !== undefined && { environment }),
  };
}

/** The values of a submitted form, by argument. Those left empty are absent. */
export interface FormValues {
  readonly args: WrittenArguments;
  readonly environment: string;
}

/** The command with these values, without its slash and area: `expiring --within 14d --env prod`. */
export interface FilledForm {
  readonly area: string;
  readonly text: string;
}

/** The command that a submitted form stands for, or what is wrong with its values, by argument. Undefined if there is no such check. */
export function fillForm(
  name: string,
  values: FormValues,
  context: RequestContext,
): FilledForm | { readonly problems: Readonly<Record<string, string>> } | undefined {
  const check = context.catalogue.checks.get(name);
  const [area = ''] = name.split('/');
  if (!check) return undefined;
  const defaults = defaultArguments(check, context.defaults?.[name]);
  const known = new Set(argumentsOf(check).map((argument) => argument.name));
  const args = Object.fromEntries(
    Object.entries(values.args)
      .filter(([argument]) => known.has(argument))
      .map(([argument, value]) => [argument, withStraightQuotes(value.trim())]),
  );
  const all = { ...defaults, ...args };
  const problems = argumentProblems(check, all);
  if (Object.keys(problems).length > 0) return { problems };
  const command = askedInWords({
    check: name,
    args: { ...withoutDefaults(args, defaults), env: values.environment },
  });
  const text = command.slice(`/${area} `.length);
  const unwritable = changedArguments(args, parseAreaRequest(area, text, context));
  if (unwritable.length > 0)
    return { problems: Object.fromEntries(unwritable.map((argument) => [argument, UNWRITABLE])) };
  return { area, text };
}

const UNWRITABLE = 'Use a shorter text without quotes and invisible characters.';

/** The arguments that a command doesn't carry unchanged. If it can't be parsed at all, those with quotes, or all of them. */
function changedArguments(args: WrittenArguments, parsed: ParsedRequest): readonly string[] {
  const names = Object.keys(args);
  if (parsed.kind === 'run') return names.filter((name) => args[name] !== parsed.args[name]);
  const quoted = names.filter((name) => /["']/.test(args[name] ?? ''));
  return quoted.length > 0 ? quoted : names;
}

function withoutDefaults(args: WrittenArguments, defaults: WrittenArguments): WrittenArguments {
  return Object.fromEntries(Object.entries(args).filter(([name, value]) => value !== defaults[name]));
}

/** Phones type curly quotes, which a command reads as straight ones. */
function withStraightQuotes(value: string): string {
  return value.replaceAll(/[“”„‟«»]/g, '"').replaceAll(/[‘’‚‛]/g, "'");
}
