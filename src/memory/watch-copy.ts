import { hostname } from 'node:os';
import { copyAudit, type CopyOptions, type CopyStatus } from './copy-audit.ts';
import type { CopyNotice, CopyState, CopyStates } from './copy-states.ts';

export interface WatchOptions {
  readonly copy: CopyOptions;
  readonly states: CopyStates;
  /** The name of this bot: that of its host. */
  readonly bot?: string;
  /** Told after each pass. */
  readonly measure: (status: CopyStatus) => void;
  /** Posts a notice where people see it; absent where nobody wants it. It is tried again until it does not throw. */
  readonly post?: (notice: CopyNotice) => Promise<void>;
  readonly noteEveryMs?: number;
}

const NOTE_EVERY_MS = 60_000;

/** Copies the audit, and keeps in Redis how that goes, for the doctor; a copy that stops is reported once to the people who look after it. */
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
  /** Not waited for: Slack may be slow, and copying goes on. */
  const startPosting = (take: NonNullable<WatchOptions['post']>) => {
    posting = posting
      .then(() => states.postNotices(take))
      .catch((error: unknown) => {
        log.warn({ err: error }, 'it could not be posted that the audit copy stopped; it is tried again');
      });
  };
  const note = async (status: CopyStatus) => {
    const { stopped, headProblem } = status;
    const what = JSON.stringify([stopped, headProblem]);
    if (what === noted && Date.now() - notedAtMs < noteEveryMs) return;
    await states.note(await toState(status), post !== undefined);
    noted = what;
    notedAtMs = Date.now();
    if (post) startPosting(post);
  };
  const toState = async ({ stopped, ...status }: CopyStatus): Promise<CopyState> => {
    const state = { ...status, bot, ...(to !== undefined && { to }), at: new Date().toISOString() };
    if (!stopped) return state;
    // A restart changes nothing about when it stopped.
    const before = (await states.read(bot, to))?.stopped;
    return { ...state, stopped: before?.because === stopped.because ? before : stopped };
  };
  return copyAudit({
    ...copy,
    report: async (status) => {
      measure(status);
      await note(status).catch((error: unknown) => {
        log.warn({ err: error }, 'how the copy of the audit goes could not be noted in Redis');
      });
    },
  });
}
