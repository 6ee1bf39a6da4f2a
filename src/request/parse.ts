import type { Catalogue } from './catalogue.ts';
import {
  type ArgumentHelp,
  ArgumentsError,
  argumentsOf,
  flagOf,
  isFlagOf,
  readArguments,
  type WrittenArguments,
} from '../check/arguments.ts';
import type { Remediations } from '../check/define-remediation.ts';
import type { AnyCheck } from '../check/define-check.ts';
import { nearest } from '../text/nearest.ts';
import { splitWords, type Words, WordsError } from '../text/words.ts';

/** What somebody asked for, understood, or the reason why not. */
export type Question =
  | {
      readonly kind: 'run';
      readonly check: string;
      readonly args: WrittenArguments;
      /** As asked with `--env`; without it the channel or the configuration decides. */
      readonly environment?: string;
    }
  | { readonly kind: 'help'; readonly help: Help }
  | { readonly kind: 'problem'; readonly problem: string; readonly usage: readonly string[] };

/** What can be asked, in no renderer's terms. */
export interface Help {
  readonly title: string;
  readonly why?: string;
  readonly entries: readonly { readonly usage: string; readonly about: string }[];
  readonly example?: string;
}

export interface Known {
  readonly catalogue: Catalogue;
  readonly environments: readonly string[];
  /** A workspace's own default arguments, by check. */
  readonly defaults?: Readonly<Record<string, WrittenArguments>>;
}

/** What `/wrench` can do besides asking. */
export const OWN_WORDS = {
  freeze: {
    usage: '/wrench freeze [because …]',
    about: 'Stops all applying, in every environment, until somebody thaws it',
  },
  thaw: { usage: '/wrench thaw [because …]', about: 'Lets approved plans be applied again' },
  audit: {
    usage: '/wrench audit [--since 7d] [--user @somebody]',
    about: 'Who asked for, approved, applied or refused what',
  },
} as const;

export type OwnWord = keyof typeof OWN_WORDS;

export function isOwnWord(word: string): word is OwnWord {
  return Object.hasOwn(OWN_WORDS, word);
}

const HELP_WORDS = new Set(['help', '-h', '--help', '—help', '?']);
const ENVIRONMENT_FLAG = 'env';

/** Understands `expiring --within 14d` asked of the area `certs`; never throws for what a person typed. */
export function understand(area: string, text: string, known: Known): Question {
  try {
    return route(area, text, known);
  } catch (error) {
    if (error instanceof WordsError || error instanceof ArgumentsError)
      return { kind: 'problem', problem: error.message, usage: usageFor(area, text, known) };
    throw error;
  }
}

