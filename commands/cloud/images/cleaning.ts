import type { ports } from '../../kit.ts';
import { byHost, isSameHost } from '../../shared/host-names.ts';
import { cacheSettings, type CacheSettings } from './cache-settings.ts';
import type { Facts, HostFacts } from './facts.ts';
import type { Base, Storage } from './storages.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** A host that removes base images of a storage. */
export interface Cleaner {
  readonly host: HostFacts;
  readonly settings: CacheSettings;
  /** The host has no file with settings, so these are the defaults of Nova. */
  readonly isAssumed: boolean;
}

/** A host whose instances other hosts no longer count, or soon won't. */
export interface SilentHost {
  readonly host: string;
  /** Its last report to the image cache. Absent if it has none. */
  readonly at?: Date;
  /** Other hosts no longer count its instances. */
  readonly isForgotten: boolean;
  /** By Nova. Absent if it wasn't read. */
  readonly isDown?: boolean;
  /** Its image cache manager is switched off. */
  readonly isOff?: boolean;
}

/** Who removes base images of a shared storage, and whose instances are not counted. */
export interface Cleaning {
  readonly cleaners: readonly Cleaner[];
  /** One of each group of cleaners that have the same settings. */
  readonly unlike: readonly Cleaner[];
  readonly silent: readonly SilentHost[];
  /** Hosts that report to the image cache, and whose settings aren't known. */
  readonly unread: readonly string[];
  /** All hosts whose settings are known have a folder of their own. */
  readonly isPerHost: boolean;
  /** The latest of the clocks of the cleaners: what is a day ago by it is a day ago for one of them. */
  readonly nowMs: number;
}

/** https://opendev.org/openstack/nova/src/branch/master/nova/virt/storage_users.py */
export function cleaningOf(storage: Storage, { services }: Pick<Facts, 'services'>, now: Date): Cleaning {
  const stamps = typeof storage.stamps === 'object' ? storage.stamps : [];
  const stampOf = byHost(stamps, ({ host }) => host);
  const serviceOf = byHost(
    services?.filter(({ binary }) => binary === 'nova-compute') ?? [],
    ({ host }) => host,
  );
  const isLive = (host: string): boolean => {
    const stamp = stampOf(host);
    return stamp ? now.getTime() - stamp.at.getTime() < DAY_MS : serviceOf(host)?.isUp !== false;
  };
  const known = storage.hosts.flatMap((host) =>
    host.settings
      ? [{ host, settings: settingsOf(host.settings, host.host), isAssumed: host.settings === 'none' }]
      : [],
  );
  const cleaners = known.filter(({ host, settings }) => settings.removes !== false && isLive(host.host));
  const aheadMs = Math.max(0, ...cleaners.map(({ host }) => host.clockAheadMs ?? 0));
  const latestMs = now.getTime() + aheadMs;
  const knownOf = byHost(known, ({ host }) => host.host);
  const isRead = (host: string) => knownOf(host) !== undefined;
  const offOf = byHost(
    known.filter(({ settings }) => settings.isOff),
    ({ host }) => host.host,
  );
  const isOff = (host: string) => offOf(host) !== undefined;
  const names = [
    ...stamps.map(({ host }) => host),
    ...storage.hosts.map(({ host }) => host).filter((host) => !stampOf(host)),
    ...(typeof storage.stamps === 'object' ? [] : computesOf(services, storage)),
  ];
  return {
    cleaners,
    unlike: [
      ...new Map(
        cleaners.toReversed().map((one) => [JSON.stringify([one.settings, one.isAssumed]), one]),
      ).values(),
    ].toReversed(),
    silent: names
      .filter((host) => !services || serviceOf(host) || !stampOf(host) || isRead(host))
      .flatMap(
        (host) =>
          silentHost(
            host,
            { stamp: stampOf(host), service: serviceOf(host), isOff: isOff(host) },
            latestMs,
          ) ?? [],
      ),
    unread: stamps.map(({ host }) => host).filter((host) => isLive(host) && !isRead(host)),
    isPerHost: known.length > 0 && known.every(({ settings }) => settings.isPerHost),
    nowMs: latestMs,
  };
}

