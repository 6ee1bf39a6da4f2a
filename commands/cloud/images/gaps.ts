import { type ports, SourceError, wording } from '../../kit.ts';
import { hostKey, isSameHost } from '../../shared/host-names.ts';
import { cacheSettings } from './cache-settings.ts';
import { cleanersOf, isCacheShared } from './cleaning.ts';
import type { Facts, HostFacts, ImagesContext } from './facts.ts';
import { judge } from './judge.ts';
import { areDisksRaw, instanceIn } from './lost.ts';
import type { JudgedStorage } from './other-findings.ts';
import { candidates } from './risks.ts';
import { isSharedMount, mountOf } from '../../shared/mounts.ts';
import { instanceOf, INSTANCES_PATH, type Storage } from './storages.ts';

type Missing = ReadonlyMap<string, SourceError>;

/** Where instances don't have a disk in their folder. */
const OTHER_STORAGE: ReadonlySet<string | undefined> = new Set(['rbd', 'lvm', 'ploop']);
const UNBUILT: ReadonlySet<string | undefined> = new Set(['BUILD', 'ERROR', 'DELETED', 'SHELVED_OFFLOADED']);
const DAY_MS = 86_400_000;
const FUTURE_MS = 600_000;

/** Everything on which the verdict depends and that couldn't be read. */
export function reportGaps(
  context: ImagesContext,
  facts: Facts,
  missing: ReadonlyMap<string, Missing>,
): void {
  const judged = judge(facts, context.now);
  for (const one of judged) {
    reportUnread(context, one.storage, missing);
    reportDisks(context, one.storage);
    reportSettings(context, facts, one, missing);
    noteFuture(context, one);
  }
  const folders = new Set(judged.flatMap(({ storage }) => storage.disks.map(instanceOf)));
  const servers = facts.instances.flatMap(({ server }) => server ?? []);
  const byHost = Map.groupBy(servers, ({ host }) => host && hostKey(host));
  for (const host of facts.hosts)
    reportElsewhere(context, facts, host, {
      judged,
      unseen: (byHost.get(hostKey(host.host)) ?? []).filter(
        ({ id, instanceName = id, image, status }) =>
          image !== undefined && !UNBUILT.has(status) && !folders.has(id) && !folders.has(instanceName),
      ),
    });
}

/** A host whose storage another one has read needs no answer. */
function reportUnread(
  { gap, note }: ImagesContext,
  storage: Storage,
  missing: ReadonlyMap<string, Missing>,
): void {
  const isRead = storage.isShared === true && storage.hosts.some(({ disks }) => disks !== undefined);
  for (const { name } of storage.hosts) {
    const errors = missing.get(name);
    for (const question of ['mounts', 'disks of instances'] as const) {
      const error = errors?.get(question);
      if (error && !isRead) gap(`${name}: ${question}`, error);
    }
    const clock = errors?.get('clock');
    if (clock) note(`${name}: its clock couldn't be read, so Wrench's own is used: ${clock.message}`);
  }
}

function reportDisks({ gap }: ImagesContext, storage: Storage): void {
  const failed = storage.disks.filter(({ error }) => error !== undefined);
  const [first] = failed;
  const { name } = storage;
  if (first)
    gap(
      `${name}: ${failed.length === 1 ? first.path : wording.count(failed.length, 'disk')}`,
      new SourceError(storage.hosts[0]?.source ?? name, 'malformed', first.error ?? '', {
        ...(failed.length > 1 && { places: failed.length, placeNames: failed.map(({ path }) => path) }),
      }),
    );
  const written = areDisksRaw(storage) ? storage.bases.filter(({ state }) => state === 'missing') : [];
  if (written.length > 0)
    gap(
      `${name}: ${wording.list(written.map(({ path }) => path))}`,
      new SourceError(
        storage.hosts[0]?.source ?? name,
        'malformed',
        '`images_type` is raw, and guests can write to a raw disk that it has a base image',
      ),
    );
  for (const { path, seen } of storage.bases.filter(({ state }) => state === 'unknown'))
    gap(
      `${name}: ${path}`,
      new SourceError(
        storage.hosts[0]?.source ?? name,
        'unreachable',
        seen.find(({ file }) => file.error !== undefined)?.file.error ?? "it isn't known whether it exists",
      ),
    );
}

