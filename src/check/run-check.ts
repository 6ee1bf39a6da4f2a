import { createHash } from 'node:crypto';
import type { PortName, Readers } from '../ports/readers.ts';
import { SourceError } from '../ports/source-error.ts';
import { parseArguments, type WrittenArguments } from './arguments.ts';
import { boundReaders, type Cutoff, cutOffAfter } from './bound-readers.ts';
import type { ReadContext } from './context.ts';
import type { AnyCheck } from './define-check.ts';
import type { Diagnosis, Gap, Offer, Report, Resolution } from './finding.ts';
import { offersOf } from './offers.ts';
import {
  earlierSamples,
  type NewSample,
  newSamples,
  type Remembered,
  type SamplesUnavailable,
  type SavedSample,
} from './remembers.ts';
import { type Progress, type ProgressTracker, trackProgress } from './progress.ts';
import { BEFORE_UNCHECKED, countPlaces, nounOfGaps, unreadInWords } from './report-in-words.ts';
import { makeRedact, type Redact, redactAll } from '../text/redact.ts';
import { count, list } from '../text/wording.ts';

export interface CheckRun {
  readonly check: string;
  readonly environment: string;
  readonly args: WrittenArguments;
  readonly read: Partial<Readers>;
  readonly now: Date;
  /** The run verifies a fix. */
  readonly isVerification?: true;
  /** Aborted when the worker must stop. The run then throws the signal's reason. */
  readonly signal: AbortSignal;
  /** How long `collect` may take. What isn't finished by then becomes a gap. */
  readonly deadlineMs: number;
  /** Called once, before anything is read, with a function that returns the progress at any time, redacted. */
  readonly onStart?: (readProgress: () => Progress) => void;
  /** The samples of earlier runs, in any order, or why they couldn't be loaded; for a check that `remembers`. */
  readonly earlier?: readonly SavedSample[] | SamplesUnavailable;
  /** Called once with the samples to save, redacted, if the check `remembers` and `collect` returned facts. */
  readonly onSamples?: (samples: readonly NewSample[]) => void;
  /** Findings of earlier runs that weren't gone, redacted. For those that it no longer finds, the check says how they were resolved. */
  readonly previous?: readonly Pick<Resolution, 'reason' | 'target'>[];
  readonly redact?: Redact;
}

/** How many sources that couldn't be checked at all are named. */
const MOST_NAMED = 3;

/** How long after the deadline a source that ignores its signal is abandoned. */
const SOURCE_GRACE_MS = 1_000;
/** Longer, so that a check can still report what it got from the other sources. */
const GRACE_MS = 2 * SOURCE_GRACE_MS;

/**
 * Runs a check once. What a source denies or can't answer is a gap in the report.
 * @throws any error that is a bug in Wrench, or the reason of `run.signal`.
 */
export async function runCheck(check: AnyCheck, run: CheckRun): Promise<Report> {
  const started = performance.now();
  const notes = takeNotes();
  const args = parseArguments(check, run.args);
  run.onStart?.(() => redactAll(notes.progress(), run.redact ?? makeRedact()));
  const diagnosis =
    notConfigured(check, run, notes.gaps) ?? (await collectAndDiagnose(check, run, args, notes));
  notes.close();
  const report: Report = {
    check: run.check,
    environment: run.environment,
    args: { ...run.args },
    ...conclude(diagnosis, notes, run),
    gaps: notes.gaps,
    ...(notes.notes.length > 0 && { notes: notes.notes }),
    coverage: [...notes.coverage].map(([source, examined]) => ({ source, examined })),
    ...(check.counts !== undefined && { counts: check.counts }),
    at: run.now.toISOString(),
    durationMs: Math.round(performance.now() - started),
  };
  return redactAll(report, run.redact ?? makeRedact());
}

/** A diagnosis with complete offers. */
interface Decided extends Diagnosis<Offer> {
  readonly resolved?: readonly Resolution[];
}

