import { randomBytes } from 'node:crypto';
import {
  type VaultResponse,
  durationMs,
  EMPTY,
  envelope,
  errors,
  type VaultRequest,
  type Role,
  type Token,
  type VaultState,
} from './state.ts';

const MONTH_MS = 32 * 86_400_000;
const DENIED = errors(403, 'permission denied');

export function makeToken(state: VaultState, wanted: Partial<Token> & Pick<Token, 'policies'>): Token {
  const token: Token = {
    id: `hvs.CANARY${randomBytes(18).toString('base64url')}`,
    space: '',
    path: 'auth/token/create',
    displayName: 'token',
    renewable: true,
    createdAt: state.now(),
    ttlMs: 0,
    ...wanted,
  };
  state.tokens.set(token.id, token);
  state.canaries.add(token.id);
  return token;
}

/** The token by its id, if it is valid; a lookup counts as a use. */
export function findToken(state: VaultState, id: string | undefined): Token | undefined {
  const token = state.tokens.get(id ?? '');
  if (!token) return undefined;
  const expired = token.expiresAt !== undefined && token.expiresAt <= state.now();
  if (expired || token.usesLeft === 0) {
    state.tokens.delete(token.id);
    return undefined;
  }
  if (token.usesLeft !== undefined) token.usesLeft--;
  return token;
}

/** `auth/token/...` for any token. */
export function answerToken(
  state: VaultState,
  { path, body, space }: VaultRequest,
  token: Token,
): VaultResponse {
  if (path === 'auth/token/lookup-self') return envelope({ data: describe(state, token) });
  if (path === 'auth/token/renew-self')
    return renew(state, token, durationMs(body['increment'], token.ttlMs));
  if (path === 'auth/token/revoke-self') {
    state.tokens.delete(token.id);
    return EMPTY;
  }
  if (path !== 'auth/token/create') return errors(404);
  const policies = (body['policies'] as string[] | undefined) ?? token.policies;
  const ttlMs = durationMs(body['ttl'], policies.includes('root') ? 0 : MONTH_MS);
  const maxTtlMs = durationMs(body['explicit_max_ttl'], MONTH_MS);
  const made = makeToken(state, {
    policies,
    space,
    renewable: body['renewable'] !== false,
    ttlMs,
    ...(ttlMs > 0 && { expiresAt: state.now() + ttlMs, lastExpiryAt: state.now() + maxTtlMs }),
    ...(typeof body['num_uses'] === 'number' && body['num_uses'] > 0 && { usesLeft: body['num_uses'] }),
  });
  return grant(state, made);
}

function describe(state: VaultState, token: Token): object {
  const { expiresAt } = token;
  return {
    accessor: 'accessor',
    creation_time: Math.floor(token.createdAt / 1000),
    creation_ttl: token.ttlMs / 1000,
    display_name: token.displayName,
    entity_id: '',
    expire_time: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    explicit_max_ttl: 0,
    id: token.id,
    num_uses: token.usesLeft ?? 0,
    orphan: true,
    path: token.path,
    policies: token.policies,
    // Vault omits the field for the root token and includes it for others.
    ...(expiresAt !== undefined && { renewable: token.renewable }),
    ttl: expiresAt === undefined ? 0 : Math.floor((expiresAt - state.now()) / 1000),
    type: 'service',
  };
}

function renew(state: VaultState, token: Token, incrementMs: number): VaultResponse {
  if (!token.renewable) return errors(400, 'lease is not renewable');
  if (token.expiresAt !== undefined) {
    token.expiresAt = Math.min(state.now() + (incrementMs || token.ttlMs), token.lastExpiryAt ?? Infinity);
  }
  return grant(state, token);
}

function grant(state: VaultState, token: Token): VaultResponse {
  const leaseMs = token.expiresAt === undefined ? 0 : token.expiresAt - state.now();
  const auth = {
    client_token: token.id,
    accessor: 'accessor',
    policies: token.policies,
    token_policies: token.policies,
    metadata: null,
    lease_duration: Math.floor(leaseMs / 1000),
    renewable: token.renewable,
    token_type: 'service',
  };
  return envelope({ auth });
}

/** `auth/<mount>/login`, which needs no token. `undefined` if it is no login. */
export function answerLogin(state: VaultState, question: VaultRequest): VaultResponse | undefined {
  const match = /^auth\/(.+)\/login$/.exec(question.path);
  if (!match || question.method === 'GET') return undefined;
  const login = state.spaces.get(question.space)?.logins.get(match[1]!);
  if (!login) return DENIED;
  const { body } = question;
  if (login.type === 'kubernetes') {
    const role = login.roles.get(String(body['role']));
    if (!role) return errors(400, `invalid role name "${String(body['role'])}"`);
    state.canaries.add(String(body['jwt']));
    return role.jwts.has(String(body['jwt'])) ? enter(state, question, role) : DENIED;
  }
  const role = [...login.roles.values()].find(({ roleId }) => roleId === body['role_id']);
  const secretId = role?.secretIds.get(String(body['secret_id']));
  if (!role || !secretId || secretId.expiresAt <= state.now() || secretId.usesLeft === 0)
    return errors(400, 'invalid role or secret ID');
  secretId.usesLeft--;
  return enter(state, question, role);
}

function enter(state: VaultState, { space, path }: VaultRequest, role: Role): VaultResponse {
  const token = makeToken(state, {
    policies: role.policies,
    space,
    path,
    displayName: path.split('/')[1]!,
    ttlMs: role.ttlMs,
    expiresAt: state.now() + role.ttlMs,
    lastExpiryAt: state.now() + role.maxTtlMs,
  });
  return grant(state, token);
}

/** `auth/<approle>/role/<name>[/role-id|/secret-id]`, for the setup. */
export function answerAppRole(state: VaultState, { path, body, space }: VaultRequest): VaultResponse {
  const match = /^auth\/(.+)\/role\/([^/]+)(?:\/(role-id|secret-id))?$/.exec(path);
  const login = state.spaces.get(space)?.logins.get(match?.[1] ?? '');
  if (!match || login?.type !== 'approle') return errors(404);
  const role = login.roles.get(match[2]!);
  if (!match[3]) {
    login.roles.set(match[2]!, {
      policies: (body['token_policies'] as string[] | undefined) ?? [],
      ttlMs: durationMs(body['token_ttl'], MONTH_MS),
      maxTtlMs: durationMs(body['token_max_ttl'], MONTH_MS),
      roleId: crypto.randomUUID(),
      secretIdUses: Number(body['secret_id_num_uses'] ?? 0),
      secretIdTtlMs: durationMs(body['secret_id_ttl'], 0),
      secretIds: new Map(),
    });
    return EMPTY;
  }
  if (!role) return errors(404);
  if (match[3] === 'role-id') return envelope({ data: { role_id: role.roleId } });
  const secretId = crypto.randomUUID();
  role.secretIds.set(secretId, {
    usesLeft: role.secretIdUses || Infinity,
    expiresAt: role.secretIdTtlMs ? state.now() + role.secretIdTtlMs : Infinity,
  });
  state.canaries.add(secretId);
  return envelope({ data: { secret_id: secretId, secret_id_accessor: crypto.randomUUID() } });
}
