import { SourceError } from '../../ports/source-error.ts';

/** Explains why a file could not be read. @throws the error itself where it is not an error of the file system. */
export function fileError(error: unknown, source: string): SourceError {
  if (error instanceof SourceError) return error;
  const { code } = Object(error) as { code?: unknown };
  if (code === 'ENOENT') return new SourceError(source, 'missing', 'there is no such file');
  if (code === 'EACCES' || code === 'EPERM')
    return new SourceError(source, 'refused', 'the worker may not read this file');
  if (typeof code === 'string')
    return new SourceError(source, 'malformed', `this file cannot be read (${code})`);
  throw error;
}
