import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../telemetry/log.ts';
import { seenHeadMismatchInRedis } from './find-entry.ts';
import { entryHash, type AuditHead } from './entry.ts';
import { type AuditLog, type StoredEntry, parseEntry } from './audit-log.ts';
import { CopyWriteError, ChainMismatch } from './copy-error.ts';
import type { CopyStatus } from './copy-states.ts';
import { type CopyTarget, fileTarget, noTarget, type OpenCopy, stdoutTarget } from './copy-target.ts';
import { openSeenHead, type SeenHeadFile } from './head-file.ts';
import { headMismatch } from './verify.ts';

export interface CopyOptions {
  readonly audit: AuditLog;
  /** `stdout`, or the path of a file, which is created if missing. Without it, the audit is only followed for its head. */
  readonly to?: string;
  /** The file of the last head seen. */
  readonly headFile: string;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Called after each pass. */
  readonly report?: (status: CopyStatus) => Promise<void>;
  /** Where lines go instead of this process' stdout. */
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
 * Copies the audit as JSON lines, and follows it. It guarantees:
 *
 * - Entries are copied in order, and only if each continues the one before. A file has each entry once: after a restart, copying continues after the
 *   last complete line.
 * - The last head seen is kept in a file and moves only forward, along one chain.
 * - Copying stops if Redis does not have the last entry copied or seen, or if another process writes to the file. It is retried once a minute,
 *   because someone may have resolved it.
 * - If the target cannot be written, copying is retried, and counts as stopped after five minutes. If only the head cannot be saved, copying
 *   continues.
 * - Why copying stopped is logged once, and is in the status until it is resolved.
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
      // If Redis is unreachable, only what was copied is known.
      await Promise.race([copying, sleep(CLOSES_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

async function follow(options: CopyOptions, stop: AbortSignal): Promise<void> {
  const { audit, report } = options;
  const { everyMs, retryMs } = { ...TIMING, ...options.timing };
  const openTarget = targetOf(options);
  const head = openSeenHead(options.headFile, audit);
  const problems = trackProblems(options);
  let copy: Copy | undefined;
  let seq = 0;
  try {
    for (;;) {
      const isLast = stop.aborted;
      let behind = 0;
      try {
        if (copy && !(await copy.target.isCurrent())) copy = await close(copy);
        copy ??= await begin(options, openTarget, head);
        await copyNewEntries(audit, copy);
        ({ seq } = copy.head);
        await head.advance(copy.head);
        behind = await countNewer(audit, copy);
        problems.clear();
      } catch (error) {
        copy = await close(copy);
        problems.record(error);
        seq = Math.max(seq, (await head.read().catch(() => undefined))?.seq ?? 0);
        const end = await audit.end().catch(() => undefined);
        behind = Math.max(0, (end?.head.seq ?? 0) - seq);
      }
      const found = problems.noteHead(head.problem());
      await report?.({ seq, behind, ...found });
      if (isLast) return;
      await sleep(found.stopped ? retryMs : everyMs, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    await close(copy);
  }
}

/** An open target, and how far it is written. */
interface Copy {
  readonly target: OpenCopy;
  after?: string;
  head: AuditHead;
  /** When the last entry was seen in Redis for the first time. */
  seenAt: string;
}

function targetOf({ audit, to, print }: CopyOptions): CopyTarget {
  if (to === undefined) return noTarget(audit);
  return to === 'stdout' ? stdoutTarget(audit, print) : fileTarget(audit, to);
}

async function begin(
  { audit, to, log }: CopyOptions,
  openTarget: CopyTarget,
  head: SeenHeadFile,
): Promise<Copy> {
  const seen = await head.read();
  const wrong = seen && (await seenHeadMismatchInRedis(audit, seen));
  if (wrong !== undefined) throw new ChainMismatch(wrong);
  const target = await openTarget(seen);
  const { start } = target;
  if (seen && start.head.seq < seen.seq)
    log.warn(
      { event: 'audit-copy-behind', to, copied: start.head.seq, seen: seen.seq },
      'Audit copy ends before the last head seen; completing it from Redis',
    );
  return { target, ...start, seenAt: new Date().toISOString() };
}

async function close(copy: Copy | undefined): Promise<undefined> {
  await copy?.target.close();
}

/** Copies up to the current end of the stream. */
async function copyNewEntries(audit: AuditLog, copy: Copy): Promise<void> {
  for (;;) {
    const entries = await readNewEntries(audit, copy);
    const last = entries.at(-1);
    if (!last) return;
    const head = advanceHead(copy.head, entries);
    await copy.target.write(entries.map(({ raw }) => `${raw}\n`).join(''), last.id);
    Object.assign(copy, { after: last.id, head, seenAt: new Date().toISOString() });
  }
}

/** Reads what follows the last entry copied, together with that entry, which must still be there. @throws {ChainMismatch} if it isn't. */
async function readNewEntries(
  audit: AuditLog,
  { after, head, seenAt }: Copy,
): Promise<readonly StoredEntry[]> {
  if (after === undefined) return audit.page();
  const [known, ...newer] = await audit.pageFrom(after);
  if (known?.id === after && parseEntry(known.raw)?.hash === head.hash) return newer;
  const wrong = await seenHeadMismatchInRedis(audit, { seq: head.seq, hash: head.hash, at: seenAt });
  throw new ChainMismatch(wrong ?? `entry ${head.seq} of the audit was stored in Redis again`);
}

/** A copy proves something only if each entry continues the one before. */
function advanceHead(head: AuditHead, page: readonly StoredEntry[]): AuditHead {
  let last = head;
  for (const { raw } of page) {
    const entry = parseEntry(raw);
    if (!entry) throw new ChainMismatch(`what follows entry ${last.seq} in Redis isn't an audit entry`);
    if (entry.seq !== last.seq + 1 || entry.prev !== last.hash)
      throw new ChainMismatch(
        `entry ${entry.seq} of the audit in Redis doesn't follow entry ${last.seq}, which was copied last`,
      );
    if (entryHash(entry) !== entry.hash)
      throw new ChainMismatch(`entry ${entry.seq} of the audit in Redis: its hash doesn't match its content`);
    last = entry;
  }
  return { seq: last.seq, hash: last.hash };
}

/** How many entries were appended meanwhile. @throws {ChainMismatch} if the stream ends at the last entry copied and its head names another. */
async function countNewer(audit: AuditLog, { after, head: copied }: Copy): Promise<number> {
  const { head, lastId } = await audit.end();
  const wrong = lastId === after ? headMismatch(copied, head) : undefined;
  if (wrong !== undefined) throw new ChainMismatch(wrong);
  return Math.max(0, head.seq - copied.seq);
}

/** Tracks what prevents copying, and since when. Logs each problem once. */
function trackProblems({ to, headFile, log, timing }: CopyOptions) {
  const { unwritableMs } = { ...TIMING, ...timing };
  let stopped: CopyStatus['stopped'];
  let unwritableSinceMs: number | undefined;
  let warnedAtMs = Number.NEGATIVE_INFINITY;
  let headProblem: string | undefined;
  const stop = (because: string, sinceMs: number) => {
    if (stopped?.because === because) return;
    stopped = { because, since: stopped?.since ?? new Date(sinceMs).toISOString() };
    log.error(
      { event: 'audit-copy-stopped', to, because },
      'Stopped copying the audit; retrying once a minute',
    );
  };
  return {
    clear: () => {
      if (stopped) log.info({ event: 'audit-copy-resumed', to }, 'Copying the audit again');
      stopped = unwritableSinceMs = undefined;
      warnedAtMs = Number.NEGATIVE_INFINITY;
    },
    record: (error: unknown) => {
      if (error instanceof ChainMismatch) return stop(error.message, Date.now());
      if (Date.now() - warnedAtMs >= WARNS_EVERY_MS) {
        warnedAtMs = Date.now();
        log.warn({ event: 'audit-not-copied', err: error, to }, "Couldn't copy the audit; retrying");
      }
      if (!(error instanceof CopyWriteError)) return;
      unwritableSinceMs ??= Date.now();
      if (Date.now() - unwritableSinceMs >= unwritableMs) stop(error.message, unwritableSinceMs);
    },
    /** Records why the last head seen can't be written, which doesn't stop copying. @returns all problems. */
    noteHead: (problem: string | undefined): Pick<CopyStatus, 'stopped' | 'headProblem'> => {
      if (problem !== undefined && problem !== headProblem)
        log.warn(
          { event: 'audit-head-not-saved', headFile, because: problem },
          "Couldn't save the last head seen of the audit; retrying",
        );
      headProblem = problem;
      return { ...(stopped && { stopped }), ...(headProblem !== undefined && { headProblem }) };
    },
  };
}
