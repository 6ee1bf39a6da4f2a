import type { WebClient } from '@slack/web-api';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { renderRefusal } from '../render/replies/refusal.ts';
import { postPrivately } from '../delivery/post-privately.ts';
import { type RefusalAuditDeps, auditRefusal } from './audit-refusal.ts';
import { type SlackDelivery, readDelivery } from './delivery.ts';
import { type Access, admit, type Admitted, type Resolved } from './pipeline.ts';
import type { Refusal } from './refusal.ts';
import type { IdentifiedDelivery } from './identify.ts';

/** Handles a click, a modal submission or an event after it was acknowledged and admitted. */
export interface InteractionHandler<S> {
  /** Reads what it is about. Must have no effects. */
  readonly resolve: (delivery: IdentifiedDelivery, body: unknown) => Promise<Resolved<S>>;
  /** Carries it out, or returns why it is refused. */
  readonly handle: (admitted: Admitted<S>) => Promise<Refusal | undefined>;
}

/** A form that is validated before its submission is acknowledged, so that it can stay open and show errors. */
export interface FormHandler<S> extends InteractionHandler<S> {
  /** The errors in the submission, by block; undefined if it is valid. */
  readonly validate: (body: unknown) => Readonly<Record<string, string>> | undefined;
}

/** Handles an event. */
export interface EventHandler<S> extends InteractionHandler<S> {
  /** Whether the event asks Wrench for something. Others, such as its own messages, are ignored before the access pipeline. */
  readonly concerns: (body: unknown) => boolean;
}

export interface InteractionDeps {
  readonly access: Access;
  readonly auditing: RefusalAuditDeps;
  readonly client: WebClient;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Handles a click, a modal submission or an event through the access pipeline. Every refusal is audited or counted, and the person who clicked
 * gets the reason privately, up to a limit. Never throws.
 */
export async function answerInteraction<S>(
  deps: InteractionDeps,
  kind: 'click' | 'modal' | 'event',
  handler: InteractionHandler<S>,
  body: unknown,
): Promise<void> {
  const { access, metrics, log } = deps;
  const delivery = readDelivery(kind, body);
  const { action: button = kind } = delivery;
  try {
    const first = await admit(access, delivery, (known) => handler.resolve(known, body));
    const admission = first.kind === 'undecided' ? await first.decide() : first;
    if (admission.kind === 'repeated') {
      log.debug(
        { event: 'repeated-delivery', what: delivery.what },
        'Ignored a repeated delivery from Slack',
      );
      return;
    }
    if (admission.kind === 'form') return await admission.open();
    const refusal =
      admission.kind === 'refused' ? admission.refusal : await handler.handle(admission.admitted);
    metrics.clicks.inc({ button, outcome: refusal ? 'refused' : 'taken' });
    if (refusal) await refuse(deps, delivery, refusal);
  } catch (error) {
    metrics.clicks.inc({ button, outcome: 'failed' });
    log.error({ event: 'click-failed', err: error, what: delivery.what }, "Couldn't process a click");
    await postRefusal(deps, delivery, { because: UNPROCESSED[kind === 'event' ? 'message' : 'click'] });
  }
}

const UNPROCESSED = {
  click:
    "Redis or Slack didn't respond, so Wrench couldn't process this click. Check the card, then click again",
  message:
    "Redis or Slack didn't respond, so Wrench couldn't process this message. Send it again in a minute",
} as const;

const LAST_REFUSAL =
  "Too many of your clicks were refused. For up to 10 minutes, Wrench won't reply to refused clicks";

/** People who are refused too often, or exceed a limit further, get no more answers: calls to Slack are rate-limited. */
async function refuse(deps: InteractionDeps, delivery: SlackDelivery, refusal: Refusal): Promise<void> {
  const { because, toPerson = because, what, remediation, askIn } = refusal;
  const answer = await auditRefusal(deps.auditing, delivery, refusal);
  if (answer === 'no' || refusal.isAudited === false) return;
  const about = what ?? remediation?.title;
  const last = answer === 'last' ? `. ${LAST_REFUSAL}` : '';
  await postRefusal(deps, delivery, {
    because: `${toPerson}${last}`,
    ...(about !== undefined && { what: about }),
    ...(askIn && { askIn }),
  });
}

async function postRefusal(
  deps: InteractionDeps,
  delivery: SlackDelivery,
  refused: Parameters<typeof renderRefusal>[0],
): Promise<void> {
  try {
    await postPrivately(deps, delivery, renderRefusal(refused));
  } catch (error) {
    deps.log.warn(
      { event: 'refusal-not-delivered', err: error, because: refused.because },
      "Couldn't deliver the reason for a refused click",
    );
  }
}
