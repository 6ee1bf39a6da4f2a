import type { ports } from '../kit.ts';

/** The settings of a BOSH agent, which contain the certificate with which it connects to NATS: https://bosh.io/docs/nats-ca-rotation/ */
const SETTINGS = '/var/vcap/bosh/settings.json';

export function isAgentPlace({ place, chain: [leaf] }: Pick<ports.SeenPlace, 'place' | 'chain'>): boolean {
  return place.includes(`:${SETTINGS}`) && !leaf.authority;
}
