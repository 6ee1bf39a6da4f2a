import { type CronSchedule, nextRunMs } from '../text/cron.ts';
import { suggest } from '../text/nearest.ts';
import { compareDigest } from './compare-digest.ts';
import { digestHeadline, digestVerdict } from './digest-in-words.ts';
import type { DigestRun } from './digest-run.ts';

/** A digest in a list of digests. Times are ISO 8601. */
export interface DigestListing {
  readonly name: string;
  /** The id of the channel where it is posted. */
  readonly channel: string;
  readonly isQuiet: boolean;
  readonly schedule: CronSchedule;
  readonly next?: string;
  /** When it was due, if no worker has started it since. */
  readonly overdueSince?: string;
  readonly runningSince?: string;
  readonly lastRun?: {
    readonly at: string;
    /** `CRITICAL  2 findings`; absent if the reader may not run its checks. */
    readonly found?: string;
  };
  /** Why the last message couldn't be posted. */
  readonly undelivered?: { readonly at: string; readonly code: string };
}

/** The stored state of a digest that a list shows. */
export interface DigestHistory {
  /** Every due time up to this one has been run; absent if no worker knows the digest with this schedule yet. */
  readonly countedFrom?: string;
  readonly run?: { readonly startedAt: string; readonly state: 'claimed' | 'started' | 'finished' };
  readonly lastRun?: DigestRun;
  readonly undelivered?: { readonly at: string; readonly code: string };
}

/** Longer than a worker needs to notice that a digest is due. */
const OVERDUE_MS = 2 * 60_000;

/** How to fix an overdue digest. */
export const OVERDUE_HINT = 'Make sure that a worker is running with this digest in its `wrench.yaml`.';

/** By Slack's error codes. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const REFUSAL_HINTS: Readonly<Record<string, string>> = {
  not_in_channel: 'Invite Wrench to the channel: `/invite @Wrench`.',
  channel_not_found:
    "The channel doesn't exist, or it's private: invite Wrench to it, or fix `channel` in `wrench.yaml`.",
  is_archived:
    'The channel is archived: set another `channel` in `wrench.yaml` and restart, or remove the digest.',
};

/** What to do if Slack rejects the messages of a digest with this error code. */
export function refusalHint(code: string): string {
  return REFUSAL_HINTS[code] ?? "Run `wrench doctor` to see what's missing.";
}

/** Describes a digest. `showsResult`: whether the reader may know what it found. */
export function listDigest(
  definition: CronSchedule & Pick<DigestListing, 'name' | 'channel' | 'isQuiet'>,
  { countedFrom, run, lastRun, undelivered }: DigestHistory,
  { nowMs, showsResult }: { readonly nowMs: number; readonly showsResult: boolean },
): DigestListing {
  const { name, channel, isQuiet, cron, timeZone } = definition;
  const nextMs = nextRunMs(definition, nowMs);
  const isRunning = run !== undefined && run.state !== 'finished';
  const dueMs = countedFrom === undefined ? undefined : nextRunMs(definition, Date.parse(countedFrom));
  const isOverdue = !isRunning && dueMs !== undefined && dueMs < nowMs - OVERDUE_MS;
  return {
    name,
    channel,
    isQuiet,
    schedule: { cron, timeZone },
    ...(nextMs !== undefined && { next: new Date(nextMs).toISOString() }),
    ...(isOverdue && { overdueSince: new Date(dueMs).toISOString() }),
    ...(isRunning && { runningSince: run.startedAt }),
    ...(lastRun && { lastRun: { at: lastRun.at, ...(showsResult && { found: foundInWords(lastRun) }) } }),
    ...(undelivered && { undelivered }),
  };
}

/** The findings of a run, without comparing it with an earlier one. */
function foundInWords(run: DigestRun): string {
  const changes = compareDigest(undefined, run);
  const verdict = digestVerdict(run, changes);
  const about = `${run.name}: `;
  return `${digestHeadline(changes)}  ${verdict.startsWith(about) ? verdict.slice(about.length) : verdict}`;
}

/** Follows the message about an unknown word: the nearest of the known ones, or all of them. */
export function meantDigestWord(word: string, known: readonly string[]): string {
  return suggest(word, known) || ' No digests are configured.';
}
