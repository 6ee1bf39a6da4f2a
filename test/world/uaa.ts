import { randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import { type Authority, issue, makeAuthority } from './ca.ts';
import { listenOnLoopback, readBody } from './loopback.ts';

export interface UaaClient {
  readonly id: string;
  readonly secret: string;
}

export interface UaaOptions {
  /** Default: its own. */
  readonly authority?: Authority;
  /** How long tokens are valid. Default 43,199. */
  readonly tokenSeconds?: number;
  readonly port?: number;
}

export interface TokenOwner {
  readonly client: string;
  readonly scopes: readonly string[];
}

/** A UAA over HTTPS that knows only clients: https://docs.cloudfoundry.org/api/uaa/#client-credentials-grant */
export interface Uaa {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  /** Adds or replaces a client; its secret is random unless it had one. */
  readonly addClient: (id: string, scopes: readonly string[], grantTypes?: readonly string[]) => UaaClient;
  /** Of the header `authorization`: the owner of a valid token, or why it isn't valid. */
  readonly identify: (authorization: string | undefined) => TokenOwner | 'expired' | 'invalid' | undefined;
  readonly revokeTokens: () => void;
  /** Every token issued so far is from now on rejected as expired. */
  readonly expireTokens: () => void;
  /** The number of tokens issued to each client. */
  readonly issued: ReadonlyMap<string, number>;
  /** Secrets and tokens. */
  readonly canaries: () => readonly string[];
  /** Each response from now on has this status, until it is undefined again. */
  readonly failWith: (status: number | undefined) => void;
  readonly close: () => Promise<void>;
}

interface Registered extends UaaClient {
  readonly scopes: readonly string[];
  readonly grantTypes: readonly string[];
}

export async function startUaa(options: UaaOptions = {}): Promise<Uaa> {
  const { tokenSeconds = 43_199 } = options;
  const authority = options.authority ?? (await makeAuthority({ name: 'uaa-ca' }));
  const clients = new Map<string, Registered>();
  const tokens = new Map<string, TokenOwner & { endsAtMs: number }>();
  const issued = new Map<string, number>();
  const revoked = new Set<string>();
  let failing: number | undefined;

  const grant = (authorization: string | undefined, form: URLSearchParams): [number, object] => {
    const client = [...clients.values()].find(({ id, secret }) => authorization === basicHeader(id, secret));
    if (!client) return [401, { error: 'invalid_client', error_description: 'Bad credentials' }];
    const type = form.get('grant_type') ?? '';
    if (!client.grantTypes.includes(type))
      return [401, { error: 'unauthorized_client', error_description: `Unauthorized grant type: ${type}` }];
    const jti = randomBytes(16).toString('hex');
    const token = tokenFor(client, jti);
    tokens.set(token, {
      client: client.id,
      scopes: client.scopes,
      endsAtMs: performance.now() + tokenSeconds * 1000,
    });
    issued.set(client.id, (issued.get(client.id) ?? 0) + 1);
    const scope = client.scopes.join(' ');
    return [200, { access_token: token, token_type: 'bearer', expires_in: tokenSeconds, scope, jti }];
  };

  const { certificatePem, keyPem } = await issue(authority, { name: 'uaa', names: ['127.0.0.1'] });
  const answer = (method: string | undefined, path: string, form: URLSearchParams, login?: string) => {
    if (failing !== undefined) return [failing, {}] as const;
    if (method === 'POST' && path === '/oauth/token') return grant(login, form);
    return [404, { error: 'not_found' }] as const;
  };
  const server = createServer({ cert: certificatePem, key: keyPem }, (request, response) => {
    const respond = async (): Promise<void> => {
      const form = new URLSearchParams(await readBody(request));
      const { method, url = '/', headers } = request;
      const [status, body] = answer(method, url.split('?')[0]!, form, headers.authorization);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    void respond();
  });
  const { port, close } = await listenOnLoopback(server, options.port);

  return {
    url: `https://127.0.0.1:${port}`,
    ca: authority.certificatePem,
    addClient: (id, scopes, grantTypes = ['client_credentials']) => {
      const secret = clients.get(id)?.secret ?? `canary-${randomBytes(12).toString('hex')}`;
      clients.set(id, { id, secret, scopes, grantTypes });
      return { id, secret };
    },
    identify: (authorization) => {
      if (authorization === undefined) return undefined;
      const token = authorization.replace(/^bearer /i, '');
      const known = tokens.get(token);
      if (!known || revoked.has(token)) return 'invalid';
      return known.endsAtMs > performance.now() ? known : 'expired';
    },
    revokeTokens: () => {
      for (const token of tokens.keys()) revoked.add(token);
    },
    expireTokens: () => {
      for (const token of tokens.values()) token.endsAtMs = 0;
    },
    issued,
    canaries: () => [...[...clients.values()].map(({ secret }) => secret), ...tokens.keys()],
    failWith: (status) => {
      failing = status;
    },
    close,
  };
}

function tokenFor({ id, scopes }: Registered, jti: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { jti, client_id: id, scope: scopes };
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(payload)}.${randomBytes(24).toString('base64url')}`;
}

function basicHeader(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}
