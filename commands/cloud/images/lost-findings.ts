import { type Finding, type ports, wording } from '../../kit.ts';
import { optionalField, field, steps } from '../../shared/evidence.ts';
import { agree } from '../../shared/grammar.ts';
import { isSameHost } from '../../shared/host-names.ts';
import type { Cleaning, SilentHost } from './cleaning.ts';
import type { Facts, HostFacts, OnHost } from './facts.ts';
import { describeAge, describeInstance, fileName, isOnLocalDisk, type LostBase } from './lost.ts';
import type { RescueParams } from './rescue-base.ts';

export interface RescueOffer {
  readonly remediation: 'rescue-base';
  readonly params: RescueParams;
}

type ImagesFinding = Finding<RescueOffer>;

const MAX_NAMES = 3;
const MAX_ERROR_CHARS = 200;
const BEFORE_REMOVAL_MS = 60_000;

/** One finding for each missing base image. */
export function lostFinding(facts: Facts, lost: LostBase, cleaning: Cleaning, now: Date): ImagesFinding {
  const { base, disks, storage } = lost;
  const ids = [...new Set(disks.map(({ instance }) => instance))];
  const [first] = disks;
  const names = [...new Set(disks.map(describeInstance))];
  const removal = facts.removals.find(({ path }) => path === base.path);
  const rescue = rescueOf(facts, lost);
  const isOnlyRevert = disks.every(({ disk }) => disk.instance.endsWith('_resize'));
  const open = localOpenFiles(facts, lost);
  const what =
    open.length > 0
      ? 'A running process still has the deleted file open, so save it before the instance stops'
      : storage.isShared === true
        ? `Restore it from a snapshot or backup of ${storage.name}`
        : 'Restore it from a backup';
  return {
    reason: 'base-image-missing',
    severity: isOnlyRevert ? 'warning' : 'critical',
    target: ids.length === 1 ? ids[0]! : base.path,
    ...(ids.length > 1 && { targets: ids }),
    summary: isOnlyRevert
      ? `The resize of ${wording.list(names, MAX_NAMES)} can't be reverted: the base image of the disk from before is missing`
      : `The base image of ${wording.list(names, MAX_NAMES)} is missing${removedBy(removal)}. ${what}`,
    evidence: [
      field('Base image', base.path),
      ...optionalField('Cause', causeOf(lost, cleaning, removal, now)),
      ...(first?.host === undefined
        ? []
        : [field('Host', wording.list([...new Set(disks.flatMap(({ host }) => host ?? []))]))]),
      ...guestErrors(facts, lost, removal?.at),
      ...open.map((one) =>
        field(
          'Still open',
          `process ${one.pid}${one.program === undefined ? '' : ` (${one.program})`} on ${one.on}${one.bytes === undefined ? '' : `, ${wording.bytes(one.bytes)}`}`,
        ),
      ),
      ...sourceImages(facts, lost),
      ...[...rescue.copies, ...rescue.partial].map((copy) => field('Copy', copy)),
      ...steps(stepsFor(facts, lost, open, rescue)),
    ],
    ...(rescue.offers.length > 0 && { offers: rescue.offers }),
  };
}

function removedBy(removal: Facts['removals'][number] | undefined): string {
  if (!removal) return '';
  return `: ${removal.host} removed it${removal.at ? ` at ${wording.utcTime(removal.at)}` : ''}`;
}

/** Why the image cache took it for unused. */
function causeOf(
  { disks, storage }: LostBase,
  { silent }: Cleaning,
  removal: Facts['removals'][number] | undefined,
  now: Date,
): string | undefined {
  if (storage.isShared !== true) return undefined;
  const owners = silent.filter(({ host }) =>
    disks.some((one) => one.host !== undefined && isSameHost(one.host, host)),
  );
  if (owners.length === 0) return undefined;
  const reported = owners.map((one) => lastReport(one, now)).join('; ');
  return `${reported}. After 24 hours, other hosts on the shared storage treat its base images as unused${removal ? '' : ' (no log says who removed this one)'}`;
}

export function lastReport({ host, at, isOff }: SilentHost, now: Date): string {
  if (isOff)
    return `The image cache manager of ${host} is off (\`manager_interval\` is -1), so it doesn't report its instances`;
  return at
    ? `nova-compute on ${host} last reported its instances ${describeAge(at, now)} ago`
    : `nova-compute on ${host} is down and hasn't reported its instances`;
}

/** QEMU's log has the name that libvirt gives an instance, which only an administrator's view of Nova has. */
function guestErrors({ guestErrors: all }: Facts, { disks }: LostBase, since: Date | undefined) {
  const sinceMs = since ? since.getTime() - BEFORE_REMOVAL_MS : -Infinity;
  const recent = all.filter(
    ({ on, at }) =>
      disks.some(({ host }) => host !== undefined && isSameHost(host, on)) &&
      (at?.getTime() ?? Infinity) >= sinceMs,
  );
  const names = new Set(disks.flatMap(({ server }) => server?.instanceName ?? []));
  const own = recent.filter(({ instanceName }) => names.has(instanceName));
  const isNamed = disks.every(({ server }) => server?.instanceName !== undefined);
  if (own.length > 0) return [field('I/O errors in the guest', describeError(newest(own)))];
  if (isNamed || recent.length === 0) return [];
  return [
    field(
      'I/O errors on its host',
      `${describeError(newest(recent))}. Nova doesn't show which instance this is: probably the same`,
    ),
  ];
}

