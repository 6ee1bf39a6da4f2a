import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { EndedSilence } from '../../check/digest-run.ts';
import { fingerprint, SEVERITIES, worst } from '../../check/finding.ts';
import { countInWords, timeInWords } from '../../check/report-in-words.ts';
import {
  appliedSilenceSchema,
  trackedFindingSchema,
  type AppliedSilence,
  type TrackedFinding,
} from '../../check/tracked-finding.ts';
import type { KnownFinding } from '../history/tracked-findings.ts';
import { isCovered } from './is-covered.ts';
import type { SilenceScope } from './silences.ts';

const scopeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('finding'),
    check: z.string(),
    environment: z.string(),
    reason: z.string(),
    target: z.string(),
  }),
  z.strictObject({
    kind: z.literal('pattern'),
    check: z.string().exactOptional(),
    environment: z.string().exactOptional(),
    reason: z.string(),
    targetPattern: z.string(),
  }),
]) satisfies z.ZodType<SilenceScope>;

/** A stored silence, with what it covered when it began. */
export const storedSilenceSchema = z.strictObject({
  ...appliedSilenceSchema.shape,
  scope: scopeSchema,
  /** For people: the summary of its finding, or its reason and pattern. */
  about: z.string().min(1),
  /** The worst severity that it covered when it began. */
  severity: trackedFindingSchema.shape.severity,
  /** For one finding: hashes of what it affected when the silence began. */
  targets: z.array(z.string()).exactOptional(),
  /** The covered findings that aren't gone, by a hash of the fingerprint, and when they were last found, in milliseconds since the epoch. */
  open: z.record(z.string(), z.number()),
  /** It covers more findings than `open` can have, so it's unknown when the last of them is gone. */
  isOpenIncomplete: z.literal(true).exactOptional(),
});

export type StoredSilence = z.infer<typeof storedSilenceSchema>;

/** The effect of a run on a silence. */
export type SilenceOutcome =
  | { readonly kind: 'kept'; readonly silence: StoredSilence; readonly isChanged: boolean }
  /** `inWords` is the reason, for the audit. */
  | { readonly kind: 'ended'; readonly because: EndedSilence['because']; readonly inWords: string };

const DAY_MS = 86_400_000;
/** The longest that a silence lasts; one without an end lasts as long as its finding is found again within this time. */
export const MAX_SILENCE_DAYS = 90;
const MAX_SILENCE_MS = MAX_SILENCE_DAYS * DAY_MS;
const MAX_OPEN = 1_000;
/** Limits writes for a finding that is found at every run. */
const FOUND_PRECISION_MS = 3_600_000;

/**
 * The initial state of a silence.
 * @param baseline findings of its scope.
 * @returns undefined if none of them is found or unseen: there is nothing to silence.
 */
export function beginningOf(
  scope: SilenceScope,
  baseline: readonly KnownFinding[],
): Pick<StoredSilence, 'severity' | 'targets' | 'open' | 'isOpenIncomplete'> | undefined {
  const present = baseline.filter((known) => isCovered(scope, known) && known.finding.state !== 'gone');
  const severity = worst(present.map(({ finding }) => finding));
  if (severity === undefined) return undefined;
  const targets = present.flatMap(({ finding: { target, targets: affected } }) => affected ?? [target]);
  return {
    severity,
    ...(scope.kind === 'finding' && { targets: [...new Set(targets.map(hashOf))] }),
    ...nextOpen({ open: {} }, present, Number.POSITIVE_INFINITY),
  };
}

/** When a silence ends even if no check runs, in milliseconds since the epoch. */
export function endMsOf({ until, at, open }: StoredSilence): number {
  if (until !== undefined) return Date.parse(until);
  return Math.max(Date.parse(at), ...Object.values(open)) + MAX_SILENCE_MS;
}

/**
 * Whether a silence covers a finding: it is in its scope, and neither worse nor wider than when the silence began. A critical finding is never
 * covered by a silence without an end, nor is one that is gone.
 */
export function isSilencedBy(silence: StoredSilence, known: KnownFinding): boolean {
  const { finding } = known;
  return (
    isCovered(silence.scope, known) &&
    finding.state !== 'gone' &&
    !isWorse(silence, finding) &&
    newTargets(silence, finding).length === 0 &&
    (finding.severity !== 'critical' || silence.until !== undefined)
  );
}

/**
 * Decides what the findings of one question mean for a silence. Only a finding of this run can be worse or spread, and only a finding that a run has
 * proven gone since it was last found can end a silence as `gone`. An unseen finding ends none.
 */