interface Notes {
  readonly gaps: Gap[];
  readonly notes: string[];
  readonly coverage: Map<string, number>;
  readonly gap: ReadContext['gap'];
  readonly note: ReadContext['note'];
  readonly saw: ReadContext['saw'];
  readonly tracker: ProgressTracker;
  readonly progress: () => Progress;
  /** Drops what an abandoned check notes afterwards. */
  readonly close: () => void;
}

function hashOf(names: readonly string[]): string {
  return createHash('sha256').update(names.toSorted().join('\n')).digest('hex').slice(0, 12);
}

const NOTHING_EXAMINED: Decided = { examined: 0, findings: [], verdict: '' };

function takeNotes(): Notes {
  const gaps: Gap[] = [];
  const known = new Set<string>();
  const notes: string[] = [];
  const coverage = new Map<string, number>();
  const tracker = trackProgress();
  let examined = 0;
  let isClosed = false;
  return {
    gaps,
    notes,
    coverage,
    tracker,
    progress: () => ({ examined, gaps: gaps.length, ...tracker.sources() }),
    close: () => {
      isClosed = true;
    },
    note: (text) => {
      if (!isClosed && !notes.includes(text)) notes.push(text);
    },
    gap: (what, error, { unrelated, location } = {}) => {
      if (!(error instanceof SourceError)) throw error;
      if (isClosed) return;
      // Two questions about one thing may fail alike.
      const { line, column } = location ?? {};
      const key = JSON.stringify([
        what,
        error.source,
        error.kind,
        error.message,
        unrelated === true,
        line,
        column,
      ]);
      if (error.places === undefined && known.has(key)) return;
      known.add(key);
      gaps.push({
        what,
        because: error.message,
        kind: error.source === DEADLINE ? 'unfinished' : error.kind,
        ...(unrelated && { unrelated }),
        ...(error.places !== undefined && { places: error.places }),
        ...(error.placeNames && { placesId: hashOf(error.placeNames) }),
        ...(location && { location: { ...location, target: what } }),
      });
    },
    saw: (source, count = 1) => {
      if (isClosed) return;
      coverage.set(source, (coverage.get(source) ?? 0) + count);
      examined += count;
      tracker.saw(source, count);
    },
  };
}

function notConfigured(check: AnyCheck, { read, environment }: CheckRun, gaps: Gap[]): Decided | undefined {
  const absent = check.uses.filter((port: PortName) => !read[port]);
  for (const port of absent)
    gaps.push({
      what: port,
      because: `no source configured in ${environment}`,
      kind: 'not-configured',
    });
  return absent.length > 0 ? NOTHING_EXAMINED : undefined;
}

const DEADLINE = 'deadline';

function lateAfter(deadlineMs: number): SourceError {
  return new SourceError(DEADLINE, 'unreachable', `not finished within ${deadlineMs / 1000} s`);
}

async function collectAndDiagnose(
  check: AnyCheck,
  run: CheckRun,
  args: Record<string, unknown>,
  notes: Notes,
): Promise<Decided> {
  const deadline = new AbortController();
  const endsAt = performance.now() + run.deadlineMs;
  const abandon = Promise.withResolvers<never>();
  const timers = [
    setTimeout(() => deadline.abort(lateAfter(run.deadlineMs)), run.deadlineMs),
    setTimeout(() => abandon.reject(deadline.signal.reason as Error), run.deadlineMs + GRACE_MS),
  ];
  const stop = () => abandon.reject(run.signal.reason as Error);
  run.signal.addEventListener('abort', stop, { once: true });
  const signal = AbortSignal.any([run.signal, deadline.signal]);
  const cutoff = cutOffAfter(signal, SOURCE_GRACE_MS);
  try {
    run.signal.throwIfAborted();
    const leftMs = () => Math.max(0, endsAt - performance.now());
    const context = readContext(check, run, notes, signal, leftMs, cutoff);
    const facts: unknown = await Promise.race([check.collect(context, args), abandon.promise]);
    const decided = offersOf(check, check.diagnose(facts, args, run.now));
    if (check.remembers && run.onSamples)
      run.onSamples(newSamples(check.remembers, facts, run.now, run.redact ?? makeRedact()));
    return { ...decided, resolved: resolutionsOf(check, facts, decided, run) };
  } catch (error) {
    const reason = abortedBy(signal, error);
    if (!deadline.signal.aborted || reason !== deadline.signal.reason) throw reason;
    notes.gap(run.check, reason as Error);
    return NOTHING_EXAMINED;
  } finally {
    cutoff.stop();
    for (const timer of timers) clearTimeout(timer);
    run.signal.removeEventListener('abort', stop);
  }
}

