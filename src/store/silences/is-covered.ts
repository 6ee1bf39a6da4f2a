import type { TrackedFinding } from '../../check/tracked-finding.ts';
import type { SilenceScope } from './silences.ts';

/** Whether a silence with this scope covers a finding. Takes time proportional to the pattern times the target in any case. */
export function isCovered(
  scope: SilenceScope,
  {
    check,
    environment,
    finding: { reason, target },
  }: {
    readonly check: string;
    readonly environment: string;
    readonly finding: Pick<TrackedFinding, 'reason' | 'target'>;
  },
): boolean {
  if (scope.reason !== reason) return false;
  if (scope.check !== undefined && scope.check !== check) return false;
  if (scope.environment !== undefined && scope.environment !== environment) return false;
  return scope.kind === 'finding' ? scope.target === target : matchesPattern(scope.targetPattern, target);
}

/** `*` matches any characters, or none; everything else matches literally. */
function matchesPattern(pattern: string, text: string): boolean {
  const pieces = pattern.split('*');
  const [first = ''] = pieces;
  if (pieces.length === 1) return text === pattern;
  const last = pieces.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length)
    return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
