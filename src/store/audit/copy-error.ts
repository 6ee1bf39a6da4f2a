/** Redis does not continue what was copied or seen, or another process writes to the copy. A person must find out why. */
export class ChainMismatch extends Error {
  override readonly name = 'ChainMismatch';
}

/** The disk is full, read-only, unavailable or not permitted; or nothing reads stdout. */
export class CopyWriteError extends Error {
  override readonly name = 'CopyWriteError';
}

/** Wraps errors of the disk, because errors of Redis have the same codes. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ChainMismatch) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CopyWriteError(`${path} can't be written: ${code ?? message}`, { cause: error });
  }
}
