import type { ports } from '../../kit.ts';
import { isSameHost } from '../../shared/host-names.ts';
import { type Cleaning, type Removable, removalOf, type SilentHost } from './cleaning.ts';
import type { KnownInstance } from './facts.ts';
import { instanceIn } from './lost.ts';
import type { Base, Storage } from './storages.ts';

/** A base image that only silent hosts use, and that another host will remove. */
export interface BaseAtRisk {
  readonly base: Base;
  readonly owners: readonly SilentHost[];
  readonly servers: readonly ports.CloudServer[];
  readonly removal: Removable;
}

/** The base images that hosts may remove, whose users must be known to say so. */
export function candidates(storage: Storage, cleaning: Cleaning): readonly Base[] {
  if (storage.isShared !== true) return [];
  return storage.bases.filter(
    (base) =>
      base.state === 'present' &&
      cleaning.silent.some((one) => removalOf(base, [one], cleaning) !== undefined),
  );
}

/** An image is safe if one of its users is counted, or may be: of an instance whose host isn't known, nothing is claimed. */
export function basesAtRisk(
  storage: Storage,
  cleaning: Cleaning,
  instances: readonly KnownInstance[],
): readonly BaseAtRisk[] {
  return candidates(storage, cleaning).flatMap((base): readonly BaseAtRisk[] => {
    const known = base.disks.map((disk) => instanceIn(instances, disk));
    if (known.includes(undefined)) return [];
    const servers = known
      .flatMap((one) => one?.server ?? [])
      .filter(({ status }) => status !== 'SHELVED_OFFLOADED');
    const owners = servers.map(({ host }) =>
      host === undefined ? undefined : cleaning.silent.find((one) => isSameHost(one.host, host)),
    );
    const silent = owners.filter((one) => one !== undefined);
    if (silent.length === 0 || silent.length < owners.length) return [];
    const unique = [...new Set(silent)];
    const removal = removalOf(base, unique, cleaning);
    return removal ? [{ base, owners: unique, servers, removal }] : [];
  });
}
