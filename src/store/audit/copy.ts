import { setTimeout as sleep } from 'node:timers/promises';
import { findEntry, seenHeadMismatch } from './find-entry.ts';
import { GENESIS, entryHash, type AuditHead } from './entry.ts';
import { type AuditLog, type StoredEntry, parseEntry } from './audit-log.ts';
import { CopyWriteError, ChainMismatch } from './copy-error.ts';
import type { CopyStatus } from './copy-states.ts';
import { type CopyTarget, NO_COPY, type CopyPosition, fileTarget, stdoutTarget } from './copy-target.ts';
import { type SeenHeadFile, openSeenHead } from './seen-head.ts';
import { headMismatch } from './verify.ts';

export interface CopyOptions {
  readonly audit: AuditLog;
  /** `stdout`, or the path of a file, which is created if missing. Without it, the audit is only followed for its head. */
  readonly to?: string;
  /** The file of the last head seen. */
  readonly headFile: string;
  readonly log: {
    readonly info: (fields: object, message: string) => void;
    readonly warn: (fields: object, message: string) => void;
    readonly error: (fields: object, message: string) => void;
  };
  /** Called after each pass. */
  readonly report?: (status: CopyStatus) => Promise<void>;
  /** Where lines go instead of this process' own stdout. */
  readonly print?: (lines: string) => Promise<void>;
  readonly timing?: Partial<Timing>;
}

interface Timing {
  readonly everyMs: number;
  /** How often copying is retried after it has stopped. */
  readonly retryMs: number;
  /** How long writes may fail before copying counts as stopped. */
  readonly unwritableMs: number;
}

const TIMING: Timing = { everyMs: 1_500, retryMs: 60_000, unwritableMs: 300_000 };
const CLOSES_WITHIN_MS = 5_000;
const WARNS_EVERY_MS = 60_000;

/**
 * Copies the audit as JSON lines, in order, follows it, and keeps the last head seen in a file. A file has each entry once: after a restart,
 * copying continues after the last complete line.
 *
 * Entries that do not continue what was copied or seen are not copied: copying stops, with an error in the log and in the status, and is
 * retried once a minute, because a person may have resolved it.
 */
