import { z } from 'zod';
import { comparedTargets, type Finding, type Report, SEVERITIES } from '../../check/finding.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';
import { makeIsInGap } from '../../check/gap-places.ts';
import { couldHide, type FoundScope, foundScopeSchema, scopeOf, shortHash } from './found-scope.ts';
import { addLevel, levelADayBefore, levelSeriesSchema } from './level-series.ts';

/** The findings of one question over its runs, independent of how they are stored. Times are milliseconds since the epoch. */

const knownFindingSchema = z.object({
  reason: z.string(),
  target: z.string().min(1),
  state: z.enum(['found', 'gone', 'unseen']),
  severity: z.enum(SEVERITIES),
  summary: z.string().min(1),
  targets: z.array(z.string().min(1)).exactOptional(),
  /** Targets that the last run didn't find and couldn't have found, with the scope of the run that found them, and since when. */
  hidden: z
    .object({ targets: z.array(z.string().min(1)), scope: z.string(), sinceMs: z.number() })
    .exactOptional(),
  sinceMs: z.number(),
  lastFoundMs: z.number(),
  goneAtMs: z.number().exactOptional(),
  resolution: z.string().min(1).exactOptional(),
  replacedBy: z.object({ reason: z.string(), target: z.string().min(1) }).exactOptional(),
  /** When it was gone within the last day; at most the last {@link FLAPS} times. */
  wentMs: z.array(z.number()).exactOptional(),
  flappingSinceMs: z.number().exactOptional(),
  /** Its key in `scopes`: what the run that last found it could see. Kept until it is gone. */
  scope: z.string().exactOptional(),
  levels: levelSeriesSchema.exactOptional(),
});

type KnownState = z.infer<typeof knownFindingSchema>;

export const questionHistorySchema = z.object({
  /** When the last recorded run began. */
  lastRunMs: z.number().exactOptional(),
  scopes: z.record(z.string(), foundScopeSchema),
  findings: z.array(knownFindingSchema),
});

/** Everything that is kept of one question. Plain JSON. */
export type QuestionHistory = z.infer<typeof questionHistorySchema>;

export const NO_HISTORY: QuestionHistory = { scopes: {}, findings: [] };

const DAY_MS = 24 * 3_600_000;
/**
 * Findings that may still be there are kept this much longer than those that are gone: a digest may run once a month, workers may be down for weeks,
 * and a run may not see everything.
 */
export const UNPROVEN_MS = 60 * DAY_MS;
/** A finding that was gone this many times within a day is flapping. */
const FLAPS = 3;
/** Per question. The worst are kept, and among these the oldest, so that the selection is stable. */
export const MAX_FINDINGS = 2_000;
/** The size of all findings of a question as JSON. */
const MAX_CHARACTERS = 4_000_000;
const MAX_TARGETS = 1_000;
const MAX_SUMMARY = 500;
/** The scopes of the runs that last found the unseen findings. Without its scope, every gap of a run counts as new. */
const MAX_SCOPES = 20;

/** What a run couldn't see. */
interface Unread {
  /** For each scope of a run that found something: whether it may be hidden from this run. */
  readonly byScope: ReadonlyMap<string, boolean>;
  /** Whether a gap names the place of a finding. */
  readonly isInGap: ReturnType<typeof makeIsInGap>;
}

/** The result of a run of one question, and when it ran. All times are by one clock. */
export interface TrackedRun {
  readonly report: Report;
  readonly startedMs: number;
  readonly nowMs: number;
  readonly retentionMs: number;
}

/**
 * The history after a run. Pure.
 *
 * - A finding that the run did not find is `gone` only if the run examined something, and could see all that the run could see that found it last;
 *   otherwise it is `unseen`. What could not be checked then and can't be checked now hides nothing new, unless it names the place of the finding.
 * - The same is true for each target of a finding that has many: one that may be hidden stays.
 * - A run that began before the last recorded one changes nothing, unless that one is later than now: a clock was ahead.
 * - A finding that is not found any more because another one has taken over its target is marked as replaced.
 */
