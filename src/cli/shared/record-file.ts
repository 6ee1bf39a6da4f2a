import { open, rm } from 'node:fs/promises';

/** The file of `--record`, created for this run. */
export interface RecordFile {
  readonly path: string;
  readonly write: (text: string) => Promise<void>;
  /** Deletes the file if nothing was written. */
  readonly close: () => Promise<void>;
}

/**
 * Takes `--record FILE` or `--record=FILE` out of the words of a command line.
 * @returns what is wrong, as a sentence, if something is.
 */
export function takeRecordFlag(
  words: readonly string[],
): { readonly words: readonly string[]; readonly path?: string } | string {
  const at = words.findIndex((word) => word === FLAG || word.startsWith(`${FLAG}=`));
  if (at < 0) return { words };
  const isJoined = words[at] !== FLAG;
  const path = isJoined ? words[at]?.slice(FLAG.length + 1) : words[at + 1];
  if (path === undefined || path === '' || path.startsWith('-')) return `\`${FLAG}\` needs a file name.`;
  return { words: words.toSpliced(at, isJoined ? 1 : 2), path };
}

const FLAG = '--record';

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
