import { open, rm } from 'node:fs/promises';

/** The file of `--record`, created for this run. */
export interface RecordFile {
  readonly path: string;
  readonly write: (text: string) => Promise<void>;
  /** Deletes the file if nothing was written. */
  readonly close: () => Promise<void>;
}

/** Creates a file that only this user can read. An existing one is never overwritten. @returns what is wrong, as a sentence, if something is. */
export async function createRecordFile(path: string): Promise<RecordFile | string> {
  try {
    const file = await open(path, 'wx', 0o600);
    let isWritten = false;
    return {
      path,
      write: async (text) => {
        await file.writeFile(text);
        isWritten = true;
      },
      close: async () => {
        await file.close();
        if (!isWritten) await rm(path, { force: true });
      },
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return `\`${path}\` already exists and won't be overwritten. Choose another name.`;
    return `Couldn't create \`${path}\` (${code}).`;
  }
}
