import type { CertificateStore, ScanOptions, ScanResult } from '../../ports/certificates.ts';
import type { SourceErrorKind } from '../../ports/source-error.ts';
import type { SourceHealth, Source } from '../../ports/source.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { explainFileError } from '../../wire/explain-file-error.ts';
import { listFiles, type ListedEntry, patternsOf } from '../../wire/list-files.ts';
import { printable } from '../../wire/x509.ts';
import type { FilesConfig } from './config.ts';
import { type FileContent, IS_FOLDER, EMPTY_FILE, readCertificateFile, toUnseen } from './read-file.ts';

/** Files read at once. Each is held in memory, so at most 8 × `maxFileBytes` are used. */
const FILES_AT_ONCE = 8;

/** Certificates in files. Nothing is kept between scans, so there is nothing to close. */
export function openFiles(config: FilesConfig): Source {
  const certificates: CertificateStore = {
    name: config.name,
    role: 'stored',
    storedIn: 'files',
    scan: (options) => scan(config, options),
  };
  return {
    name: config.name,
    kind: 'files',
    reads: { certificates },
    healthCheck: (signal) => checkHealth(config, signal),
    close: async () => {},
  };
}

async function* scan(
  config: FilesConfig,
  { signal, onEmpty, onCertificate, onProgress }: ScanOptions,
): AsyncGenerator<ScanResult, void, undefined> {
  const counts = startCounts(config);
  const findPatterns = patternsOf(config);
  let files = 0;
  const read = concurrently(
    listAll(config, counts, signal),
    FILES_AT_ONCE,
    async (listed) => {
      const { results, isEmpty, keysCompared } = await readListed(config, listed, {
        isMatched: (path, real) => findPatterns(path, real).length > 0,
        onCertificate,
      });
      countReported(counts, [listed.pattern], results.length);
      // A pattern that matches only keys is not reported if they were compared.
      for (const key of keysCompared) countReported(counts, findPatterns(key, key), 1);
      if (isEmpty) onEmpty?.();
      if (!('error' in listed)) onProgress?.({ read: ++files, unit: 'files' });
      return results;
    },
    signal,
  );
  for await (const results of read) {
    for (const result of results) {
      signal.throwIfAborted();
      yield result;
    }
  }
  yield* fruitlessPatterns(config, counts);
}

/** For each pattern, how many files it matches, and how many results they had. */
type PatternCounts = ReadonlyMap<string, { files: number; reported: number }>;

function startCounts({ paths }: FilesConfig): PatternCounts {
  return new Map(paths.map((pattern) => [pattern, { files: 0, reported: 0 }]));
}

function countReported(byPattern: PatternCounts, patterns: readonly string[], reported: number): void {
  for (const pattern of patterns) {
    const counts = byPattern.get(pattern);
    if (counts) counts.reported += reported;
  }
}

function listAll(
  config: FilesConfig,
  patterns: PatternCounts,
  signal: AbortSignal,
): AsyncIterable<ListedEntry> {
  return listFiles({
    ...config,
    signal,
    onMatch: (pattern, { isFile, isRepeated }) => {
      const counts = patterns.get(pattern);
      if (counts && isFile) counts.files += 1;
      // Reported for the path or pattern that led to it first.
      if (isRepeated) countReported(patterns, [pattern], 1);
    },
  });
}

/** Reports patterns that yield neither certificates nor gaps: they are probably wrong, and would otherwise look fine. */
function* fruitlessPatterns(
  config: FilesConfig,
  byPattern: PatternCounts,
): Generator<ScanResult, void, undefined> {
  for (const [pattern, { files, reported }] of byPattern) {
    if (reported > 0) continue;
    const because =
      files === 0
        ? MATCHES_NOTHING
        : `${matching(files)}, but ${files === 1 ? 'it contains no certificate' : 'none contains a certificate'}`;
    yield toUnseen(config, pattern, 'missing', because);
  }
}

const MATCHES_NOTHING = 'no file matches';

function matching(files: number): string {
  return files === 1 ? '1 file matches' : `${files} files match`;
}

async function readListed(
  config: FilesConfig,
  listed: ListedEntry,
  options: Parameters<typeof readCertificateFile>[2],
): Promise<FileContent> {
  if (!('error' in listed)) return readCertificateFile(config, listed, options);
  const [kind, because] = await explainFileError(listed.error, listed.path);
  return { ...EMPTY_FILE, results: [toUnseen(config, listed.path, kind, because)] };
}

/** The number of files at which the health check stops counting. */
const MAX_COUNTED = 10_000;

/** Lists files without reading them. */
async function checkHealth(config: FilesConfig, signal: AbortSignal): Promise<SourceHealth> {
  const counts = startCounts(config);
  const problems = new Map<string, Problem>();
  let files = 0;
  let linked = 0;
  try {
    for await (const listed of listAll(config, counts, signal)) {
      const problem = await problemOf(listed);
      if (problem) {
        problems.set(listed.path, problem);
        countReported(counts, [listed.pattern], 1);
      } else if (!('error' in listed || listed.folder)) {
        files += 1;
        if (listed.path !== listed.real) linked += 1;
      }
      if (files === MAX_COUNTED) break;
    }
  } catch (error) {
    return {
      ok: false,
      summary: `listing failed: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'Check that the disks and network shares with these folders respond.',
    };
  }
  const summary =
    files === MAX_COUNTED
      ? `${MAX_COUNTED} files and more match`
      : matching(files) + throughLinks(files, linked);
  for (const [pattern, { files: matched, reported }] of files === MAX_COUNTED ? [] : counts)
    if (matched + reported === 0) problems.set(pattern, ['missing', MATCHES_NOTHING]);
  if (problems.size === 0) return { ok: true, summary };
  const reasons = [...problems].map(([path, [, because]]) => `${printable(path)}: ${because}`);
  const more = reasons.length > MAX_NAMED ? [`${reasons.length - MAX_NAMED} more such paths`] : [];
  return {
    ok: false,
    summary: [summary, ...reasons.slice(0, MAX_NAMED), ...more].join('; '),
    hint: hintsFor([...problems.values()].map(([kind]) => kind)),
  };
}

/** The fault of a path, described as in a scan. */
type Problem = readonly [kind: SourceErrorKind, because: string];

/** A folder may hold thousands of dangling links. */
const MAX_NAMED = 20;

async function problemOf(listed: ListedEntry): Promise<Problem | undefined> {
  if ('error' in listed) return explainFileError(listed.error, listed.path);
  return listed.folder && listed.literal ? ['malformed', IS_FOLDER] : undefined;
}

const HINTS: Readonly<Record<SourceErrorKind, string>> = {
  missing: 'Correct these `paths` and links, or remove them.',
  refused: 'Let the user that the worker runs as read and enter the folders on the way.',
  malformed: 'Give files or patterns in `paths`.',
  unreachable: 'Check the disks and network shares with these paths, and the names on them.',
};

function hintsFor(kinds: readonly SourceErrorKind[]): string {
  return [...new Set(kinds)].map((kind) => HINTS[kind]).join(' ');
}

function throughLinks(files: number, linked: number): string {
  if (linked === 0) return '';
  if (linked < files) return `, ${linked} of them through links`;
  return files === 1 ? ' through a link' : ', all through links';
}
