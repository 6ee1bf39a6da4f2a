import { type Evidence, wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { binaryBytes, bytesOf, dfPercent, exactPercent, limitText, wholeNumber } from './amounts.ts';
import { type Assessment, isEvicting, transitionMs, usedPercent } from './assess.ts';
import { type Cause, describeBuilders, isLarge, unexplainedBytes, usedBytes } from './causes.ts';
import { nameOf } from './consumers.ts';
import { engineText } from './engines.ts';
import { diskName, neededText, sinceText } from './describe.ts';
import type { NodeFacts } from './facts.ts';
import { hasNoLimit, reclaimingOf, type Room, shareAbove } from './room.ts';

const EVICTION = 'https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/';
const MOST_NAMED = 10;
const ALL_SIGNALS = ['nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree'];

/** The numbers and events behind a finding, and what to do next. `causes` are those that its summary names. */
export function evidenceOf(assessment: Assessment, causes: readonly Cause[]): readonly Evidence[] {
  const { node, rooms } = assessment;
  const [room] = rooms;
  const next = causes.flatMap((cause) => cause.next ?? []);
  const isExplained = causes.length > 0 && !causes.some(({ isUnexplained }) => isUnexplained);
  return [
    ...optionalField('Next', nextToReclaim(assessment)),
    ...next.map((text) => field('Next', text)),
    ...optionalField('Prevention', prevention(assessment)),
    ...rooms.filter(isWorthShowing).map((one) => roomField(one, one === room && one.resource === 'bytes')),
    ...optionalField('DiskPressure', pressureText(assessment)),
    ...optionalField('Image garbage collection', imageGcText(assessment)),
    ...imageGcEvidence(assessment),
    ...optionalField(
      'Neither images nor pods',
      room && isExplained ? unexplainedText(assessment, room) : undefined,
    ),
    ...enginesEvidence(node, causes),
    ...buildersEvidence(node),
    ...consumersTable(node, causes),
    // They are in the summary.
    ...optionalField('Evicted pods', isEvicting(assessment) ? undefined : evictedText(node)),
    ...growthSeries(assessment),
    field('Documentation', EVICTION),
  ];
}

/** All disks; inodes only if they are short. */
function isWorthShowing({ resource, state }: Room): boolean {
  return resource === 'bytes' || state !== 'enough';
}

/** Free space, unless the summary has it, against the limits of the kubelet, and what `df` shows for the same disk. */
function roomField(room: Room, isInSummary: boolean): Evidence {
  const { disk, resource, free, capacity, share, limit, lowerLimits, soft } = room;
  const limits = [limit, ...lowerLimits].flatMap((one) =>
    one ? [`${limitText(one, resource)} (${one.signal})`] : [],
  );
  const softLimits = soft ? [`its soft limit of ${limitText(soft, resource)} (${soft.signal})`] : [];
  const evicts = [...limits, ...softLimits].join(', ');
  const amount =
    resource === 'bytes' ? bytesOf(free, capacity) : `${wholeNumber(free)} of ${wholeNumber(capacity)}`;
  const used = resource === 'bytes' ? dfPercent(disk) : undefined;
  const df = used === undefined ? [] : [`df shows ${used}% used`];
  const freeSpace = isInSummary ? [] : [`${amount} free (${exactPercent(share, shareAbove(room))})`];
  const space = [...freeSpace, ...df].join(', ');
  const name = resource === 'inodes' ? `Inodes of ${diskName(disk)}` : `Space of ${diskName(disk)}`;
  const known = limit?.isAssumed ? `limits unknown (defaults: ${evicts})` : `evicts below ${evicts}`;
  const watched = evicts === '' ? 'not watched by the kubelet' : known;
  return field(name, [space, watched].filter((one) => one !== '').join('; '));
}

function pressureText({ node, rooms, pressure }: Assessment): string | undefined {
  const { diskPressure, isTainted, config } = node;
  if (!diskPressure || diskPressure.status === 'False') return undefined;
  const taint = isTainted ? '; the taint node.kubernetes.io/disk-pressure blocks new pods' : '';
  const reclaiming = reclaimingOf(rooms);
  const ends =
    reclaiming && (pressure?.kind === 'breached' || pressure?.kind === 'reclaiming')
      ? `; ends ${wording.period(transitionMs(config))} after ${neededText(reclaiming, rooms)} (limit plus evictionMinimumReclaim)`
      : '';
  return `${diskPressure.status}${sinceText(node)}${taint}${ends}`;
}

/** How much to free until the kubelet ends DiskPressure. */
function nextToReclaim({ pressure }: Assessment): string | undefined {
  if (pressure?.kind !== 'reclaiming') return undefined;
  const { room, limit } = pressure.what;
  const { until } = limit.reclaim;
  if (until.amount > room.capacity)
    return `Set a smaller evictionMinimumReclaim for ${limit.signal} and restart the kubelet: so much can never be free`;
  const missing = until.amount - room.free;
  const amount = room.resource === 'bytes' ? binaryBytes(missing) : `${wholeNumber(missing)} inodes`;
  return `Free ${amount} more on ${diskName(room.disk)}, or set a smaller evictionMinimumReclaim for ${limit.signal} and restart the kubelet`;
}

function imageGcText({ node, rooms }: Assessment): string | undefined {
  const { config } = node;
  const images = rooms.find(({ disk, resource }) => resource === 'bytes' && disk.holds.includes('imageFs'));
  if (!images || config?.imageGcHighPercent === undefined) return undefined;
  const now = `now at ${usedPercent(images)}%`;
  return config.imageGcHighPercent >= 100
    ? `off (imageGCHighThresholdPercent: 100); ${now}`
    : `starts at ${config.imageGcHighPercent}% used; ${now}`;
}

function imageGcEvidence({ node }: Assessment): readonly Evidence[] {
  const failures = node.events?.imageGc;
  if (!failures) return [];
  const { count, firstAt, lastAt, containers, running, images, freedBytes, unknown } = failures;
  const since = firstAt ? ` since ${wording.utcTime(firstAt)}` : '';
  const last = lastAt ? `, last at ${wording.utcTime(lastAt)}` : '';
  const freed =
    freedBytes === undefined ? '' : `, ${freedBytes === 0 ? 'no space' : binaryBytes(freedBytes)} freed`;
  return [
    field('Failures', `at least ${count === 1 ? 'once' : `${count} times`}${since}${last}${freed}`),
    ...optionalField('Used by', namesOf(containers)),
    ...optionalField('Used by running containers', namesOf(running)),
    ...optionalField('Images in use', namesOf(images)),
    ...optionalField('Other message', unknown),
  ];
}

function namesOf(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : wording.list(names, MOST_NAMED);
}

function unexplainedText(assessment: Assessment, room: Room): string | undefined {
  const bytes = unexplainedBytes(assessment, room);
  if (!isLarge(bytes, room)) return undefined;
  return `about ${bytesOf(bytes, usedBytes(room))} used, an estimate: used space minus images and pods`;
}

function buildersEvidence({ pods }: NodeFacts): readonly Evidence[] {
  if (!pods || pods.builders.length === 0) return [];
  const named = pods.builders.map((builder) =>
    builder.kind === 'inner'
      ? describeBuilders([builder])
      : `${builder.pod}, which ${builder.isOver ? 'mounted' : 'mounts'} ${builder.path}`,
  );
  return [field('Container engines in pods', wording.list(named, named.length, pods.builderCount))];
}

/** Engines that were not queried matter only if their leftovers can be a cause. */
function enginesEvidence({ engines = [] }: NodeFacts, causes: readonly Cause[]): readonly Evidence[] {
  return engines
    .filter(({ answer }) => answer || causes.some(({ leftovers }) => leftovers === 'node'))
    .map((engine) => field('Container engine', engineText(engine)));
}

/** Of a single consumer that the summary names, only its size. */
function consumersTable({ usage }: NodeFacts, causes: readonly Cause[]): readonly Evidence[] {
  const bytes = (usage?.byBytes ?? []).map((one) => [nameOf(one), amountText(one.bytes)]);
  const inodes = (usage?.byInodes ?? []).map((one) => [
    nameOf(one),
    `${wholeNumber(one.inodes ?? 0)} inodes`,
  ]);
  const rows = [...bytes, ...inodes];
  const [[, size = ''] = []] = rows;
  if (rows.length === 1 && causes.some(({ isLargest }) => isLargest)) return [field('Largest user', size)];
  return rows.length === 0 ? [] : [{ kind: 'table', columns: ['Uses most', 'How much'], rows }];
}

/** In both units: log sizes are configured in bytes, and disks are measured in GiB. */
function amountText(bytes = 0): string {
  return `${binaryBytes(bytes)} (${wholeNumber(bytes)} bytes)`;
}

function evictedText({ pods }: NodeFacts): string | undefined {
  if (!pods || pods.evicted + pods.refused === 0) return undefined;
  return `${pods.evicted} evicted and ${pods.refused} refused for lack of disk are still listed; pods evicted for exceeding their own limits are not counted`;
}

/** The limits that an override of evictionHard switched off, and how to restore them. */
function prevention({ node, rooms }: Assessment): string | undefined {
  const { config } = node;
  const hard = Object.keys(config?.evictionHard ?? {});
  if (!config) return undefined;
  if (hasNoLimit(node)) {
    const set =
      hard.length === 0
        ? 'is empty, and no defaults apply'
        : `sets only ${wording.list(hard, hard.length)}, so the other signals have no default`;
    const signals = ALL_SIGNALS.filter(
      (signal) => node.operatingSystem !== 'windows' || signal === 'nodefs.available',
    );
    return `evictionHard of this kubelet ${set}. Set ${wording.list(signals, signals.length)} there, or mergeDefaultEvictionSettings: true`;
  }
  const off = rooms.filter(({ limit, state }) => !limit && state !== 'enough');
  if (off.length === 0) return undefined;
  const signals = off.flatMap(({ disk, resource }) =>
    disk.holds
      .filter((name) => name !== 'containerFs')
      .map((name) => `${name.toLowerCase()}.${resource === 'bytes' ? 'available' : 'inodesFree'}`),
  );
  return `evictionHard of this kubelet does not set ${wording.list(signals, signals.length)}, and ${signals.length === 1 ? 'it has' : 'they have'} no default because other signals are set. Add ${signals.length === 1 ? 'it' : 'them'}, or set mergeDefaultEvictionSettings: true${off.some(({ soft }) => soft) ? '. Until then only its soft limit evicts, after its grace period' : ''}`;
}

function growthSeries({ forecast }: Assessment): readonly Evidence[] {
  if (!forecast) return [];
  const { growth, samples } = forecast;
  const GIB = 1_024 ** 3;
  return [
    field(
      'Growth',
      `${binaryBytes(growth.bytesPerHour)} an hour over the last ${wording.span(growth.spanMs)}, from ${growth.samples} samples; an estimate that assumes it continues`,
    ),
    {
      kind: 'series',
      label: 'Free',
      unit: 'GiB',
      points: samples.map(({ at, availableBytes }) => ({
        at: at.toISOString(),
        value: Math.round((availableBytes / GIB) * 100) / 100,
      })),
    },
  ];
}
