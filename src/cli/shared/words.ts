import { parseArgs } from 'node:util';
import { nearest } from '../../text/nearest.ts';

/** What stands behind a verb, as the shell split it. */
export interface ShellWords {
  readonly bare: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
  /** The flags without a value that were given. */
  readonly switches: readonly string[];
  readonly asksForHelp: boolean;
}

/** Sorts words from flags: `known` take a value, `switches` take none. @returns in words what is wrong, where something is. */
export function sortShellWords(
  words: readonly string[],
  known: readonly string[],
  switches: readonly string[] = [],
): ShellWords | string {
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
  const given: string[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option' || token.name === 'help' || token.name === 'h') continue;
    if (switches.includes(token.name)) {
      given.push(token.name);
      continue;
    }
    if (!known.includes(token.name)) return unknownFlag(token.rawName, token.name, [...known, ...switches]);
    if (token.value === undefined || token.value === '') return `\`${token.rawName}\` needs a value.`;
    flags[token.name] = token.value;
  }
  return {
    bare: tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])),
    flags,
    switches: given,
    asksForHelp: tokens.some(
      ({ kind, ...rest }) => kind === 'option' && 'name' in rest && /^h(elp)?$/.test(rest.name),
    ),
  };
}

function unknownFlag(raw: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `There is no \`${raw}\` here.${meant ? ` Did you mean \`--${meant}\`?` : ''}`;
}

/** Quotes a word again that the shell has unquoted, so that one with spaces stays one word. */
export function quoteWord(word: string): string {
  if (!/[\s"']/.test(word)) return word;
  return word.includes('"') ? `'${word}'` : `"${word}"`;
}
