import { lstat } from 'node:fs/promises';
import type { SourceErrorKind } from '../ports/source-error.ts';

/** Explains an error of the file system. @throws any other error */
export async function explainFileError(
  error: NodeJS.ErrnoException,
  path: string,
): Promise<[SourceErrorKind, string]> {
  if (error.code === undefined || error.syscall === undefined) throw error;
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return ['refused', 'the user that the worker runs as has no permission to read it'];
  if (error.code === 'ELOOP') return ['missing', 'it is in a loop of links, or behind too many links'];
  if (error.code !== 'ENOENT') return ['unreachable', `reading it failed (${error.code})`];
  if (path.includes('\uFFFD')) return ['unreachable', 'its name is not UTF-8, so it cannot be opened'];
  const isLink = await isDangling(path);
  return [
    'missing',
    isLink ? 'it is a link to a path that does not exist' : 'it was removed during the scan',
  ];
}

async function isDangling(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}
