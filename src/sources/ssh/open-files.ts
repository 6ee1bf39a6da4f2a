import type { HostFiles, OpenFile } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import { cleanText } from '../../text/clean-text.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import { INSTANCES_PATH } from '../../wire/nova-commands.ts';
import {
  type HostQuestion,
  isNoSuchFile,
  isPermissionDenied,
  linesOf,
  runForText,
  unknownFormat,
} from './ask-host.ts';
import { known } from './values.ts';

const NO_PERMISSION = "the user can't read the open files of other users: add `open-files` to `sudo`";
/** Only visible to those who can also read what other users have open. */
const PROOF = '/proc/1/fd';

/** Which processes have such files open. Never empty only because they can't be seen. */
export async function readOpenFiles(
  asked: HostQuestion,
  { sudo, files }: { readonly sudo: boolean; readonly files: HostFiles },
): Promise<readonly OpenFile[]> {
  const { text, stderr, exitCode } = await runForText(
    asked,
    () => HOST_COMMANDS.openFiles({ sudo, files }),
    [0, 1],
  );
  if (/unrecognized|unknown (?:predicate|option)|invalid (?:predicate|option)/i.test(stderr))
    throw asked.fail('missing', "`find` of this host can't search for open files: GNU findutils is needed");
  if (isPermissionDenied(stderr)) throw asked.fail('refused', NO_PERMISSION);
  const other = linesOf(stderr).find((line) => !isNoSuchFile(line) && !/no such process/i.test(line));
  if (exitCode !== 0 && other !== undefined) throw asked.fail('malformed', cleanText(other).slice(0, 200));
  const { isProven, open } = parseOpenFiles(text) ?? unknownFormat(asked);
  if (!isProven) throw asked.fail('refused', NO_PERMISSION);
  const root = open.length > 0 ? await readInstancesPath(asked) : INSTANCES_PATH;
  return open.flatMap((file) => {
    const path = pathOfInstances(file.path, root);
    return path !== undefined && IS_FILE[files].test(path.slice(INSTANCES_PATH.length))
      ? [{ ...file, path }]
      : [];
  });
}

const IS_FILE: Readonly<Record<HostFiles, RegExp>> = {
  'console-logs': /^\/[^/]+\/console\.log(?:[^/]*)$/,
  'image-cache': /^\/_base[^/]*\/[^/]+$/,
};

/** As other answers name it, if the folder is a symbolic link. */
function pathOfInstances(path: string, root: string): string | undefined {
  const [base] = [INSTANCES_PATH, root].filter((folder) => path.startsWith(`${folder}/`));
  return base === undefined ? undefined : `${INSTANCES_PATH}${path.slice(base.length)}`;
}

async function readInstancesPath(asked: HostQuestion): Promise<string> {
  try {
    const { text } = await runForText(asked, HOST_COMMANDS.instancesPath);
    const path = text.replace(/\n$/, '');
    return path.startsWith('/') ? path : unknownFormat(asked);
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'missing') return INSTANCES_PATH;
    throw error;
  }
}

const RECORD = /^\/proc\/(?<pid>\d{1,10})\/fd\/(?<descriptor>\d{1,10}),(?<target>\/[\s\S]*)$/;
const FACTS =
  /^(?:flags:\s*(?<flags>[0-7]{1,12})\n)?(?:(?<bytes>\d{1,16}),(?<blocks>\d{1,16})\n)?(?:(?<program>[^\n]{1,64})\n)?$/;
const DELETED = ' (deleted)';
/** https://man7.org/linux/man-pages/man2/open.2.html */
const O_ACCMODE = 0o3;
const O_APPEND = 0o2000;

/** Parses records that end with a NUL, each followed by the lines about it. undefined if it isn't understood. */
function parseOpenFiles(
  text: string,
): { readonly isProven: boolean; readonly open: readonly OpenFile[] } | undefined {
  const [first = '', ...rest] = text.split('\0');
  const open: OpenFile[] = [];
  let isProven = false;
  let record = first;
  for (const part of rest) {
    const next = part.search(/\/proc\/\d{1,10}\/fd(?:$|\/)/);
    const facts = FACTS.exec(next === -1 ? part : part.slice(0, next))?.groups;
    if (!facts) return undefined;
    if (record === PROOF) isProven = true;
    else {
      const file = toOpenFile(record, facts);
      if (!file) return undefined;
      open.push(file);
    }
    record = next === -1 ? '' : part.slice(next);
  }
  return record === '' ? { isProven, open } : undefined;
}

function toOpenFile(
  record: string,
  { flags, bytes, blocks, program }: Readonly<Record<string, string | undefined>>,
): OpenFile | undefined {
  const { pid, descriptor, target } = RECORD.exec(record)?.groups ?? {};
  if (target === undefined) return undefined;
  const isDeleted = target.endsWith(DELETED);
  const bits = flags === undefined ? undefined : Number.parseInt(flags, 8);
  return {
    pid: Number(pid),
    descriptor: Number(descriptor),
    path: isDeleted ? target.slice(0, -DELETED.length) : target,
    isDeleted,
    ...known({
      program: program === undefined ? undefined : cleanText(program),
      isAppendOnly: bits === undefined ? undefined : Math.floor(bits / O_APPEND) % 2 === 1,
      isReadOnly: bits === undefined ? undefined : bits % (O_ACCMODE + 1) === 0,
      bytes: bytes === undefined ? undefined : Number(bytes),
      diskBytes: blocks === undefined ? undefined : Number(blocks) * 512,
    }),
  };
}