/** Understands `certs expiring --within 14d`, area first and with its slash or without, as `/wrench` and the terminal take it. */
export function understandAll(typed: string, known: Known): Question {
  const text = typed.trim().replace(/^\//, '');
  const [area = '', ...rest] = text.split(/\s+/);
  if (area === '' || isHelp(area))
    return rest.length > 0
      ? understand(rest[0] ?? '', ['help', ...rest.slice(1)].join(' '), known)
      : { kind: 'help', help: helpForAll(known.catalogue) };
  const own = known.catalogue.commands.has(area.toLowerCase()) ? undefined : nearestOwn(area, known);
  if (own !== undefined) return own;
  return understand(area.toLowerCase(), text.slice(area.length), known);
}

/** `/wrench freez` is nearer to what `/wrench` itself can do than to any area. */
function nearestOwn(word: string, { catalogue }: Known): Question | undefined {
  const meant = nearest(word, [...catalogue.commands.keys(), ...Object.keys(OWN_WORDS)]);
  if (meant === undefined || !isOwnWord(meant)) return undefined;
  const { usage } = OWN_WORDS[meant];
  return problem(`There is no \`/wrench ${word.slice(0, 40)}\`.`, `/wrench ${meant}`, [usage]);
}

function route(area: string, text: string, known: Known): Question {
  const { commands, checks } = known.catalogue;
  if (!commands.has(area)) return unknownArea(area, [...commands.keys()]);
  const words = splitWords(text, (flag) => !isSwitch(area, text, flag, known));
  const [first = 'help', ...bare] = words.bare;
  const asksForHelp = isHelp(first) || bare.some(isHelp) || words.flags.has('help') || words.flags.has('h');
  const word = isHelp(first) ? bare[0] : first;
  if (word === undefined) return { kind: 'help', help: helpForArea(area, known.catalogue) };
  const name = `${area}/${word.toLowerCase()}`;
  const check = checks.get(name);
  if (!check)
    return problem(
      `There is no \`/${area} ${word.slice(0, 40)}\`.`,
      nearest(word, namesIn(area, known.catalogue)),
      namesIn(area, known.catalogue).map((one) => `/${area} ${one}`),
    );
  if (asksForHelp) return { kind: 'help', help: helpForCheck(name, check) };
  const { environment, rest } = takeEnvironment({ ...words, bare }, known.environments);
  const args = readArguments(check, rest, known.defaults?.[name]);
  return { kind: 'run', check: name, args, ...(environment !== undefined && { environment }) };
}

function takeEnvironment(
  { bare, flags }: Words,
  environments: readonly string[],
): { environment?: string; rest: Words } {
  const others = new Map(flags);
  const environment = others.get(ENVIRONMENT_FLAG);
  others.delete(ENVIRONMENT_FLAG);
  const rest = { bare, flags: others };
  if (environment === undefined) return { rest };
  if (environment === '') throw new ArgumentsError(`\`--${ENVIRONMENT_FLAG}\` needs a value.`);
  if (!environments.includes(environment)) {
    const meant = nearest(environment, environments);
    throw new ArgumentsError(
      `There is no environment \`${environment.slice(0, 40)}\`.${meant ? ` Did you mean \`${meant}\`?` : ` There is: ${environments.join(', ')}.`}`,
    );
  }
  return { environment, rest };
}

function isSwitch(area: string, text: string, flag: string, { catalogue }: Known): boolean {
  if (flag === 'help' || flag === 'h') return true;
  const check = catalogue.checks.get(`${area}/${text.trim().split(/\s+/)[0]?.toLowerCase() ?? ''}`);
  return (
    check !== undefined &&
    argumentsOf(check).some((argument) => isFlagOf(flag, argument.name) && argument.isSwitch)
  );
}

function isHelp(word: string): boolean {
  return HELP_WORDS.has(word.toLowerCase());
}

function problem(what: string, meant: string | undefined, usage: readonly string[]): Question {
  return { kind: 'problem', problem: meant ? `${what} Did you mean \`${meant}\`?` : what, usage };
}

function unknownArea(area: string, known: readonly string[]): Question {
  const meant = nearest(area, known);
  return problem(
    `There is no \`/${area.slice(0, 40)}\`.`,
    meant && `/${meant}`,
    known.map((one) => `/${one} help`),
  );
}

function namesIn(area: string, { checks }: Catalogue): readonly string[] {
  return [...checks.keys()]
    .filter((name) => name.startsWith(`${area}/`))
    .map((name) => name.slice(area.length + 1));
}

function usageFor(area: string, text: string, { catalogue }: Known): readonly string[] {
  const name = `${area}/${text.trim().split(/\s+/)[0]?.toLowerCase() ?? ''}`;
  const check = catalogue.checks.get(name);
  return check ? [usageOf(name, check)] : namesIn(area, catalogue).map((one) => `/${area} ${one}`);
}

/** One line as man pages write it: `/certs expiring [--within 30d] [--source …] [--env …]`. */
export function usageOf(name: string, check: AnyCheck): string {
  const parts = argumentsOf(check).map((argument) => written(argument, check));
  return [`/${name.replace('/', ' ')}`, ...parts, `[--${ENVIRONMENT_FLAG} …]`].join(' ');
}

function written(
  { name, byDefault, choices, isSwitch: alone, isRequired }: ArgumentHelp,
  check: AnyCheck,
): string {
  if (check.bareArgument === name) return isRequired ? `<${name}>` : `[${name}]`;
  return alone ? `[${flagOf(name)}]` : `[${flagOf(name)} ${byDefault ?? choices?.join('|') ?? '…'}]`;
}

function helpForAll(catalogue: Catalogue): Help {
  const entries = [...catalogue.commands].map(([area, { title }]) => ({
    usage: `/${area} help`,
    about: title,
  }));
  return { title: 'What Wrench can be asked', entries: [...entries, ...Object.values(OWN_WORDS)] };
}

function helpForArea(area: string, catalogue: Catalogue): Help {
  const names = namesIn(area, catalogue);
  const entries = names.map((name) => ({
    usage: `/${area} ${name}`,
    about: catalogue.checks.get(`${area}/${name}`)?.title ?? '',
  }));
  return {
    title: catalogue.commands.get(area)?.title ?? area,
    entries,
    example: `/${area} help ${names[0] ?? ''}`.trim(),
  };
}

function helpForCheck(name: string, check: AnyCheck): Help {
  const entries = argumentsOf(check).map(({ name: argument, about, byDefault, choices }) => ({
    usage: check.bareArgument === argument ? `<${argument}> or ${flagOf(argument)}` : flagOf(argument),
    about: [
      about,
      choices && `one of ${choices.join(', ')}`,
      byDefault !== undefined && `default ${byDefault}`,
    ]
      .filter(Boolean)
      .join('; '),
  }));
  return {
    title: check.title,
    why: check.why,
    entries: [
      { usage: usageOf(name, check), about: '' },
      ...entries,
      {
        usage: `--${ENVIRONMENT_FLAG}`,
        about: "which environment to look at; without it, the channel's own or the default one",
      },
      ...Object.values((check.remediations ?? {}) as Remediations).map(({ about, risk }) => ({
        usage: 'may offer a fix',
        about: `${about} (${risk})`,
      })),
    ],
    ...(check.example !== undefined && { example: `/${name.replace('/', ' ')} ${check.example}` }),
  };
}
