import type { Round } from './rounds.ts';

/** How the conversation with one client ended. Whatever it went through before, a client that got an address in the end is fine. */
export type ClientState =
  | { readonly is: 'fine' }
  | DeafClient
  | RefusedClient
  /** The same few rounds of asking without an answer of any server. */
  | { readonly is: 'unanswered'; readonly rounds: readonly Round[] }
  | { readonly is: 'without address'; readonly rounds: readonly Round[] }
  | { readonly is: 'ignored'; readonly rounds: readonly Round[] }
  /** It has chosen a server that logged nothing about it. */
  | { readonly is: 'served elsewhere'; readonly rounds: readonly Round[] }
  /** Each of its renewals is answered several times, until it receives an answer. */
  | { readonly is: 'receiving late'; readonly renewals: readonly (readonly Round[])[] }
  /** It got an address, and asks for one again and again. */
  | { readonly is: 'starting over'; readonly rounds: readonly Round[] }
  /** It found its address in use. */
  | { readonly is: 'declining'; readonly rounds: readonly Round[]; readonly isLoop: boolean };

/** The answers were sent, and it asks as if it hadn't received them. */
export interface DeafClient {
  readonly is: 'not receiving';
  /** Requests that were answered, each far earlier than a client that has received the answer would send it. */
  readonly requests: readonly Round[];
  /** Offers after them that it didn't take up. */
  readonly offers: readonly Round[];
  /** Whether a server acknowledged an address for it before. */
  readonly hadAddress: boolean;
  /**
   * `judged by its shape`: the time of its renewals is unknown, so they may be as frequent as this. `perhaps a probe`: a monitoring tool may send DISCOVER
   * at a fixed interval and never take an offer. `perhaps a network boot`: firmware ignores offers without a boot file, and then boots from disk.
   */
  readonly guess?: 'judged by its shape' | 'perhaps a probe' | 'perhaps a network boot';
}

export interface RefusedClient {
  readonly is: 'refused';
  readonly rounds: readonly Round[];
  /** It was refused again and again, or only once and then gave up. */
  readonly isLoop: boolean;
  /** It has an address now. */
  readonly hasAddress: boolean;
}

export interface Judging {
  readonly now: Date;
  /** When a client renews its lease: half the lease time, unless the server says otherwise. */
  readonly renewMs?: number | undefined;
}

/** A client takes an offer within seconds. */
const TAKES_OFFER_MS = 60_000;
/** A client that received an answer renews at `renewMs`, of which servers subtract up to an eighth so that not all come at once. */
const EARLY_SHARE = 0.75;
/** An unanswered client repeats its requests faster than this, whatever its lease time; if it is unknown, even faster. */
const REPEATS_WITHIN_MS = 120_000;
const REPEATS_WITHIN_UNKNOWN_MS = 55_000;
/** Clients that receive no offer try again within this time; some sleep for 5 minutes in between. */
const TRIES_AGAIN_MS = 400_000;
/** A monitoring tool that sends DISCOVER does it at most every minute; clients back off from a few seconds. */
const QUICK_RETRY_MS = 55_000;
/** A client may still be waiting for, or working on, an answer. */
const PENDING_MS = 30_000;
/** A client that was refused starts over at once: https://www.rfc-editor.org/rfc/rfc2131#section-3.2 */
const COMES_BACK_MS = 120_000;
const MIN_SIGNS = 3;
/** The timeouts of firmware that follows the PXE specification 2.1. */
const PXE_INTERVALS_MS = [4_000, 8_000, 16_000];
const PXE_TOLERANCE_MS = 1_000;
const MIN_LAPS = 6;
const LAP_MS = 90_000;
/** Intervals that differ less are renewals on a schedule. */
const STEADY_RATIO = 1.3;
const GROWTH = 1.3;
const MAX_GROWTH = 3;
/** The random part that clients add to their intervals. */
const JITTER = 1.1;
/** A client that asks at random times, such as a laptop that wakes up, hardly ever asks so often at longer and longer intervals. */
const MIN_LONG_BACKOFF = 6;

