import type { Catalogue } from '../request/catalogue.ts';
import { dropInvalidNext } from '../request/next-checks.ts';
import { parseArguments } from '../check/arguments.ts';
import type { Progress } from '../check/progress.ts';
import type { Redact } from '../text/redact.ts';
import type { Report } from '../check/finding.ts';
import type { TrackedFinding } from '../check/tracked-finding.ts';
import type { NewSample } from '../check/remembers.ts';
import { runCheck } from '../check/run-check.ts';
import type { RemediationStore } from '../store/remediation/remediation-store.ts';
import type { Readers } from '../ports/readers.ts';
import type { CheckJob, DigestPartResult, RunOutboxJob } from '../queue/jobs.ts';
import { answerJobId, questionIdOf, type Queues } from '../queue/queues.ts';
import { type JobAttempt, NoRetry } from '../queue/workers.ts';
import type { Question } from '../store/history/tracked-findings.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { makeOfferRecords } from './offer-records.ts';
import { loadEarlier, type SampleDeps, saveNewSamples } from './samples.ts';
import { loadPrevious, NotRecorded, trackDigestPart, type TrackingDeps, trackReport } from './tracked.ts';

/** What the jobs of the `checks` queue need. */
export interface CheckDeps extends SampleDeps, TrackingDeps {
  readonly catalogue: Catalogue;
  /** The readers of an environment; undefined if it is not in the configuration of this worker. */
  readonly readersOf: (environment: string) => Partial<Readers> | undefined;
  readonly enqueueOutbox: Queues['enqueueOutbox'];
  readonly audiences: Queues['audiences'];
  readonly remediations: Pick<RemediationStore, 'saveOffers'>;
  readonly redact: Redact;
  readonly deadlineMs: number;
  readonly metrics: Metrics;
}

/** A check that finishes sooner shows no progress. */
const FIRST_PROGRESS_AFTER_MS = 1_000;
/** Slack's own advice is at least 3 s between edits of one message. */
const PROGRESS_EVERY_MS = 3_000;

/**
 * Runs one check job, records what it found and queues its report, once for each channel that waits for it. A bug in Wrench is logged once, with
 * the id of the job, and the channel gets that id.
 * @returns the result of a part of a digest, which is not posted on its own.
 * @throws {NoRetry} if a part of a digest cannot be run; the message is for people.
 */
export async function handleCheck(
  deps: CheckDeps,
  { id, data, signal }: JobAttempt<CheckJob>,
): Promise<DigestPartResult | undefined> {
  const { log, metrics, catalogue, remediations } = deps;
  try {
    const track = data.digestRun === undefined ? trackReport : trackPart;
    const { report: made, ...tracked } = await runJob(deps, data, signal, track);
    const report = dropInvalidNext(made, catalogue, (next) => {
      metrics.bugs.inc({ role: 'worker' });
      log.error(
        { event: 'invalid-next-check', jobId: id, check: data.check, next },
        "Check suggested a command that doesn't exist; this is a bug in Wrench",
      );
    });
    metrics.checks.inc({ check: data.check, status: report.status });
    metrics.checkSeconds.observe({ check: data.check }, report.durationMs / 1_000);
    if (data.digestRun !== undefined) return { report, tracked: tracked.tracked ?? [] };
    await enqueueAnswers(deps, data, async (about) => {
      await remediations.saveOffers(makeOfferRecords(report, about, catalogue));
      return { kind: 'report', ...about, report, ...tracked };
    });
  } catch (error) {
    if (signal.aborted || isRedisDown(error) || error instanceof NotRecorded) throw error;
    metrics.bugs.inc({ role: 'worker' });
    log.error(
      { event: 'check-failed-by-bug', err: error, jobId: id, check: data.check },
      'Check failed because of a bug in Wrench',
    );
    if (data.digestRun !== undefined)
      throw new NoRetry(
        error instanceof NotKnown ? error.message : `a bug in Wrench stopped it; see job ${id} in the log`,
      );
    await enqueueAnswers(deps, data, async (about) => ({ kind: 'bug', ...about, jobId: id }));
  }
  return undefined;
}

type About = Pick<RunOutboxJob, 'runId' | 'check' | 'environment' | 'asked'>;

