import { connectPatiently } from '../queue/connection.ts';
import { openQueues } from '../queue/queues.ts';
import { workChecks } from '../queue/work.ts';
import { handleCheck } from '../worker/check-handler.ts';
import { logOutages } from '../telemetry/outages.ts';
import type { Role, Shared } from './common.ts';
import { closeEnvironments, openEnvironments } from './sources.ts';

/** The role that touches the infrastructure: it runs checks and hands reports to the outbox. It holds no Slack token. */
export async function startWorker(shared: Shared): Promise<Role> {
  const { config, catalogue, redis, redact, metrics } = shared;
  const log = shared.log.child({ role: 'worker' });
  const onError = logOutages(log, 'Redis');
  const connection = connectPatiently(redis, onError);
  const queues = openQueues(connection, onError);
  const environments = await openEnvironments(config.environments);
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
          redact,
          deadlineMs: config.limits.checkSeconds * 1_000,
          log,
          metrics,
        },
        delivery,
      ),
    onFailed: ({ id, data: { runId, check, environment, asked }, error, forGood }) => {
      log[forGood ? 'error' : 'warn'](
        { err: error, jobId: id, check },
        forGood ? 'a check was lost' : 'a check is run again',
      );
      if (!forGood) return;
      queues
        .tell(`report-${runId}`, { kind: 'lost', runId, check, environment, asked, jobId: id })
        .catch((failed: unknown) => log.error({ err: failed, jobId: id }, 'nobody will be told'));
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
    },
    close: async () => {
      await working.close(config.limits.stopSeconds * 1_000);
      await closeEnvironments(environments);
      await queues.close();
      connection.disconnect();
    },
  };
}
