import { type ports, SourceError } from '../../kit.ts';
import { isSameHost } from '../../shared/host-names.ts';
import type { SurveyedHost } from '../../shared/host-survey.ts';
import { settle } from '../../shared/settle.ts';
import type { AskedCopy, Facts, HostFacts, ImagesContext, OnHost, Removal } from './facts.ts';
import { fileName, isOnLocalDisk, type LostBase } from './lost.ts';

/** Since 2012, 2015 and 2018: https://opendev.org/openstack/nova/src/branch/master/nova/virt/libvirt/imagecache.py */
const REMOVING = /Removing base(?: or swap|, swap or ephemeral)? file: (?<path>\/\S+)/;
const MAX_HOSTS = 20;

type MoreOfHosts = Pick<Facts, 'removals' | 'openFiles' | 'guestErrors'>;

/** What hosts say about missing base images: it explains the finding, so a question without an answer is at most noted. */
export async function readLost(
  context: ImagesContext,
  lost: readonly LostBase[],
  asked: ReadonlyMap<string, SurveyedHost>,
  withinMs: number,
): Promise<MoreOfHosts> {
  const paths = new Set(lost.map(({ base }) => base.path));
  const ofStorage = unique(lost.flatMap(({ storage }) => storage.hosts)).slice(0, MAX_HOSTS);
  const owners = ofStorage.filter(({ host }) =>
    lost.some(({ disks }) => disks.some((one) => one.host === undefined || isSameHost(one.host, host))),
  );
  const [removals, openFiles, guestErrors] = await Promise.all([
    ask(context, ofStorage, asked, 'log of the image cache', (source, query) =>
      readRemovals(context, source, { ...query, withinMs }, paths),
    ),
    ask(context, owners, asked, 'open files', (source, query) =>
      source.openFiles({ ...query, files: 'image-cache' }),
    ),
    ask(context, owners, asked, 'errors of disks', (source, query) => source.diskErrors(query)),
  ]);
  return {
    removals: removals
      .map(({ on, ...one }): Removal => ({ ...one, host: on }))
      .toSorted((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0)),
    openFiles,
    guestErrors,
  };
}

/** Whether the rescue folder already has a copy. */
export async function readCopies(
  context: ImagesContext,
  lost: readonly LostBase[],
  asked: ReadonlyMap<string, SurveyedHost>,
): Promise<Facts['copies']> {
  const wanted = lost.flatMap(({ base, storage, openFiles }) =>
    storage.hosts
      .filter(
        (host) =>
          host.rescue.allowed &&
          isOnLocalDisk(host, base.path) &&
          openFiles.some(({ on }) => on === host.name),
      )
      .map((host) => ({ on: host.name, host: host.host, name: fileName(base.path) })),
  );
  const answers = await Promise.all(
    wanted.map(async ({ on, host, name }): Promise<readonly OnHost<AskedCopy>[]> => {
      const source = asked.get(on)?.source;
      if (!source) return [];
      const { value: file, error } = await settle(context, source.name, (signal) =>
        source.rescuedFile({ host, name, signal }),
      );
      if (error) context.note(`${on}: copies of deleted base images: ${error.message}`);
      return [{ on, name, ...(file && { file }), ...(error && { isUnknown: true }) }];
    }),
  );
  return answers.flat();
}

/** The newest lines come first, so those before an error are worth reading. */
async function readRemovals(
  { note, signal }: ImagesContext,
  source: ports.Hosts,
  query: ports.HostQuery & { readonly withinMs: number },
  paths: ReadonlySet<string>,
): Promise<readonly Omit<Removal, 'host'>[]> {
  const found: Omit<Removal, 'host'>[] = [];
  try {
    for await (const lines of source.logLines({ ...query, log: 'image-cache' }))
      for (const { at, text } of lines) {
        const path = REMOVING.exec(text)?.groups?.['path'];
        if (path !== undefined && paths.has(path)) found.push({ path, ...(at && { at }) });
      }
  } catch (error) {
    if (signal.aborted || !(error instanceof SourceError)) throw error;
    if (error.kind !== 'missing') note(`${query.host}: log of the image cache: ${error.message}`);
  }
  return found;
}

async function ask<T>(
  context: ImagesContext,
  hosts: readonly HostFacts[],
  asked: ReadonlyMap<string, SurveyedHost>,
  what: string,
  read: (source: ports.Hosts, query: ports.HostQuery) => Promise<readonly T[]>,
): Promise<readonly OnHost<T>[]> {
  const answers = await Promise.all(
    hosts.map(async ({ name, host }) => {
      const source = asked.get(name)?.source;
      if (!source) return [];
      const { value = [], error } = await settle(context, source.name, (signal) =>
        read(source, { host, signal }),
      );
      if (error instanceof SourceError && error.kind !== 'missing')
        context.note(`${name}: ${what}: ${error.message}`);
      return value.map((one) => ({ ...one, on: name }));
    }),
  );
  return answers.flat();
}

function unique(hosts: readonly HostFacts[]): readonly HostFacts[] {
  return [...new Set(hosts)];
}
