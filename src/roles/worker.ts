import { connectPatiently } from '../queue/connection.ts';
import type { CheckJob } from '../queue/contracts.ts';
import { openQueues } from '../queue/queues.ts';
import { workChecks } from '../queue/work.ts';
import { makeRedact } from '../check/redact.ts';
import { handleCheck } from '../worker/check-handler.ts';
import { type Role, type Shared, questionOf } from './common.ts';
import { closeEnvironments, openEnvironments } from './sources.ts';

/** How long running checks may go on when the worker is asked to stop; Kubernetes kills after 30 s. */
const GRACE_MS = 20_000;

/** The role that touches the infrastructure: it runs checks and hands reports to the outbox. It holds no Slack token. */
export async function startWorker(shared: Shared): Promise<Role> {
  const { settings, config, catalogue, redis, metrics } = shared;
  const log = shared.log.child({ role: 'worker' });
  const onError = (error: Error) => log.warn({ err: error }, 'Redis');
  const connection = connectPatiently(redis, onError);
  const queues = openQueues(connection, questionOf(catalogue), onError);
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
          redact: makeRedact([...settings.secrets, ...config.secrets]),
          deadlineMs: config.limits.checkSeconds * 1_000,
          log,
          metrics,
        },
        delivery,
      ),
    onLost: (id: string, { runId, check, environment, asked }: CheckJob, error: Error) => {
      log.error({ err: error, jobId: id, check }, 'a check was lost again and again');
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
    readiness: {
      redis: () => connection.status === 'ready' || 'not reachable',
      checks: () => working.isRunning() || 'not running',
    },
    close: async () => {
      await working.close(GRACE_MS);
      await closeEnvironments(environments);
      await queues.close();
      connection.disconnect();
    },
  };
}
