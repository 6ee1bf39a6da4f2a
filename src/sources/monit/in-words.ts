import type { RunningProcess } from '../../ports/processes.ts';
import type { MonitProcess } from './parse-status.ts';

const MONITORED = 1;
const NOT_YET = 2 | 4;
const DOES_NOT_EXIST = 0x200;
const COULD_NOT_BE_RUN = 0x1000;

const PENDING: Readonly<Record<number, string>> = {
  1: 'alert',
  2: 'restart',
  3: 'stop',
  4: 'exec',
  5: 'unmonitor',
  6: 'start',
  7: 'monitor',
};

/** As the BOSH agent derives it, but for its word `unknown`. Reference: cf-and-certificates.md section 2.2. */
export function stateOf({ monitor, status }: MonitProcess): RunningProcess['state'] {
  if (monitor === 0) return 'unmonitored';
  if ((monitor & NOT_YET) !== 0) return 'starting';
  return status === 0 ? 'running' : 'failing';
}

/** Nothing is pending, it is watched over, and it is well: monit's acceptance of an order says none of these. */
export function isSettled({ monitor, status, pendingAction, pid }: MonitProcess): boolean {
  return pendingAction === 0 && monitor === MONITORED && status === 0 && pid !== undefined;
}

/** What is the matter with it: `is still pending restart`, `could not be started`. */
export function saidOf(process: MonitProcess): string {
  const { monitor, status, pendingAction, pid } = process;
  if (pendingAction !== 0) return `is still pending ${PENDING[pendingAction] ?? `action ${pendingAction}`}`;
  if (monitor === 0) return 'is not monitored';
  if ((status & COULD_NOT_BE_RUN) !== 0) return 'could not be started or stopped';
  if ((status & DOES_NOT_EXIST) !== 0 || pid === undefined) return 'does not run';
  if (status !== 0) return `is failing (status 0x${status.toString(16)})`;
  return (monitor & NOT_YET) === 0 ? `is the same process as before (pid ${pid})` : 'is starting';
}
