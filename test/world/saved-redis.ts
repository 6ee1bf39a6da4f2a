import { readFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import { z } from 'zod';

const headerSchema = z.strictObject({
  /** The version of Wrench that wrote it. */
  wrench: z.string(),
  /** When it was saved, in milliseconds since the epoch. */
  atMs: z.number(),
  about: z.string(),
  steps: z.array(z.string()),
});

const pairs = z.array(z.tuple([z.string(), z.string()]));
const valueSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('string'), value: z.string() }),
  z.strictObject({ type: z.literal('hash'), value: z.record(z.string(), z.string()) }),
  z.strictObject({ type: z.literal('list'), value: z.array(z.string()) }),
  z.strictObject({ type: z.literal('set'), value: z.array(z.string()) }),
  /** Members with their scores. */
  z.strictObject({ type: z.literal('zset'), value: pairs }),
  /** Ids with their fields and values. */
  z.strictObject({ type: z.literal('stream'), value: z.array(z.tuple([z.string(), z.array(z.string())])) }),
]);

type Value = z.infer<typeof valueSchema>;

const keySchema = z.looseObject({ key: z.string(), ttlMs: z.number().exactOptional() });

const messageSchema = z.strictObject({
  channel: z.string(),
  ts: z.string(),
  threadTs: z.string().exactOptional(),
  text: z.string(),
  blocks: z.array(z.looseObject({ type: z.string() })).exactOptional(),
});

export type SavedMessage = z.infer<typeof messageSchema>;

/** The contents of a Redis, and the messages of the bot that belong to it, as lines of JSON that people can read. */
export interface SavedRedis {
  readonly wrench: string;
  readonly atMs: number;
  readonly keys: readonly { readonly key: string; readonly ttlMs?: number; readonly stored: Value }[];
  readonly messages: readonly SavedMessage[];
}

export async function readSavedRedis(path: string): Promise<SavedRedis> {
  const [header, ...lines] = (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const { wrench, atMs } = headerSchema.parse(header);
  const keys = lines
    .filter((line) => 'key' in line)
    .map((line) => {
      const { key, ttlMs, ...stored } = keySchema.parse(line);
      return { key, ...(ttlMs !== undefined && { ttlMs }), stored: valueSchema.parse(stored) };
    });
  const messages = lines.flatMap((line) => ('message' in line ? messageSchema.parse(line['message']) : []));
  return { wrench, atMs, keys, messages };
}

/** The values of a stream's entries, in order. */
export function streamIn({ keys }: SavedRedis, name: string): readonly string[] {
  const stored = keys.find(({ key }) => key === name)?.stored;
  return stored?.type === 'stream' ? stored.value.map(([, [, value = '']]) => value) : [];
}

/**
 * Restores it as if it had been saved `elapsedMs` ago. All times in it are moved by the same amount: expiries, scores, stream ids, and dates
 * in values. Only the entries of streams are left as they are, because the audit is hashed.
 * @param edit changes each text before it is stored.
 */
export async function restoreRedis(
  redis: Redis,
  { atMs, keys }: SavedRedis,
  { elapsedMs = 0, edit = (text) => text }: { elapsedMs?: number; edit?: (text: string) => string } = {},
): Promise<void> {
  const [seconds] = await redis.time();
  const shiftMs = Number(seconds) * 1_000 - elapsedMs - atMs;
  const move = (text: string) => edit(moveTimes(text, atMs, shiftMs));
  for (const { key, ttlMs, stored } of keys) {
    if (ttlMs !== undefined && ttlMs <= elapsedMs) continue;
    await write(redis, key, stored, move);
    if (ttlMs !== undefined) await redis.pexpire(key, ttlMs - elapsedMs);
  }
}

async function write(
  redis: Redis,
  key: string,
  stored: Value,
  move: (text: string) => string,
): Promise<void> {
  switch (stored.type) {
    case 'string':
      await redis.set(key, move(stored.value));
      return;
    case 'hash':
      await redis.hset(key, Object.entries(stored.value).flat().map(move));
      return;
    case 'list':
      await redis.rpush(key, ...stored.value.map(move));
      return;
    case 'set':
      await redis.sadd(key, ...stored.value.map(move));
      return;
    case 'zset':
      await redis.zadd(key, ...stored.value.flatMap(([member, score]) => [move(score), move(member)]));
      return;
    case 'stream':
      for (const [id, fields] of stored.value) await redis.xadd(key, move(id), ...fields);
  }
}

const NEAR_MS = 30 * 86_400_000;
/** BullMQ multiplies the times of delayed jobs by this, and adds a counter. */
const DELAYED_FACTOR = 4_096;

/** Moves the dates (ISO 8601) and the times in milliseconds that are near `atMs`. */
function moveTimes(text: string, atMs: number, shiftMs: number): string {
  const isNear = (ms: number) => Math.abs(ms - atMs) < NEAR_MS;
  return text
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\b/g, (date) => {
      const ms = Date.parse(date);
      return isNear(ms) ? new Date(ms + shiftMs).toISOString() : date;
    })
    .replaceAll(/\b\d{13}\b/g, (digits) => (isNear(Number(digits)) ? `${Number(digits) + shiftMs}` : digits))
    .replaceAll(/\b\d{16}\b/g, (digits) =>
      isNear(Number(digits) / DELAYED_FACTOR) ? `${Number(digits) + shiftMs * DELAYED_FACTOR}` : digits,
    );
}