/** Without stamps, nobody says which other hosts use the storage: it may be each one that Nova has. */
function computesOf(services: Facts['services'], { hosts, isShared }: Storage): readonly string[] {
  if (isShared !== true) return [];
  return (services ?? [])
    .filter(
      ({ binary, host }) => binary === 'nova-compute' && !hosts.some((one) => isSameHost(one.host, host)),
    )
    .map(({ host }) => host);
}

function settingsOf(settings: NonNullable<HostFacts['settings']>, host: string): CacheSettings {
  return cacheSettings(settings === 'none' ? [] : settings, host);
}

interface Report {
  readonly stamp: ports.ComputeNodeStamp | undefined;
  readonly service: ports.CloudService | undefined;
  readonly isOff: boolean;
}

function silentHost(host: string, { stamp, service, isOff }: Report, nowMs: number): SilentHost | undefined {
  const ageMs = stamp && nowMs - stamp.at.getTime();
  const isForgotten = ageMs === undefined ? isOff : ageMs >= DAY_MS;
  const isDown = service?.isUp === undefined ? undefined : !service.isUp;
  const hasJustReported = ageMs !== undefined && ageMs >= 0 && ageMs < HOUR_MS;
  if (!isForgotten && !(isDown === true && !hasJustReported)) return undefined;
  return {
    host,
    ...(stamp && { at: stamp.at }),
    isForgotten,
    ...(isDown !== undefined && { isDown }),
    ...(isOff && { isOff }),
  };
}

/** The cleaners that look into the folder of a base image, one for each of their settings: hundreds of hosts have the same. */
export function cleanersOf({ unlike }: Cleaning, { path }: Pick<Base, 'path'>): readonly Cleaner[] {
  const folder = path.slice(0, path.lastIndexOf('/'));
  return unlike.filter(({ settings }) => settings.folder === folder);
}

/** Whether hosts clean a folder that others use too. */
export function isCacheShared(storage: Storage, cleaning: Cleaning): boolean {
  const stamps = typeof storage.stamps === 'object' ? storage.stamps : [];
  // Without stamps, others may use it.
  if (typeof storage.stamps !== 'object') return storage.isShared === true && !cleaning.isPerHost;
  const names = [...stamps, ...storage.hosts].map(({ host }) => host);
  const hosts = names.filter((one, at) => names.findIndex((other) => isSameHost(one, other)) === at);
  return storage.isShared === true && !cleaning.isPerHost && hosts.length > 1;
}

export interface Removable {
  /** When one of the hosts removes it, at the earliest. */
  readonly atMs: number;
  readonly by: Cleaner;
}

const ORIGINAL = /^[0-9a-f]{40}$/;
const RESIZED = /^[0-9a-f]{40}_/;
const SWAP_OR_EPHEMERAL = /^(swap|ephemeral)_/;

/**
 * When a base image is removed that only silent hosts use. Every pass of the image cache touches what it counts as used, so its age begins with the last
 * pass that counted it. undefined if no host removes it, or something still touches it.
 * See https://opendev.org/openstack/nova/src/branch/master/nova/virt/libvirt/imagecache.py
 */
export function removalOf(
  base: Base,
  owners: readonly SilentHost[],
  cleaning: Cleaning,
): Removable | undefined {
  const name = base.path.slice(base.path.lastIndexOf('/') + 1);
  const touchedMs = base.modifiedAt?.getTime();
  if (touchedMs === undefined || !(ORIGINAL.test(name) || RESIZED.test(name) || SWAP_OR_EPHEMERAL.test(name)))
    return undefined;
  const { nowMs } = cleaning;
  const countedUntilMs = Math.max(...owners.map(({ at }) => (at ? at.getTime() + DAY_MS : -Infinity)));
  const removals = cleanersOf(cleaning, base).flatMap((by): readonly Removable[] => {
    const { intervalMs, resizedAgeMs, originalAgeMs } = by.settings;
    const isTouched = nowMs - touchedMs < 2 * intervalMs;
    if (isTouched && touchedMs > countedUntilMs + 2 * intervalMs) return [];
    const ageMs = RESIZED.test(name) ? resizedAgeMs : originalAgeMs;
    // As long as it is counted, every pass touches it again.
    const untilMs = isTouched && countedUntilMs > nowMs ? countedUntilMs : touchedMs;
    return [{ by, atMs: Math.max(untilMs + ageMs, countedUntilMs) }];
  });
  return removals.toSorted((a, b) => a.atMs - b.atMs)[0];
}
