import { loadCatalogue } from '../request/catalogue.ts';
import { parseRequest } from '../request/parse.ts';
import { renderHelpTerminal } from '../terminal/render.ts';
import { EXIT, refuse, type Terminal } from './shared/terminal.ts';
import { quoteWord } from './shared/words.ts';

/** `wrench help certs expiring`: explains a command or a check. Needs no configuration. @returns the exit code. */
export async function help(words: readonly string[], terminal: Terminal): Promise<number> {
  const catalogue = await loadCatalogue();
  const question = parseRequest(`help ${words.map(quoteWord).join(' ')}`, { catalogue, environments: [] });
  if (question.kind === 'problem') return refuse(question, terminal);
  if (question.kind === 'help') terminal.out(renderHelpTerminal(question.help, terminal.columns));
  return EXIT.clear;
}
