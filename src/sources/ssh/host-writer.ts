import type { Hosts, HostWriter } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { SshConfig } from './config.ts';
import { archiveRows, newestDump } from './archive-rows.ts';
import type { ChangeAccess, HostChange } from './change-access.ts';
import { findCopy, rescueOpenFile } from './rescue-file.ts';
import { truncateConsole } from './truncate-console.ts';

type AllowedChanges = Pick<Hosts, 'rescue' | 'rescuedFile' | 'truncation' | 'archiving' | 'newestDump'>;

/** What the configuration allows, as checks see it. */
export function allowedChanges({ name, allow = {} }: SshConfig, access: ChangeAccess): AllowedChanges {
  const { rescue, truncate, archive } = allow;
  const not = (change: HostChange) =>
    ({ allowed: false, because: `\`allow.${change}\` is not configured for the source ${name}` }) as const;
  return {
    rescue: rescue ? { allowed: true, folder: rescue.folder } : not('rescue'),
    rescuedFile: async ({ host, name: file, signal }) => {
      if (!rescue) throw new SourceError(name, 'refused', not('rescue').because);
      return findCopy(access.on('rescue', host, signal), { folder: rescue.folder, name: file });
    },
    truncation: truncate ? { allowed: true } : not('truncate'),
    archiving: archive
      ? {
          allowed: true,
          host: archive.host,
          batchRows: archive.batchRows,
          keepDays: archive.keepDays,
          dumpFolder: archive.dumpFolder,
          maxDumpAgeHours: archive.maxDumpAgeHours,
          maxLoadPerCpu: archive.maxLoadPerCpu,
        }
      : not('archive'),
    newestDump: async ({ signal }) => {
      if (!archive) throw new SourceError(name, 'refused', not('archive').because);
      return newestDump(access.on('archive', archive.host, signal), archive.dumpFolder);
    },
  };
}

export function hostWriter({ name, allow = {} }: SshConfig, access: ChangeAccess): HostWriter {
  const refused = (change: HostChange): SourceError =>
    new SourceError(name, 'refused', `\`allow.${change}\` is not configured`);
  return {
    rescueOpenFile: async (file, { idempotencyKey, signal }) => {
      if (!allow.rescue) throw refused('rescue');
      const target = { folder: allow.rescue.folder, id: idempotencyKey };
      return rescueOpenFile(access.on('rescue', file.host, signal), file, target, signal);
    },
    truncateConsole: async ({ host, path }, { signal }) => {
      if (!allow.truncate) throw refused('truncate');
      return truncateConsole(access.on('truncate', host, signal), path);
    },
    archiveRows: async ({ host, ...batch }, { signal }) => {
      if (!allow.archive) throw refused('archive');
      if (host !== allow.archive.host)
        throw new SourceError(name, 'refused', `${host} is not the host of \`allow.archive\``);
      return archiveRows(access.on('archive', host, signal), batch);
    },
  };
}