/** Judges one conversation by its end. Pure. */
export function judgeClient(rounds: readonly Round[], judging: Judging): ClientState {
  const asked = rounds.filter(
    ({ outcome }, at) =>
      outcome !== 'elsewhere' && !(outcome === 'offered' && rounds[at + 1]?.outcome === 'elsewhere'),
  );
  const last = asked.at(-1);
  if (last?.asked === 'RELEASE') return { is: 'fine' };
  return (
    judgeUnheard(asked, judging) ??
    judgeRefusals(asked, judging) ??
    judgeFailures(asked) ??
    judgeElsewhere(rounds) ??
    judgeDeclines(asked) ??
    judgeLaps(asked) ??
    judgeLate(asked, judging) ?? { is: 'fine' }
  );
}

/** A client that no server acknowledged, after it asked for the address of another server. */
function judgeElsewhere(rounds: readonly Round[]): ClientState | undefined {
  const since = sinceAcknowledged(rounds);
  const elsewhere = since.filter(({ outcome }) => outcome === 'elsewhere');
  const [last] = elsewhere.slice(-1);
  // If the clocks of servers differ, the acknowledgement may come first.
  const isAcknowledged = rounds.some(
    ({ outcome, address }) => outcome === 'acknowledged' && address === last?.address,
  );
  return last && !isAcknowledged ? { is: 'served elsewhere', rounds: elsewhere } : undefined;
}

/** Replies to unicast renewals get lost, and those to the broadcast before the end of the lease don't. */
function judgeLate(rounds: readonly Round[], { renewMs }: Judging): ClientState | undefined {
  if (renewMs === undefined) return undefined;
  const renewals: Round[][] = [];
  for (const [at, round] of rounds.entries()) {
    const previous = rounds[at - 1];
    if (!isAnsweredRequest(round)) continue;
    const isRepeated =
      previous !== undefined &&
      isAnsweredRequest(previous) &&
      round.at.getTime() - previous.at.getTime() < EARLY_SHARE * renewMs;
    if (isRepeated) renewals.at(-1)?.push(round);
    else renewals.push([round]);
  }
  const late = renewals.filter(({ length }) => length >= MIN_SIGNS);
  const recent = renewals.slice(-1 - MIN_SIGNS);
  const isRecent = recent.filter((one) => late.includes(one)).length >= MIN_SIGNS - 1;
  return late.length >= MIN_SIGNS && isRecent ? { is: 'receiving late', renewals: late } : undefined;
}

function isAnsweredRequest({ asked, outcome }: Round): boolean {
  return asked === 'REQUEST' && outcome === 'acknowledged';
}

interface Signs {
  readonly requests: readonly Round[];
  readonly offers: readonly Round[];
}

function judgeUnheard(rounds: readonly Round[], { now, renewMs }: Judging): DeafClient | undefined {
  const { requests, offers } = signsAtTheEnd(rounds, { now, renewMs });
  const hadAddress = rounds.some(({ outcome }) => outcome === 'acknowledged');
  const isScheduled = renewMs === undefined && isSteady(requests);
  const early = isScheduled ? 0 : Math.max(requests.length - 1, 0);
  const found = { is: 'not receiving', requests: early > 0 ? requests : [], offers, hadAddress } as const;
  if (offers.length === 0) return early < MIN_SIGNS ? undefined : judgeRepeats(found, { now, renewMs });
  if (early + offers.length < MIN_SIGNS) return undefined;
  const [lastRequest] = requests.slice(-1);
  const isAtOnce = (offers[0]?.at.getTime() ?? 0) - (lastRequest?.at.getTime() ?? 0) <= TRIES_AGAIN_MS;
  if (early >= 2 && ((renewMs !== undefined && isAtOnce) || offers.length > 1)) return found;
  const intervals = intervalsOf(offers);
  if (!hadAddress && isNetworkBoot(intervals)) return { ...found, guess: 'perhaps a network boot' };
  const quick = intervals.filter((ms) => ms < QUICK_RETRY_MS).length;
  if (early > 0 || quick > 0) return offers.length < 2 ? undefined : found;
  return offers.length < MIN_SIGNS ? undefined : { ...found, guess: 'perhaps a probe' };
}

