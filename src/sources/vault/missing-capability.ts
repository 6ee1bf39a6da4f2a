import { SourceError } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';
import type { VaultSession } from './session.ts';

/** Names the capability that the token lacks and its path, instead of "permission denied". */
export function explainMissingCapability(
  error: unknown,
  session: VaultSession,
  source: string,
  capability: string,
  path: string,
): unknown {
  if (!(error instanceof SourceError) || error.kind !== 'refused' || session.lost()) return error;
  return new SourceError(source, 'refused', printable(`the token lacks \`${capability}\` on ${path}`));
}
