import { wording } from '../../kit.ts';
import { aboutTime, binaryBytes, bytesOf, clockTime, dfPercent, freePercent, limitText } from './amounts.ts';
import type { Assessment, Forecast, Pressure } from './assess.ts';
import type { Cause } from './causes.ts';
import type { NodeFacts } from './facts.ts';
import type { Disk } from './measurements.ts';
import { isJudgedByFreeSpace, type Limit, type Room } from './room.ts';

/** `node-b: 8.0% free (8 of 100 GiB), below its limit of 15%; …`: what is wrong, why, and with what effect. */
export function describe(assessment: Assessment, label: string, causes: readonly Cause[]): string {
  const { node, rooms, pressure, staleSince } = assessment;
  const [room] = rooms;
  const others = rooms.slice(1).filter(({ state }) => state !== 'enough');
  const parts = [
    ...(pressure?.kind === 'unmeasured' ? [`DiskPressure is True${sinceText(node)}`] : []),
    ...(room ? [`${freeText(room, rooms)}${limitClause(room, rooms, node)}`] : ['free space is unknown']),
    ...others.map((one) => `also ${freeText(one, rooms)}${limitClause(one, rooms, node)}`),
    ...(room ? dfText(room) : []),
    ...(isUnreported(assessment) ? ['DiskPressure is still False'] : []),
    ...(staleSince ? [`last measured at ${wording.utcTime(staleSince)}`] : []),
    ...(pressure?.kind === 'without-limit' ? ['but DiskPressure is True'] : []),
    ...(pressure?.kind === 'kept' ? [stillText(pressure, node)] : []),
    ...forecastText(assessment.forecast),
    ...causes.map(({ summary }) => summary),
    ...evictions(assessment),
    ...(node.ready !== undefined && node.ready !== 'True' ? ['the node is not ready'] : []),
  ];
  return `${label}: ${parts.join('; ')}`;
}

/** A limit is crossed, but the kubelet does not report it yet: it has just started, or the disk has just filled. */
function isUnreported({ node, rooms: [room], staleSince }: Assessment): boolean {
  const isCrossed = room?.state === 'below' && room.limit !== undefined && !room.limit.isAssumed;
  return isCrossed && !staleSince && node.diskPressure?.status === 'False';
}

/** For the verdict: `12.0% free`. */
export function shortly({ rooms, pressure, node }: Assessment): string {
  const [room] = rooms;
  if (!room || (room.state === 'enough' && pressure?.kind === 'unmeasured'))
    return `DiskPressure${sinceText(node)}`;
  const of = room.resource === 'inodes' ? ' of the inodes' : '';
  return `${freePercent(room.share, room.limit?.share)}${of}${placeOf(room, rooms)} free`;
}

/** `12.0% free (3.17 of 26.4 GiB)`, or `8 of 100 GiB free` for a limit that is an amount. */
function freeText(room: Room, rooms: readonly Room[]): string {
  const { resource, share, limit, free, capacity, disk } = room;
  const place = placeOf(room, rooms);
  const percent = freePercent(share, limit?.share);
  if (resource === 'inodes') {
    const bytes = rooms.find((one) => one.disk === disk && one.resource === 'bytes');
    const although =
      bytes?.state === 'enough' || bytes?.state === 'near'
        ? `, although ${binaryBytes(bytes.free)} are free`
        : '';
    return `${percent} of the inodes${place} free${although}`;
  }
  return limit?.isAbsolute
    ? `${bytesOf(free, capacity)}${place} free`
    : `${percent}${place} free (${bytesOf(free, capacity)})`;
}

/** Percentage points. */
const DF_DIFFERS = 5;

/** What `df` shows, if it differs: people compare the two numbers. */
function dfText({ resource, share, disk }: Room): readonly string[] {
  const percent = dfPercent(disk);
  if (resource !== 'bytes' || percent === undefined || Math.abs(100 - share * 100 - percent) < DF_DIFFERS)
    return [];
  return [`df shows ${percent}% used`];
}

type Kept = Extract<Pressure, { kind: 'kept' }>;

function stillText({ untilMs, progress }: Kept, node: NodeFacts): string {
  return untilMs !== undefined && progress === 'running'
    ? `its kubelet keeps DiskPressure until about ${clockTime(untilMs)}`
    : `DiskPressure is still True${sinceText(node)}`;
}

/** Which disk, if there is more than one. */
function placeOf({ disk }: Room, rooms: readonly Room[]): string {
  return new Set(rooms.map((one) => one.disk)).size > 1 ? ` of ${diskName(disk)}` : '';
}