export function trackFindings(history: QuestionHistory, run: TrackedRun): QuestionHistory {
  const before = withoutFuture(history, run.nowMs, run.startedMs);
  if (before.lastRunMs !== undefined && before.lastRunMs > run.startedMs) return history;
  const { report, startedMs } = run;
  const found = foundIn(report);
  const known = new Map(before.findings.map((one) => [keyOf(one), one]));
  const scope = scopeOf(report);
  const scopeId = shortHash(JSON.stringify(scope), 8);
  const unread: Unread = {
    byScope: new Map(Object.entries(before.scopes).map(([id, then]) => [id, couldHide(report, then)])),
    isInGap: makeIsInGap(report.gaps),
  };
  const foundByTarget = byTarget(found.values());
  const resolutions = new Map((report.resolved ?? []).map((one) => [keyOf(one), one.summary]));
  const missing = [...known]
    .filter(([key]) => !found.has(key))
    .map(([key, was]) => {
      const one = settled(was, startedMs);
      if (one.state === 'gone') return one;
      const replacedBy = replacementOf(one, foundByTarget, known);
      const isHidden =
        couldBeHidden(one.scope, unread) ||
        (!replacedBy && unread.isInGap(one)) ||
        hiddenTargets(one, one, unread, startedMs);
      if (isHidden) return { ...one, state: 'unseen' as const };
      return gone(one, startedMs, replacedBy ? { replacedBy } : { resolution: resolutions.get(key) });
    });
  const present = [...found].map(([key, finding]) => {
    const next = seen(known, known.get(key), finding, scopeId, startedMs);
    const stillHidden = hiddenTargets(known.get(key), next, unread, startedMs);
    return stillHidden ? { ...next, hidden: stillHidden } : next;
  });
  const findings = bounded([...present, ...missing.filter((one) => isKept(one, run.nowMs, run.retentionMs))]);
  return {
    lastRunMs: startedMs,
    scopes: usedScopes({ ...before.scopes, [scopeId]: scope }, scopeId, findings),
    findings,
  };
}

/** The findings for display at `nowMs`: found, then unseen, then gone, each with the worst first. */
export function trackedFindings(
  history: QuestionHistory,
  nowMs: number,
  retentionMs: number,
): readonly TrackedFinding[] {
  return withoutFuture(history, nowMs)
    .findings.filter((one) => isKept(one, nowMs, retentionMs))
    .map(toTracked);
}

/** The worse of two findings with the same reason and target, which no check should report. */
function foundIn({ findings }: Report): ReadonlyMap<string, Finding<unknown>> {
  const found = new Map<string, Finding<unknown>>();
  for (const finding of findings) {
    const other = found.get(keyOf(finding));
    if (!other || rankOf(finding) < rankOf(other)) found.set(keyOf(finding), finding);
  }
  return found;
}

function keyOf({ reason, target }: Pick<Finding, 'reason' | 'target'>): string {
  return `${reason} ${target}`;
}

function rankOf({ severity }: Pick<Finding, 'severity'>): number {
  return SEVERITIES.indexOf(severity);
}

function seen(
  known: ReadonlyMap<string, KnownState>,
  was: KnownState | undefined,
  finding: Finding<unknown>,
  scope: string,
  atMs: number,
): KnownState {
  const { reason, target, severity, summary, level } = finding;
  const targets = comparedTargets(finding);
  const one = was && settled(was, atMs);
  // Until now it was part of the finding that had replaced it.
  const wasReplaced = one?.replacedBy && known.get(keyOf(one.replacedBy))?.state === 'found';
  const isBack = one?.state === 'gone' && !wasReplaced;
  const levels = level ? addLevel(one?.levels, level, atMs) : one?.levels;
  return {
    reason,
    target,
    state: 'found',
    severity,
    summary: cut(summary),
    ...(targets && { targets: boundedTargets(targets) }),
    sinceMs: one && !isBack ? one.sinceMs : atMs,
    lastFoundMs: atMs,
    ...(one?.wentMs && { wentMs: one.wentMs }),
    ...(one?.flappingSinceMs !== undefined && { flappingSinceMs: one.flappingSinceMs }),
    scope,
    ...(levels && { levels }),
  };
}

/** Whether something that a run with this scope found may be hidden. True for scopes that aren't kept. */
function couldBeHidden(scope: string | undefined, { byScope }: Unread): boolean {
  return scope === undefined || byScope.get(scope) !== false;
}