export function copyAudit(options: CopyOptions): {
  /** Copies the entries that are known by now, then stops. */
  readonly close: () => Promise<void>;
} {
  const stop = new AbortController();
  const copying = follow(options, stop.signal);
  return {
    close: async () => {
      stop.abort();
      // If Redis is unreachable, nothing more is known than what was copied.
      await Promise.race([copying, sleep(CLOSES_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

async function follow(options: CopyOptions, stop: AbortSignal): Promise<void> {
  const { everyMs, retryMs } = { ...TIMING, ...options.timing };
  const head = openSeenHead(options.headFile);
  const problems = trackProblems(options);
  let open: Open | undefined;
  let seq = 0;
  try {
    for (;;) {
      const isLast = stop.aborted;
      let waitMs = everyMs;
      let behind = 0;
      try {
        if (open && !(await open.target.isCurrent())) open = await closeTarget(open);
        open ??= await begin(options, head, problems.foreignSize());
        open.place = await copyNewEntries(options.audit, open);
        ({ seq } = open.place.head);
        await head.advance(options.audit, open.place.head);
        behind = await checkEnd(options.audit, open);
        problems.clear();
      } catch (error) {
        const cause = open ? await explain(error, options.audit, open) : error;
        open = await closeTarget(open);
        if (problems.record(cause) === 'stopped') waitMs = retryMs;
        seq = Math.max(seq, (await head.read().catch(() => undefined))?.seq ?? 0);
        behind = await entriesBehind(options.audit, seq);
      }
      const headProblem = head.problem();
      problems.recordHeadProblem(headProblem);
      const stopped = problems.stopped();
      await options.report?.({
        seq,
        behind,
        ...(stopped && { stopped }),
        ...(headProblem !== undefined && { headProblem }),
      });
      if (isLast) return;
      await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    await closeTarget(open);
  }
}

/** A target and how far it is written. */
interface Open {
  readonly target: CopyTarget;
  place: CopyPosition;
  /** When an entry was last seen. */
  atMs: number;
}

async function begin(
  { audit, to, print, log }: CopyOptions,
  head: SeenHeadFile,
  foreignSize: number | undefined,
): Promise<Open> {
  const seen = await head.read();
  if (seen) {
    const { found, newest } = await findEntry(audit, seen.seq);
    const wrong = seenHeadMismatch(seen, newest, found?.entry);
    if (wrong !== undefined) throw new ChainMismatch(wrong);
  }
  const target =
    to === undefined ? NO_COPY : to === 'stdout' ? stdoutTarget(print) : await fileTarget(to, foreignSize);
  try {
    const place = await target.begin(audit, seen);
    if (seen && place.head.seq < seen.seq)
      log.warn(
        { to, copied: place.head.seq, seen: seen.seq },
        'the copy of the audit ends before the last head seen; completing it from Redis',
      );
    return { target, place, atMs: Date.now() };
  } catch (error) {
    await target.close();
    throw error;
  }
}

async function closeTarget(open: Open | undefined): Promise<undefined> {
  await open?.target.close();
}

/** Copies up to the current end of the stream. */
async function copyNewEntries(audit: AuditLog, open: Open): Promise<CopyPosition> {
  const { target } = open;
  let { place } = open;
  for (;;) {
    const page = await audit.page(place.after);
    const last = page.at(-1);
    if (!last) return place;
    const head = advanceHead(place.head, page);
    await target.write(page.map(({ raw }) => `${raw}\n`).join(''));
    await target.written(audit, last.id);
    place = { after: last.id, head };
    open.atMs = Date.now();
  }
}

/** A copy proves something only if each entry continues the one before. */
function advanceHead(head: AuditHead, page: readonly StoredEntry[]): AuditHead {
  let last = head;
  for (const { raw } of page) {
    const entry = parseEntry(raw);
    if (!entry) throw new ChainMismatch(`what follows entry ${last.seq} in Redis is not an audit entry`);
    if (entry.seq !== last.seq + 1 || entry.prev !== last.hash)
      throw new ChainMismatch(
        `entry ${entry.seq} of the audit in Redis does not follow entry ${last.seq}, which was copied last`,
      );
    if (entryHash(entry) !== entry.hash)
      throw new ChainMismatch(
        `entry ${entry.seq} of the audit in Redis: its hash does not match what it says`,
      );
    last = entry;
  }
  return { seq: last.seq, hash: last.hash };
}

/** How many entries were appended meanwhile. @throws {ChainMismatch} if Redis ends before the last entry copied, or has another one there. */
async function checkEnd(audit: AuditLog, { place, atMs }: Open): Promise<number> {
  const { head, lastId } = await audit.end();
  if (lastId === place.after && head.seq === place.head.seq && head.hash === place.head.hash) return 0;
  if (head.seq > place.head.seq && lastId !== undefined && isAfter(lastId, place.after))
    return head.seq - place.head.seq;
  const { wrong, newest } = await compareWithRedis(audit, place, atMs);
  if (wrong !== undefined) throw new ChainMismatch(wrong);
  const end = headMismatch(newest, head);
  if (end !== undefined && newest.seq === place.head.seq) throw new ChainMismatch(end);
  return Math.max(0, newest.seq - place.head.seq);
}

/** Whether the last entry copied is still in Redis. */
async function compareWithRedis(audit: AuditLog, { head }: CopyPosition, atMs: number) {
  const seen = { ...head, at: new Date(atMs).toISOString() };
  const { found, newest } = await findEntry(audit, seen.seq);
  return { wrong: seenHeadMismatch(seen, newest, seen.seq === 0 ? GENESIS : found?.entry), newest };
}

/** If copied entries were removed from Redis, that is a better explanation of an entry that does not follow. */
async function explain(error: unknown, audit: AuditLog, { place, atMs }: Open): Promise<unknown> {
  if (!(error instanceof ChainMismatch) || error.sizeBytes !== undefined) return error;
  try {
    const { wrong } = await compareWithRedis(audit, place, atMs);
    return wrong === undefined ? error : new ChainMismatch(wrong);
  } catch {
    return error;
  }
}

function isAfter(id: string, other = '0-0'): boolean {
  const [ms = 0, count = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherCount = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && count > otherCount);
}

async function entriesBehind(audit: AuditLog, seq: number): Promise<number> {
  const end = await audit.end().catch(() => undefined);
  return Math.max(0, (end?.head.seq ?? 0) - seq);
}

/** Tracks what prevents copying and since when, and logs each problem once. */
function trackProblems({ to, headFile, log, timing }: CopyOptions) {
  const { unwritableMs } = { ...TIMING, ...timing };
  let stopped: { because: string; since: string } | undefined;
  let unwritableSinceMs: number | undefined;
  let foreignSize: number | undefined;
  let warnedAtMs = Number.NEGATIVE_INFINITY;
  let headProblem: string | undefined;
  const stop = (because: string, sinceMs: number) => {
    if (stopped?.because === because) return;
    stopped = { because, since: stopped?.since ?? new Date(sinceMs).toISOString() };
    log.error({ to, because }, 'stopped copying the audit; retrying once a minute');
  };
  const warn = (error: unknown) => {
    if (Date.now() - warnedAtMs < WARNS_EVERY_MS) return;
    warnedAtMs = Date.now();
    log.warn({ err: error, to }, 'the audit could not be copied; retrying');
  };
  return {
    stopped: () => stopped,
    foreignSize: () => foreignSize,
    clear: () => {
      if (stopped) log.info({ to }, 'copying the audit again');
      stopped = unwritableSinceMs = foreignSize = undefined;
      warnedAtMs = Number.NEGATIVE_INFINITY;
    },
    record: (error: unknown): 'stopped' | 'again' => {
      if (error instanceof ChainMismatch) {
        foreignSize = error.sizeBytes;
        stop(error.message, Date.now());
        return 'stopped';
      }
      warn(error);
      if (!(error instanceof CopyWriteError)) return 'again';
      unwritableSinceMs ??= Date.now();
      if (Date.now() - unwritableSinceMs >= unwritableMs) stop(error.message, unwritableSinceMs);
      return 'again';
    },
    /** Does not stop copying. */
    recordHeadProblem: (problem: string | undefined) => {
      if (problem !== undefined && problem !== headProblem)
        log.warn(
          { headFile, because: problem },
          'the last head seen of the audit cannot be written to its file',
        );
      headProblem = problem;
    },
  };
}
