import type { Logs } from '../../ports/logs.ts';
import { questionLine, recordBatches, recordQuestion } from './record-question.ts';
import type { Note } from './recording.ts';

/** Of more lines, the newest are recorded. */
const MAX_LINES = 20_000;

/** The same logs; the lines of each query are noted, with secrets replaced as in reports, and the list of switch ports. */
export function recordLogs(logs: Logs, note: Note): Logs {
  const question = (request: string) => ({ source: logs.name, note, request });
  return {
    ...logs,
    lines: (query) => recordBatches(question(questionLine('lines', query)), logs.lines(query), MAX_LINES),
    switchPorts: (options) => recordQuestion(question(SWITCH_PORTS), () => logs.switchPorts(options)),
  };
}

/** The request for the list of switch ports. */
export const SWITCH_PORTS = 'switchPorts';
