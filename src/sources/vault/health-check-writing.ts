import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { findMount } from './mounts.ts';
import type { WriteAccess } from './versioned.ts';

/** Adds to what reading showed whether renewals can log in, and where they never could write. Writes nothing to find out. */
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
    const summary = `${reading.summary}; nothing can be renewed in ${old.join(', ')}, of KV version 1`;
    return {
      hint: 'leave them out of `allow.renew.paths`, or upgrade them: `vault kv enable-versioning`',
      ...reading,
      summary,
    };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return {
      ok: false,
      summary: `${reading.summary}; renewals cannot be made: ${error.message}`,
      hint: 'correct `allow.renew.auth` and `allow.renew.paths`, or remove `allow.renew`',
    };
  }
}
