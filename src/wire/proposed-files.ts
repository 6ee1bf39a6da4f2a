import type { ChangedFile } from '../ports/pipelines.ts';
import { SourceError } from '../ports/source-error.ts';
import { decodePipeline, hasByteOrderMark } from './pipeline-text.ts';
import { printable } from './x509.ts';

/** The prefix of all branches that Wrench creates. */
export const BRANCH_PREFIX = 'wrench/';

/** @throws {SourceError} `refused` if the branch is not one that Wrench may create, or nothing changes. */
export function assertProposable(
  source: string,
  {
    branch,
    into,
    commit,
    files,
  }: {
    readonly branch: string;
    readonly into: string;
    readonly commit: string;
    readonly files: readonly ChangedFile[];
  },
): void {
  const isBranch =
    branch.startsWith(BRANCH_PREFIX) &&
    /^[\w./-]+$/.test(branch) &&
    !/\.\.|\/\/|\/$|\.$|\.lock$|\/\./.test(branch);
  const because = !isBranch
    ? `${printable(branch)} isn't the name of a branch that Wrench creates`
    : branch === into
      ? 'a change is never made on the branch that it is for'
      : !/^(?:[\da-f]{40}|[\da-f]{64})$/.test(commit)
        ? `${printable(commit)} isn't a full commit id`
        : files.length === 0 || files.some(({ from, to }) => from === to)
          ? 'nothing would change'
          : undefined;
  if (because !== undefined) throw new SourceError(source, 'refused', because);
}

/** Whether the bytes of a file are this text. */
export function hasContent(bytes: Buffer, content: string): boolean {
  const text = decodePipeline(bytes);
  return 'content' in text && text.content === content;
}

/** The new bytes of a file as text. A byte order mark stays. */
export function replacedContent(bytes: Buffer, to: string): string {
  return hasByteOrderMark(bytes) ? `\uFEFF${to}` : to;
}

/** @throws {SourceError} `missing` */
export function changedMeanwhile(source: string, path: string, where: string): SourceError {
  return new SourceError(source, 'missing', `${printable(path)} has changed ${where}`);
}
