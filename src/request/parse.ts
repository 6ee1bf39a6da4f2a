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
import type { RemediationsByName } from '../check/define-remediation.ts';
import { type AnyCheck, originOf } from '../check/define-check.ts';
import { nearest, suggest } from '../text/nearest.ts';
import { splitWords, type Words, WordsError } from '../text/split-words.ts';

/** A parsed request, or the problem with it. */
export type ParsedRequest =
  | {
      readonly kind: 'run';
      readonly check: string;
      readonly args: WrittenArguments;
      /** The value of `--env`. Without it, the channel or the configuration decides. */
      readonly environment?: string;
    }
  | { readonly kind: 'help'; readonly help: Help }
  | { readonly kind: 'problem'; readonly problem: string; readonly usage: readonly string[] };

/** Help for any renderer, in the order in which Slack shows it. Commands are written as in Slack: `/certs expiring`. */
export interface Help {
  readonly title: string;
  readonly why?: string;
  /** Each way to write it, in one line. */
  readonly usage?: readonly string[];
  /** Whole commands that can be copied. */
  readonly examples?: readonly string[];
  readonly commands?: readonly HelpEntry[];
  readonly flags?: readonly HelpEntry[];
  /** What a check may offer, each in one sentence. */
  readonly fixes?: readonly string[];
  /** Where to find out more. */
  readonly more?: string;
  /** The command whose arguments can be filled in in a form. */
  readonly form?: string;
}

export interface HelpEntry {
  readonly name: string;
  readonly about: string;
}

export interface RequestContext {
  readonly catalogue: Catalogue;
  readonly environments: readonly string[];
  /** A workspace's own default arguments, by check. */
  readonly defaults?: Readonly<Record<string, WrittenArguments>>;
  /** In a terminal, problems name a check without the slash: `certs expiring`. */
  readonly isTerminal?: boolean;
}

/** The commands of `/wrench` itself. `brief` fits beside the name in one line of a phone, for `/wrench help`. */
export const ADMIN_COMMANDS = {
  freeze: {
    usage: '/wrench freeze [because …]',
    about: 'Stop all fixes in every environment',
    brief: 'stop all fixes',
  },
  unfreeze: {
    usage: '/wrench unfreeze [because …]',
    about: 'Let fixes run again',
    brief: 'let fixes run again',
  },
  audit: {
    usage: '/wrench audit [--since 7d] [--user @someone] [--fix <id>]',
    about:
      'Show each fix and who requested and approved it, and who was refused, froze or silenced what; with --fix, the steps of one',
    brief: 'show who did what',
  },
  digest: {
    usage: '/wrench digest list | run <name> | show <name>',
    about: 'List the digests, run one now, or show what its last run found',
    brief: 'list, run or show one',
  },
  take: {
    usage: '/wrench take <finding> [comment]',
    about: 'Show everyone that you are working on a finding',
    brief: 'work on a finding',
  },
  release: {
    usage: '/wrench release <finding>',
    about: 'Show that no one is working on a finding anymore',
    brief: 'stop working on it',
  },
  silence: {
    usage: '/wrench silence <finding> --until 3d --because "rotates on Friday"',
    about: 'Keep a finding out of digests until then, or until it is gone, gets worse or spreads',
    brief: 'hide from digests',
    /** Shown only in the help of this command. */
    variants: [
      '/wrench silence --reason certificate-expired --target "vault:secret/old/*" [--check certs/expiring] [--env prod] --until 3d --because "…"',
    ],
  },
  silences: {
    usage: '/wrench silences',
    about: 'List the silences: who silenced what, until when and why',
    brief: 'list silences',
  },
  unsilence: {
    usage: '/wrench unsilence <silence or finding>',
    about: 'End a silence',
    brief: 'end a silence',
  },
} as const;

export type AdminCommandName = keyof typeof ADMIN_COMMANDS;

/** Other names of commands. `thaw` was the name of `unfreeze` up to 0.5. */
const ADMIN_ALIASES: Readonly<Record<string, AdminCommandName>> = { thaw: 'unfreeze' };

/** The command of `/wrench` itself that has this name or alias, if any. */
export function adminCommandNamed(word: string): AdminCommandName | undefined {
  if (Object.hasOwn(ADMIN_ALIASES, word)) return ADMIN_ALIASES[word];
  return Object.hasOwn(ADMIN_COMMANDS, word) ? (word as AdminCommandName) : undefined;
}

const HELP_WORDS = new Set(['help', '-h', '--help', '—help', '?']);
const ENVIRONMENT_FLAG = 'env';

