import type { ports } from '../../kit.ts';

/** A service whose state Nova knows. */
export interface KnownService extends ports.CloudService {
  readonly isEnabled: boolean;
  readonly isUp: boolean;
}

export function isCompute({ binary }: ports.CloudService): boolean {
  return binary === 'nova-compute';
}

export function knownServices(services: readonly ports.CloudService[]): readonly KnownService[] {
  return services.flatMap((one) => {
    const { isEnabled, isUp } = one;
    return isEnabled === undefined || isUp === undefined ? [] : [{ ...one, isEnabled, isUp }];
  });
}

const WRENCH = /^wrench m[0-9a-z]{4,}: /;

/** Wrench disabled it: the reason contains the id of the fix. */
export function isDisabledByWrench({ isEnabled, disabledReason = '' }: ports.CloudService): boolean {
  return isEnabled === false && WRENCH.test(disabledReason);
}

/** Nova disabled it, because the hypervisor failed: https://opendev.org/openstack/nova/src/branch/master/nova/virt/libvirt/driver.py (DISABLE_PREFIX) */
export function isDisabledByNova({ isEnabled, disabledReason = '' }: ports.CloudService): boolean {
  return isEnabled === false && disabledReason.startsWith('AUTO: ');
}

/** People disabled it and said why. */
export function isPlanned(service: ports.CloudService): boolean {
  return (
    service.isEnabled === false &&
    service.disabledReason !== undefined &&
    !isDisabledByWrench(service) &&
    !isDisabledByNova(service)
  );
}
