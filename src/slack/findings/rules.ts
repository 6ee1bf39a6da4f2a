import { momentInWords } from '../../check/tracked-in-words.ts';
import type { KnownFinding } from '../../store/history/tracked-findings.ts';

/** What commands and buttons refuse in the same words. */

export const MAX_COMMENT_CHARS = 200;
/** Of the reason of a silence: long enough to mean something, short enough to be shown beside the finding. */
export const SILENCE_REASON_LENGTH = { min: 3, max: 200 } as const;

/** Why nothing can be done about a finding any more; undefined while it is there, or may be. */
export function goneProblem({ finding }: KnownFinding, now: Date): string | undefined {
  if (finding.state !== 'gone') return undefined;
  return finding.goneAt === undefined
    ? 'This finding is gone.'
    : `This finding has been gone since ${momentInWords(finding.goneAt, now)}.`;
}

/** Why a finding cannot be silenced without an end; undefined if it can. */
export function endlessProblem({ finding }: KnownFinding): string | undefined {
  return finding.severity === 'critical'
    ? 'A critical finding can only be silenced until a set time, such as 3d.'
    : undefined;
}
