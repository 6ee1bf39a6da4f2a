import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DigestRun, digestRunSchema } from '../../src/check/digest-run.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { type DigestState, digestStateSchema } from '../../src/store/digests/digest-state.ts';

/** All stored states of a digest, in order. */
export interface DigestLog {
  readonly name: string;
  readonly states: readonly DigestState[];
  /** The runs that were saved. */
  readonly runs: readonly DigestRun[];
}

/** All stored states of digests. */
export function digestLogsIn(commands: RedisCommands, names: readonly string[]): readonly DigestLog[] {
  return names.map((name) => {
    const stateKey = `${PREFIX}:digest:${name}`;
    const runKey = `${PREFIX}:digest-run:${name}`;
    const states: DigestState[] = [];
    const runs: DigestRun[] = [];
    for (const [verb = '', key, ...words] of commands) {
      if (key === stateKey && verb.toLowerCase() === 'hset') {
        const json = words[words.indexOf('state') + 1] ?? '';
        states.push(digestStateSchema.parse(JSON.parse(json)));
      }
      if (key === runKey && verb.toLowerCase() === 'set')
        runs.push(digestRunSchema.parse(JSON.parse(words[0] ?? '')));
    }
    return { name, states, runs };
  });
}

/** The locations of messages that a bot has recorded, as `<channel> <ts>`. */
export function recordedPlacesIn(commands: RedisCommands): ReadonlySet<string> {
  return new Set(
    commands
      .filter(([verb = '', key = '']) => verb.toLowerCase() === 'hset' && key.startsWith(`${PREFIX}:thread:`))
      .flatMap(([, , ...words]) => words.filter((word) => /^C\w+ \d+\.\d+$/.test(word))),
  );
}

export type RedisCommands = readonly (readonly string[])[];

/**
 * Everything that was ever written to a Redis, from its append-only files: a process cannot leave anything
 * out.
 */
export async function readCommands(redisFolder: string): Promise<RedisCommands> {
  const folder = join(redisFolder, 'appendonlydir');
  const number = (file: string) => Number(/\.(\d+)\.incr\.aof$/.exec(file)?.[1]);
  const files = (await readdir(folder))
    .filter((file) => file.endsWith('.incr.aof'))
    .toSorted((a, b) => number(a) - number(b));
  if (number(files[0] ?? '') !== 1)
    throw new Error('Redis has rewritten its files, so earlier writes are gone');
  const all: string[][] = [];
  for (const file of files) all.push(...parseCommands(await readFile(join(folder, file))));
  return all;
}

const NEWLINE = '\r\n';

/** https://redis.io/docs/latest/develop/reference/protocol-spec/ Stops at an incomplete command. */
function parseCommands(bytes: Buffer): string[][] {
  const commands: string[][] = [];
  let at = 0;
  const readNumber = (): number => {
    const end = bytes.indexOf(NEWLINE, at);
    const written = end < 0 ? Number.NaN : Number(bytes.toString('latin1', at + 1, end));
    at = end < 0 ? bytes.length : end + NEWLINE.length;
    return written;
  };
  while (at < bytes.length) {
    const isNote = bytes[at] === '#'.charCodeAt(0);
    const words = readNumber();
    if (isNote) continue;
    const command: string[] = [];
    for (let left = words; left > 0; left -= 1) {
      const length = readNumber();
      if (!(at + length <= bytes.length)) return commands;
      command.push(bytes.toString('utf8', at, at + length));
      at += length + NEWLINE.length;
    }
    commands.push(command);
  }
  return commands;
}
