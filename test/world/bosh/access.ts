import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Users and clients, and their scopes. */
export interface Caller {
  readonly user: string;
  readonly scopes: readonly string[];
}

export interface Client {
  readonly id: string;
  readonly secret: string;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: object;
}

export interface Access {
  readonly reader: Client;
  readonly admin: Client;
  readonly basic: { readonly username: string; readonly password: string };
  /** UAA's `POST /oauth/token`. */
  readonly grant: (authorization: string | undefined, form: URLSearchParams) => TokenAnswer;
  readonly identify: (request: IncomingMessage) => Caller | undefined;
  /** The scopes that a client gets from now on. */
  readonly allow: (clientId: string, scopes: readonly string[]) => void;
  readonly revokeTokens: () => void;
  /** A refresh token, which a director never accepts. */
  readonly refreshToken: () => string;
  /** The number of tokens issued to each client. */
  readonly granted: Map<string, number>;
  readonly canaries: () => readonly string[];
}

export function openAccess(options: {
  readonly kind: 'uaa' | 'basic';
  readonly tokenSeconds: number;
}): Access {
  const secret = (): string => `canary-${randomBytes(9).toString('hex')}`;
  const reader = { id: 'wrench-reader', secret: secret() };
  const admin = { id: 'wrench-admin', secret: secret() };
  const basic = { username: 'admin', password: secret() };
  const scopes = new Map<string, readonly string[]>([
    [reader.id, ['bosh.read']],
    [admin.id, ['bosh.admin']],
  ]);
  const tokens = new Map<string, Caller & { readonly endsAt: number }>();
  const granted = new Map<string, number>();
  const issued: string[] = [];

  const make = (caller: Caller, jti: string): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const payload = { jti, client_id: caller.user, scope: caller.scopes };
    const token = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(payload)}.${randomBytes(16).toString('base64url')}`;
    issued.push(token);
    if (!jti.endsWith('-r'))
      tokens.set(token, { ...caller, endsAt: Date.now() + options.tokenSeconds * 1000 });
    return token;
  };

  return {
    reader,
    admin,
    basic,
    granted,
    grant: (authorization, form) => {
      const client = [reader, admin].find(({ id, secret }) => authorization === basicHeader(id, secret));
      if (!client)
        return { status: 401, body: { error: 'unauthorized', error_description: 'Bad credentials' } };
      if (form.get('grant_type') !== 'client_credentials')
        return { status: 400, body: { error: 'invalid_request', error_description: 'Missing grant type' } };
      const caller = { user: client.id, scopes: scopes.get(client.id) ?? [] };
      const jti = randomBytes(16).toString('hex');
      granted.set(client.id, (granted.get(client.id) ?? 0) + 1);
      const token = {
        access_token: make(caller, jti),
        token_type: 'bearer',
        expires_in: options.tokenSeconds,
      };
      return { status: 200, body: { ...token, scope: caller.scopes.join(' '), jti } };
    },
    identify: ({ headers: { authorization = '' } }) => {
      if (options.kind === 'basic')
        return authorization === basicHeader(basic.username, basic.password)
          ? { user: basic.username, scopes: ['bosh.admin'] }
          : undefined;
      const known = tokens.get(authorization.replace(/^bearer /i, ''));
      return known && known.endsAt > Date.now() ? known : undefined;
    },
    allow: (clientId, allowed) => void scopes.set(clientId, allowed),
    revokeTokens: () => tokens.clear(),
    refreshToken: () =>
      make({ user: admin.id, scopes: ['bosh.admin'] }, `${randomBytes(16).toString('hex')}-r`),
    canaries: () => [reader.secret, admin.secret, basic.password, ...issued],
  };
}

function basicHeader(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
