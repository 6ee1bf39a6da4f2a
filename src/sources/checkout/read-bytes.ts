import { close, constants, fstat, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { tooLarge } from '../../wire/pipeline-text.ts';
import type { ReadEntry } from '../../wire/read-pipelines.ts';

const START_BYTES = 256;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Descriptors take half of the time of the file handles of `node:fs/promises`, of which a checkout needs thousands. */
const files = {
  open: promisify(open),
  fstat: promisify(fstat),
  read: promisify(read),
  close: promisify(close),
};

/** Never follows a link, even if the file has just been replaced by one, and never waits for a pipe. */
export function readBytes(path: string, maxBytes: number): ReturnType<ReadEntry> {
  return withFile(path, async (file) => {
    const facts = await files.fstat(file);
    if (!facts.isFile()) return { error: 'is not a regular file' };
    if (facts.size > maxBytes) return { error: tooLarge(maxBytes) };
    const buffer = Buffer.allocUnsafe(facts.size);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await files.read(file, buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  });
}

/** The first bytes. */
export function readStart(path: string): ReturnType<ReadEntry> {
  return withFile(path, async (file) => {
    const { bytesRead, buffer } = await files.read(file, Buffer.alloc(START_BYTES), 0, START_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  });
}

async function withFile(path: string, work: (file: number) => ReturnType<ReadEntry>): ReturnType<ReadEntry> {
  try {
    const file = await files.open(path, FLAGS);
    try {
      return await work(file);
    } finally {
      await files.close(file);
    }
  } catch (error) {
    return { error: explainRead(error) };
  }
}

/** Why a file or folder can't be read. */
export function explainRead(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (code === 'EACCES' || code === 'EPERM')
    return "can't be read: the user that the worker runs as has no permission";
  if (code === 'ELOOP') return 'is a link now, which is not followed';
  return code === 'ENOENT' ? 'was removed while it was read' : `can't be read (${code})`;
}
