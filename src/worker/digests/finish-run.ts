import type { Catalogue } from '../../request/catalogue.ts';
import type { Claims } from '../../store/claims/claims.ts';
import type { DigestStore } from '../../store/digests/open-digests.ts';
import { DIGEST_OFFER_MS, type RemediationStore } from '../../store/remediation/remediation-store.ts';
import type { Silences } from '../../store/silences/silences.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Redact } from '../../text/redact.ts';

import { parseArguments } from '../../check/arguments.ts';
import type { DigestPart, DigestRun } from '../../check/digest-run.ts';
import type { Report } from '../../check/finding.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';
import type { DigestFlow, DigestFlows } from '../../queue/digest-flows.ts';
import { questionIdOf, type Queues, runIdOf } from '../../queue/queues.ts';
import type { DigestDefinition, DigestQuestion, DigestRunState } from '../../store/digests/digest-state.ts';
import { advanceRun } from '../../store/digests/schedule.ts';
import type { FindingHistory, Question } from '../../store/history/tracked-findings.ts';
import { makeOfferRecords } from '../offer-records.ts';
import { limitRunSize } from './limit-run-size.ts';

/** What a worker needs to run digests. */
export interface DigestWorkerDeps {
  /** The digests of the configuration. */
  readonly definitions: readonly DigestDefinition[];
  readonly digests: DigestStore;
  readonly flows: Pick<DigestFlows, 'add' | 'read' | 'remove'>;
  readonly enqueueOutbox: Queues['enqueueOutbox'];
  readonly findings: Pick<FindingHistory, 'load'>;
  readonly silences: Pick<Silences, 'apply' | 'endedSince'>;
  readonly claims: Pick<Claims, 'apply'>;
  readonly remediations: Pick<RemediationStore, 'saveOffers'>;
  readonly catalogue: Catalogue;
  /** Milliseconds since the epoch by the clock of Redis, which all workers share. */
  readonly readClock: () => Promise<number>;
  readonly redact: Redact;
  /** The deadline of one check. */
  readonly deadlineMs: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Ends a run of a digest: gathers what its checks reported and why others failed, saves it as the last run and queues it for the bot, once.
 * A check that has not finished counts as failed. Calling it again is safe, and a run that has been replaced is ignored.
 */
export async function finishRun(deps: DigestWorkerDeps, name: string, runId: string): Promise<void> {
  const { digests, flows, silences, log, metrics } = deps;
  const state = await digests.read(name);
  const run = state?.run;
  if (run?.runId !== runId || run.state === 'finished') return;
  const flow = await flows.read(runId);
  const parts: DigestPart[] = [];
  for (const [at, question] of run.questions.entries())
    parts.push(await partOf(deps, question, partIdOf(runId, at), flow));
  await saveOffers(deps, parts, run);

  const posted = await digests.lastPosted(name);
  const startedMs = Date.parse(run.startedAt);
  const sinceMs = posted ? Date.parse(posted.at) : startedMs;
  const finished: DigestRun = limitRunSize({
    name,
    ...(run.due !== undefined && { due: run.due }),
    at: run.startedAt,
    durationMs: Math.max(0, (await deps.readClock()) - startedMs),
    isQuiet: run.isQuiet,
    parts,
    endedSilences: [
      ...(await silences.endedSince(
        sinceMs,
        parts.map((part) => questionOf(deps, part)),
      )),
    ],
  });
  // In this order: the bot posts only what is the newest run, and a run that is not finished is finished again.
  if (!(await digests.saveRun(name, runId, finished))) return;
  await deps.enqueueOutbox(`digest-${runId}`, { kind: 'digest', runId, asked: run.asked, run: finished });
  const { before, after } = await digests.change(
    name,
    (current) => current && advanceRun(current, runId, 'finished'),
  );
  if (before === after) return;
  const failed = parts.filter(({ failure }) => failure !== undefined);
  metrics.digests.inc({ digest: name, outcome: failed.length > 0 ? 'incomplete' : 'complete' });
  log.info(
    {
      event: 'digest-finished',
      digest: name,
      runId,
      durationMs: finished.durationMs,
      failed: failed.map(({ check }) => check),
    },
    'Digest finished',
  );
}

/** The run id of one check of a run, by its position in the digest. */
export function partIdOf(runId: string, at: number): string {
  return runIdOf(`${runId} ${at}`);
}

async function partOf(
  deps: DigestWorkerDeps,
  question: DigestQuestion,
  partId: string,
  flow: DigestFlow | undefined,
): Promise<DigestPart> {
  const { check, environment, args } = question;
  const result = flow?.results.get(partId);
  if (result) return { check, environment, args, ...result };
  const failure = deps.redact(explainFailure(flow?.failures.get(partId), partId));
  return { check, environment, args, failure, tracked: [...(await unseenFindings(deps, question))] };
}

/** Why a check of a digest has no report, for people. */
function explainFailure(because: string | undefined, jobId: string): string {
  if (because === undefined || because === '') return `the check did not finish in time (job ${jobId})`;
  if (/stalled more than/.test(because))
    return `the worker was lost each time it ran the check (job ${jobId})`;
  return because.includes(jobId) ? because : `${because} (job ${jobId})`;
}

/** What earlier runs found, as unseen: this run knows nothing about it. */
async function unseenFindings(
  deps: DigestWorkerDeps,
  question: DigestQuestion,
): Promise<readonly TrackedFinding[]> {
  const asked = questionOf(deps, question);
  const unseen = (await deps.findings.load(asked)).map((finding): TrackedFinding =>
    finding.state === 'found' ? { ...finding, state: 'unseen' } : finding,
  );
  return deps.claims.apply(asked, await deps.silences.apply(asked, unseen));
}

function questionOf(
  { catalogue }: DigestWorkerDeps,
  { check: name, environment, args }: DigestQuestion,
): Question {
  const check = catalogue.checks.get(name);
  let parsed: Record<string, unknown> = args;
  try {
    if (check) parsed = parseArguments(check, args);
  } catch {
    // Another version takes other arguments. Then the history has nothing under this id.
  }
  return { check: name, environment, questionId: questionIdOf(name, environment, parsed) };
}

/** Saves the fixes that are offered for findings that are not silenced. */
async function saveOffers(
  { remediations, catalogue }: DigestWorkerDeps,
  parts: readonly DigestPart[],
  { runId, asked }: DigestRunState,
): Promise<void> {
  for (const { check, environment, report, tracked } of parts) {
    if (!report) continue;
    const isSilenced = ({ reason, target }: Report['findings'][number]) =>
      tracked.some((one) => one.reason === reason && one.target === target && one.silence !== undefined);
    const findings = report.findings.filter((finding) => !isSilenced(finding));
    // Two checks, or one in two environments, may offer the same for targets with the same name.
    const idScope = JSON.stringify([runId, check, environment, report.args]);
    await remediations.saveOffers(
      makeOfferRecords({ ...report, findings }, { runId, asked }, catalogue, {
        idScope,
        offeredForMs: DIGEST_OFFER_MS,
      }),
    );
  }
}
