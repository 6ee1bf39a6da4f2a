import type { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';

/** @throws {SourceError} `malformed`, quoting nothing of the text. */
export function parseAs<T>(source: string, what: string, schema: z.ZodType<T>, text: string): T {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new SourceError(source, 'malformed', `the director's response cannot be parsed: ${what}`);
}

export interface Lines<T> {
  readonly read: readonly T[];
  /** How many lines could not be read. */
  readonly unread: number;
}

/** One JSON value a line, with empty lines in between. A last line without its end is half written, and no line yet. */
export function parseLines<T>(schema: z.ZodType<T>, text: string): Lines<T> {
  const written = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const read = written
    .map((line) => schema.safeParse(parseJson(line)))
    .flatMap((one) => (one.success ? [one.data] : []));
  return { read, unread: written.length - read.length };
}
