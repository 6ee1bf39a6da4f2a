import { nearest } from '../../text/nearest.ts';

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
  const meant = nearest(word, known);
  if (meant !== undefined) return `Unknown ${what} \`${word}\`. Did you mean \`${meant}\`?`;
  return `Unknown ${what} \`${word}\`. Available: ${known.join(', ') || 'none'}.`;
}

export function unexpectedText(word: string): string {
  return `Unexpected argument \`${word}\`.`;
}

/** What is wrong with a command line, and how to get help. Without `verb`, the help of Wrench itself. */
export function usageErrorText(what: string, verb?: string): string {
  const help = verb === undefined ? 'wrench --help' : `wrench ${verb} --help`;
  return `wrench: ${what}\nRun \`${help}\` for usage.\n`;
}
