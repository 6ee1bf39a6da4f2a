import { createHash } from 'node:crypto';
import type { DigestPart, DigestRun, DigestSnapshot, EndedSilence } from './digest-run.ts';
import { comparedTargets, type Finding, type Gap, type Offer, SEVERITIES, type Severity } from './finding.ts';
import { countPlaces, listedGaps, reportHeadline, uncheckedGaps } from './report-in-words.ts';
import { gapIdentity, makeIsInGap } from './gap-places.ts';
import type { TrackedFinding } from './tracked-finding.ts';

export type PartQuestion = Pick<DigestPart, 'check' | 'environment' | 'args'>;

/** A finding in a digest. */
export interface DigestFinding {
  readonly question: PartQuestion;
  /** As it is now. If it is no longer checked, or no longer in the history: as it was posted. */
  readonly finding: TrackedFinding;
  /** As this run reported it, with its evidence; absent if the run didn't find it. */
  readonly reported?: Finding<Offer>;
  /** As in the last posted message. */
  readonly was?: TrackedFinding;
}

/** A finding whose severity or extent differs from what was posted. */
export interface ChangedFinding extends DigestFinding {
  readonly was: TrackedFinding;
  /** The severity that was posted, if it has changed. */
  readonly from?: Severity;
  readonly addedTargets: readonly string[];
  readonly removedTargets: readonly string[];
  /** The number of its targets, now and before. */
  readonly targets: number;
  readonly targetsBefore: number;
}

/** A part that wasn't checked completely. */
export interface UncheckedPart {
  readonly question: PartQuestion;
  /** Why nothing of it is known, for people; absent if only some places couldn't be checked. */
  readonly because?: string;
  readonly gaps: readonly Gap[];
  /** Something of it was checked when the last message was posted, and couldn't be checked now. */
  readonly isNew: boolean;
}

/** What is new in a run for people who have read the last posted message. Each finding is in at most one list. */
export interface DigestChanges {
  /** Nothing was posted yet: everything that was found is in `steady`. */
  readonly isFirst: boolean;
  /** When the last posted run began, ISO 8601. */
  readonly since?: string;
  /** Not in the last message, or gone in between. Most severe first. */
  readonly appeared: readonly DigestFinding[];
  /** Higher severity, or new targets; also what replaced a less severe finding. Most severe first. */
  readonly worse: readonly ChangedFinding[];
  /** Lower severity, or fewer targets. */
  readonly better: readonly ChangedFinding[];
  /** Proven. Includes what appeared and was gone again since the last message. */
  readonly gone: readonly DigestFinding[];
  /** Started flapping. */
  readonly flapping: readonly DigestFinding[];
  /** Was reported as flapping and still is, whether or not this run found it. */
  readonly stillFlapping: readonly DigestFinding[];
  /** As it was posted. Oldest first. */
  readonly steady: readonly DigestFinding[];
  /** Found before, and a gap or a failure may hide it now. */
  readonly unseen: readonly DigestFinding[];
  /** Its check is no longer in the digest, so its current state is unknown. */
  readonly noLongerChecked: readonly DigestFinding[];
  readonly silenced: readonly DigestFinding[];
  /** Silences that ended automatically and were not mentioned yet. */
  readonly endedSilences: readonly EndedSilence[];
  readonly unchecked: readonly UncheckedPart[];
  /** Whether anything differs from the last message; false for equal runs. */
  readonly hasNews: boolean;
  /** Whether to post the run. False only for a scheduled run of a quiet digest that has nothing new, worse or newly unknown. */
  readonly isWorthPosting: boolean;
}

/**
 * Compares a run with the last posted message of its digest. Pure: the same arguments give the same changes.
 *
 * Nothing is `gone` unless a run proved it. Unseen findings stay as they were posted. A flapping finding is reported once, when it starts flapping.
 */
