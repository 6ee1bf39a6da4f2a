import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';

const NAME = /^[a-z\d](?:[-.a-z\d]*[a-z\d])?$/i;

/**
 * A name in the path of a request. An invalid one could change the path.
 * @param what the kind of name, for the message: `node name`.
 * @throws {SourceError}
 */
export function requireName(source: string, what: string, name: string): void {
  if (!NAME.test(name))
    throw new SourceError(source, 'malformed', `${printable(name)} is not a valid ${what}`);
}
