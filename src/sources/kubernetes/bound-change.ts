import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { ClusterAnswer } from './connection.ts';
import { errorOfAnswer } from './explain-answer.ts';

/** How often to read and send again: controllers and kubelets may change the object in between. */
const MAX_CONFLICTS = 5;

/** A change of the version of an object that was read. The API server rejects it if the object has changed since. */
export interface BoundChange {
  readonly send: () => Promise<ClusterAnswer>;
  /** Whether the response shows that it was made. Called for statuses below 400. */
  readonly isDone: (answered: ClusterAnswer) => boolean;
  /** Whether the response says that the object has changed since it was read. */
  readonly isConflict: (answer: HttpAnswer) => boolean;
  /** Reads the object again, if no response arrived, and says whether the change was made. */
  readonly isSeenDone: () => Promise<boolean>;
}

interface Words {
  /** `patch of the node node-a` */
  readonly request: string;
  /** `node-a was changed` */
  readonly outcome: string;
}

/**
 * Makes a change, again after a conflict. If no response to it arrives, the object is read again; if it does not show the change, the error says that
 * the outcome is unknown.
 * @param prepare reads the object and decides what to send; undefined if nothing has to change.
 * @throws {SourceError}
 */
export async function makeChange(
  source: string,
  { request, outcome }: Words,
  prepare: () => Promise<BoundChange | undefined>,
): Promise<void> {
  for (let conflicts = 0; ; conflicts++) {
    const change = await prepare();
    if (!change) return;
    const answered = await change.send().catch((error: unknown) => {
      if (error instanceof SourceError && error.kind === 'unreachable') return error;
      throw error;
    });
    if (answered instanceof SourceError || answered.answer.status >= 500) {
      if (await isSeen(change)) return;
      const error =
        answered instanceof SourceError ? answered : errorOfAnswer(answered.context, answered.answer);
      throw new SourceError(
        source,
        'unreachable',
        `${error.message}; it is unknown whether ${outcome}`,
        error.code === undefined ? {} : { code: error.code },
      );
    }
    const { answer, context } = answered;
    if (answer.status < 400) {
      if (change.isDone(answered)) return;
      throw new SourceError(
        source,
        'malformed',
        `${context.host} accepted the ${request} but did not apply it`,
      );
    }
    if (!change.isConflict(answer) || conflicts >= MAX_CONFLICTS) throw errorOfAnswer(context, answer);
  }
}

async function isSeen({ isSeenDone }: BoundChange): Promise<boolean> {
  try {
    return await isSeenDone();
  } catch (error) {
    if (error instanceof SourceError) return false;
    throw error;
  }
}
