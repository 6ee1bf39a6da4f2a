import type { HostWriter, RescuedCopy } from '../../ports/hosts.ts';
import { HOST_CHANGES, partialNameOf, RESCUE_PART_BYTES } from '../../wire/host-changes.ts';
import { isNoSuchFile, linesOf, runForText } from './ask-host.ts';
import type { ChangedHost } from './change-access.ts';

type RescuedFile = Parameters<HostWriter['rescueOpenFile']>[0];

interface Target {
  readonly folder: string;
  /** Of the remediation. */
  readonly id: string;
}

const INSTANCES = '/var/lib/nova/instances/';
const DELETED = ' (deleted)';
/**
 * As `stat -f` names local file systems: ext2 to ext4, XFS, Btrfs, ZFS. A file that another client of a shared one has deleted may be gone already.
 * https://www.gnu.org/software/coreutils/manual/html_node/stat-invocation.html
 */
const LOCAL_FILE_SYSTEMS = ['ext2/ext3', 'xfs', 'btrfs', 'zfs'];
/** Stays free after a copy. */
const MARGIN_BYTES = 1_000_000_000;
const MARGIN_SHARE = 0.05;

/** Copies a deleted file out of the process that has it open. It never writes to an existing file, and leaves a copy that differs under its own name. */
export async function rescueOpenFile(
  host: ChangedHost,
  file: RescuedFile,
  { folder, id }: Target,
  signal: AbortSignal,
): ReturnType<HostWriter['rescueOpenFile']> {
  const at = { ...host, ...file, folder, id };
  const path = `${folder}/${file.name}`;
  const partial = `${folder}/${partialNameOf(at)}`;
  const opened = await assertOpen(host, file);
  await assertLocal(host, file);
  const existing = await readCopies(host, at);
  const finished = existing.get(path);
  if (finished) return verifyFinished(host, at, { path, finished, unfinished: existing.get(partial) });
  if (!existing.has(partial)) {
    await assertSpace(host, folder, file.bytes);
    const parts = Math.max(1, Math.ceil(file.bytes / RESCUE_PART_BYTES));
    for (let part = 0; part < parts; part += 1) {
      signal.throwIfAborted();
      await runForText(host, () => HOST_CHANGES.rescueCopy(at, { part }));
    }
  }
  const sha256 = await readSums(host, at, 'partial');
  // Otherwise the process could have closed it, and opened another file.
  const after = await assertOpen(host, file);
  if (sha256 === undefined || after.inode !== opened.inode)
    throw host.fail(
      'malformed',
      existing.has(partial)
        ? `${partial} is an unfinished copy of an earlier attempt: delete it, and request the fix again`
        : `the copy differs from ${file.path}, and was kept as ${partial}: don't use it before you have compared them`,
    );
  await finish(host, at, { path, partial });
  return { path, bytes: file.bytes, sha256 };
}

type At = Parameters<typeof HOST_CHANGES.rescueSums>[0] & RescuedFile;

/** @throws {SourceError} `missing` unless the process has exactly this deleted file open */
async function assertOpen(host: ChangedHost, file: RescuedFile): Promise<{ readonly inode: string }> {
  const { pid, descriptor, path } = file;
  const at = { ...host, pid, descriptor };
  const gone = `process ${pid} no longer has ${path} open`;
  const link = await runForText(host, () => HOST_CHANGES.openPath(at), [0, 1]);
  if (link.exitCode !== 0 && !isNoSuchFile(link.stderr) && link.stderr !== '')
    throw host.fail('refused', linesOf(link.stderr)[0] ?? gone);
  if (!path.startsWith(INSTANCES) || path.split('/').includes('..'))
    throw host.fail('refused', `${path} is not below ${INSTANCES}`);
  if (link.exitCode !== 0 || link.text.trimEnd() !== `${path}${DELETED}`) throw host.fail('missing', gone);
  const size = await runForText(host, () => HOST_CHANGES.openSize(at), [0, 1]);
  const { bytes, inode } = /^(?<bytes>\d+),\d+,(?<inode>\d+)\s*$/.exec(size.text)?.groups ?? {};
  if (inode === undefined)
    throw host.fail('missing', `${gone}, or it can't be read: ${linesOf(size.stderr)[0] ?? ''}`);
  if (Number(bytes) !== file.bytes)
    throw host.fail('missing', `${path} has ${bytes} bytes now, and not ${file.bytes}`);
  return { inode };
}

async function assertLocal(host: ChangedHost, { pid, descriptor, path }: RescuedFile): Promise<void> {
  const { text } = await runForText(host, () => HOST_CHANGES.openFileSystem({ ...host, pid, descriptor }));
  if (!LOCAL_FILE_SYSTEMS.includes(text.trim()))
    throw host.fail('refused', `${path} was not on a local disk, but on ${text.trim()}`);
}

