import { readVm, restartVm, type Vm, type VmProcess } from '../loggregator/vm.ts';
import type { DirectorVm, VmBackend } from './vms.ts';

/** Machines whose processes run under a real monit, as their agents would report them to a director. */
export function vmsUnderMonit(machines: readonly Omit<Vm, 'folder'>[]): VmBackend {
  return {
    vms: () => Promise.all(machines.map(ask)),
    restart: async ({ id }) => {
      const machine = machines.find((machine) => machine.id === id);
      if (machine) await restartVm(machine);
    },
  };
}

async function ask(machine: Omit<Vm, 'folder'>): Promise<DirectorVm> {
  const processes = await readVm(machine).catch(() => undefined);
  return {
    group: machine.group,
    id: machine.id,
    index: machine.index,
    az: machine.zone,
    ips: machine.addresses,
    vmCid: `vm-${machine.name.replace('/', '-')}`,
    agentId: machine.id,
    state: 'started',
    jobState: processes ? stateOf(processes) : 'unknown',
    processes: (processes ?? []).map(({ name, state, uptimeSecs }) => ({
      name,
      state,
      ...(uptimeSecs !== undefined && { uptimeSeconds: uptimeSecs }),
    })),
  };
}

/**
 * Like the agent:
 * https://github.com/cloudfoundry/bosh-agent/blob/main/jobsupervisor/monit_job_supervisor.go
 */
function stateOf(processes: readonly VmProcess[]): 'running' | 'starting' | 'failing' {
  if (processes.some(({ state }) => state === 'starting')) return 'starting';
  return processes.every(({ state }) => state === 'running') ? 'running' : 'failing';
}
