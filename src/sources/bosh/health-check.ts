import { isDeepStrictEqual } from 'node:util';
import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { BoshConfig } from './config.ts';
import type { HttpOnDemand } from '../../wire/http-on-demand.ts';
import { listDeployments } from './deployments.ts';
import { readInfo, restartsOneInstance } from './info.ts';
import type { DirectorSession } from './session.ts';

const ADMIN = /^bosh\.([^.]+\.|teams\.[^.]+\.)?admin$/;

interface HealthCheckInput {
  readonly config: BoshConfig;
  readonly connector: HttpOnDemand;
  readonly reading: DirectorSession;
  readonly acting?: DirectorSession;
  readonly signal: AbortSignal;
}

/** Checks both logins, their scopes in UAA, and whether the deployments exist. Throws only on a bug in Wrench. */
export async function checkBoshHealth(input: HealthCheckInput): Promise<SourceHealth> {
  const { config, connector, reading, signal } = input;
  try {
    const { authorization } = await reading.logIn(signal);
    const info = await readInfo(config, await connector.http(), { signal, authorization });
    const listed = await listDeployments({ config, session: reading, signal });
    const names = new Set(listed.map(({ name }) => name));
    const missing = (config.deployments ?? []).filter((name) => !names.has(name));
    const count = config.deployments?.length ?? names.size;
    const found = [
      `BOSH director ${info.version}${info.user === undefined ? '' : ` as ${info.user}`}`,
      `${count - missing.length} of ${count} deployments can be read`,
    ];
    if (missing.length > 0)
      return {
        ok: false,
        summary: [...found, `it doesn't list ${missing.join(', ')}`].join('; '),
        hint: 'correct `deployments`, or give the client `bosh.read`',
      };
    const act = await checkRestarting(input, info.version);
    return { ...act, summary: [...found, act.summary].join('; ') };
  } catch (error) {
    if (signal.aborted) return { ok: false, summary: 'timed out', hint: hintFor(config) };
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, summary: error.message, hint: hintFor(config, error) };
  }
}

async function checkRestarting(
  { config, reading, acting, signal }: HealthCheckInput,
  version: string,
): Promise<SourceHealth> {
  const readerScopes = (await reading.logIn(signal)).scopes;
  const mayTooMuch = readerScopes?.some((scope) => ADMIN.test(scope)) ?? false;
  const { restart } = config.allow;
  if (!restart || !acting)
    return mayTooMuch
      ? {
          ok: true,
          summary: 'read-only, although its credential can change everything',
          hint: 'give `auth` a client with `bosh.read`',
        }
      : { ok: true, summary: 'read-only' };
  const { scopes } = await acting.logIn(signal);
  if (scopes && !scopes.some((scope) => ADMIN.test(scope)))
    return {
      ok: false,
      summary: `the credential for restarts lacks an admin scope (it has ${scopes.join(', ') || 'none'})`,
      hint: 'give the client of `allow.restart.auth` the scope `bosh.admin`, or `bosh.teams.<team>.admin`',
    };
  const restarts = `can restart ${restart.groups.join(', ')}`;
  const way = restartsOneInstance(version)
    ? ''
    : ' (by deploying the whole stored manifest, because the director is old)';
  if (isDeepStrictEqual(config.auth, restart.auth))
    return {
      ok: true,
      summary: `${restarts}${way}; reading and restarting use the same credential`,
      hint: 'give `auth` its own client, with `bosh.read`',
    };
  return { ok: true, summary: restarts + way };
}

function hintFor({ url }: BoshConfig, error?: SourceError): string {
  const said = error?.message ?? '';
  if (error?.kind === 'missing' && said.includes('file')) return 'correct the file name or its permissions';
  if (said.includes('not trusted')) return 'set `ca` to a PEM file with that CA';
  if (error?.kind === 'refused') return 'correct the login, or give it the scope `bosh.read`';
  return `check that ${url} is correct and reachable from here`;
}
