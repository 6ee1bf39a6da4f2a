import { MAX_WORLD_WAIT_MS } from '../../timeouts.ts';
import { type MonitAccess, order, readWatched, type Watched, waitForWatched } from '../monit/ask.ts';

/**
 * One machine of the deployment: real processes under a real monit, with an address in a fictional network.
 */
export interface Vm {
  /** `doppler_z2/0` */
  readonly name: string;
  readonly group: string;
  readonly index: number;
  readonly id: string;
  readonly zone: string;
  readonly addresses: readonly string[];
  readonly monit: MonitAccess;
  /** With the processes' logs: `metron_agent.log`, `doppler.log`. */
  readonly folder: string;
}

export interface VmProcess {
  readonly name: string;
  /** As named by the BOSH agent; `unknown` is monit's "not monitored". */
  readonly state: 'running' | 'failing' | 'starting' | 'unknown';
  readonly uptimeSecs?: number;
}

/** What its agent would report. */
export async function readVm({ monit }: Pick<Vm, 'monit'>): Promise<readonly VmProcess[]> {
  return (await readWatched(monit)).map((watched) => ({
    name: watched.name,
    state: stateOf(watched),
    ...(watched.uptimeSeconds !== undefined && { uptimeSecs: watched.uptimeSeconds }),
  }));
}

/**
 * Stops all its processes, waits, starts them, and waits until they run, like the agent for a restart
 * without drain.
 * @throws if they do not.
 */
export async function restartVm({ monit }: Pick<Vm, 'monit'>): Promise<void> {
  const names = (await readWatched(monit)).map(({ name }) => name);
  for (const name of names) await order(monit, name, 'stop');
  await waitForWatched(
    monit,
    (all) => all.every((one) => one.monitor === 0 && one.pid === undefined && one.pendingAction === 0),
    MAX_WORLD_WAIT_MS,
  );
  for (const name of names) await order(monit, name, 'start');
  await waitForWatched(
    monit,
    (all) => all.every((one) => one.pendingAction === 0 && stateOf(one) === 'running'),
    MAX_WORLD_WAIT_MS,
  );
}

/**
 * As computed by the agent:
 * https://github.com/cloudfoundry/bosh-agent/blob/main/jobsupervisor/monit/status.go
 */
function stateOf({ monitor, status }: Watched): VmProcess['state'] {
  if (monitor === 0) return 'unknown';
  if (monitor === 2) return 'starting';
  return status === 0 ? 'running' : 'failing';
}