/** How the previous findings that are no longer found were resolved, if the facts show it. */
function resolutionsOf(
  { resolved }: AnyCheck,
  facts: unknown,
  { findings }: Decided,
  { previous = [], now, redact = makeRedact() }: CheckRun,
): readonly Resolution[] {
  if (!resolved) return [];
  const key = ({ reason, target }: Pick<Resolution, 'reason' | 'target'>) => `${reason} ${redact(target)}`;
  const found = new Set(findings.map(key));
  return previous
    .filter((finding) => !found.has(key(finding)))
    .flatMap(({ reason, target }) => {
      const summary = resolved(facts, { reason, target }, now);
      return summary ? [{ reason, target, summary }] : [];
    });
}

function readContext(
  check: AnyCheck,
  run: CheckRun,
  { gap, note, saw, tracker }: Notes,
  signal: AbortSignal,
  leftMs: ReadContext['leftMs'],
  cutoff: Cutoff,
): ReadContext<PortName, never, object> {
  const configured = Object.fromEntries(
    [...check.uses, ...(check.mayUse ?? [])].map((port: PortName) => [port, run.read[port]]),
  ) as unknown as Readers;
  const read = boundReaders(configured, cutoff, tracker);
  const attempt: ReadContext['attempt'] = async (what, fallback, work) => {
    try {
      return await work();
    } catch (error) {
      gap(what, abortedBy(signal, error) as Error);
      return fallback;
    }
  };
  const context: ReadContext = {
    read,
    now: run.now,
    ...(run.isVerification && { isVerification: true }),
    signal,
    leftMs,
    attempt,
    gap,
    note,
    saw,
  };
  // The `collect` of a check that doesn't remember has a context without `earlier`.
  if (!check.remembers) return context as ReadContext<PortName, never, object>;
  return { ...context, earlier: readEarlier(check.remembers, run, note) };
}

function readEarlier(
  remembers: NonNullable<AnyCheck['remembers']>,
  { earlier = [], now }: CheckRun,
  note: ReadContext['note'],
): readonly Remembered<object>[] {
  if (!('unavailable' in earlier)) return earlierSamples(remembers, earlier, now);
  note(`No earlier samples: ${earlier.unavailable}`);
  return [];
}

/** Node's own functions wrap the reason of an abort in an `AbortError`. Being aborted is not a bug in the check. */
function abortedBy(signal: AbortSignal, error: unknown): unknown {
  const isAbort = error instanceof Error && (error.name === 'AbortError' || error.cause === signal.reason);
  return signal.aborted && isAbort ? signal.reason : error;
}

/**
 * Unknown never counts as clear: without findings, the status is `unknown` if nothing was examined or something couldn't be checked. Whatever the
 * status, the verdict says what couldn't be checked.
 */
function conclude(
  { examined, findings, verdict, measures, charts, resolved }: Decided,
  { gaps, coverage }: Notes,
  { read, args }: CheckRun,
): Pick<Report, 'status' | 'verdict' | 'examined' | 'findings' | 'measures' | 'charts' | 'resolved'> {
  const base = {
    examined,
    findings,
    ...(measures && measures.length > 0 && { measures }),
    ...(charts && charts.length > 0 && { charts }),
    ...(resolved && resolved.length > 0 && { resolved }),
  };
  const related = gaps.filter(({ unrelated }) => !unrelated);
  const checked = coverage.values().reduce((sum, amount) => sum + amount, 0);
  const sources = sourcesOf(read);
  const isWhole = related.length === 0;
  const withGaps = isWhole
    ? verdict
    : `${verdict}${BEFORE_UNCHECKED}${uncheckedInWords(related, checked, sources)}`;
  if (findings.length > 0) return { ...base, status: 'found', verdict: withGaps };
  if (examined === 0)
    return { ...base, status: 'unknown', verdict: nothingExamined(related, checked, sources, args) };
  return { ...base, status: isWhole ? 'clear' : 'unknown', verdict: withGaps };
}

