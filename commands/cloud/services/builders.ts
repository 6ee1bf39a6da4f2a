import type { ports } from '../../kit.ts';
import type { CloudFacts, Facts } from './facts.ts';

/** Builders of facts, for the stories and tests of this check. */

/** A service that is up and enabled, with overrides. */
export function service(
  binary: string,
  host: string,
  updatedAt: string,
  known: Partial<ports.CloudService> = {},
): ports.CloudService {
  return {
    id: `id-of-${binary}-${host}`,
    binary,
    host,
    zone: binary === 'nova-compute' ? 'nova' : 'internal',
    isEnabled: true,
    isUp: true,
    updatedAt: new Date(updatedAt),
    isForcedDown: false,
    ...known,
  };
}

export function compute(
  host: string,
  updatedAt: string,
  known: Partial<ports.CloudService> = {},
): ports.CloudService {
  return service('nova-compute', host, updatedAt, known);
}

/** Conductors and schedulers on `ctl-1` and others, all up. */
export function controllers(amount: number, updatedAt: string): readonly ports.CloudService[] {
  return Array.from({ length: amount }, (_, at) => `ctl-${at + 1}`).flatMap((host) => [
    service('nova-conductor', host, updatedAt),
    service('nova-scheduler', host, updatedAt),
  ]);
}

/** One cloud that allows changes. */
export function factsOf(services: readonly ports.CloudService[], known: Partial<Facts> = {}): Facts {
  const cloud: CloudFacts = { name: 'openstack', services, changes: { allowed: true } };
  return { clouds: [cloud], hasSeveralClouds: false, alarms: [], hosts: [], ...known };
}
