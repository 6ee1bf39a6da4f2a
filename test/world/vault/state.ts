import type { Authority } from '../ca.ts';

/** A Vault's state. Formats follow the API's responses, so that handlers only pick from it. */
export interface VaultState {
  health: 'active' | 'sealed' | 'standby' | 'uninitialised';
  /** Vault before 1.10 has no `subkeys`. */
  subkeys: boolean;
  readonly now: () => number;
  readonly spaces: Map<string, Space>;
  readonly tokens: Map<string, Token>;
  /** Every secret ever issued or stored: tests search for these everywhere else. */
  readonly canaries: Set<string>;
}

/** One namespace; the root's name is the empty string. */
export interface Space {
  readonly mounts: Map<string, Mount>;
  readonly policies: Map<string, Policy>;
  readonly logins: Map<string, Login>;
}

export type Secret = Readonly<Record<string, unknown>>;

export interface Mount {
  readonly type: 'kv' | 'generic' | 'pki';
  /** `null`, as very old mounts have it, means version 1. */
  readonly options: { readonly version: '1' | '2' } | null;
  readonly secrets: Map<string, Version[]>;
  /** Of a PKI. */
  readonly pki?: Pki;
}

/** The state of a PKI engine. */
export interface Pki {
  readonly issuers: PkiIssuer[];
  /** As in the responses of the API, without what the defaults of Vault are. */
  readonly roles: Map<string, Readonly<Record<string, unknown>>>;
  /** PEM by serial number. */
  readonly issued: Map<string, string>;
  /** The lifetimes of the mount, in seconds. */
  readonly tune: { readonly default_lease_ttl: number; readonly max_lease_ttl: number };
  /** Vault before 1.11, which has one issuer without a name. */
  readonly isOld: boolean;
}

export interface PkiIssuer {
  readonly id: string;
  readonly name: string;
  readonly authority: Authority;
  readonly behavior: 'err' | 'truncate' | 'permit';
  readonly usage: string;
  isDefault: boolean;
}

export interface Version {
  data: Secret | null;
  readonly createdAt: number;
  deletedAt?: number;
  destroyed: boolean;
}

/** Capabilities by path; `*` at the end and `+` for one segment, as in Vault. */
export type Policy = Readonly<Record<string, readonly Capability[]>>;
export type Capability =
  | 'create'
  | 'read'
  | 'update'
  | 'patch'
  | 'delete'
  | 'list'
  | 'sudo'
  | 'deny'
  | 'root';

export interface Token {
  readonly id: string;
  readonly space: string;
  readonly policies: readonly string[];
  readonly path: string;
  readonly displayName: string;
  readonly renewable: boolean;
  readonly createdAt: number;
  readonly ttlMs: number;
  /** Absent: never. */
  expiresAt?: number;
  readonly lastExpiryAt?: number;
  usesLeft?: number;
}

export type Login = AppRoleLogin | KubernetesLogin;

export interface Role {
  readonly policies: readonly string[];
  readonly ttlMs: number;
  readonly maxTtlMs: number;
}

export interface AppRoleLogin {
  readonly type: 'approle';
  readonly roles: Map<string, AppRole>;
}

export interface AppRole extends Role {
  readonly roleId: string;
  readonly secretIdUses: number;
  readonly secretIdTtlMs: number;
  readonly secretIds: Map<string, { usesLeft: number; readonly expiresAt: number }>;
}

export interface KubernetesLogin {
  readonly type: 'kubernetes';
  /** The service-account tokens that the cluster's API server accepts; older ones are rejected. */
  readonly roles: Map<string, Role & { readonly jwts: Set<string> }>;
}

export interface VaultRequest {
  readonly method: string;
  /** Without `/v1/` and decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  readonly space: string;
}

export interface VaultResponse {
  readonly status: number;
  readonly body?: unknown;
}

export const errors = (status: number, ...words: readonly string[]): VaultResponse => ({
  status,
  body: { errors: words },
});

/** The envelope of every response with content. */
export function envelope(
  carried: { readonly data?: unknown; readonly auth?: unknown },
  status = 200,
): VaultResponse {
  const { data = null, auth = null } = carried;
  const lease = { lease_id: '', renewable: false, lease_duration: 0 };
  return {
    status,
    body: { request_id: crypto.randomUUID(), ...lease, data, wrap_info: null, warnings: null, auth },
  };
}

export const EMPTY: VaultResponse = { status: 204 };

export function makeSpace(): Space {
  return { mounts: new Map(), policies: new Map(), logins: new Map() };
}

/** `1h`, `30s`, `720h`, or seconds, as in Vault. */
export function durationMs(value: unknown, fallbackMs: number): number {
  if (typeof value === 'number') return value * 1000;
  const match = typeof value === 'string' ? /^(\d+)([smhd]?)$/.exec(value) : null;
  if (!match) return fallbackMs;
  const secondsIn: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
  return Number(match[1]) * (secondsIn[match[2] ?? ''] ?? 1) * 1000;
}
