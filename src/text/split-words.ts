/** What someone typed after the command, split like in a shell, with the flags apart. */
export interface Words {
  /** In order: `expiring`, `www.example.com:443`. */
  readonly bare: readonly string[];
  /** `--within 30d`, `--within=30d` and `within=30d` are the same; a flag without a value is `''`. The last one wins. */
  readonly flags: ReadonlyMap<string, string>;
}

/** What is wrong with the words, for the person who typed them. */
export class WordsError extends Error {
  override readonly name = 'WordsError';
}

export const LONGEST_TEXT = 2_000;

const CURLY_DOUBLE = /[“”„‟«»]/g;
const CURLY_SINGLE = /[‘’‚‛]/g;
/** Slack and phones turn `--` into a dash. At the start of a word, a dash always stands for `--`. */
const LEADING_DASHES = /(^|\s)[—–―−](?=[a-z])/gi;
const TOKEN = /(?:[^\s"']|"[^"]*"|'[^']*')+|["']/g;
const FLAG = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/is;
const ASSIGNED = /^([a-z][a-z0-9-]*)=(.*)$/is;

/**
 * Splits what was typed into words and flags. `takesValue` returns whether a flag is followed by a value.
 * @throws {WordsError} if a quote is not closed or the text is longer than {@link LONGEST_TEXT} characters.
 */
export function splitWords(text: string, takesValue: (flag: string) => boolean = () => true): Words {
  if (text.length > LONGEST_TEXT)
    throw new WordsError(`The command has ${text.length} characters; the limit is ${LONGEST_TEXT}.`);
  const bare: string[] = [];
  const flags = new Map<string, string>();
  const tokens = tokenise(text);
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    const [, name, given] = FLAG.exec(token) ?? ASSIGNED.exec(token) ?? [];
    if (name === undefined) {
      bare.push(unquote(token));
      continue;
    }
    const next = tokens[at + 1];
    const follows =
      given === undefined && takesValue(name.toLowerCase()) && next !== undefined && !FLAG.test(next);
    flags.set(name.toLowerCase(), unquote(given ?? (follows ? next : '')));
    if (follows) at++;
  }
  return { bare, flags };
}

function tokenise(text: string): readonly string[] {
  const plain = text
    .replace(CURLY_DOUBLE, '"')
    .replace(CURLY_SINGLE, "'")
    .replace(LEADING_DASHES, '$1--')
    .trim();
  const tokens = plain.match(TOKEN) ?? [];
  if (tokens.some((token) => token === '"' || token === "'"))
    throw new WordsError(`Missing closing quote in: ${plain.slice(0, 80)}`);
  return tokens;
}

function unquote(token: string): string {
  return token.replace(
    /"([^"]*)"|'([^']*)'/g,
    (_, double?: string, single?: string) => double ?? single ?? '',
  );
}
