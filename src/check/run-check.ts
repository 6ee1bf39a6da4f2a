import type { PortName, Readers } from '../ports/readers.ts';
import { SourceError } from '../ports/source-error.ts';
import { parseArguments, type WrittenArguments } from './arguments.ts';
import type { Progress, ReadContext } from './context.ts';
import type { AnyCheck } from './define-check.ts';
import type { Diagnosis, Gap, Offer, Report } from './finding.ts';
import { offersOf } from './offers.ts';
import { makeRedact, type Redact, redactAll } from './redact.ts';
import { count } from './wording.ts';

export interface Run {
  readonly check: string;
  readonly environment: string;
  readonly args: WrittenArguments;
  readonly read: Partial<Readers>;
  readonly now: Date;
  /** Aborted when the worker must stop; the run then throws the signal's reason. */
  readonly signal: AbortSignal;
  /** How long `collect` may take. What is not finished by then becomes a gap. */
  readonly deadlineMs: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly redact?: Redact;
}

/** A check that ignores its signal is left behind this long after the deadline. */
const GRACE_MS = 2_000;

/**
 * Asks one question once. What a source refuses or cannot answer is a gap in the report.
 * @throws whatever is our own bug, or the reason of `run.signal`.
 */
export async function runCheck(check: AnyCheck, run: Run): Promise<Report> {
  const started = performance.now();
  const notes = takeNotes(run);
  const args = parseArguments(check, run.args);
  const diagnosis = notConfigured(check, run, notes.gaps) ?? (await lookAndJudge(check, run, args, notes));
  const report: Report = {
    check: run.check,
    environment: run.environment,
    args: { ...run.args },
    ...conclude(diagnosis, notes),
    gaps: notes.gaps,
    coverage: [...notes.coverage].map(([source, examined]) => ({ source, examined })),
    at: run.now.toISOString(),
    durationMs: Math.round(performance.now() - started),
  };
  return redactAll(report, run.redact ?? makeRedact());
}

/** What was decided, with its offers made whole. */
type Decided = Diagnosis<Offer>;

interface Notes {
  readonly gaps: Gap[];
  readonly coverage: Map<string, number>;
  readonly gap: ReadContext['gap'];
  readonly saw: ReadContext['saw'];
}

const NOTHING: Decided = { examined: 0, findings: [], verdict: '' };

function takeNotes({ onProgress }: Run): Notes {
  const gaps: Gap[] = [];
  const coverage = new Map<string, number>();
  let examined = 0;
  return {
    gaps,
    coverage,
    gap: (what, error) => {
      if (!(error instanceof SourceError)) throw error;
      gaps.push({
        what,
        because: error.message,
        kind: error.source === DEADLINE ? 'unfinished' : error.kind,
      });
      onProgress?.({ examined, gaps: gaps.length });
    },
    saw: (source, count = 1) => {
      coverage.set(source, (coverage.get(source) ?? 0) + count);
      examined += count;
      onProgress?.({ examined, gaps: gaps.length });
    },
  };
}

function notConfigured(check: AnyCheck, { read, environment }: Run, gaps: Gap[]): Decided | undefined {
  const absent = check.uses.filter((port: PortName) => !read[port]);
  for (const port of absent)
    gaps.push({
      what: port,
      because: `environment ${environment} has no source for it`,
      kind: 'not-configured',
    });
  return absent.length > 0 ? NOTHING : undefined;
}

const DEADLINE = 'deadline';

function lateAfter(deadlineMs: number): SourceError {
  return new SourceError(DEADLINE, 'unreachable', `not finished within ${deadlineMs / 1000} s`);
}

