import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import type { RedisConnection } from './connection.ts';

/** What a script reads and returns. Names are those of the locals in its file, in the same order. */
interface Signature<Key extends string, Argument extends string, Answer> {
  /** Names of keys. The last may be a list, as `...targetKeys`. */
  readonly keys: readonly Key[];
  readonly args: readonly Argument[];
  readonly returns: z.ZodType<Answer>;
}

type Values<Key extends string, Argument extends string> = {
  readonly [Name in Key as Name extends `...${infer List}` ? List : Name]: Name extends `...${string}`
    ? readonly string[]
    : string;
} & { readonly [Name in Argument]: string | number };

/** Runs a script atomically, with its keys and arguments by name. In a Cluster all keys must be in one slot. */
export type LuaScript<Key extends string, Argument extends string, Answer> = (
  redis: RedisConnection,
  values: Values<Key, Argument>,
) => Promise<Answer>;

/**
 * Loads a script from a `.lua` file.
 * @throws if the file's `local name = KEYS[n]` and `local name = ARGV[n]` are not those of the signature, in its order.
 */
export function loadLua<const Key extends string, const Argument extends string, Answer>(
  file: URL,
  { keys, args, returns }: Signature<Key, Argument, Answer>,
): LuaScript<Key, Argument, Answer> {
  const text = readLua(file);
  const expected = [
    ...keys.map((name, at) => `${name} = KEYS[${at + 1}]`),
    ...args.map((name, at) => `${name} = ARGV[${at + 1}]`),
  ];
  const actual = localsOf(text);
  if (expected.join() !== actual.join())
    throw new Error(`${file.pathname} reads ${actual.join(', ')}; its caller passes ${expected.join(', ')}`);

  const sha1 = sha1Of(text);
  const keyNames = keys.map((name) => name.replace(LIST, ''));
  return async (redis, values) => {
    const byName: Readonly<Record<string, string | number | readonly string[]>> = values;
    const keyValues = keyNames.flatMap((name) => byName[name] as string | string[]);
    const parameters = [...keyValues, ...args.map((name) => byName[name] as string | number)];
    let answer: unknown;
    try {
      answer = await redis.evalsha(sha1, keyValues.length, ...parameters);
    } catch (error) {
      // This node does not have the script yet, or no longer: it was restarted, or took over from another.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      answer = await redis.eval(text, keyValues.length, ...parameters);
    }
    return returns.parse(answer);
  };
}

/** The digest by which Redis identifies a script. https://redis.io/docs/latest/commands/evalsha/ */
export function sha1Of(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/** A script with the files that it includes by `-- @include "path"`, relative to its own; Redis itself has no includes. */
export function readLua(file: URL): string {
  return readFileSync(file, 'utf8').replaceAll(/^-- @include "(.+)"$/gm, (_, path: string) =>
    readLua(new URL(path, file)),
  );
}

const LIST = /^\.\.\./;
/** A list is filled by a loop, because `unpack` fails at about 8,000 values. */
const LOCAL =
  /^local (?<name>\w+) = (?:\{\} for at = (?<from>\d+), #KEYS do |(?:tonumber\()?(?<table>KEYS|ARGV)\[(?<at>\d+)\])/gm;

/** `windowKey = KEYS[1]`, `...targetKeys = KEYS[2]`, `limit = ARGV[1]`: what a script reads, in the order of its lines. */
export function localsOf(text: string): readonly string[] {
  return [...text.matchAll(LOCAL)].map(({ groups = {} }) => {
    const { name, from, table, at } = groups;
    return from === undefined ? `${name} = ${table}[${at}]` : `...${name} = KEYS[${from}]`;
  });
}
