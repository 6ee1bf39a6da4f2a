import type { Ailment } from '../../shared/instances.ts';
import type { Survey } from './survey.ts';
import { lockInWords, wordsFor } from './trouble.ts';

/** How a trouble of whole instances is described. */
export interface Words {
  readonly reason: string;
  readonly says: string;
  readonly next: string;
}

interface Whole {
  readonly one: (survey: Survey) => Words;
  /** How it is described of `hit` of `all` at once. */
  readonly many: (survey: Survey, hit: number, all: number) => Words;
  /** A task that changes the deployment does this to instances, and undoes it. */
  readonly isOfTask: boolean;
}

/** What is known about agents that stop responding all at once. */
export const NATS = 'https://bosh.io/docs/nats-ca-rotation/';

export const AILMENTS: Record<Ailment, Whole> = {
  silent: {
    isOfTask: false,
    one: ({ deployment }) => {
      const { agent } = wordsFor(deployment);
      const next =
        deployment.kind === 'bosh'
          ? 'what runs there is not known. The VM hangs, is cut off or is gone: check it in the infrastructure, then `bosh cloud-check`'
          : 'what runs there is not known: is the machine up, and does monit listen?';
      return { reason: 'agent-unresponsive', says: `its ${agent} does not answer`, next };
    },
    many: ({ deployment }, hit, all) => {
      const { agent, machine } = wordsFor(deployment);
      const says =
        hit === all
          ? `no ${agent} answers: ${hit} of ${all}`
          : `${hit} of ${all} ${plural(agent)} do not answer`;
      const next =
        deployment.kind === 'bosh'
          ? 'so many broken VMs at once are rare; check the certificates of NATS first (`/certs expiring`)'
          : `so many broken ${machine}s at once are rare; check the network between`;
      return { reason: 'agents-unresponsive', says, next };
    },
  },
  absent: {
    isOfTask: true,
    one: ({ deployment }) => ({
      reason: 'vm-absent',
      says: `there is no ${wordsFor(deployment).machine}, though it should run`,
      next: 'it was deleted or never created: `bosh cloud-check` creates it again, unless the resurrector does',
    }),
    many: ({ deployment }, hit, all) => ({
      reason: 'vms-absent',
      says: `${hit} of ${all} instances have no ${wordsFor(deployment).machine}`,
      next: 'so many at once were deleted, or the infrastructure beneath has lost them: check there before creating them again',
    }),
  },
  unseen: {
    isOfTask: false,
    one: () => ({
      reason: 'monit-unresponsive',
      says: 'its agent answers and its monit does not',
      next: 'what runs there is not known, and nothing is started again: check monit on the VM',
    }),
    many: (_, hit, all) => ({
      reason: 'monits-unresponsive',
      says: `the agents answer and monit does not on ${hit} of ${all} VMs`,
      next: 'what runs there is not known, and nothing is started again: check what the VMs have in common, such as a new stemcell or a full disk',
    }),
  },
  stopped: {
    isOfTask: true,
    one: () => ({
      reason: 'instance-stopped',
      says: 'it is stopped, though it should run',
      next: 'somebody stopped it there, or a deploy ended half way; it does not come back by itself',
    }),
    many: (_, hit, all) => ({
      reason: 'instances-stopped',
      says: `${hit} of ${all} instances are stopped, though they should run`,
      next: 'a stop or a deploy that ended half way leaves them so; they do not come back by themselves',
    }),
  },
};

/** What to expect of instances that a running task is changing, in place of what to do about them. */
export function expectedOfTask({ deployment }: Survey, back: string): string {
  const isGoing = /^(delete|stop)\b/i.test(deployment.lock?.description ?? '');
  const after = isGoing ? 'check again when the task has ended' : `${back} before the task ends`;
  return `${lockInWords(deployment)}: ${after}`;
}

function plural(agent: string): string {
  return agent === 'agent' ? 'agents' : 'monits';
}
