import { findingIdOf } from '../../check/finding-id.ts';
import { fingerprint } from '../../check/finding.ts';
import type { Claim } from '../../check/tracked-finding.ts';
import { type Queues, runIdOf } from '../../queue/queues.ts';
import type { RequestOrigin } from '../../queue/request-origin.ts';
import type { Claims } from '../../store/claims/claims.ts';
import type { FindingHistory, KnownFinding } from '../../store/history/tracked-findings.ts';
import type { Silence, Silences, SilenceScope } from '../../store/silences/silences.ts';
import type { StatusThread, StatusThreads } from '../../store/thread/status-threads.ts';
import type { Log } from '../../telemetry/log.ts';
import type { AskFromScope } from '../access/ask-from.ts';

/** Dependencies of taking and silencing findings. */
export interface FindingDeps {
  readonly history: Pick<FindingHistory, 'find' | 'list'>;
  readonly silences: Pick<Silences, 'add' | 'remove' | 'list' | 'covering'>;
  readonly claims: Pick<Claims, 'take' | 'release' | 'read'>;
  readonly statusThreads: StatusThreads;
  readonly queues: Pick<Queues, 'enqueueOutbox'>;
  /** Milliseconds since the epoch, by the clock that all processes share. */
  readonly clock: () => Promise<number>;
  readonly log: Log;
}

/** Who makes a change, and where. */
export interface ChangeOrigin {
  readonly asked: RequestOrigin;
  /** Identifies the delivery. */
  readonly deliveryId: string;
  /** Where the button is. A command has no thread. */
  readonly thread?: StatusThread;
}

/** The id that people type. */
export function idOfKnown({ check, environment, finding }: KnownFinding): string {
  return findingIdOf(fingerprint({ check, environment }, finding));
}

/** The scope of a finding for the `askFrom` rules. */
export function scopeOfKnown({
  check,
  environment,
}: Pick<KnownFinding, 'check' | 'environment'>): AskFromScope {
  const [area = ''] = check.split('/');
  return { environment, area };
}

/** Records who works on a finding. If the same person is on it already, nothing changes unless the comment is new. @returns the claim that it replaces. */
export async function takeFinding(
  deps: FindingDeps,
  known: KnownFinding,
  origin: ChangeOrigin,
  comment?: string,
): Promise<Claim | undefined> {
  const name = fingerprint(known, known.finding);
  const { by } = origin.asked;
  const before = await deps.claims.read(name);
  const claim: Claim = {
    by,
    at: new Date(await deps.clock()).toISOString(),
    ...(comment !== undefined && { comment }),
  };
  const isOnIt = before?.by === by && (comment === undefined || comment === before.comment);
  const replaced = isOnIt ? undefined : await deps.claims.take(name, claim);
  await showStatus(deps, known, origin);
  return replaced;
}

/** Records that no one works on a finding anymore. False if no one did. */
export async function releaseFinding(
  deps: FindingDeps,
  known: KnownFinding,
  origin: ChangeOrigin,
): Promise<boolean> {
  const isReleased = await deps.claims.release(fingerprint(known, known.finding));
  // Corrects a message that still names someone, in any case.
  await showStatus(deps, known, origin);
  return isReleased;
}

/** Silences one finding. @returns the silence, or why it is refused, for people. */
export async function silenceFinding(
  deps: FindingDeps,
  known: KnownFinding,
  origin: ChangeOrigin,
  { because, until }: Pick<Silence, 'because' | 'until'>,
): Promise<Silence | string> {
  const { check, environment, finding } = known;
  const { reason, target } = finding;
  const result = await deps.silences.add(
    { kind: 'finding', check, environment, reason, target },
    { by: origin.asked.by, because, ...(until !== undefined && { until }) },
    [known],
  );
  if (typeof result !== 'string') await showStatus(deps, known, origin);
  return result;
}

/** Silences every finding that a pattern covers. `covered`: those that it covers now. @returns as `silenceFinding` does. */
export async function silencePattern(
  deps: FindingDeps,
  scope: Extract<SilenceScope, { kind: 'pattern' }>,
  covered: readonly KnownFinding[],
  origin: ChangeOrigin,
  { because, until }: Pick<Silence, 'because' | 'until'>,
): Promise<Silence | string> {
  const by = { by: origin.asked.by, because, ...(until !== undefined && { until }) };
  const result = await deps.silences.add(scope, by, covered);
  if (typeof result !== 'string') await showStatuses(deps, covered, origin);
  return result;
}

/** Ends a silence by hand. False if it has already ended. `covered`: the findings that it covers. */
export async function endSilence(
  deps: FindingDeps,
  { id }: Pick<Silence, 'id'>,
  covered: readonly KnownFinding[],
  origin: ChangeOrigin,
): Promise<boolean> {
  const isEnded = await deps.silences.remove(id, origin.asked.by);
  await showStatuses(deps, covered, origin);
  return isEnded;
}

/** The threads of at most this many findings are updated, because each needs a call to Slack. */
const MAX_STATUSES = 20;

async function showStatuses(
  deps: FindingDeps,
  covered: readonly KnownFinding[],
  origin: ChangeOrigin,
): Promise<void> {
  for (const known of covered.slice(0, MAX_STATUSES)) await showStatus(deps, known, origin);
}

/**
 * Shows the current status of a finding in the thread of the click, and in the threads that already show it. The change itself is saved by then, so
 * a failure is only logged.
 */
async function showStatus(deps: FindingDeps, known: KnownFinding, origin: ChangeOrigin): Promise<void> {
  const { claims, silences, statusThreads, queues, clock, log } = deps;
  const { asked, deliveryId, thread } = origin;
  const findingId = idOfKnown(known);
  try {
    if (thread) await statusThreads.add(findingId, thread);
    const threads = await statusThreads.list(findingId);
    if (threads.length === 0) return;
    // Before the status is read, so that of two changes at once, the later job has a status that is at least as new.
    const at = new Date(await clock()).toISOString();
    const [claim, silence] = await Promise.all([
      claims.read(fingerprint(known, known.finding)),
      silences.covering(known),
    ]);
    for (const { channelId, threadTs } of threads) {
      const runId = runIdOf(`status ${findingId} ${channelId} ${threadTs}`);
      await queues.enqueueOutbox(`status-${runId}-${runIdOf(deliveryId)}`, {
        kind: 'finding-status',
        runId,
        asked: { ...asked, channelId },
        threadTs,
        findingId,
        summary: known.finding.summary,
        ...(claim && { claim }),
        ...(silence && { silence: appliedOf(silence) }),
        at,
      });
    }
  } catch (error) {
    log.warn(
      { event: 'finding-status-not-queued', err: error, finding: findingId },
      "Couldn't queue the status of a finding for its threads",
    );
  }
}

function appliedOf({ id, by, at, until, because }: Silence) {
  return { id, by, at, ...(until !== undefined && { until }), because };
}
