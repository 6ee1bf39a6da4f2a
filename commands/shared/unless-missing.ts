import { type ReadContext, SourceError } from '../kit.ts';

/** What a source doesn't have is a note, and the fallback. Any other failure is thrown. */
export async function unlessMissing<T>(
  { note, signal }: Pick<ReadContext, 'note' | 'signal'>,
  what: string,
  fallback: T,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (signal.aborted || !(error instanceof SourceError) || error.kind !== 'missing') throw error;
    note(`${what}: ${error.message}`);
    return fallback;
  }
}
