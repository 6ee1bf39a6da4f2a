import { z } from 'zod';
import { parseLines } from './parse.ts';
import { cleanDirectorText } from './director-error.ts';
import type { DirectorRequest, DirectorSession } from './session.ts';

/** A task's event: https://bosh.io/docs/director-api-v1/#task-output */
const event = z.object({
  stage: z.string().optional(),
  task: z.string().optional(),
  state: z.string().optional(),
  data: z.object({ error: z.string().optional() }).nullish(),
  error: z.object({ code: z.number().optional(), message: z.string() }).nullish(),
});

export interface TaskEvents {
  /** Reads what is new. @throws {SourceError} */
  readonly read: (asking: Pick<DirectorRequest, 'signal' | 'retryUntilMs'>) => Promise<void>;
  /** What the task reported last. */
  readonly at: () => string | undefined;
  /** The error that the task ended with, otherwise the last error of a stage. */
  readonly error: () => { readonly code: number; readonly message: string } | undefined;
}

/** Follows the events of a task, requesting only what was not read yet. */
export function openEvents(session: DirectorSession, taskId: number): TaskEvents {
  let readBytes = 0;
  let at: string | undefined;
  let error: { readonly code: number; readonly message: string } | undefined;

  const take = (one: z.output<typeof event>): void => {
    if (one.stage !== undefined)
      at = cleanDirectorText([one.stage, one.task, one.state].filter(Boolean).join(' '));
    if (one.data?.error !== undefined) error = { code: 0, message: cleanDirectorText(one.data.error) };
    if (one.error) error = { code: one.error.code ?? 0, message: cleanDirectorText(one.error.message) };
  };

  return {
    read: async (asking) => {
      const { status, text } = await session.request({
        path: `/tasks/${taskId}/output?type=event`,
        headers: { range: `bytes=${readBytes}-` },
        // 416: nothing new yet.
        accept: [416],
        ...asking,
      });
      if (status !== 200 && status !== 206) return;
      // A director or proxy without range support sends everything again.
      for (const one of parseLines(event, text).read) take(one);
      const bytes = Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1));
      readBytes = status === 206 ? readBytes + bytes : bytes;
    },
    at: () => at,
    error: () => error,
  };
}
