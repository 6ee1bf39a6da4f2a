import type { HostClock, HostFileSize, HostMount } from '../../ports/hosts.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject, listIn } from '../../wire/json-object.ts';
import { linesOf } from './ask-host.ts';
import { known, toCount, toWord } from './values.ts';

/** Parses `date +%s.%N,%z`. Without GNU's `date` there are no nanoseconds. undefined if it isn't understood. */
export function parseClock(text: string): HostClock | undefined {
  const { seconds, nanoseconds, sign, hours, minutes } =
    /^(?<seconds>\d{1,11})\.(?:(?<nanoseconds>\d{1,9})|%?N|),(?<sign>[+-])(?<hours>\d\d)(?<minutes>\d\d)$/.exec(
      text.trim(),
    )?.groups ?? {};
  if (seconds === undefined) return undefined;
  const offset = Number(hours) * 60 + Number(minutes);
  const fraction = Number(`0.${nanoseconds ?? 0}`);
  return {
    time: new Date(Number(seconds) * 1000 + Math.floor(fraction * 1000)),
    utcOffsetMinutes: sign === '-' && offset > 0 ? -offset : offset,
  };
}

/** Parses `findmnt -J -b`. undefined if it isn't understood. */
export function parseMounts(text: string): readonly HostMount[] | undefined {
  const systems = withChildren(listIn(asObject(parseJson(text)), 'filesystems'));
  const mounts = systems.map((system) =>
    toMount(toWord(system['target']), toWord(system['source']) ?? '', toWord(system['fstype']), {
      totalBytes: toCount(system['size']),
      freeBytes: toCount(system['avail']),
    }),
  );
  return mounts.length > 0 && mounts.every((one) => one !== undefined) ? mounts : undefined;
}

/** Not recursive, because a host can nest them as deep as it likes. */
function withChildren(systems: readonly JsonObject[]): readonly JsonObject[] {
  const all = [...systems];
  for (const system of all) for (const child of listIn(system, 'children')) all.push(child);
  return all;
}

/** Parses `df -P -T -B 1`. undefined if it isn't understood. */
export function parseMountsText(text: string): readonly HostMount[] | undefined {
  const [header = '', ...lines] = linesOf(text);
  if (!/^Filesystem\s+Type\s/.test(header)) return undefined;
  const mounts = lines.map((line) => {
    const {
      device = '',
      type,
      total,
      free,
      path,
    } = /^(?<device>\S+(?: \S+)*)\s+(?<type>\S+)\s+(?<total>\d+|-)\s+(?:\d+|-)\s+(?<free>-?\d+|-)\s+(?:\d+%|-)\s+(?<path>\/.*)$/.exec(
      line,
    )?.groups ?? {};
    return toMount(path, device, type, { totalBytes: toCount(total), freeBytes: toCount(free) });
  });
  return mounts.every((one) => one !== undefined) ? mounts : undefined;
}

function toMount(
  path: string | undefined,
  device: string,
  type: string | undefined,
  sizes: { readonly totalBytes: number | undefined; readonly freeBytes: number | undefined },
): HostMount | undefined {
  return path === undefined || type === undefined ? undefined : { path, device, type, ...known(sizes) };
}

/** Parses `size,blocks,seconds,path` and a NUL for each file. undefined if it isn't understood. */
export function parseFileSizes(text: string): readonly HostFileSize[] | undefined {
  const records = text.split('\0');
  // The last one ends with a NUL too.
  if (records.pop() !== '') return undefined;
  const files = records.map((record) => {
    const { bytes, blocks, seconds, path } =
      /^(?<bytes>\d{1,15}),(?<blocks>\d{1,15}),(?<seconds>-?\d{1,12})(?:\.\d+)?,(?<path>\/[\s\S]*)$/.exec(
        record,
      )?.groups ?? {};
    if (path === undefined) return undefined;
    return {
      path,
      bytes: Number(bytes),
      diskBytes: Number(blocks) * 512,
      modifiedAt: new Date(Number(seconds) * 1000),
    };
  });
  return files.every((one) => one !== undefined) ? files : undefined;
}

/** Parses `ps -o pid=,etimes=,comm=`. undefined if it isn't understood. */
export function parseProcesses(
  text: string,
): readonly { readonly pid: number; readonly program: string; readonly ageSeconds: number }[] | undefined {
  const processes = linesOf(text).map((line) => {
    const { pid, age, program } =
      /^\s*(?<pid>\d{1,10})\s+(?<age>\d{1,12})\s+(?<program>\S.*)$/.exec(line)?.groups ?? {};
    return program === undefined
      ? undefined
      : { pid: Number(pid), program: program.trim(), ageSeconds: Number(age) };
  });
  return processes.every((one) => one !== undefined) ? processes : undefined;
}

/** Parses lines like `installed,dnsmasq-base,2.90-4~deb12u1`. undefined if no package is installed. */
export function parsePackageVersion(text: string): string | undefined {
  const versions = linesOf(text).map(
    (line) => /^installed,[^,]+,(?<version>\S+)$/.exec(line)?.groups?.['version'],
  );
  return versions.find((version) => version !== undefined);
}
