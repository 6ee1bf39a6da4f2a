import { momentInWords } from '../../check/tracked-in-words.ts';
import type { KnownFinding } from '../../store/history/tracked-findings.ts';

/** Refusals that commands and buttons share. */

export const MAX_COMMENT_CHARS = 200;
/** The length of a silence's reason: long enough to be meaningful, short enough to show next to the finding. */
export const SILENCE_REASON_LENGTH = { min: 3, max: 200 } as const;

/** Why a finding can't be taken or silenced anymore; undefined while it is there, or may be. */
export function goneProblem({ finding }: KnownFinding, now: Date): string | undefined {
  if (finding.state !== 'gone') return undefined;
  return finding.goneAt === undefined
    ? 'This finding is gone.'
    : `This finding has been gone since ${momentInWords(finding.goneAt, now)}.`;
}

/** Why a finding can't be silenced without an end; undefined if it can. */
export function endlessProblem({ finding }: KnownFinding): string | undefined {
  return finding.severity === 'critical'
    ? 'A critical finding can only be silenced for a limited time, such as 3d.'
    : undefined;
}
