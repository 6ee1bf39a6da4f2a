import type { Ailment, Survey } from './survey.ts';
import { wordsFor } from './trouble.ts';

/** How a trouble of whole instances is told. */
export interface Words {
  readonly reason: string;
  readonly says: string;
  readonly next: string;
}

interface Whole {
  readonly one: (survey: Survey) => Words;
  /** How it is told of `hit` of `all` at once. */
  readonly many: (survey: Survey, hit: number, all: number) => Words;
}

/** What is known of agents that fall silent all at once. */
export const NATS = 'https://bosh.io/docs/nats-ca-rotation/';

export const AILMENTS: Record<Ailment, Whole> = {
  silent: {
    one: ({ deployment }) => {
      const { agent } = wordsFor(deployment);
      const next =
        deployment.kind === 'bosh'
          ? 'what runs there is not known. The VM is frozen, cut off or gone: look at it in the infrastructure, then `bosh cloud-check`'
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
          ? 'so many broken VMs at once are rare; look at the certificates of NATS first (`/certs expiring`)'
          : `so many broken ${machine}s at once are rare; look at the network between`;
      return { reason: 'agents-unresponsive', says, next };
    },
  },
  absent: {
    one: ({ deployment }) => ({
      reason: 'vm-absent',
      says: `there is no ${wordsFor(deployment).machine}, though it should run`,
      next: 'it was deleted or never made: `bosh cloud-check` makes it anew, unless the resurrector does',
    }),
    many: ({ deployment }, hit, all) => ({
      reason: 'vms-absent',
      says: `${hit} of ${all} instances have no ${wordsFor(deployment).machine}`,
      next: 'so many at once were deleted, or the infrastructure beneath has lost them: look there before making them anew',
    }),
  },
  unseen: {
    one: () => ({
      reason: 'monit-unresponsive',
      says: 'its agent answers and its monit does not',
      next: 'what runs there is not known, and nothing is brought back: look at monit on the VM',
    }),
    many: (_, hit, all) => ({
      reason: 'monits-unresponsive',
      says: `the agents answer and monit does not on ${hit} of ${all} VMs`,
      next: 'what runs there is not known, and nothing is brought back: look at what the VMs have in common, such as a new stemcell or a full disk',
    }),
  },
  stopped: {
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

function plural(agent: string): string {
  return agent === 'agent' ? 'agents' : 'monits';
}
