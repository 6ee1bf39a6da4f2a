import { hostname } from 'node:os';
import { copyAudit, type CopyOptions } from './copy.ts';
import type { AuditCopyState, AuditCopyStates, CopyNotice, CopyStatus } from './copy-states.ts';

export interface WatchOptions {
  readonly copy: CopyOptions;
  readonly states: AuditCopyStates;
  /** The name of this bot. Default: the name of its host. */
  readonly bot?: string;
  /** Called after each pass. */
  readonly measure: (status: CopyStatus) => void;
  /** Posts a notice to people, and is retried until it doesn't throw. Absent if no channel is configured. */
  readonly post?: (notice: CopyNotice) => Promise<void>;
  readonly noteEveryMs?: number;
}

const NOTE_EVERY_MS = 60_000;

/** Copies the audit, saves the state of the copy in Redis for the doctor, and posts a notice once when the copy stops. */
export function watchCopy({
  copy,
  states,
  bot = hostname(),
  measure,
  post,
  noteEveryMs = NOTE_EVERY_MS,
}: WatchOptions): ReturnType<typeof copyAudit> {
  const { log, to } = copy;
  let noted: string | undefined;
  let notedAtMs = 0;
  let posting = Promise.resolve();
  /** Not awaited, so that copying continues if Slack is slow. */
  const startPosting = (take: NonNullable<WatchOptions['post']>) => {
    posting = posting
      .then(() => states.postNotices(take))
      .catch((error: unknown) => {
        log.warn(
          { event: 'audit-notice-not-posted', err: error },
          "Couldn't post the notice that the audit copy stopped; retrying",
        );
      });
  };
  const note = async (status: CopyStatus) => {
    const { stopped, headProblem } = status;
    const what = JSON.stringify([stopped, headProblem]);
    if (what === noted && Date.now() - notedAtMs < noteEveryMs) return;
    await states.save(await toState(status), post !== undefined);
    noted = what;
    notedAtMs = Date.now();
    if (post) startPosting(post);
  };
  const toState = async ({ stopped, ...status }: CopyStatus): Promise<AuditCopyState> => {
    const state = { ...status, bot, ...(to !== undefined && { to }), at: new Date().toISOString() };
    if (!stopped) return state;
    // A restart doesn't change when it stopped.
    const before = (await states.read(bot, to))?.stopped;
    return { ...state, stopped: before?.because === stopped.because ? before : stopped };
  };
  return copyAudit({
    ...copy,
    report: async (status) => {
      measure(status);
      await note(status).catch((error: unknown) => {
        log.warn(
          { event: 'audit-copy-state-not-saved', err: error },
          "Couldn't save the state of the audit copy in Redis; retrying",
        );
      });
    },
  });
}