export function compareDigest(posted: DigestSnapshot | undefined, run: DigestRun): DigestChanges {
  const now = entriesOf(posted, run);
  const of = (kind: Kind) => now.filter((entry) => entry.kind === kind);
  const changed = (kind: Kind) =>
    of(kind).flatMap((entry) => (entry.was ? [changeOf(entry, entry.was)] : []));
  const unchecked = run.parts.flatMap((part) => uncheckedPart(part, postedQuestion(posted, part)) ?? []);
  const mentioned = new Set(posted?.endedSilences);
  const endedSilences = run.endedSilences.filter(({ id }) => !mentioned.has(id));
  const lists = {
    appeared: of('appeared').toSorted(worstFirst),
    worse: changed('worse').toSorted(worstFirst),
    better: changed('better').toSorted(worstFirst),
    gone: of('gone').toSorted(worstFirst),
    flapping: of('flapping').toSorted(worstFirst),
    stillFlapping: of('still-flapping').toSorted(oldestFirst),
    steady: of('steady').toSorted(oldestFirst),
    unseen: of('unseen').toSorted(worstFirst),
    noLongerChecked: of('no-longer-checked').toSorted(worstFirst),
    silenced: of('silenced'),
  };
  const isFirst = posted === undefined;
  const isUrgent =
    [lists.appeared, lists.worse, lists.flapping].some(({ length }) => length > 0) ||
    unchecked.some(({ isNew }) => isNew) ||
    lists.unseen.some(({ was }) => was?.state !== 'unseen') ||
    endedSilences.some(({ because }) => because === 'worse' || because === 'spread') ||
    (isFirst && lists.steady.length > 0);
  const hasNews =
    isFirst ||
    isUrgent ||
    [lists.better, lists.gone, lists.noLongerChecked, endedSilences].some(({ length }) => length > 0);
  // Someone waits for the message of a requested run.
  const isWorthPosting = !run.isQuiet || run.due === undefined || isUrgent;
  return {
    isFirst,
    ...(posted && { since: posted.at }),
    ...lists,
    endedSilences,
    unchecked,
    hasNews,
    isWorthPosting,
  };
}

/**
 * The snapshot to store when a run was posted. An unseen finding stays as it was posted, and so does a silenced one: when its silence ends, it is new
 * only if no message has listed it, and worse if it got worse meanwhile. A run compared with its own snapshot has no news.
 */
export function snapshotOf(run: DigestRun, posted: DigestSnapshot | undefined): DigestSnapshot {
  const entries = entriesOf(posted, run);
  return {
    at: run.at,
    questions: run.parts.map((part) => {
      const findings = entries
        .filter(({ part: at }) => at === part)
        .flatMap((entry) => remembered(entry) ?? []);
      // An unseen finding may be in a source that is no longer examined.
      const isHidden = findings.some(({ state }) => state === 'unseen');
      const before = isHidden ? (postedQuestion(posted, part)?.sources ?? []) : [];
      return {
        check: part.check,
        environment: part.environment,
        args: part.args,
        findings,
        unchecked: uncheckedPlaces(part),
        sources: [...new Set([...before, ...examinedSources(part)])],
      };
    }),
    endedSilences: run.endedSilences.map(({ id }) => id),
  };
}

type Kind =
  | 'appeared'
  | 'worse'
  | 'better'
  | 'gone'
  | 'flapping'
  | 'still-flapping'
  | 'steady'
  | 'unseen'
  | 'no-longer-checked'
  | 'silenced'
  /** Known but not mentioned: it was gone when the last message was posted, and still is. */
  | 'unmentioned';

interface Entry extends DigestFinding {
  readonly kind: Kind;
  /** Absent if its question isn't in the run. */
  readonly part?: DigestPart;
}

interface Remembered {
  readonly finding: TrackedFinding;
  /** From other arguments, which the digest no longer uses, or from the finding that it replaced. */
  readonly isMoved: boolean;
}

