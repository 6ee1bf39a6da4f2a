import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { parseEntry } from './audit-log.ts';

/** An audit in a file, up to its size when it was opened: a bot may append meanwhile. */
export interface AuditFile {
  readonly path: string;
  /** Its lines, oldest first, read in blocks. */
  readonly lines: AsyncGenerator<string>;
  /** Whether its last line is incomplete, as after a crash. Known once all lines are read. */
  readonly isTorn: () => boolean;
}

/** A file could not be read. A separate class, because errors of Redis have the same codes. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';

  constructor(path: string, cause: unknown) {
    super(`Couldn't read ${path} (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, { cause });
  }
}

/** @returns undefined if there is no such file. */
export async function openAuditFile(path: string): Promise<AuditFile | undefined> {
  const size = await stat(path).then(
    (found) => found.size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw new UnreadableFile(path, error);
    },
  );
  if (size === undefined) return undefined;
  let torn = false;
  const lines = async function* (): AsyncGenerator<string> {
    if (size === 0) return;
    let rest = '';
    for await (const chunk of readUpTo(path, size)) {
      const whole = `${rest}${chunk}`.split(/\r?\n/);
      rest = whole.pop() ?? '';
      for (const line of whole) if (line !== '') yield line;
    }
    if (rest === '') return;
    // An export may end without a line break.
    if (parseEntry(rest)) yield rest;
    else torn = true;
  };
  return { path, lines: lines(), isTorn: () => torn };
}

async function* readUpTo(path: string, size: number): AsyncGenerator<string> {
  try {
    for await (const chunk of createReadStream(path, { encoding: 'utf8', end: size - 1 }))
      yield String(chunk);
  } catch (error) {
    throw new UnreadableFile(path, error);
  }
}
