import { z } from 'zod';
import { defineRemediation, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { isSharedMount, mountOf } from '../../shared/mounts.ts';

const params = z.strictObject({
  source: z.string(),
  host: z.string(),
  pid: z.int().positive(),
  descriptor: z.int().nonnegative(),
  path: z.string(),
  bytes: z.int().nonnegative(),
  /** Of the copy. */
  name: z.string(),
  folder: z.string(),
});

export type RescueParams = z.output<typeof params>;

/** The measure of the check that proves a copy: 1 once it has the size of the base image. */
export function copyLabel({ host, name }: Pick<RescueParams, 'host' | 'name'>): string {
  return `copy of ${name} on ${host}`;
}

/** Saves a deleted base image while a process still has it open. */
export const rescueBase = defineRemediation({
  about:
    'Copies a deleted base image out of the process that still has it open, to a rescue folder on the same host',
  title: ({ name, host }) => fitTitle(`Save ${name.slice(0, 12)} on ${host}`),
  risk: 'disruptive',
  allow: 'rescue',
  uses: ['hosts'],
  params,
  plan: async (context, asked) => {
    const { hosts, folder } = rescueFrom(context, asked);
    const query = { host: asked.host, signal: context.signal };
    const [open, mounts, copy] = await Promise.all([
      hosts.openFiles({ ...query, files: 'image-cache' }),
      hosts.mounts(query),
      hosts.rescuedFile({ ...query, name: asked.name }),
    ]);
    const file = open.find(({ pid, descriptor }) => pid === asked.pid && descriptor === asked.descriptor);
    const fail = (kind: 'missing' | 'refused', reason: string) =>
      new SourceError(asked.source, kind, `can't save ${asked.path}: ${reason}`);
    if (!file || !file.isDeleted || file.path !== asked.path)
      throw fail('missing', `process ${asked.pid} on ${asked.host} no longer has the deleted file open`);
    if (file.bytes !== asked.bytes) throw fail('missing', 'its size has changed');
    if (copy) throw fail('missing', `${copyPath(asked)} already exists`);
    const from = mountOf(mounts, asked.path);
    if (!from || isSharedMount(from))
      throw fail('refused', 'it is not on a local disk, so a copy might not be complete');
    const freeBytes = mountOf(mounts, folder)?.freeBytes;
    if (freeBytes === undefined) throw fail('refused', `the free space for ${folder} is unknown`);
    if (freeBytes < asked.bytes)
      throw fail(
        'refused',
        `${folder} has ${wording.bytes(freeBytes)} free, and the file has ${wording.bytes(asked.bytes)}`,
      );
    return {
      lines: [
        `On ${asked.host}, copy the deleted file ${asked.path} (${wording.bytes(asked.bytes)}) out of process ${asked.pid}${file.program === undefined ? '' : ` (${file.program})`} to ${copyPath(asked)}, and compare checksums`,
      ],
      targets: [`${asked.source}:${asked.host} ${copyPath(asked)}`],
      precondition: {
        process: String(asked.pid),
        descriptor: String(asked.descriptor),
        bytes: String(asked.bytes),
        copy: 'none',
      },
      bytes: asked.bytes,
      impact: `Reads ${wording.bytes(asked.bytes)} from the disk of ${asked.host} and writes as much; instances may be slower until it is done`,
      safety: ['The rescue folder has enough space for the file', 'An existing file is never overwritten'],
      afterwards: [
        `Put the copy back as ${asked.path}, with the owner and mode of the other base images, and compare checksums.`,
        "Don't stop, restart or migrate the instances before that.",
      ],
    };
  },
  apply: async (
    { write, applyContext, recordStep },
    { source, host, pid, descriptor, path, bytes, name },
  ) => {
    const copy = await write
      .hosts(source)
      .rescueOpenFile({ host, pid, descriptor, path, bytes, name }, applyContext);
    await recordStep(`${copy.path} on ${host}: ${wording.bytes(copy.bytes)}, SHA-256 ${copy.sha256}`);
  },
  settlesWithinSeconds: 60,
  provenBy: (asked) => ({ label: copyLabel(asked), value: 1 }),
});

function copyPath({ folder, name }: Pick<RescueParams, 'folder' | 'name'>): string {
  return `${folder.replace(/\/+$/, '')}/${name}`;
}

function rescueFrom(
  { read }: ReadContext<'hosts'>,
  asked: RescueParams,
): { readonly hosts: ports.Hosts; readonly folder: string } {
  const hosts = read.hosts.find(({ name }) => name === asked.source);
  if (!hosts) throw new SourceError(asked.source, 'missing', 'no source of hosts has this name');
  if (!hosts.rescue.allowed) throw new SourceError(asked.source, 'refused', hosts.rescue.because);
  if (hosts.rescue.folder !== asked.folder)
    throw new SourceError(asked.source, 'refused', 'another rescue folder is configured by now');
  return { hosts, folder: asked.folder };
}
