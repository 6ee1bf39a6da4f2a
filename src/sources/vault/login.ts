import { readFile } from 'node:fs/promises';
import { SourceError } from '../../ports/source-error.ts';
import type { JsonResponse } from '../../wire/http.ts';
import type { VaultConfig } from './config.ts';
import { asObject, numberIn, textIn } from '../../wire/json-object.ts';

export interface Token {
  readonly id: string;
  /** Absent if it never expires, or if that is unknown. */
  readonly ttlMs?: number;
  readonly renewable: boolean;
  /** Has a limited number of uses: a lookup would use one. */
  readonly limited: boolean;
}

export type SendRequest = (
  method: 'GET' | 'POST',
  path: string,
  options: { readonly body?: unknown; readonly accept: readonly number[]; readonly token?: string },
) => Promise<JsonResponse>;

/** Statuses of Vault for an invalid login. 500 means that the cluster did not confirm the service account. */
const LOGIN_REFUSED = [400, 403, 404, 500];

/** @throws {SourceError} `refused` if the login is invalid, and whatever `ask` throws. */
export async function logIn({ name, auth }: VaultConfig, ask: SendRequest): Promise<Token> {
  if ('token' in auth) return (await lookUpToken(name, auth.token, ask)).token;
  if ('appRole' in auth) {
    const { mount, roleId, secretId } = auth.appRole;
    const answer = await ask('POST', `auth/${mount}/login`, {
      body: { role_id: roleId, secret_id: secretId },
      accept: LOGIN_REFUSED,
    });
    return granted(
      name,
      answer,
      `AppRole login at ${mount}: the role_id or secret_id is wrong, used up or expired`,
    );
  }
  const { mount, role, jwtFile } = auth.kubernetes;
  const jwt = await readFile(jwtFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SourceError(
      name,
      'refused',
      `couldn't read the service account token ${jwtFile} (${error.code})`,
    );
  });
  const answer = await ask('POST', `auth/${mount}/login`, {
    body: { role, jwt: jwt.trim() },
    accept: LOGIN_REFUSED,
  });
  return granted(
    name,
    answer,
    `Kubernetes login at ${mount}: the role ${role} doesn't exist, or isn't bound to this service account`,
  );
}

function granted(name: string, { status, body }: JsonResponse, otherwise: string): Token {
  const auth = asObject(asObject(body)['auth']);
  const id = textIn(auth, 'client_token');
  if (status >= 300 || id === undefined)
    throw new SourceError(name, 'refused', `login rejected (${status}). ${otherwise}`);
  const leaseMs = (numberIn(auth, 'lease_duration') ?? 0) * 1000;
  return {
    id,
    ...(leaseMs > 0 && { ttlMs: leaseMs }),
    renewable: auth['renewable'] === true,
    limited: (numberIn(auth, 'num_uses') ?? 0) > 0,
  };
}

export interface TokenInfo {
  readonly token: Token;
  readonly policies: readonly string[];
}

/** Looks up a token. @throws {SourceError} `refused` if Vault doesn't know it (anymore). */
export async function lookUpToken(name: string, id: string, ask: SendRequest): Promise<TokenInfo> {
  const { status, body } = await ask('GET', 'auth/token/lookup-self', { accept: [403], token: id });
  if (status === 403)
    throw new SourceError(
      name,
      'refused',
      'the token was rejected (403): it has expired, was revoked, or is not from this Vault or namespace',
    );
  const data = asObject(asObject(body)['data']);
  const ttlMs = (numberIn(data, 'ttl') ?? 0) * 1000;
  const token: Token = {
    id,
    // `expire_time: null` is a token that never expires, whatever its ttl is.
    ...(data['expire_time'] !== null && ttlMs > 0 && { ttlMs }),
    renewable: data['renewable'] === true,
    limited: (numberIn(data, 'num_uses') ?? 0) > 0,
  };
  const policies = Array.isArray(data['policies'])
    ? data['policies'].filter((one) => typeof one === 'string')
    : [];
  return { token, policies };
}
