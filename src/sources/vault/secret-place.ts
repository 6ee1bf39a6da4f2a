import { SourceError } from '../../ports/source-error.ts';

/** A secret, mount first, and a place in it. */
export interface SecretPlace {
  /** `secret/cf/tls` */
  readonly path: string;
  /** `:certificate`, `:bundle.pem#2` */
  readonly at: string;
}

/** Names in secrets rarely contain colons, but any may. */
const MOST_SPLITS = 5;

/**
 * What a place of a scan may stand for, the most likely first, because paths and names in secrets may both contain colons.
 * @throws {SourceError} `refused` if it belongs to another source, or can't be requested.
 */
export function splitPlace(source: string, place: string): readonly SecretPlace[] {
  const prefix = `${source}:`;
  const inside = place.startsWith(prefix) ? place.slice(prefix.length) : '';
  const splits = [...inside.matchAll(/:/g)]
    .map(({ index }) => ({ path: inside.slice(0, index), at: inside.slice(index) }))
    .filter(({ path }) => isRequestable(path))
    .toReversed()
    .slice(0, MOST_SPLITS);
  if (splits.length === 0 || place.includes('\uFFFD'))
    throw new SourceError(source, 'refused', 'it is not a place in a secret of this Vault');
  return splits;
}

function isRequestable(path: string): boolean {
  return path !== '' && !path.split('/').some((part) => /^(\.|%2e){0,2}$/i.test(part));
}
