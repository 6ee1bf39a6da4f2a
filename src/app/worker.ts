import { atMost } from '../telemetry/within.ts';
import { confirmDurability } from '../store/remediation/durability.ts';
import { openClaims } from '../store/claims/claims.ts';
import { openFindingHistory } from '../store/history/finding-history.ts';
import { openDigests } from '../store/digests/open-digests.ts';
import { openHistory } from '../store/history/history.ts';
import { openSilences } from '../store/silences/open-silences.ts';
import { openFreeze } from '../store/remediation/freeze.ts';
import { openPeople } from '../store/access/people.ts';
import { makeAnnounce, makeRemind } from '../store/remediation/announce.ts';
import { readClock } from '../store/read-clock.ts';
import { openRemediationStore } from '../store/remediation/remediation-store.ts';
import { connectBlocking } from '../queue/connection.ts';
import { openDigestFlows } from '../queue/digest-flows.ts';
import { openQueues, PREFIX } from '../queue/queues.ts';
import { NoRetry, startCheckWorker, startDigestWorker, startRemediationWorker } from '../queue/workers.ts';
import { enqueueAnswers, handleCheck } from '../worker/check-handler.ts';
import type { DigestWorkerDeps } from '../worker/digests/finish-run.ts';
import { startDigestSchedule } from '../worker/digests/digest-schedule.ts';
import { handleDigest } from '../worker/digests/run-digest.ts';
import { handleRemediation } from '../worker/remediation-handler.ts';
import type { RemediationDeps } from '../worker/job-context.ts';
import { startSweep } from '../worker/sweep.ts';
import { logRedisErrors } from '../telemetry/outages.ts';
import { digestDefinitionsOf, policyOf, type Role, type Shared } from './shared.ts';
import { closeEnvironments, openEnvironments } from './environments.ts';

/** Time between two checks that verify a fix. */
const VERIFY_EVERY_MS = 5_000;
/** How often each worker sweeps. */
const SWEEP_EVERY_MS = 2_000;
/** How often each worker checks which digests are due. */
const TICK_DIGESTS_EVERY_MS = 3_000;
/** Digests that one worker starts or finishes at once. Their checks count towards `checksAtOnce`. */
const DIGESTS_AT_ONCE = 5;
const CLOSE_WITHIN_MS = 2_000;
const DAY_MS = 86_400_000;