/** Parses `expiring --within 14d` for the area `certs`. Returns a problem for invalid input and doesn't throw. */
export function parseAreaRequest(area: string, text: string, context: RequestContext): ParsedRequest {
  try {
    return parseWords(area, text, context);
  } catch (error) {
    if (error instanceof WordsError || error instanceof ArgumentsError)
      return { kind: 'problem', problem: error.message, usage: usageFor(area, text, context) };
    throw error;
  }
}

/** Parses `certs expiring --within 14d`, with or without a slash, for `/wrench` and the terminal. */
export function parseRequest(typed: string, context: RequestContext): ParsedRequest {
  const text = withSpace(typed.trim().replace(/^\//, ''), context.catalogue);
  const [area = '', ...rest] = text.split(/\s+/);
  if (area === '' || isHelp(area))
    return rest.length > 0
      ? parseAreaRequest(rest[0] ?? '', ['help', ...rest.slice(1)].join(' '), context)
      : { kind: 'help', help: helpForAll(context.catalogue) };
  // The verbs of the terminal are not those of `/wrench`.
  const own =
    context.isTerminal || context.catalogue.commands.has(area.toLowerCase())
      ? undefined
      : nearestAdminCommand(area, context);
  if (own !== undefined) return own;
  return parseAreaRequest(area.toLowerCase(), text.slice(area.length), context);
}

/** Documents, digests and JSON call a check `certs/expiring`, so that may be typed too. */
function withSpace(text: string, { commands }: Catalogue): string {
  const [, area = ''] = /^(\S+?)\//.exec(text) ?? [];
  return commands.has(area.toLowerCase()) ? text.replace('/', ' ') : text;
}

/** Whether a text begins with a command, or with a word that is close to one: `certs expiring`, `/certs`, `help`, `freez`. */
export function isLikeCommand(typed: string, catalogue: Catalogue): boolean {
  const { commands } = catalogue;
  const [first = ''] = withSpace(typed.trim().replace(/^\//, ''), catalogue).toLowerCase().split(/\s+/);
  if (isHelp(first) || commands.has(first) || adminCommandNamed(first) !== undefined) return true;
  return (
    nearest(first, [...commands.keys(), ...Object.keys({ ...ADMIN_COMMANDS, ...ADMIN_ALIASES })]) !==
    undefined
  );
}

/** Suggests a command of `/wrench` itself for words such as `/wrench freez`, which are closer to one than to any area. */
function nearestAdminCommand(word: string, { catalogue }: RequestContext): ParsedRequest | undefined {
  const meant = nearest(word, [
    ...catalogue.commands.keys(),
    ...Object.keys({ ...ADMIN_COMMANDS, ...ADMIN_ALIASES }),
  ]);
  const name = meant === undefined ? undefined : adminCommandNamed(meant);
  if (name === undefined) return undefined;
  return problem(`Unknown command \`/wrench ${word.slice(0, 40)}\`.`, `/wrench ${name}`, [
    ADMIN_COMMANDS[name].usage,
  ]);
}

function parseWords(area: string, text: string, context: RequestContext): ParsedRequest {
  const { commands, checks } = context.catalogue;
  const slash = context.isTerminal ? '' : '/';
  if (!commands.has(area)) return unknownArea(area, [...commands.keys()], slash);
  const words = splitWords(text, (flag) => !isSwitch(area, text, flag, context));
  const [first = 'help', ...bare] = words.bare;
  const asksForHelp = isHelp(first) || bare.some(isHelp) || words.flags.has('help') || words.flags.has('h');
  const word = isHelp(first) ? bare[0] : first;
  if (word === undefined) return { kind: 'help', help: helpForArea(area, context.catalogue) };
  const name = `${area}/${word.toLowerCase()}`;
  const check = checks.get(name);
  if (!check) {
    const names = namesIn(area, context.catalogue);
    const meant = nearest(word, names);
    return problem(
      `Unknown check \`${slash}${area} ${word.slice(0, 40)}\`.`,
      meant && `${slash}${area} ${meant}`,
      names.map((one) => `/${area} ${one}`),
    );
  }
  if (asksForHelp) return { kind: 'help', help: helpForCheck(name, check) };
  const { environment, rest } = takeEnvironment({ ...words, bare }, context.environments);
  const args = readArguments(check, rest, context.defaults?.[name]);
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
  if (environment === '') throw new ArgumentsError(`Missing value for \`--${ENVIRONMENT_FLAG}\`.`);
  if (!environments.includes(environment))
    throw new ArgumentsError(
      `Unknown environment \`${environment.slice(0, 40)}\`.${suggest(environment, environments)}`,
    );
  return { environment, rest };
}

function isSwitch(area: string, text: string, flag: string, { catalogue }: RequestContext): boolean {
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

function problem(what: string, meant: string | undefined, usage: readonly string[]): ParsedRequest {
  return { kind: 'problem', problem: meant ? `${what} Did you mean \`${meant}\`?` : what, usage };
}

function unknownArea(area: string, areas: readonly string[], slash: string): ParsedRequest {
  const meant = nearest(area, areas);
  return problem(
    `Unknown command \`${slash}${area.slice(0, 40)}\`.`,
    meant && `${slash}${meant}`,
    areas.map((one) => `/${one} help`),
  );
}

function namesIn(area: string, { checks }: Catalogue): readonly string[] {
  return [...checks.keys()]
    .filter((name) => name.startsWith(`${area}/`))
    .map((name) => name.slice(area.length + 1));
}

function usageFor(area: string, text: string, { catalogue }: RequestContext): readonly string[] {
  const name = `${area}/${text.trim().split(/\s+/)[0]?.toLowerCase() ?? ''}`;
  const check = catalogue.checks.get(name);
  return check ? [usageOf(name, check)] : namesIn(area, catalogue).map((one) => `/${area} ${one}`);
}

/** The synopsis, in one line: `/certs expiring [--within 30d] [--source …] [--env …]`. */
export function usageOf(name: string, check: AnyCheck): string {
  const parts = argumentsOf(check).map((argument) => argumentUsage(argument, check));
  return [commandOf(name), ...parts, `[--${ENVIRONMENT_FLAG} …]`].join(' ');
}

function argumentUsage(
  { name, byDefault, choices, isSwitch: alone, isRequired }: ArgumentHelp,
  check: AnyCheck,
): string {
  if (check.bareArgument === name) return isRequired ? `<${name}>` : `[${name}]`;
  return alone ? `[${flagOf(name)}]` : `[${flagOf(name)} ${byDefault ?? choices?.join('|') ?? '…'}]`;
}

/** Fits on one screen of a phone: names and few words. Details are in the help of each command. */
function helpForAll(catalogue: Catalogue): Help {
  const areas = [...catalogue.commands.keys()];
  return {
    title: 'Commands',
    usage: areas.flatMap((area) => usageLines(area, namesIn(area, catalogue))),
    examples: [...examplesOfFirst(catalogue), '/wrench audit --since 7d'],
    commands: Object.entries(ADMIN_COMMANDS).map(([name, { brief }]) => ({
      name: `/wrench ${name}`,
      about: brief,
    })),
    more: 'Add `help` to any command for details.',
  };
}

const PHONE_COLUMNS = 38;

/** `/cloud consoles | images`, with as many checks on a line as a phone has room for. */
function usageLines(area: string, names: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const name of names) {
    const longer = `${lines.at(-1)} | ${name}`;
    if (lines.length > 0 && longer.length <= PHONE_COLUMNS) lines[lines.length - 1] = longer;
    else lines.push(`/${area} ${name}`);
  }
  return lines.length > 0 ? lines : [`/${area}`];
}

function examplesOfFirst({ checks }: Catalogue): readonly string[] {
  const [first] = checks;
  if (!first) return [];
  const [name, check] = first;
  return [...examplesOf(name, check).slice(0, 1), `${commandOf(name)} help`];
}

/** The command alone is the example of a check that declares none. */
function examplesOf(name: string, { examples }: AnyCheck): readonly string[] {
  return (examples ?? ['']).map((example) => `${commandOf(name)} ${example}`.trim());
}

/** `certs/expiring` as Slack's command: `/certs expiring`. */
function commandOf(name: string): string {
  return `/${name.replace('/', ' ')}`;
}

function helpForArea(area: string, catalogue: Catalogue): Help {
  const names = namesIn(area, catalogue);
  return {
    title: catalogue.commands.get(area)?.title ?? area,
    examples: [`/${area} help ${names[0] ?? ''}`.trim()],
    commands: names.map((name) => ({
      name: `/${area} ${name}`,
      about: catalogue.checks.get(`${area}/${name}`)?.title ?? '',
    })),
  };
}

function helpForCheck(name: string, check: AnyCheck): Help {
  const flags = argumentsOf(check).map(({ name: argument, about, byDefault, choices }) => ({
    name: check.bareArgument === argument ? `<${argument}> or ${flagOf(argument)}` : flagOf(argument),
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
    why: originOf(check),
    usage: [usageOf(name, check)],
    examples: examplesOf(name, check),
    form: commandOf(name),
    flags: [
      ...flags,
      {
        name: `--${ENVIRONMENT_FLAG}`,
        about: "the environment to check; without it, the channel's environment or the default one",
      },
    ],
    fixes: Object.values((check.remediations ?? {}) as RemediationsByName).map(
      ({ about, risk }) => `${about} (${risk})`,
    ),
  };
}
