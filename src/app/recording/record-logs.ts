import type { LogLine, Logs } from '../../ports/logs.ts';
import { asJson, questionLine } from './record-hosts.ts';
import { toRecordedError } from './recorded-error.ts';
import type { Note, RecordedError } from './recording.ts';

/** Of more lines, the newest are recorded. */
const MAX_LINES = 20_000;

/** The same logs; the lines of each query are noted, with secrets replaced as in reports, and the list of switch ports. */
export function recordLogs(logs: Logs, note: Note): Logs {
  const { name } = logs;
  return {
    ...logs,
    lines: async function* (query) {
      const request = questionLine('lines', query);
      const lines: LogLine[] = [];
      let error: RecordedError | undefined;
      try {
        for await (const batch of logs.lines(query)) {
          lines.push(...batch.slice(0, MAX_LINES - lines.length));
          yield batch;
        }
      } catch (thrown) {
        error = toRecordedError(name, thrown);
        throw thrown;
      } finally {
        note({ request }, () => ({ answer: asJson(lines), ...(error && { error }) }));
      }
    },
    switchPorts: async (options) => {
      const request = SWITCH_PORTS;
      try {
        const answer = await logs.switchPorts(options);
        note({ request }, () => ({ answer: asJson(answer) }));
        return answer;
      } catch (error) {
        note({ request }, () => ({ error: toRecordedError(name, error) }));
        throw error;
      }
    },
  };
}

/** The request for the list of switch ports. */
export const SWITCH_PORTS = 'switchPorts';