function isNetworkBoot(intervals: readonly number[]): boolean {
  return (
    intervals.length === PXE_INTERVALS_MS.length &&
    intervals.every((ms, at) => Math.abs(ms - (PXE_INTERVALS_MS[at] ?? 0)) <= PXE_TOLERANCE_MS)
  );
}

/** Requests that were answered and repeated, and nothing after them. */
function judgeRepeats(found: DeafClient, { now, renewMs }: Judging): DeafClient | undefined {
  const { requests } = found;
  const intervals = intervalsOf(requests);
  const isLong = intervals.some((ms) => ms > REPEATS_WITHIN_MS);
  if (isLong && !isBackoff(intervals)) return undefined;
  const silentMs = now.getTime() - (requests.at(-1)?.at.getTime() ?? 0);
  if (renewMs === undefined) {
    const grows = intervals.slice(1).every((ms, at) => ms >= GROWTH * (intervals[at] ?? 0));
    return grows ? { ...found, guess: 'judged by its shape' } : undefined;
  }
  const isOngoing = silentMs <= Math.max(3 * (intervals.at(-1) ?? 0), 90_000);
  // If it received the last answer, it renews again before the lease ends.
  const isOverdue = silentMs > 2 * renewMs;
  if (!isOngoing && !isOverdue) return undefined;
  // The client may have been given its own time of renewal.
  const isGuess = isSteady(requests) || (isLong && requests.length < MIN_LONG_BACKOFF);
  return isGuess ? { ...found, guess: 'judged by its shape' } : found;
}

/**
 * Clients wait longer and longer between their attempts, or for half of the time that is left of the lease:
 * https://www.rfc-editor.org/rfc/rfc2131#section-4.4.5
 */
function isBackoff(intervals: readonly number[]): boolean {
  const ratios = intervals.slice(1).map((ms, at) => ms / (intervals[at] ?? ms));
  const total = (intervals.at(-1) ?? 0) / (intervals[0] ?? 1);
  const grows = total >= 2 && ratios.every((ratio) => ratio >= 1 / JITTER);
  const shrinks = total <= 0.5 && ratios.every((ratio) => ratio <= JITTER);
  return intervals.length >= MIN_SIGNS && (grows || shrinks);
}

/** The unbroken run of signs at the end that the client doesn't receive what is sent. */
function signsAtTheEnd(rounds: readonly Round[], { now, renewMs }: Judging): Signs {
  const isLeaseUnknown = renewMs === undefined;
  const earlyMs = isLeaseUnknown ? REPEATS_WITHIN_UNKNOWN_MS : EARLY_SHARE * renewMs;
  let signs: Signs = { requests: [], offers: [] };
  for (const [at, round] of rounds.entries()) {
    const previous = rounds[at - 1];
    const next = rounds[at + 1];
    const sinceMs = previous ? round.at.getTime() - previous.at.getTime() : Number.POSITIVE_INFINITY;
    if (round.asked === 'DISCOVER' && round.outcome === 'offered') {
      const nextMs = (next ? next.at : now).getTime() - round.at.getTime();
      const isTaken = next?.asked !== 'DISCOVER' && next !== undefined && nextMs <= TAKES_OFFER_MS;
      const isPending = next === undefined && nextMs < PENDING_MS;
      if (isTaken) signs = { requests: [], offers: [] };
      else if (!isPending) {
        const follows = signs.offers.length === 0 || sinceMs <= TRIES_AGAIN_MS;
        signs = { requests: signs.requests, offers: [...(follows ? signs.offers : []), round] };
      }
    } else if (round.asked === 'REQUEST' && round.outcome === 'acknowledged') {
      const isRepeated =
        previous !== undefined &&
        isAnsweredRequest(previous) &&
        (sinceMs < earlyMs || (isLeaseUnknown && isNextOfBackoff(signs.requests, sinceMs)));
      signs = { requests: isRepeated ? [...signs.requests, round] : [round], offers: [] };
    } else signs = { requests: [], offers: [] };
  }
  return signs;
}

