import type { Capability, Policy, Space, Token } from './state.ts';

/** Any token may look at itself: https://developer.hashicorp.com/vault/docs/concepts/policies#default-policy */
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

/** Of all matching rules the most specific path decides; several policies on that same path add up, and `deny` wins. */
export function capabilitiesOn(token: Token, space: Space, path: string): readonly Capability[] {
  if (token.policies.includes('root')) return ['root'];
  const matching = rulesOf(token, space).filter(([pattern]) => matches(pattern, path));
  const best = matching
    .map(([pattern]) => pattern)
    .toSorted(bySpecificity)
    .at(-1);
  const capabilities = matching
    .filter(([pattern]) => pattern === best)
    .flatMap(([, capabilities]) => capabilities);
  return capabilities.includes('deny') ? ['deny'] : [...new Set(capabilities)].toSorted();
}

export function mayDo(token: Token, space: Space, capability: Capability, path: string): boolean {
  const allows = (at: string): boolean => {
    const capabilities = capabilitiesOn(token, space, at);
    return capabilities.includes('root') || capabilities.includes(capability);
  };
  // Vault checks a LIST with and without the slash at its end.
  return allows(path) || (capability === 'list' && allows(`${path.replace(/\/$/, '')}/`));
}

/** `sys/internal/ui/mounts/<path>` answers to whoever has any right at all below the mount. */
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
