import { type Evidence, type ports, wording } from '../../kit.ts';
import { defineRestart, permissionToRestart, type RestartOffer } from '../../shared/define-restart.ts';
import { field } from '../../shared/evidence.ts';
import { isDown } from '../../shared/instances.ts';
import type { WatchedDeployment } from './collect.ts';

export const restart = defineRestart({
  about: 'Restarts one instance, or one of its processes if the source supports that',
  settlesWithinSeconds: 120,
});

/** More buttons would not help. */
const MAX_OFFERS = 3;

interface Offered {
  readonly offers?: readonly RestartOffer[];
  /** Why no restart is offered. */
  readonly evidence: readonly Evidence[];
}

/** Offers to restart one instance, or its processes that are down, depending on the supervisor. */
export function restartOffers(
  { source, name: deployment }: WatchedDeployment,
  instance: ports.Instance,
): Offered {
  const { group, id, name, processes } = instance;
  const permission = permissionToRestart(instance);
  if (!permission.allowed) return notOffered(permission.because);
  const whole = { source, deployment, group, id, name };
  if (permission.scope === 'instance')
    return { offers: [{ remediation: 'restart', params: whole }], evidence: [] };
  const offers = processes
    .filter((process) => isDown(process) && process.state !== 'starting')
    .filter((process) => permissionToRestart(instance, process.name).allowed)
    .slice(0, MAX_OFFERS)
    .map((process): RestartOffer => ({
      remediation: 'restart',
      params: { ...whole, process: process.name },
    }));
  return offers.length > 0
    ? { offers, evidence: [] }
    : notOffered(`the source ${source} may restart only ${wording.list(permission.processes, 5)}`);
}

function notOffered(because: string): Offered {
  return { evidence: [field('Restart', `not offered: ${because}`)] };
}