/** Begins with the most useful reason. Sources that were checked but don't have what was requested are no gaps. */
function nothingExamined(
  gaps: readonly Gap[],
  checked: number,
  sources: ReadonlySet<string>,
  args: WrittenArguments,
): string {
  const first = mostTelling(gaps, checked, args);
  if (!first)
    return checked > 0 ? `Found nothing to check in ${count(checked, 'source')}` : 'Found nothing to check';
  const because = gapInWords(first, isAskedFor(first, args));
  if (checked === 0)
    return gaps.length > 1 ? `${because}${BEFORE_UNCHECKED}${allOf(gaps, sources)}` : because;
  const others = first.kind === 'missing' ? gaps.filter((gap) => gap !== first) : gaps;
  return gaps.length > 1
    ? `${because}${BEFORE_UNCHECKED}${uncheckedInWords(others, checked, sources)}`
    : because;
}

/** The gap of what was requested by name; otherwise the first gap, or if nothing could be checked, the first with the most common reason. */
function mostTelling(gaps: readonly Gap[], checked: number, args: WrittenArguments): Gap | undefined {
  const asked = gaps.find((gap) => isAskedFor(gap, args));
  if (asked || checked > 0) return asked ?? gaps[0];
  const byReason = Map.groupBy(gaps, ({ because }) => because).values();
  return byReason.reduce<readonly Gap[]>((most, group) => (group.length > most.length ? group : most), [])[0];
}

/** An argument, or the value of one, or one address of it: `www.example.com:443 (203.0.113.7)`. */
function isAskedFor({ what }: Gap, args: WrittenArguments): boolean {
  return (
    what.startsWith('--') ||
    Object.values(args).some((value) => what === value || what.startsWith(`${value} (`))
  );
}

/** For what was requested by name the reason comes first, because the reader knows the name. */
function gapInWords({ what, because }: Gap, isAsked: boolean): string {
  if (because.startsWith(what)) return because;
  return isAsked ? `${because} (${what})` : `${what}: ${because}`;
}

function allOf(gaps: readonly Gap[], sources: ReadonlySet<string>): string {
  if (gaps.every(({ what, places }) => sources.has(what) && places === undefined))
    return `any of ${count(gaps.length, 'source')}`;
  return gaps.some((gap) => isNamed(gap, sources))
    ? uncheckedInWords(gaps, 0, sources)
    : `any of ${unreadInWords(gaps)}`;
}

/**
 * `2 of 43 sources`. A configured source that couldn't be checked at all is named: `vault and 2 of 43 other sources`. Places in files have no total,
 * because their number is unknown: `2 places`.
 */
function uncheckedInWords(gaps: readonly Gap[], checked: number, sources: ReadonlySet<string>): string {
  const names = [...new Set(gaps.filter((gap) => isNamed(gap, sources)).map(({ what }) => what))];
  const named = names.slice(0, MOST_NAMED);
  const places = countPlaces(gaps.filter((gap) => !isNamed(gap, sources)));
  const rest = names.length - named.length + places;
  if (rest === 0) return list(named, named.length);
  const one = nounOfGaps(gaps);
  const noun = named.length > 0 ? `other ${one}` : one;
  const total = places > 0 && checked > 0 && one === 'source' ? checked + rest : 0;
  const others = total > 0 ? `${rest} of ${count(total, noun)}` : count(rest, noun);
  return list([...named, others], named.length + 1);
}

/** A whole configured source, or an argument that matches nothing (`--source valut`). */
function isNamed({ what, places }: Gap, sources: ReadonlySet<string>): boolean {
  return (sources.has(what) && places === undefined) || what.startsWith('--');
}

/** The names of all sources. */
function sourcesOf(read: Partial<Readers>): ReadonlySet<string> {
  const sources: readonly { readonly name: string }[] = Object.values(read).flat();
  return new Set(sources.map(({ name }) => name));
}
