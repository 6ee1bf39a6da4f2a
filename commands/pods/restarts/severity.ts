import type { Finding } from '../../kit.ts';
import { worstSeverity } from '../../shared/severity.ts';
import { backOffMs } from './instances.ts';
import { isOfJob } from './owner.ts';
import type { Restarting, RestartingGroup } from './restarting.ts';

/** The default of a Job's `backoffLimit` is 6: https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy */
const MANY_RETRIES = 20;

/** The kubelet doubles the back-off from 10 s: it has ended five times in a row, and never ran for long. */
const LONG_BACK_OFF_MS = 160_000;
/** So many restarts in all that the last two are no exception. */
const MANY_RESTARTS = 20;

/**
 * Whether it is certain that it restarts again and again, although its rate is an estimate: it waits in a long back-off; or it has restarted many times,
 * lives just as long as its probe takes to kill it, and has not run for longer since.
 */
export function isCertain({ container: { status }, loop, cause }: Restarting): boolean {
  if (!loop.isEstimate) return true;
  const { restarts = 0, state } = status;
  if (state.kind === 'waiting' && state.reason === 'CrashLoopBackOff')
    return (backOffMs(state) ?? 0) >= LONG_BACK_OFF_MS;
  const windows = cause.kind === 'killed-by-probe' ? cause.windows : [];
  return (
    restarts >= MANY_RESTARTS &&
    windows.some(({ toSeconds }) => (loop.runningMs ?? Infinity) <= toSeconds * 1_000)
  );
}

const SETTLED_MS = 5 * 60_000;

/** Whether it runs for much longer than before, such as since what it waited for is there. */
function mayHaveSettled({ runningMs = 0, lifeMs = Infinity }: Restarting['loop']): boolean {
  return runningMs > Math.max(SETTLED_MS, 3 * lifeMs);
}

/** Critical only if it is certain that the container restarts now and soon again. */
export function severityOf(one: Restarting): Finding['severity'] {
  const { loop, cause } = one;
  if (loop.pace === 'ended' || loop.pace === 'proving') return 'info';
  if (isRetry(one)) return 'info';
  if (loop.pace === 'slow' || !isCertain(one) || mayHaveSettled(loop)) return 'warning';
  // A process that ends with success works, and a Job gives up by itself.
  return cause.kind === 'exits-with-success' || countsTowardsLimit(one) ? 'warning' : 'critical';
}

export function severityOfGroup({ members }: Pick<RestartingGroup, 'members'>): Finding['severity'] {
  return worstSeverity(members.map(severityOf)) ?? 'info';
}

/** A Job retries what fails, and its `backoffLimit` ends that. What kills the container from outside is a fault anyway. */
export function isRetry(one: Restarting): boolean {
  const { kind } = one.cause;
  const fails = kind === 'crash-loop' || kind === 'exits-with-success' || kind === 'leader-lease-lost';
  return fails && countsTowardsLimit(one) && (one.container.status.restarts ?? Infinity) <= MANY_RETRIES;
}

/** A sidecar of a Job does not count towards its limit. */
function countsTowardsLimit({ container }: Restarting): boolean {
  return isOfJob(container) && container.kind !== 'sidecar';
}
