import { X509Certificate } from 'node:crypto';
import type { SourcePermission } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject } from '../../wire/json-object.ts';
import { readTextFile } from '../../wire/read-text-file.ts';
import type { CredhubAuth, CredhubConfig } from './config.ts';
import type { CredhubSession } from './session.ts';

interface PermissionsInput {
  readonly config: CredhubConfig;
  readonly reading: CredhubSession;
  /** The credential for renewing, if it is another one. */
  readonly renewing?: CredhubSession;
  readonly signal: AbortSignal;
}

const READS = ['managed', 'contents'];

/**
 * The scopes of both credentials, and their permissions for the configured paths as far as CredHub shows them: to a credential with `read_acl`, and only
 * for a path that is spelled as in the permission. Whether a certificate may be renewed is known for certain only when it is.
 * @throws {SourceError} if a login is rejected.
 */
export async function readCredhubPermissions(input: PermissionsInput): Promise<readonly SourcePermission[]> {
  const { config, reading, renewing, signal } = input;
  const { renew } = config.allow;
  const scopes = await reading.scopes(signal);
  const operations = await readOperations(input, reading, config.auth, config.paths);
  return [
    ...READS.flatMap((method): readonly SourcePermission[] => [
      ...hasScope(scopes, 'credhub.read', { method }),
      ...[...operations].map(([path, granted]) => ({
        method,
        permission: `read ${path}`,
        allowed: granted.has('read'),
        hint: `Run \`credhub set-permission -a ACTOR -p '${path}' -o read\`: docs/sources.md#credhub`,
      })),
    ]),
    ...(renew && !renewing ? [] : excessOf(scopes, operations)),
    ...(renew ? await renewalPermissions(input, renew) : []),
  ];
}

async function renewalPermissions(
  input: PermissionsInput,
  { auth, paths }: NonNullable<CredhubConfig['allow']['renew']>,
): Promise<readonly SourcePermission[]> {
  const { config, reading, renewing, signal } = input;
  const session = renewing ?? reading;
  const need = { method: 'renew', credential: 'allow.renew' };
  const operations = await readOperations(input, session, auth ?? config.auth, paths ?? config.paths);
  return [
    ...hasScope(await session.scopes(signal), 'credhub.write', need),
    ...[...operations].flatMap(([path, granted]) =>
      ['read', 'write'].map((operation): SourcePermission => ({
        ...need,
        permission: `${operation} ${path}`,
        allowed: granted.has(operation),
        hint: `Run \`credhub set-permission -a ACTOR -p '${path}' -o read,write\`: docs/sources.md#credhub`,
      })),
    ),
  ];
}

function hasScope(
  scopes: readonly string[] | undefined,
  scope: string,
  need: Pick<SourcePermission, 'method' | 'credential'>,
): readonly SourcePermission[] {
  if (!scopes) return [];
  const hint = `Give its client the authority ${scope} in UAA`;
  return [{ ...need, permission: `use the scope ${scope}`, allowed: scopes.includes(scope), hint }];
}

function excessOf(
  scopes: readonly string[] | undefined,
  operations: ReadonlyMap<string, ReadonlySet<string>>,
): readonly SourcePermission[] {
  const excess = (permission: string, hint: string): SourcePermission => ({
    permission,
    allowed: true,
    hint,
  });
  return [
    ...(scopes?.includes('credhub.write')
      ? [excess('use the scope credhub.write', 'Remove the authority credhub.write from its client in UAA')]
      : []),
    ...[...operations].flatMap(([path, granted]) =>
      ['write', 'delete', 'write_acl']
        .filter((operation) => granted.has(operation))
        .map((operation) =>
          excess(`${operation} ${path}`, `Remove ${operation} from its permission for \`${path}\``),
        ),
    ),
  ];
}

/** What CredHub shows of the permissions for each path; without those that it doesn't show. */
async function readOperations(
  { config, signal }: PermissionsInput,
  session: CredhubSession,
  auth: CredhubAuth,
  paths: readonly string[] = ['/'],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const operations = new Map<string, ReadonlySet<string>>();
  const actor = await actorOf(config.name, auth);
  if (actor === undefined) return operations;
  for (const prefix of paths) {
    const path = `${prefix === '/' ? '' : prefix}/*`;
    const answer = await session.request({
      path: `/api/v2/permissions?${new URLSearchParams({ path, actor }).toString()}`,
      accept: [400, 403, 404],
      signal,
    });
    const listed = answer.status < 300 ? asObject(parseJson(answer.text))['operations'] : undefined;
    if (Array.isArray(listed)) operations.set(path, new Set(listed.map(String)));
  }
  return operations;
}

/** As CredHub names the credential: https://github.com/cloudfoundry/credhub/blob/main/docs/authentication-identities.md */
async function actorOf(source: string, auth: CredhubAuth): Promise<string | undefined> {
  if ('client' in auth) return `uaa-client:${auth.client.id}`;
  const pem = await readTextFile(source, auth.clientCertificate.cert);
  try {
    const app = /(?:^|\n)OU=app:([0-9a-f-]{36})(?:\n|$)/i.exec(new X509Certificate(pem).subject)?.[1];
    return app === undefined ? undefined : `mtls-app:${app}`;
  } catch {
    throw new SourceError(source, 'malformed', `${auth.clientCertificate.cert} contains no certificate`);
  }
}