/** What decides whether base images of this storage will be removed. */
function reportSettings(
  { gap }: ImagesContext,
  facts: Facts,
  { storage, cleaning }: JudgedStorage,
  missing: ReadonlyMap<string, Missing>,
): void {
  if (storage.isShared === false) {
    for (const host of storage.hosts) reportSharedCache({ gap }, host);
    return;
  }
  const source = storage.hosts[0]?.source ?? storage.name;
  if (storage.isShared === undefined) {
    // The mounts are a gap already, unless they don't name the folder.
    if (storage.hosts.some(({ mounts }) => mounts))
      gap(
        `${storage.name}: mounts`,
        new SourceError(source, 'malformed', `no mount holds ${INSTANCES_PATH}`),
      );
    return;
  }
  const live = storage.hosts.filter(
    ({ host, settings }) => !settings && !cleaning.silent.some((one) => isSameHost(one.host, host)),
  );
  const isAnyRead = storage.hosts.some(({ settings }) => settings);
  if (!isAnyRead || cleaning.silent.length > 0)
    for (const { name } of live) {
      const error = missing.get(name)?.get('settings of Nova');
      if (error) gap(`${name}: settings of Nova`, error);
    }
  const isRemoving = cleaning.cleaners.length > 0;
  const others = cleaning.unread.filter((host) => !live.some((one) => isSameHost(one.host, host)));
  if (others.length > 0 && cleaning.silent.length > 0 && !isRemoving && !cleaning.isPerHost)
    gap(
      `settings of Nova on ${wording.list(others)}`,
      new SourceError(
        source,
        'missing',
        `no source has ${others.length === 1 ? 'this host' : 'these hosts'}, which may remove base images from ${storage.name}`,
      ),
    );
  const isAtStake = isRemoving && isCacheShared({ ...storage, hosts: storage.hosts }, cleaning);
  if (storage.stamps === 'none' && isRemoving && !cleaning.isPerHost && !facts.services)
    gap(
      `${storage.name}: compute_nodes`,
      new SourceError(
        source,
        'missing',
        'there is no such file, so it is unknown whose instances are counted',
      ),
    );
  if (!isAtStake) return;
  const unowned = candidates(storage, cleaning)
    .filter((base) => cleanersOf(cleaning, base).length > 0)
    .flatMap(({ disks }) => disks)
    .filter((disk) => !instanceIn(facts.instances, disk));
  if (unowned.length > 0 && facts.listedHosts.length === 0)
    gap(
      `hosts of ${wording.count(unowned.length, 'instance')}`,
      new SourceError(source, 'missing', 'without them, it is unknown whose base images will be removed'),
    );
}

/** Then the stamps are on the disk of each host, so no host counts the instances of others. */
function reportSharedCache(
  { gap }: Pick<ImagesContext, 'gap'>,
  { name, host, source, mounts, settings }: HostFacts,
): void {
  const set = cacheSettings(settings === undefined || settings === 'none' ? [] : settings, host);
  const mount = set.folder === undefined ? undefined : mountOf(mounts, set.folder);
  if (mount && isSharedMount(mount) && set.removes !== false && !set.isPerHost)
    gap(
      `${name}: ${mount.path}`,
      new SourceError(
        source,
        'missing',
        `base images are on ${mount.device} and instances on local disks, so it is unknown whose base images will be removed`,
      ),
    );
}

function noteFuture({ note }: ImagesContext, { storage, cleaning }: JudgedStorage): void {
  if (typeof storage.stamps !== 'object') return;
  for (const { host, at } of storage.stamps)
    if (at.getTime() - cleaning.nowMs > FUTURE_MS)
      note(
        `${host} reported to the image cache of ${storage.name} at ${wording.utcTime(at)}, which is in the future: check its clock`,
      );
  for (const { name, clockAheadMs = 0 } of storage.hosts)
    if (Math.abs(clockAheadMs) > DAY_MS / 24)
      note(`The clock of ${name} is ${wording.span(clockAheadMs)} ${clockAheadMs > 0 ? 'ahead' : 'behind'}`);
}

interface HostOfAll {
  readonly judged: readonly JudgedStorage[];
  /** Its instances that have no folder on any storage. */
  readonly unseen: readonly ports.CloudServer[];
}

/** Instances that a host has, but whose disks were not read. */
function reportElsewhere(
  { gap }: ImagesContext,
  { listedHosts }: Facts,
  { name, host, source, settings, disks }: HostFacts,
  { judged, unseen }: HostOfAll,
): void {
  const set = settings === undefined || settings === 'none' ? undefined : cacheSettings(settings, host);
  if (set && set.instancesPath !== INSTANCES_PATH)
    gap(
      `${name}: ${set.instancesPath}`,
      new SourceError(source, 'missing', `\`instances_path\` is set, and only ${INSTANCES_PATH} is read`),
    );
  const own = judged.find(({ storage }) => storage.hosts.some((one) => one.name === name));
  const isRead = disks !== undefined || own?.storage.hosts.some((one) => one.disks !== undefined) === true;
  if (!isRead || OTHER_STORAGE.has(set?.imagesType) || !listedHosts.includes(name)) return;
  if (unseen.length > 0)
    gap(
      `${name}: disks of ${wording.list(unseen.map((one) => one.name).toSorted())}`,
      new SourceError(source, 'missing', `not in ${INSTANCES_PATH}`),
    );
}
