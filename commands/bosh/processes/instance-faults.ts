import type { InstanceFault } from '../../shared/instances.ts';
import type { Survey } from './survey.ts';
import { describeLock, nounsFor } from './problem.ts';

/** How a fault of whole instances is described. */
export interface FaultText {
  readonly reason: string;
  readonly says: string;
  readonly next: string;
}

interface FaultDescription {
  readonly one: (survey: Survey) => FaultText;
  /** How it is described of `hit` of `all` at once. */
  readonly many: (survey: Survey, hit: number, all: number) => FaultText;
  /** A task that changes the deployment does this to instances, and undoes it. */
  readonly isOfTask: boolean;
}

/** What is known about agents that stop responding all at once. */
export const NATS_DOCUMENTATION = 'https://bosh.io/docs/nats-ca-rotation/';

export const INSTANCE_FAULTS: Record<InstanceFault, FaultDescription> = {
  silent: {
    isOfTask: false,
    one: ({ deployment }) => {
      const { agent } = nounsFor(deployment);
      const next =
        deployment.supervisor === 'director'
          ? 'its processes are unknown. The VM may be hung, unreachable or gone: check it in the IaaS, then run `bosh cloud-check`'
          : 'its processes are unknown: check that the machine is up and that monit is listening';
      return { reason: 'agent-unresponsive', says: `its ${agent} is not responding`, next };
    },
    many: ({ deployment }, hit, all) => {
      const { agent, machine } = nounsFor(deployment);
      const says = `${hit} of ${all} ${plural(agent)} are not responding`;
      const next =
        deployment.supervisor === 'director'
          ? 'this many VMs rarely fail at once: check the NATS certificates first (`/certs expiring`)'
          : `this many ${machine}s rarely fail at once: check the network to them first`;
      return { reason: 'agents-unresponsive', says, next };
    },
  },
  absent: {
    isOfTask: true,
    one: ({ deployment }) => ({
      reason: 'vm-absent',
      says: `its ${nounsFor(deployment).machine} is missing`,
      next: 'it was deleted or never created: unless the resurrector recreates it, run `bosh cloud-check`',
    }),
    many: ({ deployment }, hit, all) => ({
      reason: 'vms-absent',
      says: `${hit} of ${all} instances have no ${nounsFor(deployment).machine}`,
      next: 'they were deleted, or the IaaS has lost them: check there before recreating them',
    }),
  },
  unseen: {
    isOfTask: false,
    one: () => ({
      reason: 'monit-unresponsive',
      says: 'its agent responds, but its monit does not',
      next: 'its processes are unknown and are not restarted if they fail: check monit on the VM',
    }),
    many: (_, hit, all) => ({
      reason: 'monits-unresponsive',
      says: `monit is not responding on ${hit} of ${all} VMs, though their agents are`,
      next: 'their processes are unknown and are not restarted if they fail: check what the VMs have in common, such as a new stemcell or a full disk',
    }),
  },
  stopped: {
    isOfTask: true,
    one: () => ({
      reason: 'instance-stopped',
      says: 'it is stopped, but should be running',
      next: 'it was stopped on the VM, or a deploy was interrupted; it does not restart by itself',
    }),
    many: (_, hit, all) => ({
      reason: 'instances-stopped',
      says: `${hit} of ${all} instances are stopped, but should be running`,
      next: 'a stop or a deploy was interrupted; they do not restart by themselves',
    }),
  },
};

/** What to expect of instances that a running task is changing, in place of what to do about them. */
export function describeAfterTask({ deployment }: Survey, back: string): string {
  const isGoing = /^(delete|stop)\b/i.test(deployment.lock?.description ?? '');
  const after = isGoing ? 'check again when the task ends' : `${back} before the task ends`;
  return `${describeLock(deployment)}: ${after}`;
}

function plural(agent: string): string {
  return agent === 'agent' ? 'agents' : 'monits';
}
