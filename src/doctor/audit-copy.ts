import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ill, type Line, well } from './line.ts';

/** Whether the bot can write the copy of the audit where the configuration wants it; nothing is written. */
export async function examineAuditCopy(copyTo: string | undefined): Promise<readonly Line[]> {
  if (copyTo === undefined) return [];
  if (copyTo === 'stdout') return [well('audit', 'is copied to stdout')];
  try {
    await writable(copyTo);
    return [well('audit', `is copied to ${copyTo}`)];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return [
      ill(
        'audit',
        `cannot be copied to ${copyTo} (${code})`,
        'Let the user of the bot write there, or name another file, or `stdout`, as `audit.copyTo`',
      ),
    ];
  }
}

/** A file that is not there yet needs a folder that it can be made in. */
async function writable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await access(dirname(path), constants.W_OK | constants.X_OK);
  }
}
