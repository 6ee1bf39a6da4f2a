import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import type { Policy, Secret } from './state.ts';

/**
 * A Vault that tests may write to: the one in this folder, or a real one. Everything uses the public API,
 * so the setup works for both.
 */
export interface VaultUnderTest {
  readonly address: string;
  /** Has all permissions. */
  readonly rootToken: string;
  /** Mounts `path` again; `null` requests a mount without options, as in very old Vaults. */
  readonly mount: (path: string, version: '1' | '2' | null) => Promise<void>;
  readonly put: (path: string, secret: Secret) => Promise<void>;
  /** The newest version, unprocessed, of KV version 2. */
  readonly get: (path: string) => Promise<{ readonly version: number; readonly values: Secret }>;
  readonly softDelete: (path: string) => Promise<void>;
  readonly destroy: (path: string, versions?: readonly number[]) => Promise<void>;
  readonly allow: (policy: string, rules: Policy) => Promise<void>;
  /** Creates a token; `ttl` as in Vault (`1h`). */
  readonly issueToken: (wanted: TokenRequest) => Promise<string>;
  readonly makeAppRole: (wanted: AppRoleRequest) => Promise<{ roleId: string; secretId: string }>;
}

export interface TokenRequest {
  readonly policies: readonly string[];
  readonly ttl?: string;
  readonly maxTtl?: string;
  readonly renewable?: boolean;
  readonly uses?: number;
}

export interface AppRoleRequest extends Omit<TokenRequest, 'renewable' | 'uses'> {
  readonly mount?: string;
  readonly role: string;
  readonly secretIdUses?: number;
  readonly secretIdTtl?: string;
}

/** Marks setup requests; the request log omits them. */
export const SETUP_HEADER = 'x-test-setup';

export function administer(
  address: string,
  rootToken: string,
  options: { readonly namespace?: string; readonly ca?: string } = {},
): VaultUnderTest {
  const versions = new Map<string, '1' | '2'>();
  const dispatcher = new Agent({ connect: options.ca ? { ca: options.ca } : {} });
  const headers = {
    'x-vault-token': rootToken,
    [SETUP_HEADER]: 'yes',
    ...(options.namespace && { 'x-vault-namespace': options.namespace }),
  };
  const ask = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const url = `${address}/v1/${path.split('/').map(encodeURIComponent).join('/')}`;
    for (let tries = 0; ; tries++) {
      const response = await fetch(url, {
        method,
        headers,
        dispatcher,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (response.ok) return (text ? JSON.parse(text) : {}) as Record<string, unknown>;
      // A real KV v2 mount is not usable immediately: https://github.com/hashicorp/vault/issues/5937
      if (tries >= 20 || !text.includes('Upgrading'))
        throw new Error(`${method} ${path}: ${response.status} ${text}`);
      await sleep(100);
    }
  };
  const within = (path: string, verb: string): string => {
    const mount = [...versions.keys()]
      .filter((mount) => path.startsWith(`${mount}/`))
      .toSorted((one, other) => other.length - one.length)[0];
    if (!mount) throw new Error(`nothing was mounted above ${path}`);
    return versions.get(mount) === '2' ? `${mount}/${verb}/${path.slice(mount.length + 1)}` : path;
  };
  return {
    address,
    rootToken,
    mount: async (path, version) => {
      await ask('DELETE', `sys/mounts/${path}`).catch(() => {});
      await ask('POST', `sys/mounts/${path}`, { type: 'kv', ...(version && { options: { version } }) });
      versions.set(path, version ?? '1');
    },
    put: async (path, secret) => {
      const to = within(path, 'data');
      await ask('POST', to, to === path ? secret : { data: secret });
    },
    get: async (path) => {
      const { data } = await ask('GET', within(path, 'data'));
      const read = data as { data: Secret; metadata: { version: number } };
      return { version: read.metadata.version, values: read.data };
    },
    softDelete: async (path) => {
      await ask('DELETE', within(path, 'data'));
    },
    destroy: async (path, versions = [1]) => {
      await ask('PUT', within(path, 'destroy'), { versions });
    },
    allow: async (policy, rules) => {
      const path = Object.fromEntries(
        Object.entries(rules).map(([at, capabilities]) => [at, { capabilities }]),
      );
      await ask('POST', `sys/policies/acl/${policy}`, { policy: JSON.stringify({ path }) });
    },
    issueToken: async ({ policies, ttl, maxTtl, renewable, uses }) => {
      const body = { policies, ttl, explicit_max_ttl: maxTtl, renewable, num_uses: uses };
      const { auth } = await ask('POST', 'auth/token/create', body);
      return (auth as { client_token: string }).client_token;
    },
    makeAppRole: async ({ mount = 'approle', role, policies, ttl, maxTtl, secretIdUses, secretIdTtl }) => {
      await ask('POST', `sys/auth/${mount}`, { type: 'approle' }).catch(() => {});
      await ask('POST', `auth/${mount}/role/${role}`, {
        token_policies: policies,
        token_ttl: ttl,
        token_max_ttl: maxTtl,
        secret_id_num_uses: secretIdUses,
        secret_id_ttl: secretIdTtl,
      });
      const id = await ask('GET', `auth/${mount}/role/${role}/role-id`);
      const secret = await ask('POST', `auth/${mount}/role/${role}/secret-id`, {});
      return {
        roleId: (id['data'] as { role_id: string }).role_id,
        secretId: (secret['data'] as { secret_id: string }).secret_id,
      };
    },
  };
}
