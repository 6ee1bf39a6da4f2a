import type { ComputeNodeStamp, GuestDiskError, HostLoad, HostSetting } from '../../ports/hosts.ts';
import { cleanText } from '../../text/clean-text.ts';
import { parseJson } from '../../text/parse-json.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import { NOVA_SETTING_KEYS } from '../../wire/nova-commands.ts';
import {
  type HostQuestion,
  isNoSuchFile,
  isPermissionDenied,
  linesOf,
  runForAnswer,
  runForText,
  unknownFormat,
} from './ask-host.ts';
import { parseSettings } from './network-settings.ts';

/**
 * Half of the settings could say the opposite of all of them, so one file that can't be read fails the question. Every file of Nova has sections, so no lines
 * are no files.
 */
export async function readNovaSettings(
  asked: HostQuestion,
  as: { readonly sudo: boolean },
): Promise<readonly HostSetting[] | undefined> {
  const { text, stderr, exitCode } = await runForText(asked, () => HOST_COMMANDS.novaSettings(as), [0, 1, 2]);
  if (isPermissionDenied(stderr))
    throw asked.fail('refused', "the user can't read the files of Nova: add `nova-settings` to `sudo`");
  const other = linesOf(stderr).find((line) => !isNoSuchFile(line));
  if (other !== undefined || (exitCode === 2 && stderr.trim() === ''))
    throw asked.fail('malformed', cleanText(other ?? 'exit code 2').slice(0, 200));
  const settings = parseSettings(text, NOVA_SETTING_KEYS) ?? unknownFormat(asked);
  if (linesOf(text).length === 0) return undefined;
  return inOrderOfFiles(settings.filter(({ file }) => isReadByNova(file)));
}

const FOLDER = '/etc/nova/nova.conf.d/';

/** Of a folder, Nova reads `*.conf`: https://docs.openstack.org/oslo.config/latest/configuration/options.html */
function isReadByNova(file: string): boolean {
  return !file.startsWith(FOLDER) || /^[^/.][^/]*\.conf$/.test(file.slice(FOLDER.length));
}

/** `grep` lists a folder in any order, Nova by name. */
function inOrderOfFiles(settings: readonly HostSetting[]): readonly HostSetting[] {
  const groups = [...Map.groupBy(settings, ({ file }) => (file.startsWith(FOLDER) ? FOLDER : file)).values()];
  return groups.flatMap((group) => group.toSorted((a, b) => compare(a.file, b.file)));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export async function readComputeNodes(asked: HostQuestion): Promise<readonly ComputeNodeStamp[]> {
  const { text, stderr, exitCode } = await runForText(asked, HOST_COMMANDS.computeNodes, [0, 1]);
  if (isPermissionDenied(stderr))
    throw asked.fail('refused', "the user can't read compute_nodes: add it to the group `nova`");
  if (exitCode !== 0 && isNoSuchFile(stderr)) throw asked.fail('missing', 'there is no compute_nodes');
  if (exitCode !== 0)
    throw asked.fail('malformed', cleanText(linesOf(stderr)[0] ?? 'exit code 1').slice(0, 200));
  const stamps = parseComputeNodes(text);
  if (!stamps) throw asked.fail('malformed', "compute_nodes isn't valid JSON of hosts and times");
  return stamps;
}

/** Parses `{"cmp-12": 1795693680.0}`. undefined if it is anything else. */
function parseComputeNodes(text: string): readonly ComputeNodeStamp[] | undefined {
  const parsed = parseJson(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const stamps = Object.entries(parsed).map(([host, seconds]: readonly [string, unknown]) => {
    const at = typeof seconds === 'number' ? new Date(seconds * 1000) : undefined;
    return at === undefined || Number.isNaN(at.getTime()) ? undefined : { host: cleanText(host), at };
  });
  return stamps.every((one) => one !== undefined) ? stamps : undefined;
}

const QEMU_LOGS = 2;

export async function readDiskErrors(
  asked: HostQuestion,
  as: { readonly sudo: boolean },
): Promise<readonly GuestDiskError[]> {
  const { text, stderr, exitCode, isCut } = await runForAnswer(
    asked,
    () => HOST_COMMANDS.diskErrors(as),
    [0, 1, 2],
  );
  if (isPermissionDenied(stderr))
    throw asked.fail('refused', "the user can't read the logs of QEMU: add `disk-errors` to `sudo`");
  const absent = linesOf(stderr).filter((line) => /^grep: \S+\/libvirt\/qemu: No such file/.test(line));
  if (absent.length === QEMU_LOGS) throw asked.fail('missing', 'there are no logs of QEMU');
  const other = linesOf(stderr).find((line) => !isNoSuchFile(line));
  if (exitCode === 2 && (other !== undefined || absent.length === 0))
    throw asked.fail('malformed', cleanText(other ?? 'exit code 2').slice(0, 200));
  const lines = linesOf(text);
  return parseDiskErrors(isCut ? lines.slice(0, -1) : lines) ?? unknownFormat(asked);
}

const DISK_ERROR =
  /^\/var\/log\/(?:kolla\/)?libvirt\/qemu\/(?:[^:/]+\/)*(?<file>[^:/]+):(?<time>\d{4}-\d\d-\d\dT[\d:.]+Z)?.*?(?<text>block I\/O error\b.*)$/;

/** Parses what `grep` found. A guest may repeat an error without end: of equal ones, the last is kept. undefined if it isn't understood. */
function parseDiskErrors(lines: readonly string[]): readonly GuestDiskError[] | undefined {
  const last = new Map<string, GuestDiskError>();
  for (const line of lines) {
    const { file = '', time, text } = DISK_ERROR.exec(line)?.groups ?? {};
    const instance = file.slice(0, Math.max(0, file.indexOf('.log')));
    if (instance === '' || text === undefined) return undefined;
    const at = time === undefined ? undefined : new Date(time);
    const error: GuestDiskError = {
      instanceName: cleanText(instance),
      ...(at && !Number.isNaN(at.getTime()) && { at }),
      text: cleanText(text).slice(0, 300),
    };
    const key = JSON.stringify([error.instanceName, error.text]);
    const known = last.get(key);
    // The rotated files of a log come in any order.
    if ((known?.at?.getTime() ?? -Infinity) > (error.at?.getTime() ?? -Infinity)) continue;
    last.set(key, error);
  }
  return [...last.values()];
}

const LOAD = /^\/proc\/loadavg:(?<load>\d{1,9}\.\d\d) /m;
const CPUS = /^\/sys\/devices\/system\/cpu\/online:(?<cpus>[\d,-]+)$/m;

/** Parses the files of `load`. undefined if it isn't understood. */
export function parseLoad(text: string): HostLoad | undefined {
  const load = LOAD.exec(text)?.groups?.['load'];
  const ranges = CPUS.exec(text)?.groups?.['cpus']?.split(',') ?? [];
  const counts = ranges.map((range) => {
    const { from, to } = /^(?<from>\d{1,5})(?:-(?<to>\d{1,5}))?$/.exec(range)?.groups ?? {};
    return Number(to ?? from) - Number(from) + 1;
  });
  const cpus = counts.reduce((sum, one) => sum + one, 0);
  if (load === undefined || !(cpus > 0) || counts.some((one) => !(one > 0))) return undefined;
  return { oneMinute: Number(load), cpus };
}
