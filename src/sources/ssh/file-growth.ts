import { setTimeout as wait } from 'node:timers/promises';
import type { HostClock, HostFileGrowth, HostFiles, HostFileSize } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import { INSTANCES_PATH } from '../../wire/nova-commands.ts';
import {
  type HostQuestion,
  isNoSuchFile,
  isOfHost,
  isPermissionDenied,
  linesOf,
  runForText,
  unknownFormat,
} from './ask-host.ts';
import { foldersWithErrors } from './instance-disks.ts';
import { parseFileSizes } from './machine-facts.ts';

interface FilesQuery {
  readonly sudo: boolean;
  readonly files: HostFiles;
}

/** Instances are somewhere else, or the host has none. */
const NO_FOLDER = /^find: ['`]?\/var\/lib\/nova\/instances'?: No such file/m;

/** The sizes of files. */
export async function readFileSizes(
  asked: HostQuestion,
  query: FilesQuery,
): Promise<readonly HostFileSize[]> {
  const { text, stderr, exitCode } = await runForText(asked, () => HOST_COMMANDS.fileSizes(query), [0, 1]);
  const unread = foldersWithErrors(stderr).filter(({ error }) => isPermissionDenied(error));
  const isPartial = text !== '' && unread.every(({ path }) => path !== INSTANCES_PATH);
  if (isPermissionDenied(stderr) && !(isPartial && unread.length > 0))
    throw asked.fail('refused', "the user can't read /var/lib/nova/instances: add `file-sizes` to `sudo`");
  if (/unrecognized|unknown (?:predicate|option)/i.test(stderr))
    throw asked.fail('missing', "`find` of this host can't print sizes: GNU findutils is needed");
  if (NO_FOLDER.test(stderr)) throw asked.fail('missing', `there is no ${INSTANCES_PATH}`);
  // A file may be deleted while the folder is read.
  if (exitCode !== 0 && !isNoSuchFile(stderr) && unread.length === 0)
    throw asked.fail('malformed', linesOf(stderr)[0] ?? 'exit code 1');
  const files = parseFileSizes(text) ?? unknownFormat(asked);
  return [...files, ...unread.map(({ path, error }) => ({ path, bytes: 0, modifiedAt: new Date(0), error }))];
}

const MAX_WATCH_MS = 10 * 60_000;
/** Someone who writes less often than this is not writing all the time. */
const MAX_PAUSE_MS = 15 * 60_000;

/** Measures large files twice. */
export async function readFileGrowth(
  asked: HostQuestion,
  {
    leastBytes,
    watchMs,
    clock,
    ...query
  }: FilesQuery & {
    readonly leastBytes: number;
    readonly watchMs: number;
    readonly clock: () => Promise<HostClock>;
  },
): Promise<readonly HostFileGrowth[]> {
  if (!(leastBytes >= 0)) throw asked.fail('refused', 'the least size is invalid');
  if (!(watchMs >= 0 && watchMs <= MAX_WATCH_MS)) throw asked.fail('refused', 'the time to watch is invalid');
  const before = (await readFileSizes(asked, query)).filter(
    ({ bytes, diskBytes = 0, error }) => error !== undefined || Math.max(bytes, diskBytes) >= leastBytes,
  );
  if (before.every(({ error }) => error !== undefined))
    return before.map((file) => ({ before: file, betweenMs: 0 }));
  const { time: from } = await clock();
  await waitUnlessAborted(watchMs, asked.query.signal);
  const after = await againUnlessFailed(() => readFileSizes(asked, query));
  const { time: to } = await clock();
  const ofPath = new Map(after.filter(({ error }) => error === undefined).map((file) => [file.path, file]));
  return before.map((file): HostFileGrowth => {
    const later = ofPath.get(file.path);
    const betweenMs = Math.max(to.getTime() - from.getTime(), later ? betweenChangesMs(file, later) : 0);
    return { before: file, ...(later && { after: later }), betweenMs };
  });
}

async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await wait(ms, undefined, { signal }).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error;
  });
}

/** What was measured first is an answer too. */
async function againUnlessFailed(
  read: () => Promise<readonly HostFileSize[]>,
): Promise<readonly HostFileSize[]> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SourceError) || isOfHost(error)) throw error;
    return [];
  }
}

/** The clock of a file server, or one that was set in the meantime, may be another. A file that was idle for long is growing since now. */
function betweenChangesMs(before: HostFileSize, after: HostFileSize): number {
  const ms = after.modifiedAt.getTime() - before.modifiedAt.getTime();
  return ms <= MAX_PAUSE_MS ? ms : 0;
}
