/**
 * Every command that Wrench runs on a host. The set is closed: nothing else reaches a host, whatever people type and whatever hosts answer.
 * `deploy/hosts/wrench-collect` allows exactly these.
 */
export interface HostCommand {
  /** The whole command line, with quoted arguments: `env LC_ALL=C PATH=… ip -j -d link show`. */
  readonly line: string;
  /** Output beyond this is cut off. */
  readonly maxBytes: number;
  /** Default: the timeout of the source. */
  readonly timeoutMs?: number;
}

/** An argument that no command may have. Nothing is sent. */
export class HostArgumentError extends RangeError {
  override readonly name = 'HostArgumentError';
}

/** Whether to run the command as root, with `sudo -n`. Only some questions can be asked as root. */
export interface AsRoot {
  readonly sudo: boolean;
}

const PREFIX = 'env LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin';

/** A word that depends on an argument. It has been validated; the quotes are a second protection. */
export interface VariableWord {
  readonly variable: string;
}

export function variable(word: string): VariableWord {
  return { variable: word };
}

const PLAIN_WORD = /^[A-Za-z0-9_./:=+,@%-]+$/;
/** No word has a blank or a quote, so `wrench-collect` can split a line at its blanks. */
const QUOTABLE_WORD = /^[!-&(-~]+$/;

/** Text consists of fixed words with one blank between them. */
export function command(
  parts: readonly (string | VariableWord)[],
  { sudo = false, maxBytes }: { readonly sudo?: boolean; readonly maxBytes: number },
): HostCommand {
  const words = [PREFIX, ...(sudo ? ['sudo -n'] : []), ...parts].flatMap((part) =>
    typeof part === 'string' ? part.split(' ').map(quoteIfNeeded) : [quoteWord(part.variable)],
  );
  return { line: words.join(' '), maxBytes };
}

function quoteIfNeeded(word: string): string {
  return PLAIN_WORD.test(word) ? word : quoteWord(word);
}

function quoteWord(word: string): string {
  if (!QUOTABLE_WORD.test(word))
    throw new HostArgumentError('an argument has a blank, a quote or another unusual character');
  return `'${word}'`;
}

export function wholeNumber(value: number, least: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new HostArgumentError(`not a whole number from ${least} to ${most}`);
  return value;
}

export function choose<Choice extends string, Value>(
  choices: Readonly<Record<Choice, Value>>,
  choice: Choice,
): Value {
  if (!Object.hasOwn(choices, choice)) throw new HostArgumentError('not one of the choices');
  return choices[choice];
}

export const KIB = 1024;
export const MIB = 1024 * KIB;
/** The most lines of a journal that one command reads. */
export const MAX_JOURNAL_LINES = 20_000;
export const MAX_JOURNAL_SECONDS = 366 * 24 * 3600;
/** Newest first, in UTC. */
export const JOURNAL = `journalctl --utc -o short-iso --no-pager -r -n ${MAX_JOURNAL_LINES}`;

export function since(withinSeconds: number): VariableWord {
  return variable(`--since=-${wholeNumber(withinSeconds, 1, MAX_JOURNAL_SECONDS)}s`);
}
