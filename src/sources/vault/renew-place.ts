import { SourceError } from '../../ports/source-error.ts';
import type { VaultConfig } from './config.ts';

/** The end of a certificate's place in the layout of `safe`. */
const KEY = ':certificate';

/** A role of a PKI that issues the certificates at some paths. */
export type IssuingRole = NonNullable<NonNullable<VaultConfig['allow']['renew']>['issue']>[number];

/** How the certificate at a path, mount first, may be renewed: by a role, or by the `ca` next to it. undefined if the configuration doesn't allow it. */
export function renewalAllowed(
  { allow: { renew }, paths }: VaultConfig,
  path: string,
): IssuingRole | 'sign' | undefined {
  if (!renew) return undefined;
  const role = renew.issue
    ?.filter((one) => isBelow(path, one.paths))
    .toSorted((one, other) => closest(path, other.paths) - closest(path, one.paths))
    .at(0);
  return role ?? (isBelow(path, renew.paths ?? paths) ? 'sign' : undefined);
}

function isBelow(path: string, paths: readonly string[]): boolean {
  return paths.some((one) => `${path}/`.startsWith(`${one}/`));
}

/** How many characters of a path the most specific of `paths` has in common with it. */
function closest(path: string, paths: readonly string[]): number {
  return Math.max(...paths.filter((one) => isBelow(path, [one])).map((one) => one.length));
}

/** `vault:secret/cf/tls:certificate`, as in a scan. */
export function placeOf({ name }: VaultConfig, path: string): string {
  return `${name}:${path}${KEY}`;
}

/**
 * The path of the secret of a place, mount first. @throws {SourceError} `refused` if it belongs to another source, or if renewing it is not
 * allowed.
 */
export function pathOf(config: VaultConfig, place: string): string {
  const prefix = `${config.name}:`;
  const path = place.slice(prefix.length, -KEY.length);
  if (
    place !== placeOf(config, path) ||
    path === '' ||
    path.split('/').some((part) => /^\.{0,2}$/.test(part))
  )
    throw new SourceError(
      config.name,
      'refused',
      'only the certificate at the key `certificate` of a secret in this Vault can be renewed',
    );
  if (renewalAllowed(config, path) === undefined)
    throw new SourceError(config.name, 'refused', forbiddenBecause(config, path));
  return path;
}

function forbiddenBecause({ name, allow: { renew } }: VaultConfig, path: string): string {
  if (!renew) return `\`allow.renew\` is not configured for the source ${name}`;
  const key = renew.paths ? 'allow.renew.paths' : 'paths';
  return `${path} is not below any of \`${key}\` of the source ${name}`;
}

/** Where `safe` expects the CA of a certificate: `ca` in the same folder. */
export function siblingOf(path: string): string {
  return path.replace(/[^/]*$/, 'ca');
}