export function followFindings(
  silence: StoredSilence,
  findings: readonly KnownFinding[],
  nowMs: number,
): SilenceOutcome {
  const covered = findings.filter((known) => isCovered(silence.scope, known));
  const found = covered.map(({ finding }) => finding).filter(({ state }) => state === 'found');
  const worse = found.find((finding) => isWorse(silence, finding));
  if (worse)
    return {
      kind: 'ended',
      because: 'worse',
      inWords: `it got worse: ${worse.target} was ${silence.severity} and is now ${worse.severity}`,
    };
  const [spread, ...more] = found.flatMap((finding) => newTargets(silence, finding));
  if (spread !== undefined) {
    const others = more.length === 0 ? '' : ` and ${countInWords(more.length, 'more target')}`;
    return { kind: 'ended', because: 'spread', inWords: `it has spread to ${spread}${others}` };
  }
  const next = { ...silence, ...nextOpen(silence, covered, nowMs) };
  const isAllGone = Object.keys(next.open).length === 0 && next.isOpenIncomplete === undefined;
  if (isAllGone)
    return outcomeOfGone(
      silence,
      covered.filter((known) => keyOf(known) in silence.open),
      findings,
    );
  const isChanged = next.isOpenIncomplete !== silence.isOpenIncomplete || next.open !== silence.open;
  return { kind: 'kept', silence: next, isChanged };
}

/** The part that people see. */
export function appliedOf({ id, by, at, until, because }: StoredSilence): AppliedSilence {
  return { id, by, at, ...(until !== undefined && { until }), because };
}

/** `until 2026-12-01 10:00 UTC` */
export function endInWords({ until }: Pick<AppliedSilence, 'until'>): string {
  return until === undefined ? 'until it is gone' : `until ${timeInWords(until)}`;
}

/** A fault that is now part of another finding isn't fixed, so the silence doesn't end as `gone`. */
function outcomeOfGone(
  silence: StoredSilence,
  gone: readonly KnownFinding[],
  findings: readonly KnownFinding[],
): SilenceOutcome {
  const successor = gone
    .flatMap(({ finding: { replacedBy } }) => replacedBy ?? [])
    .map(({ reason, target }) =>
      findings.find(({ finding }) => finding.reason === reason && finding.target === target),
    )
    .find((known) => known && known.finding.state !== 'gone' && !isCovered(silence.scope, known))?.finding;
  if (!successor) {
    const inWords = silence.scope.kind === 'finding' ? 'it is gone' : 'everything it covered is gone';
    return { kind: 'ended', because: 'gone', inWords };
  }
  return {
    kind: 'ended',
    because: isWorse(silence, successor) ? 'worse' : 'spread',
    inWords: `it is now part of another finding, ${successor.reason} on ${successor.target}, which is ${successor.severity}`,
  };
}

function isWorse(silence: StoredSilence, { severity }: TrackedFinding): boolean {
  return SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(silence.severity);
}

/** What a finding affects now and didn't when its silence began. A pattern covers its matches, however much they affect. */
function newTargets({ targets }: StoredSilence, finding: TrackedFinding): readonly string[] {
  if (!targets || !finding.targets) return [];
  const known = new Set(targets);
  return finding.targets.filter((target) => !known.has(hashOf(target)));
}

/** The same object if nothing changes. */
function nextOpen(
  { open, isOpenIncomplete }: Pick<StoredSilence, 'open' | 'isOpenIncomplete'>,
  covered: readonly KnownFinding[],
  nowMs: number,
): Pick<StoredSilence, 'open' | 'isOpenIncomplete'> {
  const next = new Map(Object.entries(open));
  let isIncomplete = isOpenIncomplete;
  let isChanged = false;
  for (const known of covered) {
    const key = keyOf(known);
    const before = next.get(key);
    if (known.finding.state === 'gone') {
      if (before === undefined || !isGoneSince(known.finding, before, nowMs)) continue;
      next.delete(key);
    } else {
      const foundMs = Date.parse(known.finding.lastFound);
      if (before !== undefined && before <= nowMs && foundMs < before + FOUND_PRECISION_MS) continue;
      if (before === undefined && next.size >= MAX_OPEN) {
        isIncomplete = true;
        continue;
      }
      next.set(key, foundMs);
    }
    isChanged = true;
  }
  return {
    open: isChanged ? Object.fromEntries(next) : open,
    ...(isIncomplete !== undefined && { isOpenIncomplete: isIncomplete }),
  };
}

/**
 * A question keeps reporting findings that were gone long ago, although another question may have found them since. A finding that was found in the
 * future was dated by a wrong clock: it counts as gone, and is shown if it comes back.
 */
function isGoneSince({ goneAt }: TrackedFinding, foundMs: number, nowMs: number): boolean {
  return goneAt === undefined || foundMs > nowMs || Date.parse(goneAt) > foundMs;
}

function keyOf(known: KnownFinding): string {
  return hashOf(fingerprint(known, known.finding));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