/** The targets that a finding had before and doesn't have now, if this run couldn't have found them. */
function hiddenTargets(
  was: KnownState | undefined,
  { targets = [] }: KnownState,
  unread: Unread,
  atMs: number,
): KnownState['hidden'] {
  if (!was || was.state === 'gone') return undefined;
  const isOld = was.hidden === undefined || atMs - was.hidden.sinceMs >= UNPROVEN_MS;
  const found = new Set(targets);
  const hiddenOf = (those: readonly string[] = [], scope: string | undefined) => {
    const isHidden = couldBeHidden(scope, unread);
    return those.filter((target) => !found.has(target) && (isHidden || unread.isInGap({ target })));
  };
  const before = isOld ? [] : hiddenOf(was.hidden?.targets, was.hidden?.scope);
  const all = [...new Set([...before, ...hiddenOf(was.targets, was.scope)])];
  const from = before.length > 0 ? was.hidden : undefined;
  const scope = from?.scope ?? was.scope;
  if (all.length === 0 || scope === undefined) return undefined;
  return { targets: boundedTargets(all), scope, sinceMs: from?.sinceMs ?? atMs };
}

function gone(
  one: KnownState,
  atMs: number,
  { replacedBy, resolution }: { replacedBy?: KnownState['replacedBy']; resolution?: string | undefined },
): KnownState {
  const { scope: _, hidden: __, ...kept } = one;
  const wentMs = [...(one.wentMs ?? []), atMs].filter((ms) => ms > atMs - DAY_MS).slice(-FLAPS);
  const [first = atMs] = wentMs;
  const flappingSinceMs = one.flappingSinceMs ?? (wentMs.length >= FLAPS ? first : undefined);
  return {
    ...kept,
    state: 'gone',
    goneAtMs: atMs,
    ...(replacedBy && { replacedBy }),
    ...(resolution !== undefined && { resolution: cut(resolution) }),
    wentMs,
    ...(flappingSinceMs !== undefined && { flappingSinceMs }),
  };
}

/** A finding that has neither come nor gone for a day isn't flapping anymore. For an unseen one, this is unknown. */
function settled(one: KnownState, atMs: number): KnownState {
  // One that was replaced and came back is there since before that.
  const changedMs = Math.max(
    one.state === 'gone' ? (one.goneAtMs ?? one.lastFoundMs) : one.sinceMs,
    ...(one.wentMs ?? []),
  );
  if (one.state === 'unseen' || one.wentMs === undefined || atMs - changedMs < DAY_MS) return one;
  const { wentMs: _, flappingSinceMs: __, ...stable } = one;
  return stable;
}

/** The finding that has replaced this one: the same reason with other targets, or another reason that didn't affect it when it was last found. */
function replacementOf(
  one: KnownState,
  foundByTarget: ReadonlyMap<string, readonly Finding<unknown>[]>,
  known: ReadonlyMap<string, KnownState>,
): KnownState['replacedBy'] {
  const affected = affectedBy(one);
  const didAffect = (finding: Finding<unknown>) => {
    const then = known.get(keyOf(finding));
    return (
      then !== undefined &&
      then.state !== 'gone' &&
      then.sinceMs <= one.lastFoundMs &&
      !affectedBy(then).isDisjointFrom(affected)
    );
  };
  for (const target of affected)
    for (const finding of foundByTarget.get(target) ?? [])
      if (finding.reason === one.reason || !didAffect(finding))
        return { reason: finding.reason, target: finding.target };
  return undefined;
}

function byTarget(findings: Iterable<Finding<unknown>>): ReadonlyMap<string, readonly Finding<unknown>[]> {
  const all = new Map<string, Finding<unknown>[]>();
  for (const finding of findings)
    for (const target of affectedBy(finding)) {
      const others = all.get(target);
      if (others) others.push(finding);
      else all.set(target, [finding]);
    }
  return all;
}

function affectedBy({ target, targets = [] }: Pick<Finding, 'target' | 'targets'>): ReadonlySet<string> {
  return new Set([target, ...targets]);
}

/** Of too many targets, the last entry stands for the rest, and changes if any of them does. */
function boundedTargets(targets: readonly string[]): string[] {
  if (targets.length <= MAX_TARGETS) return [...targets];
  const sorted = targets.toSorted();
  const rest = sorted.slice(MAX_TARGETS - 1);
  return [...sorted.slice(0, MAX_TARGETS - 1), `${rest.length} others (${shortHash(rest.join('\n'), 6)})`];
}

