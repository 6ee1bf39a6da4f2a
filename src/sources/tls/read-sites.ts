import { readFile } from 'node:fs/promises';
import { SourceError } from '../../ports/source-error.ts';
import type { TlsConfig } from './config.ts';
import { fileError } from './file-error.ts';
import { parseSite, type Site } from './site.ts';

export interface Sites {
  readonly sites: readonly Site[];
  /** Lines and files that couldn't be read. They are gaps and don't end the scan. */
  readonly unread: readonly { readonly what: string; readonly error: SourceError }[];
}

const WITH_INSTANCE = /^(?<address>\S+)\s+(?<instance>\S{1,200})$/;

/** All configured sites without duplicates; those in the file come last. */
export async function readSites(config: TlsConfig): Promise<Sites> {
  const { name, sitesFile } = config;
  const byLabel = new Map(config.sites.map((site) => [site.label, site]));
  const unread: { what: string; error: SourceError }[] = [];
  for (const [index, text] of (sitesFile === undefined
    ? []
    : await linesOf(sitesFile, name, unread)
  ).entries()) {
    const written = text.replace(/#.*/, '').trim();
    if (written === '') continue;
    const { address = written, instance } = WITH_INSTANCE.exec(written)?.groups ?? {};
    const site = parseSite(address);
    if (typeof site !== 'string')
      byLabel.set(site.label, { ...site, ...(instance !== undefined && { instance }) });
    else
      unread.push({
        what: `${sitesFile} line ${index + 1}`,
        error: new SourceError(name, 'malformed', site),
      });
  }
  return { sites: [...byLabel.values()], unread };
}

async function linesOf(
  path: string,
  source: string,
  unread: { what: string; error: SourceError }[],
): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  } catch (error) {
    unread.push({ what: path, error: fileError(error, source) });
    return [];
  }
}
