import { SourceError } from '../../ports/source-error.ts';
import type { VaultConfig } from './config.ts';

/** What a certificate's place ends with, in `safe`'s layout. */
const KEY = ':certificate';

/** Whether the configuration allows renewing what is at a path, mount first. */
export function mayRenew({ allow: { renew }, paths }: VaultConfig, path: string): boolean {
  return renew !== undefined && (renew.paths ?? paths).some((one) => `${path}/`.startsWith(`${one}/`));
}

/** `vault:secret/cf/tls:certificate`, as the scan names it. */
export function placeOf({ name }: VaultConfig, path: string): string {
  return `${name}:${path}${KEY}`;
}

/** The path of a place's secret, mount first. @throws {SourceError} `refused` where it is another's, or may not be renewed. */
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
      'only what is at the key `certificate` of a secret of this Vault can be renewed',
    );
  if (!mayRenew(config, path)) throw new SourceError(config.name, 'refused', forbiddenBecause(config, path));
  return path;
}

function forbiddenBecause({ name, allow: { renew } }: VaultConfig, path: string): string {
  if (!renew) return `\`allow.renew\` is not configured for the source ${name}`;
  const key = renew.paths ? 'allow.renew.paths' : 'paths';
  return `${path} is not below any of \`${key}\` of the source ${name}`;
}

/** Where `safe` looks for the authority of a certificate: the `ca` in the same folder. */
export function siblingOf(path: string): string {
  return path.replace(/[^/]*$/, 'ca');
}
