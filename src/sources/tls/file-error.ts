import { SourceError } from '../../ports/source-error.ts';

/** Explains why a file couldn't be read. @throws the error itself if it is not a file system error. */
export function fileError(error: unknown, source: string): SourceError {
  if (error instanceof SourceError) return error;
  const { code } = Object(error) as { code?: unknown };
  if (code === 'ENOENT') return new SourceError(source, 'missing', 'file not found');
  if (code === 'EACCES' || code === 'EPERM')
    return new SourceError(source, 'refused', 'the worker has no permission to read this file');
  if (typeof code === 'string')
    return new SourceError(source, 'malformed', `couldn't read this file (${code})`);
  throw error;
}
