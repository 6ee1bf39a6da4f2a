import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import { makeRedact } from '../text/redact.ts';

export type Log = Logger;

/**
 * JSON lines on `to`. Every line passes through redaction as a whole, so that no field, message or stack can carry a secret out.
 * A secret with quotes or line breaks is also known in the form that JSON gives it.
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
