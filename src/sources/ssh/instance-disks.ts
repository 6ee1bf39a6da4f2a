import { posix } from 'node:path';
import type { InstanceDisk } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import { cleanText } from '../../text/clean-text.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';
import type { HostCommand } from '../../wire/host-command.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import { INSTANCES_PATH } from '../../wire/nova-commands.ts';
import {
  attemptAnswer,
  type HostQuestion,
  isPermissionDenied,
  linesOf,
  runForText,
  unknownFormat,
} from './ask-host.ts';
import { known } from './values.ts';

const NO_PERMISSION = "the user can't read the disks of instances: add `instance-disks` to `sudo`";
/** Of getopt, in versions without `-U`. */
const UNKNOWN_OPTION = /(?:invalid|unrecognized|unknown) option/i;
const NOT_INSTALLED = /(?:'prlimit'|failed to execute (?:\S*\/)?qemu-img): No such file/;

/** The standard error of a command is cut off, so the folders of more instances than this may not all be named. */
const MAX_UNLISTED = 40;

/** Which disks there are, and what `qemu-img` says about each. A disk that it can't read has an error. */
export async function readInstanceDisks(
  asked: HostQuestion,
  as: { readonly sudo: boolean },
): Promise<readonly InstanceDisk[]> {
  const disks = await readFound(asked, {
    make: () => HOST_COMMANDS.instanceDisks(as),
    makeOld: () => HOST_COMMANDS.instanceDisksOfOldQemu(as),
  });
  if (!disks.some(mayHaveChain)) return disks;
  return [...disks, ...(await readChains(asked, as, disks))];
}

/** QEMU doesn't interpret the header of a backing file that the disk calls raw. */
function mayHaveChain({ backingPath, backingFormat }: InstanceDisk): boolean {
  return backingFormat !== 'raw' && backingPath?.startsWith(`${INSTANCES_PATH}/_base`) === true;
}

/** The base images with backing files, as disks of the instances that use them. */
async function readChains(
  asked: HostQuestion,
  as: { readonly sudo: boolean },
  disks: readonly InstanceDisk[],
): Promise<readonly InstanceDisk[]> {
  const bases = await attemptAnswer(() =>
    readFound(asked, {
      make: () => HOST_COMMANDS.baseImages(as),
      makeOld: () => HOST_COMMANDS.baseImagesOfOldQemu(as),
    }),
  );
  if (bases instanceof SourceError) {
    if (bases.kind === 'missing') return [];
    const error = `what is behind it can't be read: ${bases.message}`;
    return unique(
      disks
        .filter(mayHaveChain)
        .map(({ backingPath = '', instance }) => ({ path: backingPath, instance, error })),
    );
  }
  const ofPath = new Map(bases.map((base) => [base.path, base]));
  const chains: InstanceDisk[] = [];
  // Grows while it is read, as long as a base image has another one. A chain may be a circle.
  const users = disks.filter(mayHaveChain);
  const seen = new Set<string>();
  for (const { backingPath = '', instance } of users) {
    const base = ofPath.get(backingPath);
    const key = `${instance}/${backingPath}`;
    if (!base || seen.has(key)) continue;
    seen.add(key);
    if (base.backingPath === undefined && base.error === undefined) continue;
    chains.push({ ...base, instance });
    if (mayHaveChain(base)) users.push({ ...base, instance });
  }
  return chains;
}

function unique(disks: readonly InstanceDisk[]): readonly InstanceDisk[] {
  return [...new Map(disks.map((disk) => [`${disk.instance}/${disk.path}`, disk])).values()];
}

interface Ways {
  readonly make: () => HostCommand;
  readonly makeOld: () => HostCommand;
}

async function readFound(asked: HostQuestion, { make, makeOld }: Ways): Promise<readonly InstanceDisk[]> {
  const first = await runForText(asked, make, [0, 1]);
  const isOld = UNKNOWN_OPTION.test(first.stderr) && !first.text.includes('{');
  const { text, stderr, exitCode } = isOld ? await runForText(asked, makeOld, [0, 1]) : first;
  if (NOT_INSTALLED.test(stderr)) throw asked.fail('missing', "`qemu-img` isn't installed");
  const folders = foldersWithErrors(stderr);
  const ofRoot = folders.find(({ path }) => path === INSTANCES_PATH)?.error;
  if (ofRoot !== undefined)
    throw /no such file/i.test(ofRoot)
      ? asked.fail('missing', `there is no ${INSTANCES_PATH}`)
      : asked.fail(isPermissionDenied(ofRoot) ? 'refused' : 'malformed', rootError(ofRoot));
  if (folders.length > MAX_UNLISTED)
    throw asked.fail(
      isPermissionDenied(stderr) ? 'refused' : 'malformed',
      rootError(folders[0]?.error ?? ''),
    );
  if (exitCode !== 0 && folders.length === 0)
    throw asked.fail('malformed', cleanText(linesOf(stderr)[0] ?? 'exit code 1').slice(0, 200));
  const disks = parseInstanceDisks(text, stderr) ?? unknownFormat(asked);
  if (disks.length > 0 && disks.every(({ error = '' }) => isPermissionDenied(error)))
    throw asked.fail('refused', NO_PERMISSION);
  // An instance that was deleted in the meantime has no disks.
  const unlisted = folders.filter(({ error }) => !/no such file/i.test(error));
  return [
    ...disks,
    ...unlisted.map(({ path, error }) => ({ path: `${path}/disk`, instance: posix.basename(path), error })),
  ];
}

