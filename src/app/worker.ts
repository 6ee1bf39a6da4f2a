import { atMost } from '../telemetry/within.ts';
import { confirmDurability } from '../store/remediation/durability.ts';
import { openFreeze } from '../store/remediation/freeze.ts';
import { openPeople } from '../store/access/people.ts';
import { openRemediations } from '../store/remediation/remediations.ts';
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

/** Between two looks while a fix settles. */
const LOOK_AGAIN_MS = 5_000;
/** How often what nobody ended in time is ended. */
const SWEEP_EVERY_MS = 2_000;
const CLOSE_WITHIN_MS = 2_000;

/** The role that touches the infrastructure: it runs checks and hands reports to the outbox. It holds no Slack token. */
export async function startWorker(shared: Shared): Promise<Role> {
  const { config, catalogue, redis, redact, metrics } = shared;
  const log = shared.log.child({ role: 'worker' });
  const onError = logOutages(log, 'Redis');
  const connection = connectPatiently(redis, onError);
  const queues = openQueues(connection, onError);
  const environments = await openEnvironments(config.environments);
  const remediations = openRemediations(connection, PREFIX);
  const fixing: RemediationHandling = {
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
    lookAgainMs: LOOK_AGAIN_MS,
    log,
    metrics,
  };
  const remedying = workRemediations({
    connection,
    atOnce: config.limits.checksAtOnce,
    takeOverMs: config.limits.takeOverSeconds * 1_000,
    handle: (delivery) => handleRemediation(fixing, delivery),
    onFailed: ({ id, error }) => log.warn({ err: error, jobId: id }, 'a step of a remediation was lost'),
    onError,
  });
  const sweeping = startSweeping(fixing, SWEEP_EVERY_MS);
  const working = workChecks({
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
      checks: () => working.isRunning() || 'not running',
      remediations: () => remedying.isRunning() || 'not running',
    },
    close: async (mostMs = Infinity) => {
      const graceMs = Math.min(config.limits.stopSeconds * 1_000, mostMs);
      // A sweep may stop anywhere. The next one, by any worker, does the rest.
      await Promise.all([
        atMost(graceMs, sweeping.close()),
        working.close(graceMs),
        remedying.close(graceMs),
      ]);
      await closeEnvironments(environments);
      await atMost(CLOSE_WITHIN_MS, queues.close());
      connection.disconnect();
    },
  };
}
