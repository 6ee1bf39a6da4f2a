import { proofInWords } from '../../../check/proof.ts';
import type { Audited } from '../../audit/entry.ts';
import { type Policy, withheld } from '../policy.ts';
import type { Look, Remediation } from '../record.ts';
import type { Decide, Move } from '../remediations.ts';
import { ended, entryOf, iso, NOBODY, whoOf } from './common.ts';
import { withdrawn } from './approval.ts';

/**
 * The life of a remediation, as pure decisions: each looks at what is remembered and gives the move, or says why there is none.
 * Two of them at the same moment are decided by compare-and-set; whoever comes second is asked again with what is so then.
 */

/** The one way to act: from approved, within its time, not frozen, within the caps, with its targets held. */
export function begin(token: number, before: Look, policy: Policy, leaseMs: number, nowMs: number): Decide {
  return (remediation) => {
    const { state, until } = remediation;
    if (state !== 'approved') return `it is ${state}`;
    const off = withheld(policy, remediation);
    if (off) return off;
    return {
      next: { ...remediation, state: 'applying', token, before, until: iso(nowMs + leaseMs) },
      entry: entryOf(remediation, 'applying', whoOf(remediation), nowMs, { before: before.verdict }),
      ...(until !== undefined && { notAfter: until }),
      unlessFrozen: true,
      caps: policy,
      holdMs: leaseMs * 2,
    };
  };
}

/** Remembers one deed. Only who holds the token may: anybody else has been overtaken. */
export function did(token: number, line: string, leaseMs: number, nowMs: number): Decide {
  return holding(token, 'applying', (remediation) => ({
    next: {
      ...remediation,
      deeds: [...remediation.deeds, { at: iso(nowMs), line }],
      until: iso(nowMs + leaseMs),
    },
    holdMs: leaseMs * 2,
  }));
}

/** All deeds are done; whether they helped is looked at. */
export function applied(token: number, leaseMs: number, nowMs: number): Decide {
  return holding(token, 'applying', (remediation) => ({
    next: { ...remediation, state: 'settling', until: iso(nowMs + leaseMs) },
    entry: entryOf(remediation, 'applied', whoOf(remediation), nowMs, deedsOf(remediation)),
    holdMs: leaseMs * 2,
  }));
}

/** How it ended, as looking again says. */
export function settle(token: number, after: Look, because: string | undefined, nowMs: number): Decide {
  return holding(token, 'settling', (remediation) =>
    outcome(remediation, after.finding === 'gone' ? 'fixed' : 'unverified', nowMs, { after, because }),
  );
}

/** A deed did not succeed; what was done by then is remembered. */
export function fail(token: number, because: string, after: Look | undefined, nowMs: number): Decide {
  return holding(token, 'applying', (remediation) =>
    outcome(remediation, 'failed', nowMs, { because, after }),
  );
}

/** Who acted is gone, or was stopped in the middle. */
export function interrupt(token: number, because: string, nowMs: number): Decide {
  return holding(token, 'applying', (remediation) => outcome(remediation, 'interrupted', nowMs, { because }));
}

function holding(token: number, state: 'applying' | 'settling', move: (held: Remediation) => Move): Decide {
  return (remediation) =>
    remediation.state === state && remediation.token === token
      ? move(remediation)
      : `it is ${remediation.state}, and no longer ours`;
}

/** What becomes of a state that nobody ended in time. Whether its time is over is Redis' to say: a lease may have been lengthened. */
export function timeOut(nowMs: number, policy: Pick<Policy, 'approveWithinMinutes'>): Decide {
  const decide = timedOut(nowMs, policy);
  return (remediation) => {
    const move = decide(remediation);
    return typeof move === 'string' ? move : { ...move, onlyIfOverdue: true };
  };
}

function timedOut(nowMs: number, policy: Pick<Policy, 'approveWithinMinutes'>): Decide {
  return (remediation) => {
    const { state } = remediation;
    if (state === 'planning') return expired(remediation, 'no worker made a plan in time', nowMs);
    if (state === 'planned' && remediation.shownAt === undefined)
      return unseen(remediation, nowMs, policy.approveWithinMinutes * 60_000);
    if (state === 'planned') return expired(remediation, 'nobody approved it in time', nowMs);
    if (state === 'approved')
      return expired(remediation, 'no worker took it up while the approval was good', nowMs);
    if (state === 'applying')
      return outcome(remediation, 'interrupted', nowMs, { because: 'the worker was lost while it acted' });
    if (state === 'settling')
      return outcome(remediation, 'unverified', nowMs, {
        because: 'the worker was lost after the deed, before it had looked again',
      });
    return `it is ${state}`;
  };
}

/** A plan that is not posted yet does not expire, but it is withdrawn if it could not be posted for a day. */
function unseen(remediation: Remediation, nowMs: number, approveWithinMs: number): Move {
  const askedAtMs = Date.parse(remediation.requested?.at ?? '');
  if (!(nowMs - askedAtMs < UNSEEN_AT_MOST_MS))
    return withdrawn(remediation, 'its plan could not be posted for a day', nowMs);
  return { next: { ...remediation, until: iso(nowMs + approveWithinMs) }, holdMs: approveWithinMs };
}

const UNSEEN_AT_MOST_MS = 86_400_000;

function expired(remediation: Remediation, because: string, nowMs: number): Move {
  return {
    next: ended({ ...remediation, because }, 'expired', nowMs),
    entry: entryOf(remediation, 'expired', [NOBODY], nowMs, { because }),
  };
}

/** Somebody had the check asked again after an end that left it open. */
export function lookedAgain(by: string, after: Look, nowMs: number): Decide {
  return (remediation) => {
    const { state } = remediation;
    if (!['interrupted', 'unverified', 'failed'].includes(state)) return `it is ${state}`;
    const becomes = after.finding === 'gone' ? 'fixed' : (state as 'interrupted' | 'unverified' | 'failed');
    const move = outcome(remediation, becomes, nowMs, { after, because: remediation.because });
    return { ...move, ...(move.entry && { entry: { ...move.entry, who: [by] } }) };
  };
}

function outcome(
  remediation: Remediation,
  state: 'fixed' | 'unverified' | 'failed' | 'interrupted',
  nowMs: number,
  { because, after }: { readonly because?: string | undefined; readonly after?: Look | undefined },
): Move {
  const { before } = remediation;
  const next = ended(
    { ...remediation, ...(because !== undefined && { because }), ...(after && { after }) },
    state,
    nowMs,
  );
  const proof = after && proofInWords(before?.measures ?? [], after.measures);
  return {
    next,
    entry: entryOf(remediation, 'outcome', whoOf(remediation), nowMs, {
      outcome: state,
      ...deedsOf(remediation),
      ...(because !== undefined && { because }),
      ...(before && { before: before.verdict }),
      ...(after && { after: proof ? `${after.verdict} (${proof})` : after.verdict }),
    }),
  };
}

function deedsOf({ deeds }: Remediation): Pick<Audited, 'deeds'> {
  return deeds.length > 0 ? { deeds: deeds.map(({ line }) => line) } : {};
}
