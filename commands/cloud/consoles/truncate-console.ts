import { z } from 'zod';
import { defineRemediation, type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { fitTitle } from '../../shared/title.ts';
import { diskBytesOf, LARGE_BYTES } from './console-logs.ts';
import { writerProblem } from './truncating.ts';

const params = z.strictObject({
  source: z.string(),
  /** As its source names it. */
  host: z.string(),
  path: z.string(),
  /** On disk, when it was found. */
  bytes: z.number(),
  /** The name of the instance, or of its folder. */
  instance: z.string(),
  /** As the finding names it. */
  target: z.string(),
});

export type TruncateParams = z.output<typeof params>;

/** Truncates one console log, if that frees its space for longer than until the next write. */
export const truncateConsole = defineRemediation({
  about: 'Truncates the console log of one instance, if all processes that write to it append',
  title: ({ instance }) => fitTitle(`Truncate the console log of ${instance}`),
  risk: 'destructive',
  allow: 'truncate',
  uses: ['hosts'],
  params,
  plan: async (context, asked) => {
    const file = await findTruncatable(context, asked);
    return {
      lines: [`Truncate ${asked.path} on ${asked.host} to 0 bytes`],
      targets: [asked.target],
      precondition: { path: asked.path, size: 'at least 100 MB on disk', writers: 'append' },
      impact: `Frees about ${wording.bytes(diskBytesOf(file))}; the instance ${asked.instance} keeps running`,
      irreversible: ['The console output so far is lost, also for the owner of the instance.'],
      safety: ['Every process that writes to the log appends to it'],
      afterwards: ['The guest may write on: ask its owner to stop what fills the console'],
    };
  },
  apply: async ({ write, applyContext, recordStep }, { source, host, path }) => {
    const { freedBytes } = await write.hosts(source).truncateConsole({ host, path }, applyContext);
    await recordStep(`${path} truncated: ${wording.bytes(freedBytes)} freed`);
  },
  settlesWithinSeconds: 120,
});

/**
 * The log, as it is now.
 * @throws {SourceError} `missing` if it no longer exists or is small; `refused` if it must not be truncated.
 */
async function findTruncatable(
  { read, signal }: Pick<ReadContext<'hosts'>, 'read' | 'signal'>,
  { source: name, host, path }: TruncateParams,
): Promise<ports.HostFileSize> {
  const source = sourceNamed(read.hosts, name);
  if (!source.truncation.allowed) throw new SourceError(name, 'refused', source.truncation.because);
  const query = { host, signal, files: 'console-logs' } as const;
  const [files, openFiles] = await Promise.all([source.fileSizes(query), source.openFiles(query)]);
  const file = files.find((one) => one.path === path && one.error === undefined);
  if (!file) throw new SourceError(name, 'missing', `${path} no longer exists`);
  if (diskBytesOf(file) < LARGE_BYTES)
    throw new SourceError(
      name,
      'missing',
      `${path} has only ${wording.bytes(diskBytesOf(file))} on disk now`,
    );
  const problem = writerProblem(path, openFiles);
  if (problem !== undefined) throw new SourceError(name, 'refused', problem);
  return file;
}
