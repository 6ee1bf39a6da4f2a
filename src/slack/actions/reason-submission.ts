import { z } from 'zod';
import { cleanText, NOTHING_VISIBLE } from '../../text/clean-text.ts';
import { parseJson } from '../../text/parse-json.ts';
import { REASON_FORM, REASON_LENGTH } from '../render/remediation/reason-form.ts';

/** The click that a form was opened for. Slack returns it with the submission, and it is checked like a click. */
const formMetadata = z.strictObject({
  button: z.enum(['request', 'approve']),
  value: z.string().max(200),
  channelId: z.string(),
  messageTs: z.string(),
  threadTs: z.string(),
});

export type FormMetadata = z.infer<typeof formMetadata>;

export function writeFormMetadata({ button, value, channelId, messageTs, threadTs }: FormMetadata): string {
  return JSON.stringify({ button, value, channelId, messageTs, threadTs });
}

const submission = z.looseObject({
  view: z.looseObject({
    private_metadata: z.string(),
    state: z.looseObject({
      values: z.record(z.string(), z.record(z.string(), z.looseObject({ value: z.unknown().optional() }))),
    }),
  }),
});

/** The visible text of the reason in a submitted form; undefined if there is none. */
export function submittedReason(body: unknown): string | undefined {
  const values = submission.safeParse(body).data?.view.state.values;
  const value = values?.[REASON_FORM.block]?.[REASON_FORM.input]?.value;
  if (typeof value !== 'string') return undefined;
  const seen = cleanText(value);
  return /[\p{L}\p{N}]/u.test(seen) && seen !== NOTHING_VISIBLE ? seen : undefined;
}

/** The error that the form shows for an invalid reason; undefined if the reason is valid. */
export function reasonProblem(
  reason: string | undefined,
  { min, max }: { readonly min: number; readonly max: number } = REASON_LENGTH,
): string | undefined {
  const { length } = reason ?? '';
  if (length < min) return `Write at least ${min} characters.`;
  return length > max ? `Write at most ${max} characters.` : undefined;
}

/** What the form was opened for; undefined if the form is not ours. */
export function readFormMetadata(body: unknown): FormMetadata | undefined {
  const metadata = submission.safeParse(body).data?.view.private_metadata;
  return metadata === undefined ? undefined : formMetadata.safeParse(parseJson(metadata)).data;
}