/**
 * Queues the answer for every channel that waits for it, after which no channel can join the run. It repeats until no channel is new: while
 * Redis was unreachable, the mark that closes the run may have expired.
 */
export async function enqueueAnswers(
  { audiences, enqueueOutbox }: Pick<CheckDeps, 'audiences' | 'enqueueOutbox'>,
  job: CheckJob,
  answerFor: (about: About) => Promise<RunOutboxJob>,
): Promise<void> {
  const { check, environment } = job;
  const answered = new Set<string>();
  for (;;) {
    const waiting = [job, ...(await audiences.close(job.runId))].filter(({ runId }) => !answered.has(runId));
    if (waiting.length === 0) return;
    for (const { runId, asked } of waiting) {
      await enqueueOutbox(answerJobId(runId), await answerFor({ runId, check, environment, asked }));
      answered.add(runId);
    }
  }
}

/** Bot and worker run different versions, or have different configurations. */
class NotKnown extends Error {
  override readonly name = 'NotKnown';
}

async function runJob(
  deps: CheckDeps,
  job: CheckJob,
  signal: AbortSignal,
  track: typeof trackReport,
): Promise<{ readonly report: Report; readonly tracked?: TrackedFinding[] }> {
  const { check: name, environment, args, digestRun } = job;
  const { catalogue, readersOf, redact, deadlineMs } = deps;
  const check = catalogue.checks.get(name);
  const read = readersOf(environment);
  if (!check)
    throw new NotKnown(`this worker doesn't know the check ${name}: bot and worker run different versions`);
  if (!read)
    throw new NotKnown(
      `this worker doesn't know the environment ${environment}: bot and worker have different configurations`,
    );
  const asked = { check: name, environment };
  const questionId = questionIdOf(name, environment, parseArguments(check, args));
  const question: Question = { ...asked, questionId };
  const now = new Date();
  let samples: readonly NewSample[] = [];
  const progress = showProgress(job, deps);
  const report = await runCheck(check, {
    ...asked,
    args,
    read,
    now,
    signal,
    deadlineMs,
    ...(digestRun === undefined && { onStart: progress.start }),
    ...(await loadEarlier(deps, check, asked)),
    ...(await loadPrevious(deps, check, question)),
    onSamples: (made) => (samples = made),
    redact,
  }).finally(progress.stop);
  const tracked = await track(deps, question, report);
  await saveNewSamples(deps, check, asked, samples, now);
  return { report, ...tracked };
}

async function trackPart(...run: Parameters<typeof trackDigestPart>): ReturnType<typeof trackReport> {
  return { tracked: await trackDigestPart(...run) };
}

interface ProgressShown {
  readonly start: (readProgress: () => Progress) => void;
  readonly stop: () => void;
}

/** Queues the progress of a run for every channel that waits for it, also if nothing has changed: the bot drops what it can't show immediately. */
function showProgress(job: CheckJob, { audiences, enqueueOutbox, log }: CheckDeps): ProgressShown {
  const { check, environment } = job;
  let timer: NodeJS.Timeout | undefined;
  const show = async (progress: Progress) => {
    for (const { runId, asked } of [job, ...(await audiences.read(job.runId))])
      await enqueueOutbox(`progress-${runId}`, {
        kind: 'progress',
        runId,
        check,
        environment,
        asked,
        progress,
      });
  };
  const showAfter = (afterMs: number, readProgress: () => Progress) => {
    timer = setTimeout(() => {
      showAfter(PROGRESS_EVERY_MS, readProgress);
      show(readProgress()).catch((error: unknown) =>
        log.debug({ event: 'progress-not-queued', err: error }, "Couldn't queue a progress message"),
      );
    }, afterMs);
  };
  return {
    start: (readProgress) => showAfter(FIRST_PROGRESS_AFTER_MS, readProgress),
    stop: () => clearTimeout(timer),
  };
}

/** BullMQ and ioredis report a lost connection only in the message of the error. */
function isRedisDown(error: unknown): boolean {
  return (
    error instanceof Error &&
    /Connection is closed|max retries per request|ECONNREFUSED|ECONNRESET|Stream isn't writeable/i.test(
      error.message,
    )
  );
}
