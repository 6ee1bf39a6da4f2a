import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { findMount } from './mounts.ts';
import type { WriteAccess } from './versioned.ts';

/** Adds to the health of reading whether renewals can log in, and which mounts can't be written. Writes nothing. */
export async function checkWritingHealth(writing: WriteAccess, reading: SourceHealth): Promise<SourceHealth> {
  const { config, session, signal } = writing;
  try {
    await session.start(signal);
    const old: string[] = [];
    for (const path of config.allow.renew?.paths ?? config.paths) {
      const { mount } = await findMount(session, config.name, path, signal);
      if (mount.version === 1) old.push(path);
    }
    if (old.length === 0) return { ...reading, summary: `${reading.summary}; renewals can log in` };
    const summary = `${reading.summary}; no renewals in ${old.join(', ')}, which is KV version 1`;
    return {
      hint: 'remove them from `allow.renew.paths`, or upgrade them: `vault kv enable-versioning`',
      ...reading,
      summary,
    };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return {
      ok: false,
      summary: `${reading.summary}; renewals won't work: ${error.message}`,
      hint: 'correct `allow.renew.auth` and `allow.renew.paths`, or remove `allow.renew`',
    };
  }
}