/** `nodefs and imagefs`, as the signals of the kubelet name them. */
export function diskName({ holds }: Disk): string {
  return wording.list(holds.map((name) => name.toLowerCase()));
}

function limitClause(
  { limit, lowerLimits, soft, state, free, resource }: Room,
  rooms: readonly Room[],
  node: NodeFacts,
): string {
  if (!limit && soft && state === 'below-soft')
    return `, below its soft limit of ${limitText(soft, resource)} (${soft.signal})`;
  if (!limit) return isJudgedByFreeSpace(node) ? '' : withoutLimit(resource, rooms, soft);
  const at = limitText(limit, resource);
  if (limit.isAssumed) {
    const because = node.config ? 'cannot be parsed' : 'could not be read';
    return `; its limits ${because} (${at} by default)`;
  }
  if (state === 'below-soft' && soft)
    return `, below its soft limit of ${limitText(soft, resource)} (${soft.signal}); evicts below ${at}`;
  if (state === 'below')
    return `, below its limit of ${at} (${limit.signal}${uncrossed(lowerLimits, free, resource)})`;
  return `, evicts below ${at} (${limit.signal})`;
}

/** If both limits are for the same disk, the higher one applies, which is often not the expected one. */
function uncrossed(lower: readonly Limit[], free: number, resource: Room['resource']): string {
  const [other] = lower.filter(({ amount }) => free >= amount);
  return other
    ? `; ${other.signal} at ${limitText(other, resource)} is not crossed, one disk serves both`
    : '';
}

function withoutLimit(resource: Room['resource'], rooms: readonly Room[], soft: Limit | undefined): string {
  if (soft) return `, soft limit ${limitText(soft, resource)} (${soft.signal}) and no hard one`;
  const isNowhere = rooms.every(({ limit, soft: other }) => !limit && !other);
  if (isNowhere)
    return ', and its kubelet has no disk limit, so it will neither evict pods nor report DiskPressure';
  const what = resource === 'inodes' ? 'inodes' : 'the space of this disk';
  return `, and its kubelet has no limit for ${what}, so it will neither evict pods nor report DiskPressure for it`;
}

function forecastText(forecast: Forecast | undefined): readonly string[] {
  if (!forecast) return [];
  const { growth, limitInMs, room } = forecast;
  const what = growth.isWithoutImages ? ' (images not counted)' : '';
  const rate = `free space shrinks by about ${binaryBytes(growth.bytesPerHour)} an hour${what}`;
  if (limitInMs === undefined) return [rate];
  const reaches = room.limit ? `reaches that limit (${binaryBytes(room.limit.amount)})` : 'is full';
  return [`${rate} and ${reaches} in ${aboutTime(limitInMs)}`];
}

/** Only for a node that is short of disk now: otherwise they may be weeks old. */
function evictions({ node, severity }: Assessment): readonly string[] {
  const { evicted = 0, refused = 0 } = node.pods ?? {};
  if (severity !== 'critical') return [];
  return [
    ...(evicted > 0 ? [`${wording.count(evicted, 'pod')} evicted`] : []),
    ...(refused > 0 ? [`${wording.count(refused, 'pod')} refused`] : []),
  ];
}

export function sinceText({ diskPressure }: Pick<NodeFacts, 'diskPressure'>): string {
  return diskPressure?.since ? ` since ${wording.utcTime(diskPressure.since)}` : '';
}

/** For a condition that outlives its cause. */
export function describeKept({ rooms, pressure, node }: Assessment, label: string): string {
  const free = rooms[0] ? `${freeText(rooms[0], rooms)}, above its limits` : 'above its limits';
  if (pressure?.kind !== 'kept') return `${label}: ${free}`;
  const { untilMs, periodMs, progress } = pressure;
  const still = `DiskPressure is still True${sinceText(node)}`;
  const period = periodMs > 0 ? wording.period(periodMs) : '';
  if (untilMs === undefined || progress === 'unclear') {
    const why = node.areEventsComplete ? '' : ', because events could not be read';
    return `${label}: ${free}, but ${still}: new pods are refused. It is unknown when a limit was last crossed${why}`;
  }
  if (progress === 'overdue')
    return `${label}: ${free}, but ${still} and should have ended at about ${clockTime(untilMs)}: new pods are refused. Check the kubelet`;
  if (progress === 'ending')
    return `${label}: ${free}; ${still} and should end within minutes${period && `: its kubelet keeps it for ${period} after the last breach`}. New pods are refused until then`;
  return `${label}: ${free}; its kubelet keeps DiskPressure for ${period} after the last breach, until about ${clockTime(untilMs)}. New pods are refused until then`;
}
