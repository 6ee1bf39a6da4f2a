import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { findMount, readPath, type Root } from './mounts.ts';
import { readRole } from './pki-roles.ts';
import type { IssuingRole } from './renew-place.ts';
import { requireUpdateCapability, type WriteAccess } from './versioned.ts';

/** Adds to the health of reading whether renewals can log in and issue, and which mounts can't be written. Writes nothing. */
export async function checkWritingHealth(writing: WriteAccess, reading: SourceHealth): Promise<SourceHealth> {
  const { config, session, signal } = writing;
  const { paths = config.paths, issue = [] } = config.allow.renew ?? {};
  try {
    await session.start(signal);
    const old: string[] = [];
    for (const path of paths) {
      const { mount } = await findMount(session, config.name, path, signal);
      if (mount.version === 1) old.push(path);
    }
    for (const one of issue) old.push(...(await tryRole(writing, one)));
    const roles = issue.length === 0 ? '' : ` and issue with ${issue.map(({ role }) => role).join(', ')}`;
    if (old.length === 0) return { ...reading, summary: `${reading.summary}; renewals can log in${roles}` };
    const summary = `${reading.summary}; no renewals in ${[...new Set(old)].join(', ')}, which is KV version 1`;
    return {
      hint: 'remove them from `allow.renew`, or upgrade them: `vault kv enable-versioning`',
      ...reading,
      summary,
    };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return {
      ok: false,
      summary: `${reading.summary}; renewals won't work: ${error.message}`,
      hint: 'correct `allow.renew` and the policy of its token, or remove `allow.renew`',
    };
  }
}

/** @returns the paths in KV version 1 @throws {SourceError} if the role can't be read, or may not issue */
async function tryRole(writing: WriteAccess, { role, paths }: IssuingRole): Promise<readonly string[]> {
  const { config, session, signal } = writing;
  const mount = role.slice(0, role.lastIndexOf('/'));
  const name = role.slice(mount.length + 1);
  await readRole(writing, mount, name);
  const roots: Root[] = [];
  for (const path of paths) roots.push(await findMount(session, config.name, path, signal));
  await requireUpdateCapability(writing, [
    { at: `${mount}/issue/${name}`, why: 'which issues certificates' },
  ]);
  for (const { mount: kv, below } of roots.filter(({ mount: kv }) => kv.version === 2)) {
    const at = readPath(kv, below);
    await mayUpdate(writing, at);
  }
  return roots.filter(({ mount: kv }) => kv.version === 1).map(({ path }) => path);
}

/** A policy may allow the secret itself, or what is below it. */
async function mayUpdate(writing: WriteAccess, at: string): Promise<void> {
  const refused = (path: string) =>
    requireUpdateCapability(writing, [{ at: path, why: 'where certificates are renewed' }]).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof SourceError && error.kind === 'refused' && !writing.session.lost()) return error;
        throw error;
      },
    );
  const itself = await refused(at);
  if (itself && (await refused(`${at}/any`))) throw itself;
}
