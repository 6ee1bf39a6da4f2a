import { wording } from '../../kit.ts';
import { aboutTime, binaryBytes, bytesOf, clockTime, dfPercent, freePercent, limitText } from './amounts.ts';
import { type Assessment, type Forecast, isEvicting, type Pressure } from './assess.ts';
import { asksLeftovers, type Cause } from './causes.ts';
import { stoppedText } from './engines.ts';
import type { NodeFacts } from './facts.ts';
import type { Disk } from './measurements.ts';
import {
  hasUnreadableReclaim,
  isJudgedByFreeSpace,
  type Limit,
  type Reclaiming,
  type Room,
  shareAbove,
} from './room.ts';

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
    ...(pressure?.kind === 'reclaiming' ? [reclaimingText(pressure.what, rooms)] : []),
    ...forecastText(assessment.forecast),
    ...causes.map(({ summary }) => summary),
    ...stoppedOf(assessment, causes),
    ...evictions(assessment),
    ...(node.ready !== undefined && node.ready !== 'True' ? ['the node is not ready'] : []),
  ];
  return `${label}: ${parts.join('; ')}`;
}

/** Containers of the node are no news where an engine in a pod fills it. */
function stoppedOf({ node }: Assessment, causes: readonly Cause[]): readonly string[] {
  const text = asksLeftovers(node, causes) ? stoppedText(node) : undefined;
  return text === undefined ? [] : [text];
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
  const free = `${freePercent(room.share, shareAbove(room))}${of}${placeOf(room, rooms)} free`;
  return pressure?.kind === 'reclaiming'
    ? `${free}, DiskPressure until ${neededText(pressure.what, rooms)}`
    : free;
}

/** `45 GiB is free`: how much ends DiskPressure. */
export function neededText({ room, limit }: Omit<Reclaiming, 'isCertain'>, rooms: readonly Room[]): string {
  const { resource, capacity } = room;
  const { until } = limit.reclaim;
  const of = resource === 'inodes' ? (until.isAbsolute ? ' inodes' : ' of the inodes') : '';
  const impossible = until.amount > capacity ? ', more than there is' : '';
  return `${limitText(until, resource)}${of}${placeOf(room, rooms)} ${resource === 'inodes' ? 'are' : 'is'} free${impossible}`;
}

/** Without the minimum that a kubelet reclaims, this looks as if the condition were stuck. */
function reclaimingText({ room, limit }: Reclaiming, rooms: readonly Room[]): string {
  const minimum = limitText(limit.reclaim.minimum, room.resource);
  // The text before it names the first limit.
  const base = limit === room.limit ? 'that limit' : `${limitText(limit, room.resource)} (${limit.signal})`;
  return `its kubelet keeps DiskPressure, refuses new pods and may evict more until ${neededText({ room, limit }, rooms)}: ${base} plus an evictionMinimumReclaim of ${minimum}`;
}

/** `12.0% free (3.17 of 26.4 GiB)`, or `8 of 100 GiB free` for a limit that is an amount. */
function freeText(room: Room, rooms: readonly Room[]): string {
  const { resource, share, limit, free, capacity, disk } = room;
  const place = placeOf(room, rooms);
  const percent = freePercent(share, shareAbove(room));
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

function stillText({ untilMs, progress, perhaps }: Kept, node: NodeFacts): string {
  return untilMs !== undefined && progress === 'running'
    ? `its kubelet keeps DiskPressure until about ${clockTime(untilMs)}${perhaps ? ' at the earliest' : ''}`
    : `DiskPressure is still True${sinceText(node)}`;
}

/** Which disk needs more space before the condition ends, if a lower limit was crossed as well. */
function perhapsText({ perhaps }: Kept, rooms: readonly Room[]): string {
  if (!perhaps) return '';
  const { room, limit } = perhaps;
  return `. If the limit of ${limitText(limit, room.resource)} (${limit.signal}) was crossed, DiskPressure stays until ${neededText(perhaps, rooms)} (evictionMinimumReclaim)`;
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
    return `, below its soft limit of ${limitText(soft, resource)} (${soft.signal}), which evicts after a grace period; no hard limit is set`;
  if (!limit) return isJudgedByFreeSpace(node) ? '' : withoutLimit(resource, rooms, soft);
  const at = limitText(limit, resource);
  if (limit.isAssumed) {
    const because = node.config ? 'cannot be parsed' : 'could not be read';
    return `; its limits ${because} (${at} by default)`;
  }
  if (state === 'below-soft' && soft)
    return `, below its soft limit of ${limitText(soft, resource)} (${soft.signal}); evicts after a grace period, and immediately below ${at}`;
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
  if (soft)
    return `, evicts below its soft limit of ${limitText(soft, resource)} (${soft.signal}) and has no hard one`;
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

/** Only for a node that evicts pods now: otherwise they may be weeks old. */
function evictions(assessment: Assessment): readonly string[] {
  const { evicted = 0, refused = 0 } = assessment.node.pods ?? {};
  if (!isEvicting(assessment)) return [];
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
  const perhaps = perhapsText(pressure, rooms);
  if (untilMs === undefined || progress === 'unclear')
    return `${label}: ${free}, but ${still}: new pods are refused. ${unclearText(node)}`;
  if (progress === 'overdue')
    return `${label}: ${free}, but ${still} and should have ended at about ${clockTime(untilMs)}: new pods are refused. Check the kubelet`;
  if (progress === 'ending')
    return `${label}: ${free}; ${still} and should end within minutes${period && `: its kubelet keeps it for ${period} after the last breach`}. New pods are refused until then${perhaps}`;
  return `${label}: ${free}; its kubelet keeps DiskPressure for ${period} after the last breach, until about ${clockTime(untilMs)}. New pods are refused until then${perhaps}`;
}

function unclearText({ config, areEventsComplete }: NodeFacts): string {
  if (config && hasUnreadableReclaim(config))
    return 'It is unknown how long its kubelet keeps it, because evictionMinimumReclaim cannot be parsed';
  const why = areEventsComplete ? '' : ', because events could not be read';
  return `It is unknown when a limit was last crossed${why}`;
}

/** For a condition that nothing in the configuration explains. */
export function describeUnexplained({ rooms, node }: Assessment, label: string): string {
  const free = rooms[0] ? `${freeText(rooms[0], rooms)}, and ` : '';
  return `${label}: ${free}its kubelet has no disk limit, but DiskPressure is True${sinceText(node)}: new pods are refused. Check the kubelet: its configuration may have changed since`;
}
