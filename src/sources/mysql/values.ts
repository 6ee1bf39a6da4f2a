import type { SourceError } from '../../ports/source-error.ts';
import type { Row } from './connection.ts';

/** How errors name what can't be read. */
export type Fail = (what: string) => SourceError;

/** A count. Sums are decimals, which the server sends as text; the sum of no rows is NULL. */
export function sumIn(row: Row, column: string, fail: Fail): number {
  const value = row[column];
  if (value === null) return 0;
  const count = toWhole(value);
  if (count === undefined) throw fail(column);
  return count;
}

/** A whole number from 0 on; undefined if it isn't one. */
export function toWhole(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !/^\d{1,20}(?:\.0*)?$/.test(text)) return undefined;
  return Number(text);
}

/** `2022-02-17 08:11:40`, in UTC. undefined if it isn't a time; MySQL allows months and days of 0. */
export function parseDateTime(value: unknown): Date | undefined {
  if (typeof value !== 'string') return undefined;
  const [, day, time] = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d{1,6})?$/.exec(value) ?? [];
  const parsed = new Date(`${day}T${time}Z`);
  return day === undefined || Number.isNaN(parsed.getTime()) ? undefined : parsed;
}
