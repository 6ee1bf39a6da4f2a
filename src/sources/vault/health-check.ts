import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { fetchHealth } from './health.ts';
import { listFolder } from './listing.ts';
import type { TokenInfo } from './login.ts';
import { findMount, listPath, readPath, type Root } from './mounts.ts';
import { readSecret } from './read.ts';
import type { VaultScan } from './scan.ts';
import { asObject } from '../../wire/json-object.ts';

/** Checks health, login, and the smallest request for each path. Throws only on a bug in Wrench. */
export async function checkVaultHealth(scan: VaultScan): Promise<SourceHealth> {
  const { config, http, session, signal } = scan;
  try {
    const health = await fetchHealth(config, http, signal);
    if (health.because !== undefined)
      return { ok: false, summary: health.because, ...(health.hint !== undefined && { hint: health.hint }) };
    await session.start(signal);
    const known = await session.describe(signal);
    const faults: PathFault[] = [];
    for (const path of config.paths) faults.push(...(await tryPath(scan, path)));
    const version = health.version === undefined ? 'Vault' : `Vault ${health.version}`;
    const count = config.paths.length;
    const good = count - new Set(faults.map(({ path }) => path)).size;
    const life = describeTokenLife(scan, known);
    const summary = [
      count === 0 ? version : `${version}, ${good} of ${count} paths can be read`,
      ...faults.map((fault) => fault.summary),
      life.summary,
    ];
    const hint = faults[0]?.hint ?? life.hint;
    return { ok: faults.length === 0, summary: summary.join('; '), ...(hint !== undefined && { hint }) };
  } catch (error) {
    const summary = signal.aborted ? 'timed out' : sourceErrorOf(error).message;
    return {
      ok: false,
      summary,
      hint: hintFor(scan, summary, signal.aborted ? undefined : sourceErrorOf(error)),
    };
  }
}

function sourceErrorOf(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  throw error;
}

interface PathFault {
  readonly path: string;
  readonly summary: string;
  readonly hint: string;
}

async function tryPath({ config, session, signal }: VaultScan, path: string): Promise<readonly PathFault[]> {
  try {
    const root = await findMount(session, config.name, path, signal);
    const folder = root.below === '' ? '' : `${root.below}/`;
    const listed = await listFolder(session, config.name, root.mount, folder, signal).catch(
      (error: unknown) => {
        if (sourceErrorOf(error).kind !== 'refused') throw error;
        return 'refused' as const;
      },
    );
    if (!listed || listed === 'refused') {
      const place = { session, source: config.name, mount: root.mount, path: root.below, signal };
      // The path may be a single secret, which is read as in a scan.
      if (
        root.below !== '' &&
        (await readSecret(place, 'named').then(
          () => true,
          () => false,
        ))
      )
        return [];
      return [listed ? lacksList(root) : nothingThere(root)];
    }
    const sample = listed.secrets[0] ?? `${folder}any`;
    const readable = await mayRead({ session, signal }, readPath(root.mount, sample));
    return readable ? [] : [lacksRead(root)];
  } catch (error) {
    const { message, kind } = sourceErrorOf(error);
    if (session.lost()) throw error;
    const hint =
      kind === 'refused' ? `give the token's policy \`list\` and \`read\` below ${path}` : 'correct the path';
    return [{ path, summary: message, hint }];
  }
}

function lacksList({ path, mount, below }: Root): PathFault {
  const at = listPath(mount, below);
  return {
    path,
    summary: `the token lacks \`list\` on ${at}`,
    hint: `add to its policy: path "${at}/*" { capabilities = ["list"] }`,
  };
}

function lacksRead({ path, mount, below }: Root): PathFault {
  const at = readPath(mount, below).replace(/\/$/, '');
  return {
    path,
    summary: `the token can list ${path}, but lacks \`read\` on ${at}`,
    hint: `add to its policy: path "${at}/*" { capabilities = ["read"] }`,
  };
}

function nothingThere({ path }: Root): PathFault {
  return {
    path,
    summary: `nothing is at ${path}, or it is hidden from this token`,
    hint: 'correct the path: mount first, as for `vault kv list`, without `data/`',
  };
}

/** True if Vault doesn't say, because `capabilities-self` may be denied too. */
async function mayRead(
  { session, signal }: Pick<VaultScan, 'session' | 'signal'>,
  path: string,
): Promise<boolean> {
  const { status, body } = await session.request({
    method: 'POST',
    path: 'sys/capabilities-self',
    body: { paths: [path] },
    accept: [400, 403, 404],
    signal,
  });
  const answer = asObject(body);
  const found = asObject(answer['data'])[path] ?? answer[path];
  if (status >= 300 || !Array.isArray(found)) return true;
  return found.includes('read') || found.includes('root');
}

function describeTokenLife(
  { config }: VaultScan,
  known: TokenInfo | undefined,
): { readonly summary: string; readonly hint?: string } {
  if (!known)
    return {
      summary: 'the token has a limited number of uses',
      hint: 'use a token without a limit on its uses',
    };
  const { ttlMs, renewable } = known.token;
  if (known.policies.includes('root'))
    return {
      summary: 'the token is a root token',
      hint: 'use a token with only `list` and `read`',
    };
  if (ttlMs === undefined) return { summary: 'the token does not expire' };
  if (!('token' in config.auth)) return { summary: 'the login is renewed automatically' };
  if (renewable)
    return { summary: `the token expires in ${formatDuration(ttlMs)} and is renewed until then` };
  return {
    summary: `the token expires in ${formatDuration(ttlMs)} and is not renewable`,
    hint: 'use a renewable (better: periodic) token, an AppRole or the Kubernetes login',
  };
}

function hintFor({ config }: VaultScan, summary: string, error: SourceError | undefined): string {
  if (error?.kind === 'refused') return 'token' in config.auth ? 'set a new token' : 'correct the login';
  if (error?.kind === 'missing' && summary.includes('file'))
    return 'correct the file name or its permissions';
  if (summary.includes('not trusted')) return 'set `ca` to a PEM file with that CA';
  return `check that ${config.url} is correct and reachable from here`;
}

function formatDuration(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours < 1) return `${Math.max(1, Math.round(ms / 60_000))} min`;
  return hours < 48 ? `${Math.round(hours)} h` : `${Math.floor(hours / 24)} days`;
}