function entriesOf(posted: DigestSnapshot | undefined, run: DigestRun): readonly Entry[] {
  const dropped = (posted?.questions ?? []).filter((one) => !run.parts.some((part) => isSame(one, part)));
  const moved = new Set<TrackedFinding>();
  const entries = run.parts.flatMap((part): Entry[] => {
    const before = new Map<string, Remembered>();
    const current = new Map(part.tracked.map((one) => [keyOf(one), one]));
    for (const question of dropped)
      if (question.check === part.check && question.environment === part.environment)
        for (const finding of question.findings)
          if (current.has(keyOf(finding))) before.set(keyOf(finding), { finding, isMoved: true });
    for (const finding of postedQuestion(posted, part)?.findings ?? [])
      before.set(keyOf(finding), { finding, isMoved: false });
    const reported = new Map((part.report?.findings ?? []).toReversed().map((one) => [keyOf(one), one]));
    for (const [key, one] of reported)
      if (!current.has(key)) current.set(key, trackedFrom(one, part, before.get(key)?.finding));
    for (const [key, { finding }] of before)
      if (!current.has(key)) current.set(key, withoutHistory(finding, part, posted));
    for (const { finding } of before.values()) moved.add(finding);
    const replaced = replacedBy(current, before);
    for (const [key, remembered] of replaced) before.set(key, remembered);
    for (const [key, remembered] of renamed(current, before)) before.set(key, remembered);
    return [...current].map(([key, known]): Entry => {
      const remembered = before.get(key);
      const finding = withoutGoneSuccessor(known, current, replaced);
      const seen = part.report ? finding : { ...finding, state: 'unseen' as const };
      const one = reported.get(key);
      return {
        question: { check: part.check, environment: part.environment, args: part.args },
        part,
        finding: seen,
        ...(one && { reported: one }),
        ...(remembered && { was: remembered.finding }),
        kind: kindOf(seen, remembered, posted, run),
      };
    });
  });
  const noLonger = dropped.flatMap(({ check, environment, args, findings }) =>
    findings
      .filter((finding) => !moved.has(finding))
      .map((finding): Entry => ({
        question: { check, environment, args },
        finding,
        was: finding,
        kind: finding.state === 'gone' ? 'unmentioned' : 'no-longer-checked',
      })),
  );
  return [...entries, ...noLonger];
}

/** For findings that weren't posted: the finding that they replaced, if they are more severe. Otherwise they are new. */
function replacedBy(
  current: ReadonlyMap<string, TrackedFinding>,
  before: ReadonlyMap<string, Remembered>,
): ReadonlyMap<string, Remembered> {
  const replaced = new Map<string, Remembered>();
  for (const [key, { state, replacedBy: by }] of current) {
    const was = before.get(key);
    const successor = by && current.get(keyOf(by));
    if (state !== 'gone' || !was || !by || !successor || before.has(keyOf(by))) continue;
    if (bySeverity({ finding: successor }, was) >= 0) continue;
    const known = replaced.get(keyOf(by));
    if (!known || bySeverity(was, known) < 0)
      replaced.set(keyOf(by), { finding: was.finding, isMoved: true });
  }
  return replaced;
}

/**
 * For findings that share targets with posted findings of the same reason: what was posted about them. A finding with many targets may be named after
 * another one, split or merged when one of them is gone or can't be seen, and none of that is news.
 */
function renamed(
  current: ReadonlyMap<string, TrackedFinding>,
  before: ReadonlyMap<string, Remembered>,
): ReadonlyMap<string, Remembered> {
  const isCounted = ({ targets = [] }: TrackedFinding) => restOf(targets) > 0 || targets.some(isNumbered);
  const placesOf = (all: Iterable<TrackedFinding>) => {
    const places = new Map<string, TrackedFinding[]>();
    for (const one of all)
      if (!isCounted(one))
        for (const target of affectedBy(one)) {
          const place = `${one.reason} ${target}`;
          places.set(place, [...(places.get(place) ?? []), one]);
        }
    return places;
  };
  const postedIn = placesOf(
    [...before.values()].map(({ finding }) => finding).filter(({ state }) => state !== 'gone'),
  );
  const currentIn = placesOf([...current.values()].filter(({ state }) => state !== 'gone'));
  const found = new Map<string, Remembered>();
  for (const [key, one] of current) {
    if (one.state !== 'found' || isCounted(one)) continue;
    const own = affectedBy(one);
    const known = before.get(key);
    const sharing = new Set(own.flatMap((target) => postedIn.get(`${one.reason} ${target}`) ?? []));
    // What is posted under its own name has only taken over what isn't there any more.
    const related = [...sharing].filter(
      (other) => !known || other === known.finding || current.get(keyOf(other))?.state === 'gone',
    );
    const [first] = related.toSorted((a, b) => bySeverity({ finding: a }, { finding: b }));
    if (!first) continue;
    const isElsewhere = (target: string) =>
      (currentIn.get(`${one.reason} ${target}`) ?? []).some((other) => other !== one);
    const was = [...new Set(related.flatMap(affectedBy))];
    const targets = was.filter((target) => own.includes(target) || !isElsewhere(target));
    if (known && related.length === 1 && targets.length === was.length) continue;
    found.set(key, {
      finding: { ...(known?.finding ?? first), severity: first.severity, targets },
      isMoved: known?.isMoved ?? true,
    });
  }
  return found;
}

