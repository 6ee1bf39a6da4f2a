import type { Finding } from '../../kit.ts';

export interface FreeSpaceOffer {
  readonly remediation: 'free-space';
  readonly params: { readonly store: string };
}

export interface DisarmOffer {
  readonly remediation: 'disarm';
  readonly params: { readonly store: string };
}

/** One finding, and its text in the verdict; without a headline it is information only. */
export interface Problem {
  readonly finding: Finding<FreeSpaceOffer | DisarmOffer>;
  readonly headline?: string;
}

export function worstFirst<T extends Pick<Problem, 'finding'>>(problems: readonly T[]): readonly T[] {
  return ['critical', 'warning', 'info'].flatMap((severity) =>
    problems.filter(({ finding }) => finding.severity === severity),
  );
}
