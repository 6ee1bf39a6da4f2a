import { wording } from '../../kit.ts';
import { isFixable, type RepositoryFacts } from './facts.ts';
import type { FixParams } from './change.ts';

export interface OfferOfFix {
  readonly remediation: 'propose-fix';
  readonly params: FixParams;
  readonly target: string;
}

/** Why no request can be created now; undefined if one can. Only for a repository with something to correct. */
export function obstacleToProposing(repository: RepositoryFacts): string | undefined {
  const { proposing, proposals, leaks, leakingFiles, name } = repository;
  if (!proposing.allowed) return proposing.because;
  if (!proposals) return `couldn't read whether a request is open`;
  const [open] = proposals;
  if (open) return `Wrench has already proposed changes: ${open.id} ${open.url}`;
  const paths = [...new Set(leaks.filter(isFixable).map(({ path }) => path))];
  const modified = paths.filter((path) => leakingFiles.get(path)?.isModified);
  if (modified.length > 0)
    return `${wording.list(modified)} ${modified.length === 1 ? 'has' : 'have'} changes that aren't committed`;
  const files = paths.flatMap((path) => leakingFiles.get(path) ?? []);
  if (files.some(({ commit, branch }) => commit === undefined || branch === undefined))
    return `the commit and branch of ${name} aren't known`;
  return undefined;
}
