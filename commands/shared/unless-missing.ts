import { type ReadContext, SourceError } from '../kit.ts';

/**
 * What a source doesn't have is a note, and the fallback. Any other failure is thrown. Without `what`, it is no note: what doesn't exist there can't
 * change the result, such as an endpoint that its version doesn't know.
 */
export async function unlessMissing<T>(
  { note, signal }: Pick<ReadContext, 'note' | 'signal'>,
  what: string | undefined,
  fallback: T,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (signal.aborted || !(error instanceof SourceError) || error.kind !== 'missing') throw error;
    if (what !== undefined) note(`${what}: ${error.message}`);
    return fallback;
  }
}