function cut(text: string): string {
  return text.length > MAX_SUMMARY ? `${text.slice(0, MAX_SUMMARY - 1).toWellFormed()}…` : text;
}

/** When a run last saw that it is there, or that it is gone. */
export function lastEvidenceMs({ goneAtMs, lastFoundMs }: KnownState): number {
  return goneAtMs ?? lastFoundMs;
}

function isKept(one: KnownState, nowMs: number, retentionMs: number): boolean {
  if (one.state === 'found') return true;
  const keptMs = one.state === 'unseen' ? retentionMs + UNPROVEN_MS : retentionMs;
  return lastEvidenceMs(one) > nowMs - keptMs;
}

const STATES: readonly KnownState['state'][] = ['found', 'unseen', 'gone'];

function bounded(findings: readonly KnownState[]): KnownState[] {
  const sorted = findings.toSorted(
    (a, b) =>
      STATES.indexOf(a.state) - STATES.indexOf(b.state) || rankOf(a) - rankOf(b) || a.sinceMs - b.sinceMs,
  );
  let characters = 0;
  return sorted.slice(0, MAX_FINDINGS).filter((one) => {
    characters += JSON.stringify(one).length;
    return characters <= MAX_CHARACTERS;
  });
}

function usedScopes(
  scopes: Readonly<Record<string, FoundScope>>,
  current: string,
  findings: readonly KnownState[],
): Record<string, FoundScope> {
  const lastUsed = new Map<string, number>([[current, Infinity]]);
  const use = (scope: string | undefined, ms: number) => {
    if (scope !== undefined && scopes[scope]) lastUsed.set(scope, Math.max(lastUsed.get(scope) ?? 0, ms));
  };
  for (const { scope, hidden, lastFoundMs } of findings) {
    use(scope, lastFoundMs);
    use(hidden?.scope, hidden?.sinceMs ?? 0);
  }
  const newest = [...lastUsed].toSorted(([, a], [, b]) => b - a).slice(0, MAX_SCOPES);
  return Object.fromEntries(newest.flatMap(([id]) => (scopes[id] ? [[id, scopes[id]]] : [])));
}

/** Records from a clock that was ahead count as recorded at `latestMs`; their levels are dropped. */
function withoutFuture(history: QuestionHistory, nowMs: number, latestMs = nowMs): QuestionHistory {
  const { lastRunMs, scopes, findings } = history;
  const isPast = (ms: number) => ms <= nowMs;
  if (lastRunMs === undefined || isPast(lastRunMs)) return history;
  return {
    scopes,
    findings: findings.map(({ goneAtMs, flappingSinceMs, wentMs, levels, ...one }) => ({
      ...one,
      sinceMs: Math.min(one.sinceMs, latestMs),
      lastFoundMs: Math.min(one.lastFoundMs, latestMs),
      ...(goneAtMs !== undefined && { goneAtMs: Math.min(goneAtMs, latestMs) }),
      ...(flappingSinceMs !== undefined && { flappingSinceMs: Math.min(flappingSinceMs, latestMs) }),
      ...(wentMs && { wentMs: wentMs.filter(isPast) }),
      ...(levels && { levels: { ...levels, points: levels.points.filter(([ms]) => isPast(ms)) } }),
    })),
  };
}

function toTracked(one: KnownState): TrackedFinding {
  const { reason, target, state, severity, summary, goneAtMs, resolution, replacedBy } = one;
  const targets = one.hidden ? [...(one.targets ?? []), ...one.hidden.targets] : one.targets;
  const before = state === 'found' && one.levels && levelADayBefore(one.levels, one.lastFoundMs);
  return {
    reason,
    target,
    state,
    severity,
    summary,
    ...(targets && { targets }),
    since: toIso(one.sinceMs),
    lastFound: toIso(one.lastFoundMs),
    ...(state === 'gone' && goneAtMs !== undefined && { goneAt: toIso(goneAtMs) }),
    ...(resolution !== undefined && { resolution }),
    ...(replacedBy && { replacedBy }),
    ...(one.flappingSinceMs !== undefined && { flappingSince: toIso(one.flappingSinceMs) }),
    ...(before && { before }),
  };
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
