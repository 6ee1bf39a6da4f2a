import type { WebClient } from '@slack/web-api';
import { z } from 'zod';
import { FINDING_ID } from '../../check/finding-id.ts';
import { cleanText } from '../../text/clean-text.ts';
import type { Redact } from '../../text/redact.ts';
import type { KnownFinding } from '../../store/history/tracked-findings.ts';
import type { AccessRole } from '../../store/remediation/policy.ts';
import type { FormHandler, InteractionHandler } from '../access/answer-interaction.ts';
import { deliveryIdOf } from '../access/delivery.ts';
import type { IdentifiedDelivery } from '../access/identify.ts';
import type { Requirements, Resolved } from '../access/pipeline.ts';
import type { Refusal } from '../access/refusal.ts';
import {
  type ChangeOrigin,
  endSilence,
  type FindingDeps,
  releaseFinding,
  scopeOfKnown,
  silenceFinding,
  takeFinding,
} from '../findings/finding-changes.ts';
import { endlessProblem, goneProblem, SILENCE_REASON_LENGTH } from '../findings/rules.ts';
import {
  renderSilenceForm,
  SILENCE_CHOICES,
  SILENCE_FORM,
  type SilenceChoice,
} from '../render/findings/silence-form.ts';
import { clickedMessage } from '../transport/payload.ts';
import { UNKNOWN_BUTTON } from './buttons.ts';
import { reasonProblem, submittedReason } from './reason-submission.ts';
import { readSilenceMetadata, submittedChoice, writeSilenceMetadata } from './silence-submission.ts';

export interface FindingActionDeps extends FindingDeps {
  readonly client: WebClient;
  /** Reasons are redacted: people may paste secrets into them. */
  readonly redact: Redact;
}

/** The action ids of the buttons of a finding. */
export const FINDING_ACTION_ID = /^wrench:(take|release|silence|unsilence)$/;

type FindingButton = 'take' | 'release' | 'silence' | 'unsilence';

/** Taking a finding hides nothing, so everyone who may run its check may take it. */
const ALLOWED_ROLES: Readonly<Record<FindingButton, readonly AccessRole[] | 'anyone'>> = {
  take: 'anyone',
  release: 'anyone',
  silence: ['requester', 'approver'],
  unsilence: ['requester', 'approver'],
};

const LABELS: Readonly<Record<FindingButton, string>> = {
  take: "I'm on it",
  release: "I'm off it",
  silence: 'Silence',
  unsilence: 'End silence',
};

const clickSchema = z.object({
  actions: z.array(
    z.object({
      action_id: z.string().regex(FINDING_ACTION_ID),
      value: z.string().regex(FINDING_ID),
      action_ts: z.string().optional(),
    }),
  ),
  ...clickedMessage,
});

/** A click on a button of a finding, or the submission of its form. Only the sender, the place and the id are taken from it. */
interface FindingChange {
  readonly button: FindingButton;
  readonly known: KnownFinding;
  readonly origin: ChangeOrigin;
  readonly silence?: { readonly choice: SilenceChoice; readonly because: string };
}

/** The buttons of a finding: what a click is about, and what it does once it is admitted. */
export function makeFindingHandler(deps: FindingActionDeps): InteractionHandler<FindingChange> {
  return {
    resolve: async (delivery, body) => {
      const { data } = clickSchema.safeParse(body);
      const [action] = data?.actions ?? [];
      if (!data || !action) {
        deps.log.debug({ event: 'malformed-click' }, 'Refused a click with missing or malformed fields');
        return { refusal: UNKNOWN_BUTTON };
      }
      const { channel, message } = data;
      return resolveChange(deps, delivery, {
        button: FINDING_ACTION_ID.exec(action.action_id)?.[1] as FindingButton,
        findingId: action.value,
        channelId: channel.id,
        threadTs: message.thread_ts ?? message.ts,
      });
    },
    handle: ({ subject }) => applyChange(deps, subject),
  };
}

