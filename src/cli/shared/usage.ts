import { suggest } from '../../text/nearest.ts';

/** The flag that every verb has, for its help page. */
export const HELP_FLAG = { '-h, --help': 'Show this help' };

/** The exit codes of verbs that show a report, for their help pages. */
export const REPORT_EXIT_CODES = {
  '0': 'CLEAR: nothing is wrong',
  '1': 'CRITICAL, WARNING or INFO: something was found',
  '2': "UNKNOWN: something couldn't be checked",
  '64': 'The command line is invalid',
};

/** "Unknown command `rnu`. Did you mean `run`?" */
export function unknownText(what: string, word: string, known: readonly string[]): string {
  return `Unknown ${what} \`${word}\`.${suggest(word, known) || ' Available: none.'}`;
}

export function unexpectedText(word: string): string {
  return `Unexpected argument \`${word}\`.`;
}

/** What is wrong with a command line, and how to get help. Without `verb`, the help of Wrench itself. */
export function usageErrorText(what: string, verb?: string): string {
  const help = verb === undefined ? 'wrench --help' : `wrench ${verb} --help`;
  return `wrench: ${what}\nRun \`${help}\` for usage.\n`;
}
