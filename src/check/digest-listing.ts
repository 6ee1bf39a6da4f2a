import { type CronSchedule, nextRunMs } from '../text/cron.ts';
import { nearest } from '../text/nearest.ts';
import { compareDigest } from './compare-digest.ts';
import { digestHeadline, digestVerdict } from './digest-in-words.ts';
import type { DigestRun } from './digest-run.ts';

/** One digest, as lists of digests show it. Times are ISO 8601. */
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
    /** `CRITICAL  2 findings`; absent for somebody who may not ask about it. */
    readonly found?: string;
  };
  /** Why the last message could not be posted. */
  readonly undelivered?: { readonly at: string; readonly code: string };
}

/** What is stored of a digest, as far as a list shows it. */
export interface DigestHistory {
  /** Every due time up to this one has been run; absent if no worker knows the digest with this schedule yet. */
  readonly countedFrom?: string;
  readonly run?: { readonly startedAt: string; readonly state: 'claimed' | 'started' | 'finished' };
  readonly lastRun?: DigestRun;
  readonly undelivered?: { readonly at: string; readonly code: string };
}

/** Longer than a worker takes to notice that a digest is due. */
const OVERDUE_MS = 2 * 60_000;

/** What to do about a digest that is overdue. */
export const OVERDUE_HINT = 'Is a worker running with this digest in its `wrench.yaml`?';

/** By Slack's error codes. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const REFUSAL_HINTS: Readonly<Record<string, string>> = {
  not_in_channel: 'Invite Wrench to the channel: `/invite @Wrench`.',
  channel_not_found:
    'There is no such channel, or it is private: invite Wrench to it, or correct `channel` in `wrench.yaml`.',
  is_archived:
    'The channel is archived: set another `channel` in `wrench.yaml` and restart, or remove the digest.',
};

/** What to do if Slack refuses the messages of a digest with this error code. */
export function refusalHint(code: string): string {
  return REFUSAL_HINTS[code] ?? '`wrench doctor` shows what is missing.';
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

/** Everything that a run found. */
function foundInWords(run: DigestRun): string {
  const changes = compareDigest(undefined, run);
  const verdict = digestVerdict(run, changes);
  const about = `${run.name}: `;
  return `${digestHeadline(changes)}  ${verdict.startsWith(about) ? verdict.slice(about.length) : verdict}`;
}

/** What to say after an unknown word: the nearest of those that `digest` knows, or all of them. */
export function meantDigestWord(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  if (meant !== undefined) return ` Did you mean \`${meant}\`?`;
  return known.length > 0 ? ` Known: ${known.join(', ')}.` : ' No digests are configured.';
}
