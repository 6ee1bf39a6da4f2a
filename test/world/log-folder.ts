import { appendFile, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { LogLine, Logs } from '../../src/ports/logs.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import type { Source } from '../../src/ports/source.ts';
import { syslogConfig } from '../../src/sources/syslog/config.ts';
import { openSyslog } from '../../src/sources/syslog/open.ts';

/** A temporary folder with log files. Paths are relative to it. */
export interface LogFolder {
  readonly dir: string;
  /** Writes files, compressed if their names say so. `modifiedAt` is the time of their last change. */
  readonly put: (files: Readonly<Record<string, string | Buffer>>, modifiedAt?: Date) => Promise<void>;
  readonly append: (path: string, text: string) => Promise<void>;
  readonly open: (paths: readonly string[], config?: object) => Source;
  readonly remove: () => Promise<void>;
}

export async function makeLogFolder(): Promise<LogFolder> {
  const dir = await mkdtemp(join(tmpdir(), 'logs-'));
  return {
    dir,
    put: async (files, modifiedAt) => {
      for (const [path, content] of Object.entries(files)) {
        const target = join(dir, path);
        await mkdir(dirname(target), { recursive: true });
        await writeFile(
          target,
          path.endsWith('.gz') && typeof content === 'string' ? gzipSync(content) : content,
        );
        if (modifiedAt) await utimes(target, modifiedAt, modifiedAt);
      }
    },
    append: (path, text) => appendFile(join(dir, path), text),
    open: (paths, config = {}) =>
      openSyslog(
        syslogConfig.parse({
          kind: 'syslog',
          name: 'switches',
          contains: ['switch'],
          paths: paths.map((path) => join(dir, path)),
          ...config,
        }),
      ),
    remove: () => rm(dir, { recursive: true }),
  };
}

/** The lines of a window, and the error after them. */
export async function readLines(
  { reads: { logs } }: Source,
  window: { readonly since: Date; readonly until?: Date },
): Promise<{
  readonly lines: readonly LogLine[];
  readonly texts: readonly string[];
  readonly error?: SourceError;
}> {
  const lines: LogLine[] = [];
  const { signal } = new AbortController();
  try {
    for await (const batch of (logs as Logs).lines({ content: 'switch', signal, ...window }))
      for (const line of batch) lines.push(line);
    return { lines, texts: lines.map(({ text }) => text) };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { lines, texts: lines.map(({ text }) => text), error };
  }
}