/** The form that asks how long and why. Its submission is checked like the click. */
export function makeSilenceHandler(deps: FindingActionDeps): FormHandler<FindingChange> {
  return {
    validate: (body) => {
      const reason = reasonProblem(submittedReason(body), SILENCE_REASON_LENGTH);
      const errors = {
        ...(submittedChoice(body) === undefined && { [SILENCE_FORM.until.block]: 'Choose how long.' }),
        ...(reason !== undefined && { [SILENCE_FORM.reason.block]: reason }),
      };
      return Object.keys(errors).length > 0 ? errors : undefined;
    },
    resolve: async (delivery, body) => {
      const openedFor = readSilenceMetadata(body);
      const choice = submittedChoice(body);
      if (!openedFor || !choice) return { refusal: UNKNOWN_BUTTON };
      const because = deps.redact(cleanText(submittedReason(body) ?? ''));
      return resolveChange(deps, delivery, { ...openedFor, silence: { choice, because } });
    },
    handle: ({ subject }) => applyChange(deps, subject),
  };
}

async function resolveChange(
  deps: FindingActionDeps,
  delivery: IdentifiedDelivery,
  clicked: {
    readonly button: FindingButton;
    readonly findingId: string;
    readonly channelId: string;
    readonly threadTs: string;
    readonly silence?: FindingChange['silence'];
  },
): Promise<Resolved<FindingChange>> {
  const { button, findingId, channelId, threadTs, silence } = clicked;
  const known = await deps.history.find(findingId);
  if (!known)
    return {
      refusal: { rule: 'button', because: 'this finding is too old; run its check again' },
    };
  const what = `${LABELS[button]}: ${known.finding.summary}`;
  const requires: Requirements = { roles: ALLOWED_ROLES[button], scope: scopeOfKnown(known) };
  const about = { what };
  if (button === 'silence' && !silence) {
    const metadata = writeSilenceMetadata({ findingId, channelId, threadTs });
    return { form: () => openForm(deps, delivery, known, metadata), requires, about };
  }
  const { userId: by, teamId = '' } = delivery;
  const at = new Date(await deps.clock()).toISOString();
  const origin: ChangeOrigin = {
    asked: { by, teamId, channelId, as: LABELS[button], at },
    deliveryId: deliveryIdOf(delivery),
    thread: { channelId, threadTs },
  };
  return { subject: { button, known, origin, ...(silence && { silence }) }, requires, about };
}

/** A trigger id expires after 3 s. */
async function openForm(
  { client }: FindingActionDeps,
  { triggerId }: IdentifiedDelivery,
  known: KnownFinding,
  metadata: string,
): Promise<void> {
  await client.views.open({
    trigger_id: triggerId,
    view: renderSilenceForm(known, metadata, SILENCE_REASON_LENGTH),
  });
}

async function applyChange(
  deps: FindingActionDeps,
  { button, known, origin, silence }: FindingChange,
): Promise<Refusal | undefined> {
  const now = new Date(origin.asked.at);
  const refuse = (because: string): Refusal => ({
    rule: 'state',
    because,
    what: `${LABELS[button]}: ${known.finding.summary}`,
  });
  if (button === 'release') {
    await releaseFinding(deps, known, origin);
    return undefined;
  }
  if (button === 'unsilence') return endCovering(deps, known, origin, refuse);
  const gone = goneProblem(known, now);
  if (gone !== undefined) return refuse(gone);
  if (button === 'take') {
    await takeFinding(deps, known, origin);
    return undefined;
  }
  if (!silence) throw new Error('a silence without its form');
  const { hours } = SILENCE_CHOICES[silence.choice];
  const endless = hours === undefined ? endlessProblem(known) : undefined;
  if (endless !== undefined) return refuse(endless);
  const until = hours === undefined ? undefined : new Date(now.getTime() + hours * 3_600_000).toISOString();
  const result = await silenceFinding(deps, known, origin, {
    because: silence.because,
    ...(until !== undefined && { until }),
  });
  return typeof result === 'string' ? refuse(result) : undefined;
}

/** Ends the silence of one finding. A silence by pattern covers other findings too, which the person who clicked may not have seen. */
async function endCovering(
  deps: FindingActionDeps,
  known: KnownFinding,
  origin: ChangeOrigin,
  refuse: (because: string) => Refusal,
): Promise<Refusal | undefined> {
  const silence = await deps.silences.covering(known);
  if (!silence) return refuse('this finding is no longer silenced');
  if (silence.scope.kind === 'pattern')
    return refuse(
      `this silence uses a pattern, so it may cover other findings too; to end it, run \`/wrench unsilence ${silence.id}\``,
    );
  await endSilence(deps, silence, [known], origin);
  return undefined;
}
