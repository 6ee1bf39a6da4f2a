import type { ports, Remembered } from '../../kit.ts';
import { isSameHost } from '../../shared/host-names.ts';
import { isSharedMount, mountOf } from '../../shared/mounts.ts';
import { samplesByTarget } from '../../shared/samples-by-target.ts';
import type { Facts, HostFacts, Owner } from './facts.ts';
import type { ConsoleSample } from './samples.ts';

export const LARGE_BYTES = 100_000_000;
const HOUR_MS = 3_600_000;
/** Shorter than this, two sizes of earlier runs show no more than a watch. */
const MIN_SPAN_MS = HOUR_MS / 6;
const MAX_SPAN_MS = 24 * HOUR_MS;
/** A log that still had this size this long ago has stopped growing. */
const STILL_MS = HOUR_MS / 2;
/** All console logs of one instance on one host: the current one, and those that were rotated. */
export interface ConsoleLogs {
  /** `cmp-c07:c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501` */
  readonly target: string;
  readonly host: HostFacts;
  /** The name of the folder of the instance. */
  readonly folder: string;
  readonly files: readonly ports.HostFileSize[];
  /** The current log, which is the one that grows. Absent if only rotated ones are large. */
  readonly current?: ports.HostFileSize;
  readonly diskBytes: number;
  /** Absent if it couldn't be measured. */
  readonly growth?: Growth;
  /** The file system that they are on. Absent if unknown. */
  readonly mount?: ports.HostMount;
  /** Absent if unknown. */
  readonly owner?: Owner;
  /** Other hosts that see the same files on shared storage. */
  readonly alsoOn: readonly string[];
}

export interface Growth {
  /** On disk. 0 if it stands still. */
  readonly bytesPerHour: number;
  readonly overMs: number;
  /** Compared with an earlier run. */
  readonly isRemembered: boolean;
}

export function folderOf(path: string): string {
  return path.split('/').at(-2) ?? path;
}

export function targetOf(host: Pick<HostFacts, 'name'>, folder: string): string {
  return `${host.name}:${folder}`;
}

/** `console.log` of the same path without a number. */
export function isCurrent(path: string): boolean {
  return path.endsWith('/console.log');
}

export function diskBytesOf({ bytes, diskBytes = bytes }: ports.HostFileSize): number {
  return diskBytes;
}

/** What earlier runs saw of a target, oldest first. */
export type SamplesOf = (target: string) => readonly Remembered<ConsoleSample>[];

/** By instance, each once. */
export function consoleLogsIn({ hosts, earlier }: Facts, now: Date): readonly ConsoleLogs[] {
  const samplesOf = samplesByTarget(earlier, (one) => one.console);
  return onceEach(hosts.flatMap((host) => logsOn(host, samplesOf, now)));
}

export function logsOn(host: HostFacts, samplesOf: SamplesOf, now: Date): readonly ConsoleLogs[] {
  const owners = new Map(host.owners.map((one) => [one.folder, one]));
  const byFolder = Map.groupBy(host.logs, ({ before }) => folderOf(before.path));
  return [...byFolder].map(([folder, logs]): ConsoleLogs => {
    const target = targetOf(host, folder);
    const files = logs.map(({ before, after = before }) => after);
    const diskBytes = files.reduce((sum, file) => sum + diskBytesOf(file), 0);
    const current = files.find(({ path }) => isCurrent(path));
    const growth = rememberedGrowth(samplesOf(target), diskBytes, now) ?? watchedGrowth(logs);
    const mount = mountOf(host.mounts, files[0]?.path ?? '');
    const owner = owners.get(folder);
    return {
      target,
      host,
      folder,
      files,
      diskBytes,
      alsoOn: [],
      ...(current && { current }),
      ...(growth && { growth }),
      ...(mount && { mount }),
      ...(owner && { owner }),
    };
  });
}

/** undefined if a file couldn't be measured again, or shrank: then it was rotated or truncated meanwhile. */
function watchedGrowth(logs: readonly ports.HostFileGrowth[]): Growth | undefined {
  let bytes = 0;
  let overMs = Infinity;
  for (const { before, after, betweenMs } of logs) {
    const grewBy = after && changeOf(before, after);
    if (grewBy === undefined || grewBy < 0 || betweenMs <= 0) return undefined;
    bytes += grewBy;
    overMs = Math.min(overMs, betweenMs);
  }
  return Number.isFinite(overMs)
    ? { bytesPerHour: (bytes / overMs) * HOUR_MS, overMs, isRemembered: false }
    : undefined;
}

/** On disk, if both sizes are known. */
function changeOf(before: ports.HostFileSize, after: ports.HostFileSize): number {
  return before.diskBytes === undefined || after.diskBytes === undefined
    ? after.bytes - before.bytes
    : after.diskBytes - before.diskBytes;
}

/** Since the oldest sample of the last day, or since it was last truncated. undefined without one that is old enough. */
function rememberedGrowth(
  earlier: readonly Remembered<ConsoleSample>[],
  diskBytes: number,
  now: Date,
): Growth | undefined {
  const samples = earlier
    .map((one) => ({ ageMs: now.getTime() - one.at.getTime(), bytes: one.diskBytes }))
    .filter(({ ageMs }) => ageMs > 0 && ageMs <= MAX_SPAN_MS)
    .toSorted((a, b) => a.ageMs - b.ageMs);
  const shrank = samples.findIndex(({ bytes }, at) => bytes > (samples[at - 1]?.bytes ?? diskBytes));
  const since = shrank < 0 ? samples : samples.slice(0, shrank);
  const first = since.at(-1);
  if (!first || first.ageMs < MIN_SPAN_MS) return undefined;
  const isStill = since.some(({ ageMs, bytes }) => ageMs >= STILL_MS && bytes === diskBytes);
  return {
    bytesPerHour: isStill ? 0 : ((diskBytes - first.bytes) / first.ageMs) * HOUR_MS,
    overMs: first.ageMs,
    isRemembered: true,
  };
}

/**
 * Files on shared storage are reported for the host that runs the instance: by the cloud, or because a process there has the log open. Otherwise for the
 * first one, which changes if that one doesn't respond.
 */
function onceEach(all: readonly ConsoleLogs[]): readonly ConsoleLogs[] {
  const groups = Map.groupBy(all, (logs) => {
    const { mount, files } = logs;
    return mount && isSharedMount(mount) ? `${mount.device} ${files[0]?.path}` : logs.target;
  });
  return [...groups.values()].flatMap((group) => {
    const runs =
      group.length === 1
        ? group[0]
        : (group.find(({ host, owner }) => isOn(owner?.server, host)) ?? group.find(isOpenThere));
    const chosen = runs ?? group.toSorted((a, b) => (a.host.name < b.host.name ? -1 : 1))[0];
    const alsoOn = group.filter((one) => one !== chosen).map(({ host }) => host.name);
    if (!chosen) return [];
    const mount =
      chosen.mount?.freeBytes === undefined
        ? (group.find((one) => one.mount?.freeBytes !== undefined)?.mount ?? chosen.mount)
        : chosen.mount;
    return [{ ...chosen, ...(mount && { mount }), alsoOn: alsoOn.toSorted() }];
  });
}

function isOpenThere({ host, files }: ConsoleLogs): boolean {
  return (
    host.openFiles?.some((open) => !open.isDeleted && files.some(({ path }) => path === open.path)) ?? false
  );
}

function isOn(server: ports.CloudServer | undefined, { host }: HostFacts): boolean {
  return server?.host !== undefined && isSameHost(server.host, host);
}
