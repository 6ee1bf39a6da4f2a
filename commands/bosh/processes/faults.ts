import { usesEtcd } from '../../shared/cf-version.ts';
import type { InstanceFault } from '../../shared/instances.ts';
import type { WatchedDeployment } from './collect.ts';
import { nounsFor } from './problem.ts';

/** Texts for faults of whole instances, and what to check if a process is down everywhere. */

/** How a fault of whole instances is described. */
export interface FaultText {
  readonly reason: string;
  readonly says: string;
  readonly next: string;
}

interface FaultDescription {
  readonly one: (deployment: WatchedDeployment) => FaultText;
  /** The text for `hit` of `all` instances at once. */
  readonly many: (deployment: WatchedDeployment, hit: number, all: number) => FaultText;
  /** Whether a task that changes the deployment causes it temporarily. */
  readonly isOfTask: boolean;
}

/** The text for agents that stop responding all at once. */
export const NATS_DOCUMENTATION = 'https://bosh.io/docs/nats-ca-rotation/';

export const INSTANCE_FAULTS: Readonly<Record<InstanceFault, FaultDescription>> = {
  silent: {
    isOfTask: false,
    one: (deployment) => ({
      reason: 'agent-unresponsive',
      says: `its ${nounsFor(deployment).agent} is not responding`,
      next:
        deployment.supervisor === 'director'
          ? 'the VM may be hung, unreachable or deleted. Check it in the IaaS, then run `bosh cloud-check`'
          : 'check that the machine is up and that monit is listening',
    }),
    many: (deployment, hit, all) => ({
      reason: 'agents-unresponsive',
      says: `${hit} of ${all} ${nounsFor(deployment).agent}s are not responding`,
      next:
        deployment.supervisor === 'director'
          ? 'this many VMs rarely fail at once: check the NATS certificates first (`/certs expiring`)'
          : 'this many machines rarely fail at once: check the network to them first',
    }),
  },
  absent: {
    isOfTask: true,
    one: (deployment) => ({
      reason: 'vm-absent',
      says: `its ${nounsFor(deployment).machine} is missing`,
      next: 'it was deleted or never created. Unless the resurrector recreates it, run `bosh cloud-check`',
    }),
    many: (deployment, hit, all) => ({
      reason: 'vms-absent',
      says: `${hit} of ${all} instances have no ${nounsFor(deployment).machine}`,
      next: 'they were deleted, or the IaaS lost them. Check the IaaS before recreating them',
    }),
  },
  unseen: {
    isOfTask: false,
    one: () => ({
      reason: 'monit-unresponsive',
      says: 'its agent responds, but its monit does not',
      next: 'its processes are unknown, and are not restarted if they fail. Check monit on the VM',
    }),
    many: (_, hit, all) => ({
      reason: 'monits-unresponsive',
      says: `monit is not responding on ${hit} of ${all} VMs, although their agents are`,
      next: 'their processes are unknown, and are not restarted if they fail. Check what the VMs have in common, such as a new stemcell or a full disk',
    }),
  },
  stopped: {
    isOfTask: true,
    one: () => ({
      reason: 'instance-stopped',
      says: 'it is stopped, but should be running',
      next: 'it was stopped on the VM, or a deploy was interrupted. It does not restart automatically',
    }),
    many: (_, hit, all) => ({
      reason: 'instances-stopped',
      says: `${hit} of ${all} instances are stopped, but should be running`,
      next: 'a stop or a deploy was interrupted. They do not restart automatically',
    }),
  },
};

export interface Hint {
  /** What to check next. */
  readonly check: string;
  readonly because: string;
}

interface HintRule extends Hint {
  readonly process: RegExp;
  /** Whether this entry applies to a deployment. */
  readonly applies?: (deployment: WatchedDeployment) => boolean;
}

const NEEDS_ETCD: Hint = {
  check: '`/etcd health`',
  because: 'it registers in etcd, so an etcd without a leader or with slow disks takes it down everywhere',
};

/**
 * What to check if a process is down on many instances. From https://docs.cloudfoundry.org/concepts/architecture/ and the outages in
 * `stories.ts`.
 */
const HINT_RULES: readonly HintRule[] = [
  {
    process: /^metron_agent$/,
    applies: mayUseEtcd,
    check: '`/etcd doppler`',
    because: 'it panics when no doppler is registered in etcd for its protocol',
  },
  { process: /^etcd$/, check: '`/etcd health`', because: 'it shows which member is missing' },
  { process: /^doppler$/, applies: mayUseEtcd, ...NEEDS_ETCD },
  { process: /^(syslog_drain_binder|hm9000_\w+|routing-api)$/, ...NEEDS_ETCD },
  {
    process: /^consul_agent$/,
    check: 'the consul servers first',
    because: 'it resolves internal names, including those of etcd',
  },
  {
    process: /^(rep|bbs|locket|auctioneer)$/,
    check: '`/certs expiring`',
    because: 'the cells, BBS and Locket use mutual TLS, and stop together when their certificates expire',
  },
  {
    process: /^(silk-daemon|silk-controller|vxlan-policy-agent|policy-server(-internal)?)$/,
    check: '`/certs expiring`',
    because: 'the container networking components use mutual TLS',
  },
];

export function hintFor(process: string, deployment: WatchedDeployment): Hint | undefined {
  return HINT_RULES.find((known) => known.process.test(process) && (known.applies?.(deployment) ?? true));
}

/** Also true for an unknown version. */
function mayUseEtcd({ version }: WatchedDeployment): boolean {
  return usesEtcd(version) !== false;
}
