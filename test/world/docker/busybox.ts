import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first statically linked busybox on a PATH, which runs in an image without anything else. */
export function findStaticBusybox(path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'busybox'))
    .find(isStatic);
}

function isStatic(path: string): boolean {
  try {
    // A dynamically linked program names its loader.
    const program = readFileSync(path);
    return !program.includes('/ld-linux') && !program.includes('/ld-musl');
  } catch {
    return false;
  }
}
