import type { DigestState } from './digest-state.ts';

/** Whether to post a run now. */
export type PostingDecision = 'go' | 'wait' | 'replaced' | 'posted';

/** The bot renews this at each attempt; attempts are at most a minute apart. */
const POSTING_MS = 5 * 60_000;

/**
 * Decides whether to post a run. At most one is posted at a time: another waits until that is done, or its bot has not tried for some minutes. A run
 * that isn't being posted yet is replaced by a newer one. Runs are compared by the order in which they ended and not by time, so that a wrong clock
 * can't stop a digest.
 */
export function decidePosting(
  state: DigestState | undefined,
  runId: string,
  nowMs: number,
): { readonly decision: PostingDecision; readonly next?: DigestState } {
  // Without a state, no newer run is known.
  if (!state) return { decision: 'go' };
  const { posted, posting, newest } = state;
  if (posted === runId) return { decision: 'posted' };
  const next = { ...state, posting: { runId, until: new Date(nowMs + POSTING_MS).toISOString() } };
  if (posting?.runId === runId) return { decision: 'go', next };
  if (newest !== undefined && newest !== runId) return { decision: 'replaced' };
  const untilMs = posting ? Date.parse(posting.until) : 0;
  return untilMs > nowMs && untilMs <= nowMs + POSTING_MS ? { decision: 'wait' } : { decision: 'go', next };
}

/** Ends the posting of a run; the same object if another run was posted, or is being posted, instead. */
export function endPosting(
  state: DigestState,
  runId: string,
  outcome: Pick<DigestState, 'posted' | 'undelivered'>,
): DigestState {
  const { posting, newest, undelivered: _, ...rest } = state;
  const isIts = posting ? posting.runId === runId : newest === undefined || newest === runId;
  if (!isIts) return state;
  return { ...rest, ...(newest !== undefined && { newest }), ...outcome };
}
