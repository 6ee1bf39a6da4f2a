import type { Capability, Policy, Space, Token } from './state.ts';

/**
 * Any token may look itself up: https://developer.hashicorp.com/vault/docs/concepts/policies#default-policy
 */
const DEFAULT: Policy = {
  'auth/token/lookup-self': ['read'],
  'auth/token/renew-self': ['update'],
  'auth/token/revoke-self': ['update'],
  'sys/capabilities-self': ['update'],
};

function rulesOf(token: Token, space: Space): [string, readonly Capability[]][] {
  const policies = token.policies.map((name) => space.policies.get(name) ?? {});
  return [DEFAULT, ...policies].flatMap((policy) => Object.entries(policy));
}

/**
 * The most specific matching path decides; several policies on that same path are combined, and `deny`
 * wins.
 */
export function capabilitiesOn(token: Token, space: Space, path: string): readonly Capability[] {
  return decide(token, space, (pattern) => matches(pattern, path));
}

export function mayDo(token: Token, space: Space, capability: Capability, path: string): boolean {
  // Vault adds a slash to a listed path; a rule for the path without it counts too:
  // https://github.com/hashicorp/vault/blob/main/vault/acl.go (AllowOperation)
  const folder = path.replace(/\/?$/, '/');
  const capabilities =
    capability === 'list'
      ? decide(token, space, (pattern) => matches(pattern, folder) || `${pattern}/` === folder)
      : capabilitiesOn(token, space, path);
  return capabilities.includes('root') || capabilities.includes(capability);
}

function decide(token: Token, space: Space, fits: (pattern: string) => boolean): readonly Capability[] {
  if (token.policies.includes('root')) return ['root'];
  const matching = rulesOf(token, space).filter(([pattern]) => fits(pattern));
  const best = matching
    .map(([pattern]) => pattern)
    .toSorted(bySpecificity)
    .at(-1);
  const capabilities = matching
    .filter(([pattern]) => pattern === best)
    .flatMap(([, capabilities]) => capabilities);
  return capabilities.includes('deny') ? ['deny'] : [...new Set(capabilities)].toSorted();
}

/** `sys/internal/ui/mounts/<path>` requires any permission below the mount. */
export function seesMount(token: Token, space: Space, mount: string): boolean {
  if (token.policies.includes('root')) return true;
  return rulesOf(token, space).some(
    ([pattern, capabilities]) =>
      !capabilities.includes('deny') &&
      (pattern.startsWith(mount) || (pattern.endsWith('*') && mount.startsWith(pattern.slice(0, -1)))),
  );
}

function matches(pattern: string, path: string): boolean {
  const glob = pattern.endsWith('*');
  const escaped = (glob ? pattern.slice(0, -1) : pattern)
    .replaceAll(/[.*?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('+', '[^/]+');
  return new RegExp(`^${escaped}${glob ? '' : '$'}`).test(path);
}

function bySpecificity(one: string, other: string): number {
  const rank = (pattern: string): number =>
    (pattern.endsWith('*') ? 0 : 1e6) - (pattern.split('+').length - 1) * 1e3 + pattern.length;
  return rank(one) - rank(other);
}
