import { setTimeout } from 'node:timers/promises';
import { type ReadContext, SourceError } from '../kit.ts';

/** What a source answered, or why it didn't. */
export type Settled<T> =
  | { readonly value: T; readonly error?: never }
  | { readonly error: SourceError; readonly value?: never };

/** At the deadline, what other sources answered is kept. */
export async function answerOf<T>(signal: AbortSignal, read: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    const cause: unknown = signal.aborted ? signal.reason : error;
    if (cause instanceof SourceError) return { error: cause };
    throw error;
  }
}

/** Waits for at most half of the remaining time, also for a source that ignores its signal: one that hangs must not hold up what is read after it. */
export async function settle<T>(
  { signal, leftMs }: Pick<ReadContext, 'signal' | 'leftMs'>,
  source: string,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<Settled<T>> {
  const withinMs = leftMs() / 2;
  const answered = new AbortController();
  const late = new AbortController();
  const timeout = async (): Promise<never> => {
    await setTimeout(withinMs, undefined, { signal: AbortSignal.any([signal, answered.signal]) });
    late.abort();
    const message = `no response within ${Math.round(withinMs / 1_000)} s`;
    throw new SourceError(source, 'unreachable', message, { code: 'TIMEOUT' });
  };
  try {
    return await answerOf(signal, () =>
      Promise.race([ask(AbortSignal.any([signal, late.signal])), timeout()]),
    );
  } finally {
    answered.abort();
  }
}
