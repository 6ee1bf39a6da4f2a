import { type ports, wording } from '../../kit.ts';
import { cacheSettings } from './cache-settings.ts';
import type { Facts, HostFacts, KnownInstance, OnHost } from './facts.ts';
import { isSharedMount, mountOf } from '../../shared/mounts.ts';
import { type Base, hasHost, instanceOf, type Storage } from './storages.ts';

const HOUR_MS = 3_600_000;

/** A disk whose base image is missing. */
export interface LostDisk {
  readonly disk: ports.InstanceDisk;
  readonly instance: string;
  /** Absent if no cloud was asked, or has answered. */
  readonly server?: ports.CloudServer;
  /** Where the instance runs: by the cloud, or the only host of the storage. */
  readonly host?: string;
}

/** A missing base image that instances need. */
export interface LostBase {
  readonly storage: Storage;
  readonly base: Base;
  readonly disks: readonly LostDisk[];
  /** The processes that still have it open, although it was deleted. */
  readonly openFiles: readonly OnHost<ports.OpenFile>[];
}

/** Why a disk without its base image is not a fault. */
export type Leftover = 'unknown to Nova' | 'elsewhere' | 'deleted';

export function lostBases(facts: Facts, storages: readonly Storage[]): readonly LostBase[] {
  return storages.flatMap((storage) =>
    storage.bases
      .filter(({ state }) => state === 'missing' && !areDisksRaw(storage))
      .flatMap((base) => {
        const disks = base.disks
          .filter((disk) => leftover(facts, storage, disk, storages) === undefined)
          .map((disk) => lostDisk(facts, storage, disk));
        return disks.length === 0
          ? []
          : [{ storage, base, disks, openFiles: openFilesOf(facts, storage, base) }];
      }),
  );
}

/** What the header of a raw disk says is data of the guest: https://bugs.launchpad.net/nova/+bug/1449062 */
export function areDisksRaw({ hosts }: Storage): boolean {
  const types = hosts.flatMap(({ host, settings }) =>
    settings === undefined || settings === 'none' ? [] : [cacheSettings(settings, host).imagesType],
  );
  return types.length > 0 && types.every((type) => type === 'raw' || type === 'flat');
}

/** An instance was deleted or has moved away, and its folder has stayed. */
export function leftover(
  facts: Pick<Facts, 'instances' | 'hosts'>,
  storage: Storage,
  disk: ports.InstanceDisk,
  storages: readonly Storage[],
): Leftover | undefined {
  if (disk.instance.endsWith('_del')) return 'deleted';
  const known = instanceIn(facts.instances, disk);
  if (!known) return undefined;
  const { server } = known;
  if (!server) return 'unknown to Nova';
  if (server.status === 'DELETED') return 'deleted';
  if (server.status === 'SHELVED_OFFLOADED') return 'elsewhere';
  const { host } = server;
  if (host === undefined || hasHost(storage, host)) return undefined;
  const isOnAnother = storages.some((other) => other !== storage && hasHost(other, host));
  return storage.isShared === false && isOnAnother ? 'elsewhere' : undefined;
}

/** Old versions name the folder of an instance like libvirt does. */
export function instanceIn(
  instances: readonly KnownInstance[],
  disk: ports.InstanceDisk,
): KnownInstance | undefined {
  let byId = instancesById.get(instances);
  if (!byId) {
    byId = new Map(
      instances.flatMap((one) => [
        ...(one.server?.instanceName === undefined ? [] : [[one.server.instanceName, one] as const]),
        [one.id, one] as const,
      ]),
    );
    instancesById.set(instances, byId);
  }
  return byId.get(instanceOf(disk));
}

/** There may be tens of thousands, and each disk is looked up several times. */
const instancesById = new WeakMap<readonly KnownInstance[], ReadonlyMap<string, KnownInstance>>();

function lostDisk(facts: Facts, storage: Storage, disk: ports.InstanceDisk): LostDisk {
  const server = instanceIn(facts.instances, disk)?.server;
  const [only, ...others] = storage.hosts;
  const host = server?.host ?? (others.length === 0 && storage.isShared === false ? only?.host : undefined);
  return {
    disk,
    instance: server?.id ?? instanceOf(disk),
    ...(server && { server }),
    ...(host !== undefined && { host }),
  };
}

/** `/proc` shows the path without symbolic links. The names of base images are hashes, so the last part is enough. */
function openFilesOf(
  { openFiles }: Facts,
  { hosts }: Storage,
  { path }: Base,
): readonly OnHost<ports.OpenFile>[] {
  return openFiles.filter(
    (one) =>
      one.isDeleted && fileName(one.path) === fileName(path) && hosts.some(({ name }) => name === one.on),
  );
}

export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Only a process on the host that deleted the file can be relied on to read it: another one gets a stale file handle. */
export function isOnLocalDisk({ mounts }: Pick<HostFacts, 'mounts'>, path: string): boolean {
  const mount = mountOf(mounts, path);
  return mount !== undefined && !isSharedMount(mount);
}

/** `report-runner (2b8f5d10-…, user u-1, project p-1)` */
export function describeInstance({ instance, server }: Pick<LostDisk, 'instance' | 'server'>): string {
  if (!server) return instance;
  const owner = [
    server.user === undefined ? undefined : `user ${server.user}`,
    server.project === undefined ? undefined : `project ${server.project}`,
  ].filter((one) => one !== undefined);
  return owner.length === 0 ? server.name : `${server.name} (${owner.join(', ')})`;
}

/** Hours up to 4 days, because the rules of the image cache count hours. */
export function describeAge(from: Date, now: Date): string {
  const ms = Math.max(0, now.getTime() - from.getTime());
  const hours = Math.floor(ms / HOUR_MS);
  return hours >= 1 && hours <= 96 ? wording.count(hours, 'hour') : wording.span(ms);
}
