import type { RunningProcess } from '../../ports/processes.ts';
import type { MonitProcess, MonitService } from './parse-status.ts';

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

const TYPES = ['filesystem', 'directory', 'file', 'process', 'host', 'system', 'fifo', 'program', 'network'];

/** The bits of a status, lowest first: https://bitbucket.org/tildeslash/monit/src/master/src/event.h. */
const FAILURES = [
  'its checksum changed or is wrong',
  'a resource limit is exceeded',
  'it timed out',
  'its timestamp is wrong',
  'its size is wrong',
  'the connection failed',
  'its permissions are wrong',
  'its owner (uid) is wrong',
  'its group (gid) is wrong',
  'it does not exist',
  'its type is wrong',
  'its data cannot be read',
  'a command failed or timed out',
  'its filesystem flags changed',
  'the ping failed',
  'its content matches a rule',
  'monit itself was restarted',
  'an action was taken on it',
  'its pid changed',
  'its parent pid changed',
  'the heartbeat failed',
  'its program exited with an unexpected status',
  'its uptime is wrong',
  'its link is down',
  'its link speed changed',
  'its link is saturated',
  'too many bytes came in',
  'too many bytes went out',
  'too many packets came in',
  'too many packets went out',
  'it exists, but should not',
];

export function typeOf({ type }: MonitService): string {
  return TYPES[type] ?? `service of type ${type}`;
}

/** What failed, one text per bit of the status. Unknown bits of newer monits are shown as numbers, because they don't mean healthy. */
export function failuresOf({ status }: MonitService): readonly string[] {
  if (status < 0) return [`status ${status}`];
  const bits = status.toString(2).split('').toReversed();
  return bits.flatMap((bit, at) =>
    bit === '0' ? [] : [FAILURES[at] ?? `status 0x${(2 ** at).toString(16)}, which Wrench doesn't know`],
  );
}

/**
 * The state as derived by the BOSH agent, except `unknown`:
 * https://github.com/cloudfoundry/bosh-agent/blob/main/jobsupervisor/monit/status.go
 */
export function processState({ monitor, status }: MonitService): RunningProcess['state'] {
  if (monitor === 0) return 'unmonitored';
  if ((monitor & NOT_YET) !== 0) return 'starting';
  return status === 0 ? 'running' : 'failing';
}

/** Whether nothing is pending, and the process is monitored and healthy. An accepted action implies none of these. */
export function isSettled({ monitor, status, pendingAction, pid }: MonitProcess): boolean {
  return pendingAction === 0 && monitor === MONITORED && status === 0 && pid !== undefined;
}

/** What is wrong with it: `is still pending restart`, `could not be started`. */
export function describeStatus(process: MonitProcess): string {
  const { monitor, status, pendingAction, pid } = process;
  if (pendingAction !== 0) return `is still pending ${PENDING[pendingAction] ?? `action ${pendingAction}`}`;
  if (monitor === 0) return 'is not monitored';
  if ((status & COULD_NOT_BE_RUN) !== 0) return 'could not be started or stopped';
  if ((status & DOES_NOT_EXIST) !== 0 || pid === undefined) return 'is not running';
  if (status !== 0) return `is failing (${failuresOf(process).join(', ')})`;
  return (monitor & NOT_YET) === 0 ? `is the same process as before (pid ${pid})` : 'is starting';
}
