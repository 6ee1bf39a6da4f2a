import type { WebClient } from '@slack/web-api';
import { runIdOf } from '../../queue/queues.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Message } from '../render/message.ts';
import { renderBug, renderCheckingAccess, renderQueueDown } from '../render/replies/notices.ts';
import { postPrivately } from '../delivery/post-privately.ts';
import { renderRefusal } from '../render/replies/refusal.ts';
import { respondPrivately } from '../delivery/respond.ts';
import type { IsSlackUrl } from '../delivery/response-url.ts';
import { type RefusalAuditDeps, auditRefusal } from './audit-refusal.ts';
import { type SlackDelivery, deliveryIdOf, readDelivery } from './delivery.ts';
import { type Access, type Admission, admit, type Admitted, type Resolved } from './pipeline.ts';
import type { Refusal } from './refusal.ts';
import type { IdentifiedDelivery } from './identify.ts';

/** Handles a slash command that was admitted. */
export interface CommandHandler<S> {
  /** Reads the command. Must have no effects and await nothing. */
  readonly resolve: (delivery: IdentifiedDelivery, body: unknown) => Resolved<S>;
  /** Answers within 2 s, even if Redis doesn't respond. */
  readonly answer: (admitted: Admitted<S>) => Promise<CommandAnswer>;
}

export interface CommandAnswer {
  /** Undefined if the answer appears in the channel by itself. */
  readonly message?: Message;
  /** Visible to everyone in the channel; otherwise only to the person who typed the command. */
  readonly inChannel?: boolean;
  readonly outcome: string;
}

export interface ListenerDeps {
  readonly access: Access;
  readonly auditing: RefusalAuditDeps;
  readonly client: WebClient;
  readonly isSlackUrl: IsSlackUrl;
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface Acknowledgement {
  /** Without one, the acknowledgement is empty and the person sees nothing. */
  readonly message?: Message;
  readonly inChannel?: boolean;
  /** Work to do after the acknowledgement. Never throws. */
  readonly afterwards?: () => Promise<void>;
}

/**
 * Answers a slash command through the access pipeline. Never throws, and takes less than 3 s by construction: before the answer it awaits only
 * Redis, for a bounded time. If the members of a group must be looked up in Slack, the command is acknowledged first and the check is queued once it
 * is allowed.
 */
export async function answerCommand<S>(
  deps: ListenerDeps,
  handler: CommandHandler<S>,
  body: unknown,
): Promise<Acknowledgement> {
  const { access, metrics } = deps;
  const stop = metrics.acknowledgement.startTimer();
  const delivery = readDelivery('command', body);
  try {
    const admission = await admit(access, delivery, (known) => handler.resolve(known, body));
    if (admission.kind === 'undecided')
      return {
        message: renderCheckingAccess(),
        afterwards: () => answerLater(deps, handler, body, delivery, admission.decide),
      };
    return await answerAdmission(deps, handler, delivery, admission);
  } catch (error) {
    return { message: reportBug(deps, delivery, error) };
  } finally {
    stop();
  }
}

async function answerAdmission<S>(
  deps: ListenerDeps,
  handler: CommandHandler<S>,
  delivery: SlackDelivery,
  admission: Admission<S>,
): Promise<Acknowledgement> {
  const { metrics } = deps;
  if (admission.kind === 'admitted') {
    const { outcome, ...answered } = await handler.answer(admission.admitted);
    metrics.commands.inc({ outcome });
    return answered;
  }
  if (admission.kind !== 'refused') throw new Error(`a command cannot be ${admission.kind}`);
  metrics.commands.inc({ outcome: 'refused' });
  const { refusal } = admission;
  return {
    message: refusalMessage(delivery, refusal),
    afterwards: () => audit(deps, delivery, refusal),
  };
}

async function answerLater<S>(
  deps: ListenerDeps,
  handler: CommandHandler<S>,
  body: unknown,
  delivery: SlackDelivery,
  decide: () => Promise<Admission<S>>,
): Promise<void> {
  const { access, log } = deps;
  const send = (message: Message) => sendToSender(deps, delivery, body, message);
  try {
    // Each delivery of a command is acknowledged, but only the first is answered.
    if (!(await access.isFirst(`later ${deliveryIdOf(delivery)}`))) return;
  } catch (error) {
    log.warn({ event: 'command-not-started', err: error }, 'Redis is unreachable; a command was not started');
    return send(renderQueueDown());
  }
  try {
    const answer = await answerAdmission(deps, handler, delivery, await decide());
    if (answer.message) await send(answer.message);
    await answer.afterwards?.();
  } catch (error) {
    await send(reportBug(deps, delivery, error));
  }
}

function refusalMessage(
  { what }: SlackDelivery,
  { because, toPerson = because, what: known, askIn }: Refusal,
): Message {
  return renderRefusal({ because: toPerson, what: known ?? what, ...(askIn && { askIn }) });
}

function reportBug({ metrics, log }: ListenerDeps, delivery: SlackDelivery, error: unknown): Message {
  const runId = runIdOf(deliveryIdOf(delivery));
  metrics.commands.inc({ outcome: 'bug' });
  metrics.bugs.inc({ role: 'bot' });
  log.error(
    { event: 'command-failed-by-bug', err: error, runId },
    'Command failed because of a bug in Wrench',
  );
  return renderBug({ jobId: runId });
}

async function audit(
  { auditing, log }: ListenerDeps,
  delivery: SlackDelivery,
  refusal: Refusal,
): Promise<void> {
  const { rule, because } = refusal;
  await auditRefusal(auditing, delivery, refusal).catch((error: unknown) =>
    log.warn(
      { event: 'refusal-not-audited', err: error, rule, because, by: delivery.userId },
      "Couldn't audit a refusal",
    ),
  );
}

/** Answers privately through the command's response_url, or, if that fails, by an ephemeral message. */
async function sendToSender(
  deps: ListenerDeps,
  delivery: SlackDelivery,
  body: unknown,
  message: Message,
): Promise<void> {
  const { response_url: responseUrl } = body as { readonly response_url?: string };
  const asked = { at: new Date().toISOString(), ...(responseUrl !== undefined && { responseUrl }) };
  try {
    const isTaken = await respondPrivately(asked, message, deps).catch(() => false);
    if (!isTaken) await postPrivately(deps, delivery, message);
  } catch (error) {
    deps.log.warn(
      { event: 'command-response-not-delivered', err: error },
      "Couldn't deliver the response to a command",
    );
  }
}