/** Starts the worker, which runs checks, applies fixes and queues reports for the bot. It has no Slack token. */
export async function startWorker(shared: Shared): Promise<Role> {
  const { config, catalogue, redis, redact, metrics } = shared;
  const log = shared.log.child({ role: 'worker' });
  const onError = logRedisErrors(log);
  const connection = connectBlocking(redis, onError);
  const queues = openQueues(connection, onError);
  const environments = await openEnvironments(config.environments);
  const remediations = openRemediationStore(connection, PREFIX);
  const historyOf = openHistory(connection, PREFIX);
  const tracking = {
    findings: openFindingHistory(connection, PREFIX, config.history.days * DAY_MS),
    silences: openSilences(connection, PREFIX),
    claims: openClaims(connection, PREFIX),
  };
  const remediationDeps: RemediationDeps = {
    catalogue,
    readersOf: (environment) => environments.get(environment)?.readers,
    writersOf: (environment) => environments.get(environment)?.writers,
    remediations,
    people: openPeople(connection, PREFIX),
    readClock: () => readClock(connection),
    policy: policyOf(config),
    readFreeze: openFreeze(connection, PREFIX).read,
    confirmDurability: () => confirmDurability(connection),
    announce: makeAnnounce(queues, log),
    remind: makeRemind(queues),
    historyOf,
    redact,
    deadlineMs: config.limits.checkSeconds * 1_000,
    leaseMs: config.limits.takeOverSeconds * 1_000,
    recheckEveryMs: VERIFY_EVERY_MS,
    log,
    metrics,
  };
  const remediationWorker = startRemediationWorker({
    connection,
    concurrency: config.limits.checksAtOnce,
    lockMs: config.limits.takeOverSeconds * 1_000,
    handle: (job) => handleRemediation(remediationDeps, job),
    onFailed: ({ id, error }) =>
      log.warn({ event: 'remediation-job-failed', err: error, jobId: id }, 'Remediation job failed'),
    onError,
  });
  const sweep = startSweep(remediationDeps, SWEEP_EVERY_MS);
  const checkWorker = startCheckWorker({
    connection,
    concurrency: config.limits.checksAtOnce,
    lockMs: config.limits.takeOverSeconds * 1_000,
    handle: (job) =>
      handleCheck(
        {
          catalogue,
          readersOf: (environment) => environments.get(environment)?.readers,
          enqueueOutbox: queues.enqueueOutbox,
          audiences: queues.audiences,
          remediations,
          historyOf,
          ...tracking,
          redact,
          deadlineMs: config.limits.checkSeconds * 1_000,
          log,
          metrics,
        },
        job,
      ),
    onFailed: ({ id, data, error, isFinal }) => {
      // The handler has logged why.
      if (error instanceof NoRetry) return;
      const about = { err: error, jobId: id, check: data.check };
      if (isFinal) log.error({ event: 'check-lost', ...about }, 'Check failed on every attempt; giving up');
      else log.warn({ event: 'check-failed', ...about }, 'Check failed; retrying');
      // The digest reports a part that was lost.
      if (!isFinal || data.digestRun !== undefined) return;
      enqueueAnswers(queues, data, async (about) => ({ kind: 'lost', ...about, jobId: id })).catch(
        (failed: unknown) =>
          log.error(
            { event: 'lost-check-not-reported', err: failed, jobId: id },
            "Couldn't report a lost check",
          ),
      );
    },
    onError,
  });
  const flows = openDigestFlows(connection, onError);
  const digestDeps: DigestWorkerDeps = {
    definitions: digestDefinitionsOf(config, catalogue),
    digests: openDigests(connection, PREFIX),
    flows,
    enqueueOutbox: queues.enqueueOutbox,
    ...tracking,
    remediations,
    catalogue,
    readClock: () => readClock(connection),
    redact,
    deadlineMs: config.limits.checkSeconds * 1_000,
    log,
    metrics,
  };
  const digestWorker = startDigestWorker({
    connection,
    concurrency: DIGESTS_AT_ONCE,
    lockMs: config.limits.takeOverSeconds * 1_000,
    handle: (job) => handleDigest(digestDeps, job),
    onFailed: ({ id, data, error, isFinal }) => {
      const about = { err: error, jobId: id, digest: data.name };
      if (isFinal) log.error({ event: 'digest-job-abandoned', ...about }, 'Digest job failed; giving up');
      else log.warn({ event: 'digest-job-failed', ...about }, 'Digest job failed; retrying');
    },
    onError,
  });
  const schedule = startDigestSchedule(digestDeps, TICK_DIGESTS_EVERY_MS);
  log.info(
    { event: 'worker-started', environments: [...environments.keys()], atOnce: config.limits.checksAtOnce },
    'Worker started',
  );
  return {
    depth: queues.depth,
    readiness: {
      redis: () => connection.status === 'ready' || 'unreachable',
      checks: () => checkWorker.isRunning() || 'not running',
      remediations: () => remediationWorker.isRunning() || 'not running',
      digests: () => digestWorker.isRunning() || 'not running',
    },
    close: async (maxMs = Infinity) => {
      const graceMs = Math.min(config.limits.stopSeconds * 1_000, maxMs);
      // A sweep or a tick may be interrupted anywhere: the next one, on any worker, continues.
      await Promise.all([
        atMost(graceMs, sweep.close()),
        atMost(graceMs, schedule.close()),
        digestWorker.close(graceMs),
        checkWorker.close(graceMs),
        remediationWorker.close(graceMs),
      ]);
      await closeEnvironments(environments);
      await atMost(CLOSE_WITHIN_MS, Promise.all([queues.close(), flows.close()]));
      connection.disconnect();
    },
  };
}
