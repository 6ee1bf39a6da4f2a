import { type ports, wording } from '../../kit.ts';
import type { Watched } from './collect.ts';
import { type Evidence, field, type Restart } from './problem.ts';
import { isDown } from '../../shared/instances.ts';

/** More buttons than these are no help. */
const MOST_OFFERS = 3;

interface Offered {
  readonly offers: Restart[];
  /** Why there is no button, where there is none. */
  readonly evidence: Evidence[];
}

/** Offers to restart one instance, or those of its processes that are down, as its supervisor can. */
export function restartOffers({ source, name: deployment }: Watched, instance: ports.Instance): Offered {
  const { restart: terms, group, id, name, processes } = instance;
  if (!terms.allowed) return notOffered(terms.because);
  const whole = { source, deployment, group, id, name };
  if (terms.scope === 'instance')
    return { offers: [{ remediation: 'restart', params: whole }], evidence: [] };
  const offers = processes
    .filter(
      (process) => isDown(process) && process.state !== 'starting' && terms.processes.includes(process.name),
    )
    .slice(0, MOST_OFFERS)
    .map((process): Restart => ({ remediation: 'restart', params: { ...whole, process: process.name } }));
  return offers.length > 0
    ? { offers, evidence: [] }
    : notOffered(`the source ${source} may restart only ${wording.list(terms.processes, 5)}`);
}

function notOffered(because: string): Offered {
  return { offers: [], evidence: [field('Restart', `not offered: ${because}`)] };
}