async function lookAndJudge(
  check: AnyCheck,
  run: Run,
  args: Record<string, unknown>,
  notes: Notes,
): Promise<Decided> {
  const deadline = new AbortController();
  const leave = Promise.withResolvers<never>();
  const timers = [
    setTimeout(() => deadline.abort(lateAfter(run.deadlineMs)), run.deadlineMs),
    setTimeout(() => leave.reject(deadline.signal.reason as Error), run.deadlineMs + GRACE_MS),
  ];
  const stop = () => leave.reject(run.signal.reason as Error);
  run.signal.addEventListener('abort', stop, { once: true });
  const signal = AbortSignal.any([run.signal, deadline.signal]);
  try {
    run.signal.throwIfAborted();
    const context = readContext(check, run, notes, signal);
    const facts: unknown = await Promise.race([check.collect(context, args), leave.promise]);
    return offersOf(check, check.diagnose(facts, args, run.now));
  } catch (error) {
    const reason = abortedBy(signal, error);
    if (!deadline.signal.aborted || reason !== deadline.signal.reason) throw reason;
    notes.gap(run.check, reason as Error);
    return NOTHING;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    run.signal.removeEventListener('abort', stop);
  }
}

function readContext(check: AnyCheck, run: Run, { gap, saw }: Notes, signal: AbortSignal): ReadContext {
  const read = Object.fromEntries(
    [...check.uses, ...(check.mayUse ?? [])].map((port: PortName) => [port, run.read[port]]),
  ) as unknown as Readers;
  const attempt: ReadContext['attempt'] = async (what, fallback, look) => {
    try {
      return await look();
    } catch (error) {
      gap(what, abortedBy(signal, error) as Error);
      return fallback;
    }
  };
  return { read, now: run.now, signal, attempt, gap, saw };
}

/** Node's own functions wrap the reason of an abort in an `AbortError`; it is no bug of the check that it was cut short. */
function abortedBy(signal: AbortSignal, error: unknown): unknown {
  const isAbort = error instanceof Error && (error.name === 'AbortError' || error.cause === signal.reason);
  return signal.aborted && isAbort ? signal.reason : error;
}

/** Unknown is never clear: nothing examined, or something unseen and nothing found, is `unknown` and says so first. */
function conclude(
  { examined, findings, verdict, measures }: Decided,
  { gaps, coverage }: Notes,
): Pick<Report, 'status' | 'verdict' | 'examined' | 'findings' | 'measures'> {
  const base = { examined, findings, ...(measures && measures.length > 0 && { measures }) };
  if (findings.length > 0) return { ...base, status: 'found', verdict };
  if (examined === 0) return { ...base, status: 'unknown', verdict: nothingSeen(gaps, coverage) };
  if (gaps.length > 0)
    return { ...base, status: 'unknown', verdict: `Unknown: ${unseen(gaps)}. In what was seen: ${verdict}` };
  return { ...base, status: 'clear', verdict };
}

/** What was looked at and did not hold what was asked for is not the same as what could not be looked at. */
function nothingSeen(gaps: readonly Gap[], coverage: ReadonlyMap<string, number>): string {
  const looked = coverage.values().reduce((sum, examined) => sum + examined, 0);
  const [first] = gaps;
  if (!first)
    return looked > 0
      ? `Unknown: nothing of the kind is at the ${count(looked, 'place')} that could be looked at`
      : 'Unknown: there was nothing to look at';
  if (looked === 0) {
    const others = gaps.length > 1 ? ` (and ${gaps.length - 1} more)` : '';
    return `Unknown: nothing could be looked at. ${first.what}: ${first.because}${others}`;
  }
  // Of all that is unseen, that what was asked for is not there tells the most.
  const telling = gaps.findLast(({ kind }) => kind === 'missing') ?? first;
  const rest = gaps.filter((gap) => gap !== telling);
  return `Unknown: ${telling.what}: ${telling.because}${rest.length > 0 ? `; besides, ${unseen(rest)}` : ''}`;
}

function unseen(gaps: readonly Gap[]): string {
  return gaps.length === 1
    ? '1 place could not be looked at'
    : `${gaps.length} places could not be looked at`;
}