/** As {@link comparedTargets} writes them. */
function isNumbered(target: string): boolean {
  return / #\d+$/.test(target);
}

function affectedBy({ target, targets = [] }: TrackedFinding): readonly string[] {
  return targets.length > 0 ? targets : [target];
}

/** If the replacement of a finding is gone as well, the fault is gone, and the finding wasn't just replaced. */
function withoutGoneSuccessor(
  finding: TrackedFinding,
  current: ReadonlyMap<string, TrackedFinding>,
  replaced: ReadonlyMap<string, Remembered>,
): TrackedFinding {
  const { replacedBy: by, ...rest } = finding;
  if (!by || replaced.has(keyOf(by))) return finding;
  const successor = current.get(keyOf(by));
  return successor === undefined || (successor.state === 'gone' && !successor.replacedBy) ? rest : finding;
}

function kindOf(
  finding: TrackedFinding,
  remembered: Remembered | undefined,
  posted: DigestSnapshot | undefined,
  run: DigestRun,
): Kind {
  const { state, flappingSince } = finding;
  const was = remembered?.finding;
  if (state !== 'gone' && isSilenced(finding, run)) return 'silenced';
  // A later episode is separate news.
  const isReportedFlapping = was?.flappingSince !== undefined && isSameTime(was.flappingSince, flappingSince);
  if (state === 'unseen') {
    if (isReportedFlapping) return 'still-flapping';
    if (was) return 'unseen';
    // A run that couldn't be posted found it. A finding that was gone before a run failed may not be back.
    return posted && finding.goneAt === undefined ? 'appeared' : finding.goneAt ? 'unmentioned' : 'unseen';
  }
  if (flappingSince !== undefined) {
    if (!isReportedFlapping) return 'flapping';
    return was && state === 'found' && comparison(finding, was) === 'worse' ? 'worse' : 'still-flapping';
  }
  if (state === 'gone') {
    if (finding.replacedBy) return 'unmentioned';
    if (was) return was.state === 'gone' && was.flappingSince === undefined ? 'unmentioned' : 'gone';
    const isMeanwhile = posted && Date.parse(finding.since) > Date.parse(posted.at);
    return isMeanwhile && !finding.silence ? 'gone' : 'unmentioned';
  }
  if (!was) return posted ? 'appeared' : 'steady';
  if (was.silence) return 'appeared';
  // It was gone in between, unless other arguments have another history.
  const isBack = !isSameTime(was.since, finding.since) && !remembered?.isMoved;
  // A finding that flapped and then stayed for a day is no news. One that flapped and came back less than a day ago was gone for a day before.
  const hasStayed =
    was.flappingSince !== undefined && Date.parse(finding.lastFound) - Date.parse(finding.since) >= DAY_MS;
  if (isBack && !hasStayed) return 'appeared';
  return comparison(finding, was);
}

function comparison(finding: TrackedFinding, was: TrackedFinding): 'worse' | 'better' | 'steady' {
  const change = changeOf({ finding }, was);
  const step = SEVERITIES.indexOf(was.severity) - SEVERITIES.indexOf(finding.severity);
  if (step > 0 || change.addedTargets.length > 0 || change.targets > change.targetsBefore) return 'worse';
  // Of very many targets only some are named, so there may be others.
  if (step === 0 && change.targets === change.targetsBefore && isOtherRest(finding, was)) return 'worse';
  return step < 0 || change.removedTargets.length > 0 || change.targets < change.targetsBefore
    ? 'better'
    : 'steady';
}

/** A check may name its targets only if there are several: then only their number is compared. */
function changeOf<E extends Pick<DigestFinding, 'finding'>>(entry: E, was: TrackedFinding) {
  const { finding } = entry;
  const areNamed = [finding, was].every(({ targets }) => targets !== undefined && restOf(targets) === 0);
  const [now, before] = [finding.targets ?? [], was.targets ?? []];
  const without = (these: readonly string[], others: readonly string[]) => {
    const known = new Set(others);
    return areNamed ? these.filter((one) => !known.has(one)) : [];
  };
  return {
    ...entry,
    was,
    ...(was.severity !== finding.severity && { from: was.severity }),
    addedTargets: without(now, before),
    removedTargets: without(before, now),
    targets: Math.max(1, now.length + restOf(now)),
    targetsBefore: Math.max(1, before.length + restOf(before)),
  };
}

