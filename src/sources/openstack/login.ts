import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { PlainHttpClient } from '../../wire/http.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { cloudError } from './cloud-error.ts';
import type { OpenStackConfig } from './config.ts';
import { parseUtc } from './parse-utc.ts';

/** A token of Keystone, and what Keystone reports about it. */
export interface KeystoneToken {
  readonly id: string;
  /** In the time of `Date.now()`: when to log in again. */
  readonly renewAtMs: number;
  readonly catalogue: readonly JsonObject[];
  readonly roles: readonly string[];
  readonly project: string | undefined;
  /** The requests that the application credential permits; absent if it permits all. */
  readonly accessRules?: readonly JsonObject[];
}

const MAX_BYTES = 20_000_000;
/** Of the lifetime of a token. A request with it may take a while. */
const USED_SHARE = 0.8;
const DEFAULT_LIFETIME_MS = 600_000;

/**
 * https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management
 * @throws {SourceError}
 */
export async function logInToKeystone(
  config: OpenStackConfig,
  http: PlainHttpClient,
  signal: AbortSignal,
): Promise<KeystoneToken> {
  const { name, authUrl, timeoutMs } = config;
  const { host } = new URL(authUrl);
  const answer = await http.requestText({
    url: `${authUrl}/v3/auth/tokens`,
    method: 'POST',
    body: { auth: loginOf(config) },
    accept: ANY_ERROR,
    maxBytes: MAX_BYTES,
    timeoutMs,
    signal,
  });
  if (answer.status === 401 || answer.status === 403)
    throw new SourceError(
      name,
      'refused',
      `Keystone at ${host} rejected the login (${answer.status}): ${whatToCheck(config)}`,
    );
  if (answer.status === 404 && textIn(asObject(parseJson(answer.text)), 'error') === undefined)
    throw new SourceError(
      name,
      'missing',
      `${host} has no \`/v3/auth/tokens\` (404): \`authUrl\` must be the address of Keystone`,
    );
  // Keystone may quote an invalid login.
  if (answer.status >= 300)
    throw cloudError({ source: name, service: 'Keystone', host }, { ...answer, text: '' });
  const token = asObject(asObject(parseJson(answer.text))['token']);
  const id = answer.headers['x-subject-token'];
  const endsAt = parseUtc(textIn(token, 'expires_at'));
  if (id === undefined || id === '' || !endsAt)
    throw new SourceError(
      name,
      'malformed',
      `${host} did not return a token: \`authUrl\` must be the address of Keystone`,
    );
  if (!Array.isArray(token['catalog']))
    throw new SourceError(
      name,
      'malformed',
      `the token of Keystone at ${host} has no catalogue: log in to a project`,
    );
  // The clocks of Keystone and the worker may differ, so only the lifetime counts.
  const issuedAt = parseUtc(textIn(token, 'issued_at'));
  const lifetimeMs = issuedAt ? endsAt.getTime() - issuedAt.getTime() : DEFAULT_LIFETIME_MS;
  const rules = asObject(token['application_credential'])['access_rules'];
  const project = textIn(asObject(token['project']), 'name');
  return {
    id,
    renewAtMs: Date.now() + Math.max(lifetimeMs * USED_SHARE, 0),
    catalogue: listIn(token, 'catalog'),
    roles: listIn(token, 'roles')
      .flatMap((role) => textIn(role, 'name') ?? [])
      .map(printable),
    project: project === undefined ? undefined : printable(project),
    ...(Array.isArray(rules) && { accessRules: rules.map(asObject) }),
  };
}

/** Statuses with a message of their own. Redirects are not followed, because the login would be sent elsewhere. */
export const ANY_ERROR: readonly number[] = [
  300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 409, 410, 413, 422, 429, 500, 501, 502, 503,
  504,
];

function loginOf({ auth }: OpenStackConfig): JsonObject {
  if ('applicationCredential' in auth) {
    const { id, secret } = auth.applicationCredential;
    // It belongs to a project, so a scope is rejected.
    return { identity: { methods: ['application_credential'], application_credential: { id, secret } } };
  }
  const { username, password, userDomain, project, projectDomain } = auth.user;
  return {
    identity: {
      methods: ['password'],
      password: { user: { name: username, domain: { name: userDomain }, password } },
    },
    scope: { project: { name: project, domain: { name: projectDomain } } },
  };
}

function whatToCheck({ auth }: OpenStackConfig): string {
  return 'applicationCredential' in auth
    ? 'the application credential is wrong, has expired or was deleted, or its user was disabled'
    : 'check the user, the password, the project and both domains';
}