/** Whether a request that comes so much later continues attempts that were longer and longer apart. */
function isNextOfBackoff(requests: readonly Round[], sinceMs: number): boolean {
  const intervals = intervalsOf(requests);
  const last = intervals.at(-1) ?? 0;
  return isBackoff(intervals) && sinceMs >= GROWTH * last && sinceMs <= MAX_GROWTH * last;
}

function judgeRefusals(rounds: readonly Round[], { now }: Judging): RefusedClient | undefined {
  const refused = rounds.filter(({ outcome }) => outcome === 'refused');
  const [lastRefused] = refused.slice(-1);
  if (!lastRefused) return undefined;
  const after = rounds.slice(rounds.indexOf(lastRefused) + 1);
  const hasAddress = after.some(({ outcome }) => outcome === 'acknowledged');
  const since = sinceAcknowledged(rounds).filter(({ outcome }) => outcome === 'refused');
  if (hasAddress) {
    const isLoop = refused.length >= MIN_SIGNS;
    return isLoop ? { is: 'refused', rounds: refused, isLoop, hasAddress } : undefined;
  }
  if (since.length >= MIN_SIGNS) return { is: 'refused', rounds: since, isLoop: true, hasAddress };
  const lastAt = rounds.at(-1)?.at ?? now;
  const isLeft = now.getTime() - lastAt.getTime() >= COMES_BACK_MS;
  const failed = after.some(({ outcome }) => outcome === 'no address' || outcome === 'ignored');
  return isLeft && !failed ? { is: 'refused', rounds: since, isLoop: false, hasAddress } : undefined;
}

function judgeFailures(rounds: readonly Round[]): ClientState | undefined {
  const since = sinceAcknowledged(rounds);
  const last = since.at(-1);
  const of = (outcome: Round['outcome']) => since.filter((one) => one.outcome === outcome);
  if (last?.outcome === 'no address') return { is: 'without address', rounds: of('no address') };
  if (last?.outcome === 'ignored') return { is: 'ignored', rounds: of('ignored') };
  if (last?.outcome !== 'unanswered') return undefined;
  const start = since.findLastIndex(({ outcome }) => outcome !== 'unanswered') + 1;
  const unanswered = since.slice(start);
  const isRetrying = intervalsOf(unanswered)
    .slice(-2)
    .every((ms) => ms <= TRIES_AGAIN_MS);
  return unanswered.length >= MIN_SIGNS && isRetrying ? { is: 'unanswered', rounds: unanswered } : undefined;
}

function judgeDeclines(rounds: readonly Round[]): ClientState | undefined {
  const declined = rounds.filter(({ asked }) => asked === 'DECLINE');
  if (declined.length === 0) return undefined;
  const isLoop = declined.length >= MIN_SIGNS && rounds.slice(-4).some(({ asked }) => asked === 'DECLINE');
  return { is: 'declining', rounds: declined, isLoop };
}

/** DISCOVER, OFFER, REQUEST, ACK, and the same again within a minute, several times: more than the stages of a boot. */
function judgeLaps(rounds: readonly Round[]): ClientState | undefined {
  const starts = rounds.filter(({ asked, outcome }) => asked === 'DISCOVER' && outcome === 'offered');
  const recent = starts.slice(-MIN_LAPS);
  const isComplete =
    recent.length === MIN_LAPS &&
    recent.every((one) => rounds[rounds.indexOf(one) + 1]?.outcome === 'acknowledged');
  const isQuick = intervalsOf(recent).every((ms) => ms <= LAP_MS);
  const isLast = rounds.at(-2) === recent.at(-1);
  return isComplete && isQuick && isLast ? { is: 'starting over', rounds: starts } : undefined;
}

function sinceAcknowledged(rounds: readonly Round[]): readonly Round[] {
  return rounds.slice(rounds.findLastIndex(({ outcome }) => outcome === 'acknowledged') + 1);
}

function intervalsOf(rounds: readonly Round[]): readonly number[] {
  return rounds.slice(1).map(({ at }, index) => at.getTime() - (rounds[index]?.at.getTime() ?? 0));
}

function isSteady(rounds: readonly Round[]): boolean {
  const intervals = intervalsOf(rounds);
  return intervals.length > 1 && Math.max(...intervals) <= STEADY_RATIO * Math.min(...intervals);
}
