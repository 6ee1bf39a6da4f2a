import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first busybox on a PATH that needs no libraries, so that it runs in an image without anything else. */
export function findStaticBusybox(path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'busybox'))
    .find(isStatic);
}

function isStatic(path: string): boolean {
  try {
    // A dynamic program names the loader that it needs.
    const program = readFileSync(path);
    return !program.includes('/ld-linux') && !program.includes('/ld-musl');
  } catch {
    return false;
  }
}