function rootError(error: string): string {
  return isPermissionDenied(error) ? NO_PERMISSION : `${INSTANCES_PATH}: ${error}`;
}

/** `find: '/var/lib/nova/instances/2b8f…': Permission denied` */
export function foldersWithErrors(
  stderr: string,
): readonly { readonly path: string; readonly error: string }[] {
  return linesOf(stderr).flatMap((line) => {
    const { path, error } = /^find: ['`]?(?<path>\/.*?)'?: (?<error>[^':]+)$/.exec(line)?.groups ?? {};
    return path === undefined || error === undefined ? [] : [{ path, error: cleanText(error).slice(0, 200) }];
  });
}

/** Parses a path, a NUL and the JSON of `qemu-img info` for each disk. undefined if it isn't understood. */
function parseInstanceDisks(text: string, stderr: string): readonly InstanceDisk[] | undefined {
  const [first = '', ...rest] = text.split('\0');
  if (rest.length === 0) return first.trim() === '' ? [] : undefined;
  const disks: InstanceDisk[] = [];
  let path = first;
  for (const [at, part] of rest.entries()) {
    if (!isDiskPath(path)) return undefined;
    const { json, behind } = splitJson(part);
    disks.push(describeDisk(path, json, stderr));
    path = behind;
    if (at === rest.length - 1 && behind.trim() !== '') return undefined;
  }
  return disks;
}

function isDiskPath(path: string): boolean {
  return path.startsWith(`${INSTANCES_PATH}/`) && posix.normalize(path) === path;
}

/** The document at the beginning of a text, and the path behind it. */
function splitJson(text: string): { readonly json: string; readonly behind: string } {
  if (!text.startsWith('{')) return { json: '', behind: text };
  const end = endOfObject(text);
  // `qemu-img` was stopped in the middle of it.
  if (end === undefined) return { json: '', behind: text.slice(text.lastIndexOf('\n') + 1) };
  return { json: text.slice(0, end), behind: text.slice(end).replace(/^\s+/, '') };
}

/** The position behind the object that a text begins with. Texts in it may be longer than a pattern can match as a whole. */
function endOfObject(text: string): number | undefined {
  let depth = 0;
  let isInText = false;
  for (const { 0: token, index } of text.matchAll(/\\.|["{}]/gs)) {
    if (token === '"') isInText = !isInText;
    if (isInText) continue;
    depth += token === '{' ? 1 : token === '}' ? -1 : 0;
    if (depth === 0) return index + 1;
  }
  return undefined;
}

function describeDisk(path: string, json: string, stderr: string): InstanceDisk {
  const disk = { path, instance: posix.basename(posix.dirname(path)) };
  const info = asObject(parseJson(json));
  const format = textIn(info, 'format');
  if (format === undefined) return { ...disk, error: errorOf(path, stderr) };
  const backing = backingPathOf(path, info);
  return {
    ...disk,
    format: cleanText(format).slice(0, 40),
    ...known({
      virtualBytes: numberIn(info, 'virtual-size'),
      backingPath: backing?.path,
      backingFormat: textIn(info, 'backing-filename-format'),
      error: backing?.error,
    }),
  };
}

function errorOf(path: string, stderr: string): string {
  const line = linesOf(stderr).find((one) => one.includes(`'${path}'`));
  const reason = line === undefined ? undefined : /: (?<reason>[^:]+)$/.exec(line)?.groups?.['reason'];
  return reason === undefined ? "`qemu-img` couldn't read it" : cleanText(reason).slice(0, 200);
}

/** Relative to the folder of the disk: https://www.qemu.org/docs/master/tools/qemu-img.html */
function backingPathOf(
  diskPath: string,
  info: JsonObject,
): { readonly path?: string; readonly error?: string } | undefined {
  const name = textIn(info, 'full-backing-filename') ?? textIn(info, 'backing-filename');
  if (name === undefined) return undefined;
  const file = name.startsWith('json:') ? fileInOptions(parseJson(name.slice(5))) : localFile(name);
  if (file === undefined || file.includes('\0')) return { error: 'its backing file has no local path' };
  return { path: posix.resolve(posix.dirname(diskPath), file) };
}

/** `file:/x` is `/x`. A path with a colon before its first slash has another protocol, such as `rbd:vms/disk`. */
function localFile(name: string): string | undefined {
  if (name.startsWith('file:')) return name.slice(5);
  return /^[A-Za-z][\w+.-]*:/.test(name) ? undefined : name;
}

const FORMATS = ['raw', 'qcow2', 'qcow', 'file', 'host_device'];
const MAX_NESTED = 8;

/** `{"driver": "raw", "file": {"driver": "file", "filename": "/x"}}` */
function fileInOptions(options: unknown): string | undefined {
  let object = asObject(options);
  for (let depth = 0; depth < MAX_NESTED; depth += 1) {
    if (!FORMATS.includes(textIn(object, 'driver') ?? 'file')) return undefined;
    const driver = textIn(object, 'file.driver') ?? 'file';
    const filename = textIn(object, 'filename') ?? textIn(object, 'file.filename');
    if (filename !== undefined) return FORMATS.includes(driver) ? localFile(filename) : undefined;
    object = asObject(object['file']);
  }
  return undefined;
}
