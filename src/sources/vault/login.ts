import { readFile } from 'node:fs/promises';
import { SourceError } from '../../ports/source-error.ts';
import type { JsonResponse } from '../../wire/http.ts';
import type { VaultConfig } from './config.ts';
import { asObject, numberIn, textIn } from '../../wire/json-object.ts';

export interface Token {
  readonly id: string;
  /** Absent where it never expires, or where that is not known. */
  readonly ttlMs?: number;
  readonly renewable: boolean;
  /** May be used so many times only: looking at it would use it up. */
  readonly limited: boolean;
}

export type SendRequest = (
  method: 'GET' | 'POST',
  path: string,
  options: { readonly body?: unknown; readonly accept: readonly number[]; readonly token?: string },
) => Promise<JsonResponse>;

/** Answers of Vault that mean: this login is not good. 500 is what it gives where the cluster does not confirm the account. */
const LOGIN_REFUSED = [400, 403, 404, 500];

/** @throws {SourceError} `refused` where the login is not good, and whatever `ask` throws. */
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
      `the service account token ${jwtFile} cannot be read (${error.code})`,
    );
  });
  const answer = await ask('POST', `auth/${mount}/login`, {
    body: { role, jwt: jwt.trim() },
    accept: LOGIN_REFUSED,
  });
  return granted(
    name,
    answer,
    `Kubernetes login at ${mount}: the role ${role} does not exist or not for this service account`,
  );
}

function granted(name: string, { status, body }: JsonResponse, otherwise: string): Token {
  const auth = asObject(asObject(body)['auth']);
  const id = textIn(auth, 'client_token');
  if (status >= 300 || id === undefined)
    throw new SourceError(name, 'refused', `login refused (${status}). ${otherwise}`);
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

/** Looks up a token itself. @throws {SourceError} `refused` where Vault does not know it (any more). */
export async function lookUpToken(name: string, id: string, ask: SendRequest): Promise<TokenInfo> {
  const { status, body } = await ask('GET', 'auth/token/lookup-self', { accept: [403], token: id });
  if (status === 403)
    throw new SourceError(
      name,
      'refused',
      'the token was refused (403): it has expired, was revoked, or is not of this Vault or namespace',
    );
  const data = asObject(asObject(body)['data']);
  const ttlMs = (numberIn(data, 'ttl') ?? 0) * 1000;
  const token: Token = {
    id,
    // `expire_time: null` is a token that does not end, whatever its ttl says.
    ...(data['expire_time'] !== null && ttlMs > 0 && { ttlMs }),
    renewable: data['renewable'] === true,
    limited: (numberIn(data, 'num_uses') ?? 0) > 0,
  };
  const policies = Array.isArray(data['policies'])
    ? data['policies'].filter((one) => typeof one === 'string')
    : [];
  return { token, policies };
}
