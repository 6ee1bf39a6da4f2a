import { Writable } from 'node:stream';
import { pino } from 'pino';
import { makeRedact } from '../text/redact.ts';

interface LogFields {
  /** Names the place that logs the line, in kebab-case. docs/operations.md#log-events lists all of them. */
  readonly event: string;
  readonly err?: unknown;
  readonly [field: string]: unknown;
}

type LogLine = (fields: LogFields, message: string) => void;

export interface Log {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  readonly fatal: LogLine;
  /** The same log, with these fields on every line. */
  readonly child: (fields: Readonly<Record<string, unknown>>) => Log;
}

/**
 * JSON lines on `to`. Every line passes through redaction as a whole, so that no field, message or stack can contain a secret.
 * A secret with quotes or line breaks is recognized in its JSON form too.
 */
export function makeLog(settings: {
  readonly level: string;
  readonly secrets: readonly string[];
  readonly to?: { readonly write: (line: string) => unknown };
}): Log {
  const inJson = settings.secrets.map((secret) => JSON.stringify(secret).slice(1, -1));
  const redact = makeRedact([...settings.secrets, ...inJson]);
  const to = settings.to ?? process.stdout;
  const lines = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      to.write(redact(line));
      done();
    },
  });
  return pino({ level: settings.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, lines);
}
