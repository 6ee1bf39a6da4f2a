import { loadCatalogue } from '../request/catalogue.ts';
import { parseRequest } from '../request/parse.ts';
import { renderHelpTerminal } from '../terminal/render.ts';
import { EXIT, printUsageProblem, type Terminal } from './shared/terminal.ts';
import { quoteWord } from './shared/parse-flags.ts';

/** `wrench help certs expiring`: shows the help of a command or a check. Needs no configuration. @returns the exit code. */
export async function help(words: readonly string[], terminal: Terminal): Promise<number> {
  const catalogue = await loadCatalogue();
  const request = parseRequest(`help ${words.map(quoteWord).join(' ')}`, {
    catalogue,
    environments: [],
    isTerminal: true,
  });
  if (request.kind === 'problem') return printUsageProblem(request, terminal);
  if (request.kind === 'help') terminal.out(renderHelpTerminal(request.help, terminal.columns));
  return EXIT.clear;
}
