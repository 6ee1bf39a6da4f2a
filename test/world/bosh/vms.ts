/** One instance, as in the director's database and as reported by its agent. */
export interface DirectorVm {
  /** Instance group: `doppler_z2`. */
  readonly group: string;
  /** A UUID. */
  readonly id: string;
  readonly index: number | null;
  readonly az: string | null;
  readonly ips: readonly string[];
  /** Null without a machine. */
  readonly vmCid: string | null;
  readonly agentId: string | null;
  /** The desired state. */
  readonly state: 'started' | 'stopped' | 'detached';
  readonly ignore?: boolean;
  readonly errand?: boolean;
  /** The state reported by its agent; null without a machine. */
  readonly jobState: 'running' | 'failing' | 'starting' | 'stopped' | 'unknown' | 'unresponsive agent' | null;
  readonly processes: readonly {
    readonly name: string;
    readonly state: 'running' | 'failing' | 'starting' | 'unknown';
    readonly uptimeSeconds?: number;
  }[];
}

/** The machines of one deployment. Those of the demo run under a real monit. */
export interface VmBackend {
  readonly vms: () => Promise<readonly DirectorVm[]>;
  /** Stops and starts all processes of one machine; rejects with the agent's message if that fails. */
  readonly restart: (vm: DirectorVm) => Promise<void>;
}

export interface MemoryVms extends VmBackend {
  /** Changes the instance with this name, `doppler_z2/0`. */
  readonly change: (name: string, to: Partial<DirectorVm>) => void;
}

export function makeVm(group: string, index: number, more: Partial<DirectorVm> = {}): DirectorVm {
  const number = Buffer.from(group).reduce((sum, byte) => sum + byte, 0) * 100 + index;
  return {
    group,
    index,
    id: `abe6a4e9-0000-4000-8000-${number.toString().padStart(12, '0')}`,
    az: /_(z\d+)$/.exec(group)?.[1] ?? 'z1',
    ips: [`10.0.${number % 200}.${index + 10}`],
    vmCid: `vm-${number}`,
    agentId: `d9270000-0000-4000-8000-${number.toString().padStart(12, '0')}`,
    state: 'started',
    jobState: 'running',
    processes: [
      { name: group.replace(/_z\d+$/, ''), state: 'running', uptimeSeconds: 1_212_184 },
      { name: 'metron_agent', state: 'running', uptimeSeconds: 1_212_180 },
    ],
    ...more,
  };
}

/** VMs in memory: a restart sets all their processes to running. */
export function makeMemoryVms(first: readonly DirectorVm[]): MemoryVms {
  const vms = [...first];
  const set = (at: number, to: Partial<DirectorVm>): void => {
    if (vms[at]) vms[at] = { ...vms[at], ...to };
  };
  return {
    vms: () => Promise.resolve([...vms]),
    restart: ({ id }) => {
      const at = vms.findIndex((vm) => vm.id === id);
      const processes = (vms[at]?.processes ?? []).map(({ name }) => ({
        name,
        state: 'running' as const,
        uptimeSeconds: 1,
      }));
      set(at, { jobState: 'running', state: 'started', processes });
      return Promise.resolve();
    },
    change: (name, to) => {
      const at = vms.findIndex(({ group, index }) => `${group}/${index}` === name);
      if (at === -1) throw new Error(`there is no ${name}`);
      set(at, to);
    },
  };
}

/**
 * One line of the result of `instances?format=full`. Vitals are strings and process figures numbers; zeros
 * are omitted, and so is `persistent` without a disk
 * (https://bosh.io/docs/director-api-v1/#list-instances-detailed).
 */
export function instanceLine(vm: DirectorVm): string {
  const silent = vm.jobState === 'unresponsive agent' || vm.jobState === null;
  return JSON.stringify({
    vm_cid: vm.vmCid,
    active: vm.vmCid === null ? null : true,
    vm_created_at: vm.vmCid === null ? null : '2023-01-11T14:11:02Z',
    cloud_properties: {},
    disk_cid: null,
    disk_cids: [],
    ips: vm.ips,
    agent_id: vm.agentId,
    job_name: vm.group,
    index: vm.index,
    job_state: vm.jobState,
    state: vm.state,
    vm_type: 'small',
    vitals: silent
      ? null
      : {
          cpu: { sys: '0.3', user: '0.1', wait: '0.0' },
          disk: { system: { percent: '66', inode_percent: '34' }, ephemeral: { percent: '3' } },
          load: ['0.00', '0.01', '0.10'],
          mem: { kb: '605008', percent: '7' },
          swap: { kb: '75436', percent: '1' },
          uptime: { secs: 10_020 },
        },
    processes: silent
      ? []
      : vm.processes.map(({ name, state, uptimeSeconds }) => ({
          name,
          state,
          ...(uptimeSeconds && { uptime: { secs: uptimeSeconds } }),
          mem: { percent: 0 },
          cpu: { total: 0 },
        })),
    az: vm.az,
    id: vm.id,
    bootstrap: vm.index === 0,
    ignore: vm.ignore ?? false,
    stemcell: { name: 'bosh-openstack-kvm-ubuntu-jammy-go_agent', version: '1.404', api_version: 3 },
  });
}

/** One entry of `instances` without a format, which does not query agents. */
export function plainInstance(vm: DirectorVm): object {
  return {
    agent_id: vm.agentId,
    cid: vm.vmCid,
    job: vm.group,
    index: vm.index,
    id: vm.id,
    az: vm.az,
    ips: vm.ips,
    vm_created_at: vm.vmCid === null ? null : '2023-01-11T14:11:02Z',
    expects_vm: vm.errand !== true && vm.state !== 'detached',
  };
}
