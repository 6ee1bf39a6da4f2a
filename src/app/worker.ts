import { atMost } from '../telemetry/within.ts';
import { confirmDurability } from '../store/remediation/durability.ts';
import { openFreeze } from '../store/remediation/freeze.ts';
import { openPeople } from '../store/access/people.ts';
import { openRemediationStore } from '../store/remediation/remediation-store.ts';
import { connectPatiently } from '../queue/connection.ts';
import { openQueues, PREFIX } from '../queue/queues.ts';
import { workChecks, workRemediations } from '../queue/work.ts';
import { answer, handleCheck } from '../worker/check-handler.ts';
import { handleRemediation } from '../worker/remediation-handler.ts';
import type { RemediationHandling } from '../worker/step.ts';
import { startSweeping } from '../worker/sweep.ts';
import { logOutages } from '../telemetry/outages.ts';
import { policyOf, type Role, type Shared } from './shared.ts';
import { closeEnvironments, openEnvironments } from './environments.ts';

/** Between two checks that verify a fix. */
const VERIFY_EVERY_MS = 5_000;
/** How often overdue remediations are looked for. */
const SWEEP_EVERY_MS = 2_000;
const CLOSE_WITHIN_MS = 2_000;

/** Starts the role that reaches the infrastructure: it runs checks, applies fixes and queues reports for the bot. It has no Slack token. */
export async function startWorker(shared: Shared): Promise<Role> {
  const { config, catalogue, redis, redact, metrics } = shared;
  const log = shared.log.child({ role: 'worker' });
  const onError = logOutages(log, 'Redis');
  const connection = connectPatiently(redis, onError);
  const queues = openQueues(connection, onError);
  const environments = await openEnvironments(config.environments);
  const remediations = openRemediationStore(connection, PREFIX);
  const remediationDeps: RemediationHandling = {
    catalogue,
    readersOf: (environment) => environments.get(environment)?.readers,
    writersOf: (environment) => environments.get(environment)?.writers,
    remediations,
    people: openPeople(connection, PREFIX),
    policy: policyOf(config),
    frozen: openFreeze(connection, PREFIX).read,
    durability: () => confirmDurability(connection),
    act: queues.act,
    tell: queues.tell,
    redact,
    deadlineMs: config.limits.checkSeconds * 1_000,
    leaseMs: config.limits.takeOverSeconds * 1_000,
    lookAgainMs: VERIFY_EVERY_MS,
    log,
    metrics,
  };
  const remediationWorker = workRemediations({
    connection,
    atOnce: config.limits.checksAtOnce,
    takeOverMs: config.limits.takeOverSeconds * 1_000,
    handle: (delivery) => handleRemediation(remediationDeps, delivery),
    onFailed: ({ id, error }) => log.warn({ err: error, jobId: id }, 'a step of a remediation was lost'),
    onError,
  });
  const sweep = startSweeping(remediationDeps, SWEEP_EVERY_MS);
  const checkWorker = workChecks({
    connection,
    atOnce: config.limits.checksAtOnce,
    takeOverMs: config.limits.takeOverSeconds * 1_000,
    handle: (delivery) =>
      handleCheck(
        {
          catalogue,
          readersOf: (environment) => environments.get(environment)?.readers,
          tell: queues.tell,
          audiences: queues.audiences,
          remediations,
          redact,
          deadlineMs: config.limits.checkSeconds * 1_000,
          log,
          metrics,
        },
        delivery,
      ),
    onFailed: ({ id, data, error, forGood }) => {
      log[forGood ? 'error' : 'warn'](
        { err: error, jobId: id, check: data.check },
        forGood ? 'a check was lost' : 'a check is run again',
      );
      if (!forGood) return;
      answer(queues, data, async (about) => ({ kind: 'lost', ...about, jobId: id })).catch(
        (failed: unknown) => log.error({ err: failed, jobId: id }, 'a lost check could not be reported'),
      );
    },
    onError,
  });
  log.info(
    { environments: [...environments.keys()], atOnce: config.limits.checksAtOnce },
    'the worker takes checks',
  );
  return {
    depth: queues.depth,
    readiness: {
      redis: () => connection.status === 'ready' || 'not reachable',
      checks: () => checkWorker.isRunning() || 'not running',
      remediations: () => remediationWorker.isRunning() || 'not running',
    },
    close: async (maxMs = Infinity) => {
      const graceMs = Math.min(config.limits.stopSeconds * 1_000, maxMs);
      // A sweep may stop anywhere. The next one, by any worker, does the rest.
      await Promise.all([
        atMost(graceMs, sweep.close()),
        checkWorker.close(graceMs),
        remediationWorker.close(graceMs),
      ]);
      await closeEnvironments(environments);
      await atMost(CLOSE_WITHIN_MS, queues.close());
      connection.disconnect();
    },
  };
}
