import { toRecordedError } from './recorded-error.ts';
import type { Note, RecordedError } from './recording.ts';

/** Notes what one question of a source returned, or how it failed. */
export async function recordQuestion<Answer>(
  { source, note, request }: RecordedQuestion,
  read: () => Promise<Answer>,
): Promise<Answer> {
  try {
    const answer = await read();
    note({ request }, () => (answer === undefined ? {} : { answer: asJson(answer) }));
    return answer;
  } catch (error) {
    note({ request }, () => ({ error: toRecordedError(source, error) }));
    throw error;
  }
}

interface RecordedQuestion {
  readonly source: string;
  readonly note: Note;
  readonly request: string;
}

/** The same batches; what was read is noted once, at most the first `most`, also if reading fails or stops. */
export async function* recordBatches<Item>(
  { source, note, request }: RecordedQuestion,
  batches: AsyncIterable<readonly Item[]>,
  most = Infinity,
): AsyncGenerator<readonly Item[], void> {
  const items: Item[] = [];
  let error: RecordedError | undefined;
  try {
    for await (const batch of batches) {
      for (const item of batch) if (items.length < most) items.push(item);
      yield batch;
    }
  } catch (thrown) {
    error = toRecordedError(source, thrown);
    throw thrown;
  } finally {
    note({ request }, () => ({ answer: asJson(items), ...(error && { error }) }));
  }
}

/** How a question is named in a recording: `logLines {"host":"net-1","log":"dhcp","withinMs":7200000}`. */
export function questionLine(question: string, query: object): string {
  const asked = Object.entries(query).filter(([key]) => key !== 'signal' && key !== 'onProgress');
  const inOrder = asked.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `${question} ${JSON.stringify(Object.fromEntries(inOrder))}`;
}

/** Dates become ISO 8601, before anything looks for secrets in them. */
export function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
