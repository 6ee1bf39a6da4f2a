import type { CertificateStore, Sighting } from '../../ports/certificates.ts';
import type { Reach, Source } from '../../ports/source.ts';
import { concurrently } from '../../wire/concurrently.ts';
import type { FilesConfig } from './config.ts';
import { type Listed, listFiles } from './list-files.ts';
import { explain, readCertificateFile, unseen } from './read-file.ts';

/** Each lane holds one file at a time, which bounds memory: 8 × `maxFileBytes`. */
const LANES = 8;

/** Certificates in files. Nothing is kept between scans, so there is nothing to close. */
export function openFiles(config: FilesConfig): Source {
  const certificates: CertificateStore = {
    name: config.name,
    kind: 'files',
    scan: ({ signal }) => scan(config, signal),
  };
  return {
    name: config.name,
    kind: 'files',
    certificates,
    reach: (signal) => reach(config, signal),
    close: async () => {},
  };
}

async function* scan(config: FilesConfig, signal: AbortSignal): AsyncGenerator<Sighting, void, undefined> {
  const tally: Tally = new Map(config.paths.map((pattern) => [pattern, { files: 0, told: 0 }]));
  const looked = concurrently(
    listAll(config, tally),
    LANES,
    async (listed) => {
      const sightings = await lookAt(config, listed);
      const counts = tally.get(listed.pattern);
      if (counts) counts.told += sightings.length;
      return sightings;
    },
    signal,
  );
  for await (const sightings of looked) {
    for (const sighting of sightings) {
      signal.throwIfAborted();
      yield sighting;
    }
  }
  yield* silentPatterns(config, tally);
}

/** For each pattern, how many files it means, and how much was said of them. */
type Tally = Map<string, { files: number; told: number }>;

/** A pattern that yields neither certificates nor complaints looks fine and is not. */
function* silentPatterns(config: FilesConfig, tally: Tally): Generator<Sighting, void, undefined> {
  for (const [pattern, { files, told }] of tally) {
    if (told > 0) continue;
    const matching = files === 1 ? '1 file matches' : `${files} files match`;
    yield unseen(
      config,
      pattern,
      'missing',
      files === 0 ? 'nothing matches it' : `${matching} it, and none holds a certificate`,
    );
  }
}

/** All that the patterns mean, each file once. */
async function* listAll(
  { paths, ignore }: FilesConfig,
  tally: Tally,
): AsyncGenerator<Listed, void, undefined> {
  const known = new Set<string>();
  for (const [pattern, counts] of tally) {
    for await (const listed of listFiles(pattern, ignore)) {
      // What an earlier pattern means too is told there.
      if (known.has(listed.path)) counts.told += 1;
      else yield listed;
      if (paths.length > 1) known.add(listed.path);
      if (!('error' in listed) && !listed.folder) counts.files += 1;
    }
  }
}

async function lookAt(config: FilesConfig, listed: Listed): Promise<Sighting[]> {
  if (!('error' in listed)) return readCertificateFile(config, listed.path, listed.literal);
  const [kind, because] = await explain(listed.error, listed.path);
  return [unseen(config, listed.path, kind, because)];
}

const ENOUGH = 10_000;

/** Lists without reading. */
async function reach(config: FilesConfig, signal: AbortSignal): Promise<Reach> {
  let files = 0;
  const without: string[] = [];
  try {
    for (const pattern of config.paths) {
      const before = files;
      for await (const listed of listFiles(pattern, config.ignore)) {
        signal.throwIfAborted();
        if (!('error' in listed)) files += 1;
        else without.push(listed.path);
        if (files === ENOUGH) return { ok: without.length === 0, said: `${ENOUGH} files and more match` };
      }
      if (files === before && !without.some((path) => path === pattern)) without.push(pattern);
    }
  } catch (error) {
    return {
      ok: false,
      said: `listing failed: ${error instanceof Error ? error.message : String(error)}`,
      cure: 'Are the folders on a disk that answers?',
    };
  }
  const said = `${files} ${files === 1 ? 'file matches' : 'files match'}`;
  if (without.length === 0) return { ok: true, said };
  return {
    ok: false,
    said: `${said}; nothing can be listed at ${without.join(', ')}`,
    cure: 'Correct `paths`, or let the user that the worker runs as read and enter these folders.',
  };
}
