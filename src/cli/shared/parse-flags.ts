import { parseArgs } from 'node:util';
import { nearest } from '../../text/nearest.ts';

/** The words after a verb, as the shell split them. */
export interface ParsedFlags {
  readonly positionals: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
  /** The flags without a value that were given. */
  readonly switches: readonly string[];
  readonly asksForHelp: boolean;
}

/** Parses flags: those in `known` take a value, those in `switches` take none. @returns what is wrong, as a sentence, if something is. */
export function parseFlags(
  words: readonly string[],
  known: readonly string[],
  switches: readonly string[] = [],
): ParsedFlags | string {
  const options = {
    ...Object.fromEntries(switches.map((name) => [name, { type: 'boolean' as const }])),
    ...Object.fromEntries(known.map((name) => [name, { type: 'string' as const }])),
    help: { type: 'boolean' as const, short: 'h' },
  };
  const { tokens } = parseArgs({
    args: [...words],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags: Record<string, string> = {};
  const givenSwitches: string[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option' || token.name === 'help' || token.name === 'h') continue;
    if (switches.includes(token.name)) {
      if (token.value !== undefined) return noValueText(token.rawName);
      givenSwitches.push(token.name);
      continue;
    }
    if (!known.includes(token.name)) return unknownFlag(token.rawName, token.name, [...known, ...switches]);
    if (token.value === undefined || token.value === '') return `Missing value for \`${token.rawName}\`.`;
    flags[token.name] = token.value;
  }
  return {
    positionals: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])),
    flags,
    switches: givenSwitches,
    asksForHelp: tokens.some(
      ({ kind, ...rest }) => kind === 'option' && 'name' in rest && /^h(elp)?$/.test(rest.name),
    ),
  };
}

/** For a switch that was given one: `--json=3`. */
export function noValueText(flag: string): string {
  return `\`${flag}\` takes no value.`;
}

function unknownFlag(raw: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  if (meant !== undefined) return `Unknown flag \`${raw}\`. Did you mean \`--${meant}\`?`;
  return `Unknown flag \`${raw}\`. Available: ${[...known, 'help'].map((one) => `--${one}`).join(', ')}.`;
}

/** Quotes a word that the shell has unquoted, so that a word with spaces stays one word. */
export function quoteWord(word: string): string {
  if (!/[\s"']/.test(word)) return word;
  return word.includes('"') ? `'${word}'` : `"${word}"`;
}
