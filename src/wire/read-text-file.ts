import { readFile } from 'node:fs/promises';
import { SourceError } from '../ports/source-error.ts';

/**
 * Reads a file that the configuration of a source names, such as a CA.
 * @throws {SourceError} `missing` if it can't be read.
 */
export function readTextFile(source: string, path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SourceError(source, 'missing', `couldn't read the file ${path} (${error.code})`);
  });
}
