import { z } from 'zod';
import { FINDING_ID } from '../../check/finding-id.ts';
import { SILENCE_CHOICES, SILENCE_FORM, type SilenceChoice } from '../render/findings/silence-form.ts';
import { parseJson } from '../../text/parse-json.ts';
import { slackId, slackTs } from '../transport/payload.ts';

/** The finding that the form was opened for. Slack returns it with the submission, and it is checked like a click. */
const formMetadata = z.strictObject({
  button: z.literal('silence'),
  findingId: z.string().regex(FINDING_ID),
  channelId: slackId,
  threadTs: slackTs,
});

export type SilenceFormMetadata = z.infer<typeof formMetadata>;

export function writeSilenceMetadata(metadata: Omit<SilenceFormMetadata, 'button'>): string {
  return JSON.stringify({ button: 'silence', ...metadata } satisfies SilenceFormMetadata);
}

const submission = z.looseObject({
  view: z.looseObject({
    private_metadata: z.string(),
    state: z.looseObject({
      values: z.looseObject({
        [SILENCE_FORM.until.block]: z.looseObject({
          [SILENCE_FORM.until.input]: z.looseObject({
            selected_option: z.looseObject({ value: z.string() }),
          }),
        }),
      }),
    }),
  }),
});

/** The chosen end; undefined if there is none. */
export function submittedChoice(body: unknown): SilenceChoice | undefined {
  const values = submission.safeParse(body).data?.view.state.values;
  const value = values?.[SILENCE_FORM.until.block][SILENCE_FORM.until.input].selected_option.value;
  return value !== undefined && Object.hasOwn(SILENCE_CHOICES, value) ? (value as SilenceChoice) : undefined;
}

/** What the form was opened for; undefined if the form is not ours. */
export function readSilenceMetadata(body: unknown): SilenceFormMetadata | undefined {
  const metadata = submission.safeParse(body).data?.view.private_metadata;
  return metadata === undefined ? undefined : formMetadata.safeParse(parseJson(metadata)).data;
}