function newest(errors: readonly OnHost<ports.GuestDiskError>[]): OnHost<ports.GuestDiskError> {
  return errors.reduce((last, one) => ((one.at?.getTime() ?? 0) > (last.at?.getTime() ?? 0) ? one : last));
}

function describeError({ instanceName, at, text }: OnHost<ports.GuestDiskError>): string {
  return `${instanceName}${at ? ` at ${wording.utcTime(at)}` : ''}: ${text.slice(0, MAX_ERROR_CHARS)}`;
}

function sourceImages({ images }: Facts, { disks }: LostBase) {
  const ids = [...new Set(disks.flatMap(({ server }) => server?.image ?? []))];
  return ids.slice(0, MAX_NAMES).flatMap((id) => {
    const image = images.get(id);
    if (!image) return [];
    return [
      field(
        'Source image',
        image === 'deleted'
          ? `${id} no longer exists in Glance`
          : `${image.name ?? id} (${id}) is ${image.status} in Glance. The disk may be backed by another one`,
      ),
    ];
  });
}

function localOpenFiles(
  facts: Facts,
  { openFiles, base, disks }: LostBase,
): readonly OnHost<ports.OpenFile>[] {
  const processes = openFiles.filter((one) => {
    const host = facts.hosts.find(({ name }) => name === one.on);
    return host !== undefined && isOnLocalDisk(host, base.path);
  });
  return disks.length === 0 ? [] : processes;
}

interface Rescue {
  readonly offers: readonly RescueOffer[];
  /** `/var/rescue/78e4… on cmp-1`: complete copies. */
  readonly copies: readonly string[];
  /** Copies that can't be used, in words. */
  readonly partial: readonly string[];
}

/** One process is enough: all of them have the same file open. */
function rescueOf(facts: Facts, lost: LostBase): Rescue {
  const name = fileName(lost.base.path);
  const byHost = Map.groupBy(localOpenFiles(facts, lost), ({ on }) => on);
  const copies: string[] = [];
  const partial: string[] = [];
  const offers = [...byHost.values()].flatMap(([one]): readonly RescueOffer[] => {
    const host = facts.hosts.find((known) => known.name === one?.on);
    if (!one || !host?.rescue.allowed || one.bytes === undefined) return [];
    const copy = copyOf(facts, host, name);
    if (!copy) return [];
    const { file } = copy;
    if (file?.bytes === one.bytes) copies.push(`${file.path} on ${host.name}`);
    else if (file) partial.push(`${file.path} on ${host.name} has another size: don't use it`);
    if (file || copy.isUnknown) return [];
    const { pid, descriptor, bytes, path } = one;
    return [
      {
        remediation: 'rescue-base',
        params: {
          source: host.source,
          host: host.host,
          pid,
          descriptor,
          path,
          bytes,
          name,
          folder: host.rescue.folder,
        },
      },
    ];
  });
  return { offers, copies, partial };
}

/** undefined if it wasn't asked for. */
export function copyOf(
  { copies }: Facts,
  { name }: HostFacts,
  file: string,
): Facts['copies'][number] | undefined {
  return copies.find((one) => one.on === name && one.name === file);
}

function stepsFor(
  facts: Facts,
  { base, disks, storage }: LostBase,
  open: readonly OnHost<ports.OpenFile>[],
  { offers, copies }: Rescue,
): readonly (string | undefined)[] {
  const [process] = open;
  const whose = agree(disks.length, { one: 'the instance', many: 'the instances' });
  const isSourceLeft = disks.some(({ server }) => {
    const image = server?.image === undefined ? undefined : facts.images.get(server.image);
    return image !== undefined && image !== 'deleted' && image.status === 'active';
  });
  const backup =
    storage.isShared === true ? `a snapshot or backup of ${storage.name}` : 'a backup of the disk';
  if (process)
    return [
      `Don't stop, restart or migrate ${whose} before the file is copied: it only exists as long as process ${process.pid} runs`,
      copies.length > 0
        ? undefined
        : offers.length > 0
          ? 'Save the file with the fix that is offered'
          : `On ${process.on}, copy \`/proc/${process.pid}/fd/${process.descriptor}\` to another folder that has enough space, and compare checksums`,
      `Put the copy back as ${base.path}, with the owner and mode of the other base images`,
    ];
  return [
    `Stop writes in ${whose}, and leave ${agree(disks.length, { one: 'its disk', many: 'their disks' })} as they are`.replace(
      'its disk as they are',
      'its disk as it is',
    ),
    `Restore the base image from ${backup}, with the owner and mode of the other base images`,
    isSourceLeft
      ? 'Or download the source image from Glance, and compare it with what the disk was created from before you use it as the base'
      : 'Or ask the owner for a copy of the image that the disk was created from',
  ];
}