async function assertSpace(host: ChangedHost, folder: string, bytes: number): Promise<void> {
  const { text, stderr, exitCode } = await runForText(
    host,
    () => HOST_CHANGES.rescueSpace({ ...host, folder }),
    [0, 1],
  );
  if (exitCode !== 0)
    throw host.fail('refused', `couldn't use the rescue folder ${folder}: ${linesOf(stderr)[0] ?? ''}`);
  const { type, blocks, size } = /^(?<type>[^,]+),(?<blocks>\d+),(?<size>\d+)\s*$/.exec(text)?.groups ?? {};
  if (type === undefined) throw host.fail('malformed', 'the output has an unknown format');
  if (!LOCAL_FILE_SYSTEMS.includes(type))
    throw host.fail('refused', `the rescue folder ${folder} is not on a local disk, but on ${type}`);
  const free = Number(blocks) * Number(size);
  if (free < bytes + Math.max(MARGIN_BYTES, MARGIN_SHARE * bytes))
    throw host.fail(
      'refused',
      `the rescue folder ${folder} has ${free} bytes free, too few for ${bytes} bytes and a margin`,
    );
}

interface Copy {
  readonly type: string;
  readonly bytes: number;
  readonly inode: string;
}

/** The command also looks for the unfinished copy of a remediation. No remediation has this id. */
const NO_REMEDIATION = 'm0000000000000000';

/** A complete copy has the name of the file. Others have longer names. */
export async function findCopy(
  host: ChangedHost,
  { folder, name }: { readonly folder: string; readonly name: string },
): Promise<RescuedCopy | undefined> {
  const copies = await readCopies(host, { ...host, folder, name, id: NO_REMEDIATION });
  const path = `${folder}/${name}`;
  const copy = copies.get(path);
  if (copy && copy.type !== 'f') throw host.fail('refused', `${path} exists, and is no file`);
  return copy && { path, bytes: copy.bytes };
}

/** By path. */
async function readCopies(
  host: ChangedHost,
  at: Parameters<typeof HOST_CHANGES.rescuedFiles>[0],
): Promise<ReadonlyMap<string, Copy>> {
  const { text, stderr, exitCode } = await runForText(host, () => HOST_CHANGES.rescuedFiles(at), [0, 1]);
  if (exitCode !== 0)
    throw host.fail('refused', `couldn't read the rescue folder ${at.folder}: ${linesOf(stderr)[0] ?? ''}`);
  const records = text.split('\0').filter((record) => record !== '');
  return new Map(
    records.map((record) => {
      const { type, bytes, inode, path } =
        /^(?<type>.),(?<bytes>\d+),\d+,(?<inode>\d+),(?<path>.*)$/.exec(record)?.groups ?? {};
      if (type === undefined || inode === undefined || path === undefined)
        throw host.fail('malformed', 'the output has an unknown format');
      return [path, { type, bytes: Number(bytes), inode }];
    }),
  );
}

/** A file of this name exists. It is the result if it is a complete copy: of this remediation, whose last step was lost, or of an earlier one. */
async function verifyFinished(
  host: ChangedHost,
  at: At,
  {
    path,
    finished,
    unfinished,
  }: { readonly path: string; readonly finished: Copy; readonly unfinished: Copy | undefined },
): ReturnType<HostWriter['rescueOpenFile']> {
  const isCandidate = finished.type === 'f' && finished.bytes === at.bytes;
  const sha256 = isCandidate ? await readSums(host, at, 'final') : undefined;
  if (sha256 === undefined) throw host.fail('refused', `${path} already exists, and is another file`);
  if (unfinished?.inode === finished.inode) await runForText(host, () => HOST_CHANGES.rescueTidy(at));
  return { path, bytes: at.bytes, sha256 };
}

/** The checksum of both, or undefined if they differ. */
async function readSums(host: ChangedHost, at: At, of: 'partial' | 'final'): Promise<string | undefined> {
  const { text } = await runForText(host, () => HOST_CHANGES.rescueSums(at, { bytes: at.bytes, of }));
  const sums = linesOf(text).map((line) => /^\\?(?<sum>[0-9a-f]{64}) [ *]/.exec(line)?.groups?.['sum']);
  const [source, copy] = sums;
  if (sums.length !== 2 || source === undefined || copy === undefined)
    throw host.fail('malformed', 'the checksums have an unknown format');
  return source === copy ? source : undefined;
}

async function finish(
  host: ChangedHost,
  at: At,
  { path, partial }: { readonly path: string; readonly partial: string },
): Promise<void> {
  const { exitCode, stderr } = await runForText(host, () => HOST_CHANGES.rescueFinish(at), [0, 1]);
  if (exitCode !== 0)
    throw host.fail(
      'refused',
      `the copy is complete, but couldn't get its name ${path} (${linesOf(stderr)[0] ?? ''}): it was kept as ${partial}`,
    );
  await runForText(host, () => HOST_CHANGES.rescueTidy(at));
}