/** The number of further targets for which the last entry stands: the history writes it instead of the rest of very many. */
function restOf(targets: readonly string[]): number {
  const [, rest] = /^(\d+) others \([0-9a-f]{6}\)$/.exec(targets.at(-1) ?? '') ?? [];
  return rest === undefined ? 0 : Number(rest) - 1;
}

function isOtherRest(
  { targets: now = [] }: TrackedFinding,
  { targets: before = [] }: TrackedFinding,
): boolean {
  if (restOf(now) === 0 || restOf(before) === 0) return false;
  const known = new Set(before);
  return now.some((target) => !known.has(target));
}

/** A silence without an end never hides a critical finding, and a silence that has ended hides none. */
function isSilenced({ silence, severity }: TrackedFinding, run: DigestRun): boolean {
  if (!silence) return false;
  if (silence.until === undefined) return severity !== 'critical';
  return Date.parse(silence.until) > Date.parse(run.at);
}

function remembered({ kind, finding, was }: Entry): TrackedFinding | undefined {
  if (kind === 'gone' || kind === 'unmentioned') return undefined;
  const now = bare(finding);
  const { flappingSince: _, ...unreported } = now;
  // A finding that was silenced at every post was in no list, so it is new to people when its silence ends.
  const { silence } = was ?? finding;
  const unlisted = silence && { silence };
  const posted = was && postedAs(was, now);
  if (kind === 'silenced' && posted)
    return { ...posted, ...unlisted, state: now.state, since: now.since, lastFound: now.lastFound };
  if (kind === 'silenced') return { ...unreported, ...unlisted };
  if (kind === 'unseen' && posted) {
    // The message lists it as a later run found it: anything that exceeds both is worse.
    const isBetter = bySeverity({ finding: posted }, { finding: now }) < 0;
    const listedNow = new Set(now.targets);
    const targets = now.targets && posted.targets?.filter((target) => listedNow.has(target));
    return {
      ...posted,
      ...unlisted,
      state: 'unseen',
      ...(isBetter && { severity: now.severity }),
      ...(targets && { targets }),
    };
  }
  // No message has reported that it flaps.
  if (kind === 'unseen' || kind === 'appeared') return unreported;
  // A flapping finding may differ each time: only what exceeds all reports so far is worse.
  if (kind === 'still-flapping' && was && comparison(finding, was) === 'better') {
    const { targets: __, ...rest } = now;
    return { ...rest, severity: was.severity, ...(was.targets && { targets: was.targets }) };
  }
  return now;
}

/** As it was posted. For a finding that has replaced a posted one, the state to compare with from now on. */
function postedAs(was: TrackedFinding, now: TrackedFinding): TrackedFinding {
  const { reason, target, summary, since } = now;
  return keyOf(was) === keyOf(now) ? bare(was) : { ...bare(was), reason, target, summary, since };
}

/** Without the fields that aren't compared. */
function bare(finding: TrackedFinding): TrackedFinding {
  const { resolution: _, before: __, claim: ___, silence: ____, ...rest } = finding;
  return rest;
}

function trackedFrom(
  finding: Finding<Offer>,
  { report }: DigestPart,
  was: TrackedFinding | undefined,
): TrackedFinding {
  const { reason, target, severity, summary } = finding;
  const targets = comparedTargets(finding);
  const at = report?.at ?? '';
  return {
    reason,
    target,
    state: 'found',
    severity,
    summary,
    ...(targets && { targets }),
    since: was?.since ?? at,
    lastFound: at,
    ...(was?.flappingSince !== undefined && { flappingSince: was.flappingSince }),
  };
}

