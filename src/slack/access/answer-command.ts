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
import { type Auditing, auditRefusal } from './audit-refusal.ts';
import { type Delivery, nameOf, readDelivery } from './delivery.ts';
import { type Access, type Admission, admit, type Admitted, type Resolved } from './pipeline.ts';
import type { Refusal } from './refusal.ts';
import type { Identified } from './who.ts';

/** What a slash command does once it is admitted. */
export interface CommandHandler<S> {
  /** Reads the command. Must not do anything yet, nor await anything. */
  readonly resolve: (delivery: Identified, body: unknown) => Resolved<S>;
  /** Answers within 2 s, whatever Redis does. */
  readonly answer: (admitted: Admitted<S>) => Promise<CommandAnswer>;
}

export interface CommandAnswer {
  readonly message: Message;
  /** Visible to everybody in the channel; otherwise only to the person who typed the command. */
  readonly inChannel?: boolean;
  readonly outcome: string;
}

export interface Answering {
  readonly access: Access;
  readonly auditing: Auditing;
  readonly client: WebClient;
  readonly isSlackUrl: IsSlackUrl;
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface Answer {
  readonly message: Message;
  readonly inChannel?: boolean;
  /** What remains to be done after the acknowledgement. Never throws. */
  readonly afterwards?: () => Promise<void>;
}

/**
 * Answers a slash command through the access pipeline. Never throws, and takes less than 3 s by construction: before the answer it awaits
 * only Redis, for a bounded time. If the members of a group must be looked up in Slack, the command is acknowledged first and the question
 * is queued once it is allowed.
 */
export async function answerCommand<S>(
  answering: Answering,
  handler: CommandHandler<S>,
  body: unknown,
): Promise<Answer> {
  const { access, metrics } = answering;
  const stop = metrics.acknowledgement.startTimer();
  const delivery = readDelivery('command', body);
  try {
    const admission = await admit(access, delivery, (known) => handler.resolve(known, body));
    if (admission.kind === 'undecided')
      return {
        message: renderCheckingAccess(),
        afterwards: () => answerLater(answering, handler, body, delivery, admission.decide),
      };
    return await answerAdmission(answering, handler, delivery, admission);
  } catch (error) {
    return { message: sayBug(answering, delivery, error) };
  } finally {
    stop();
  }
}

async function answerAdmission<S>(
  answering: Answering,
  handler: CommandHandler<S>,
  delivery: Delivery,
  admission: Admission<S>,
): Promise<Answer> {
  const { metrics } = answering;
  if (admission.kind === 'admitted') {
    const { outcome, ...answered } = await handler.answer(admission.admitted);
    metrics.commands.inc({ outcome });
    return answered;
  }
  if (admission.kind !== 'refused') throw new Error(`a command cannot be ${admission.kind}`);
  metrics.commands.inc({ outcome: 'refused' });
  const { refusal } = admission;
  return {
    message: sayRefusal(delivery, refusal),
    afterwards: () => audit(answering, delivery, refusal),
  };
}

async function answerLater<S>(
  answering: Answering,
  handler: CommandHandler<S>,
  body: unknown,
  delivery: Delivery,
  decide: () => Promise<Admission<S>>,
): Promise<void> {
  const { access, log } = answering;
  const tell = (message: Message) => tellAsker(answering, delivery, body, message);
  try {
    // Each delivery of a command is acknowledged, but only the first is answered.
    if (!(await access.isFirst(`later ${nameOf(delivery)}`))) return;
  } catch (error) {
    log.warn({ err: error }, 'Redis is unreachable; a command was not started');
    return tell(renderQueueDown());
  }
  try {
    const answer = await answerAdmission(answering, handler, delivery, await decide());
    await tell(answer.message);
    await answer.afterwards?.();
  } catch (error) {
    await tell(sayBug(answering, delivery, error));
  }
}

function sayRefusal({ what }: Delivery, { because, what: known, askIn }: Refusal): Message {
  return renderRefusal({ because, what: known ?? what, ...(askIn && { askIn }) });
}

function sayBug({ metrics, log }: Answering, delivery: Delivery, error: unknown): Message {
  const runId = runIdOf(nameOf(delivery));
  metrics.commands.inc({ outcome: 'bug' });
  metrics.bugs.inc({ role: 'bot' });
  log.error({ err: error, runId }, 'a command failed because of a bug in Wrench');
  return renderBug({ jobId: runId });
}

async function audit({ auditing, log }: Answering, delivery: Delivery, refusal: Refusal): Promise<void> {
  const { rule, because } = refusal;
  await auditRefusal(auditing, delivery, refusal).catch((error: unknown) =>
    log.warn({ err: error, rule, because, by: delivery.userId }, 'a refusal could not be audited'),
  );
}

/** Answers privately through the command's response_url, or, if that fails, by an ephemeral message. */
async function tellAsker(
  answering: Answering,
  delivery: Delivery,
  body: unknown,
  message: Message,
): Promise<void> {
  const { response_url: responseUrl } = body as { readonly response_url?: string };
  const asked = { at: new Date().toISOString(), ...(responseUrl !== undefined && { responseUrl }) };
  try {
    const isTaken = await respondPrivately(asked, message, answering).catch(() => false);
    if (!isTaken) await postPrivately(answering, delivery, message);
  } catch (error) {
    answering.log.warn({ err: error }, 'the answer to a command could not be delivered');
  }
}
