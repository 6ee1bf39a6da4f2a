import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import type { Session } from './session.ts';

/** Says which right is lacking where, instead of "permission denied". */
export function lacking(
  error: unknown,
  session: Session,
  source: string,
  right: string,
  path: string,
): unknown {
  if (!(error instanceof SourceError) || error.kind !== 'refused' || session.lost()) return error;
  return new SourceError(source, 'refused', printable(`the token lacks \`${right}\` on ${path}`));
}