/** A posted finding that the history no longer has. It is gone if this run would have found it. */
function withoutHistory(
  was: TrackedFinding,
  part: DigestPart,
  posted: DigestSnapshot | undefined,
): TrackedFinding {
  const { report } = part;
  const then = postedQuestion(posted, part);
  // A gap that was there when it was found doesn't hide it now.
  const before = was.state === 'unseen' ? {} : (then?.unchecked ?? {});
  const now = new Set(examinedSources(part));
  const isProven =
    report &&
    report.examined > 0 &&
    !hasNewGaps(part, before) &&
    // A deadline never cuts off the same part twice.
    !uncheckedGaps(report).some(({ kind }) => kind === 'unfinished') &&
    !makeIsInGap(uncheckedGaps(report))(was) &&
    (then?.sources ?? []).every((source) => now.has(source));
  if (!isProven) return { ...was, state: 'unseen' };
  const resolution = report.resolved?.find((one) => keyOf(one) === keyOf(was))?.summary;
  const { flappingSince: _, ...rest } = was;
  return { ...rest, state: 'gone', ...(resolution !== undefined && { resolution }) };
}

function examinedSources({ report }: DigestPart): string[] {
  const examined = (report?.coverage ?? []).filter((one) => one.examined > 0);
  return [...new Set(examined.map(({ source }) => source))];
}

type PostedQuestion = DigestSnapshot['questions'][number];

function uncheckedPart(part: DigestPart, was: PostedQuestion | undefined): UncheckedPart | undefined {
  const { report, failure } = part;
  const question = { check: part.check, environment: part.environment, args: part.args };
  const isNew = isNewlyUnchecked(part, was);
  if (!report) return { question, because: failure ?? 'the check returned no report', gaps: [], isNew };
  const gaps = uncheckedGaps(report);
  if (reportHeadline(report) === 'UNKNOWN' && listedGaps(report).length === 0)
    return { question, because: report.verdict, gaps: [], isNew };
  return gaps.length > 0 ? { question, gaps, isNew } : undefined;
}

function isNewlyUnchecked(part: DigestPart, was: PostedQuestion | undefined): boolean {
  const before = was?.unchecked ?? {};
  return before[WHOLE_CHECK] === undefined && hasNewGaps(part, before);
}

function hasNewGaps(part: DigestPart, before: Readonly<Record<string, number>>): boolean {
  return Object.entries(uncheckedPlaces(part)).some(([key, places]) => places > (before[key] ?? 0));
}

const DAY_MS = 86_400_000;

/** Not a hash. */
const WHOLE_CHECK = 'check';
/** Further distinct gaps are neither stored nor compared. */
const MAX_REMEMBERED_GAPS = 1_000;

function uncheckedPlaces(part: DigestPart): Record<string, number> {
  const { report } = part;
  if (!report || (report.status === 'unknown' && uncheckedGaps(report).length === 0))
    return { [WHOLE_CHECK]: 1 };
  const groups = [...Map.groupBy(uncheckedGaps(report), (gap) => hashOf(gapIdentity(gap)))];
  return Object.fromEntries(
    groups
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, MAX_REMEMBERED_GAPS)
      .map(([hash, gaps]) => [hash, countPlaces(gaps)]),
  );
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}

function postedQuestion(posted: DigestSnapshot | undefined, part: DigestPart): PostedQuestion | undefined {
  return posted?.questions.find((question) => isSame(question, part));
}

function isSame(a: PartQuestion, b: PartQuestion): boolean {
  const argsOf = ({ args }: PartQuestion) =>
    JSON.stringify(Object.entries(args).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  return a.check === b.check && a.environment === b.environment && argsOf(a) === argsOf(b);
}

function keyOf({ reason, target }: Pick<Finding, 'reason' | 'target'>): string {
  return `${reason} ${target}`;
}

function isSameTime(a: string, b: string | undefined): boolean {
  return b !== undefined && Date.parse(a) === Date.parse(b);
}

function oldestFirst(a: Ranked, b: Ranked): number {
  return Date.parse(a.finding.since) - Date.parse(b.finding.since) || bySeverity(a, b);
}

function worstFirst(a: Ranked, b: Ranked): number {
  return bySeverity(a, b) || Date.parse(a.finding.since) - Date.parse(b.finding.since);
}

type Ranked = Pick<DigestFinding, 'finding'>;

function bySeverity(a: Ranked, b: Ranked): number {
  return SEVERITIES.indexOf(a.finding.severity) - SEVERITIES.indexOf(b.finding.severity);
}
