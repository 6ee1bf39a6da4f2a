import type { Catalogue } from '../../request/catalogue.ts';
import { parseArguments } from '../../check/arguments.ts';
import type { Redact } from '../../text/redact.ts';
import { within } from '../../telemetry/within.ts';
import {
  type RequestContext,
  type ParsedRequest,
  parseAreaRequest,
  parseRequest,
} from '../../request/parse.ts';
import type { ChannelOrder } from '../../store/thread/channel-order.ts';
import type { Threads } from '../../store/thread/threads.ts';
import type { CheckJob, RunOutboxJob } from '../../queue/jobs.ts';
import { questionIdOf, QueueDown, type Queues, runIdOf, type EnqueueResult } from '../../queue/queues.ts';
import type { Log } from '../../telemetry/log.ts';
import type { CommandAnswer, CommandHandler } from '../access/answer-command.ts';
import { deliveryIdOf } from '../access/delivery.ts';
import type { Resolved } from '../access/pipeline.ts';
import type { IdentifiedDelivery } from '../access/identify.ts';
import { decodeCommandText } from './command-text.ts';
import { rootPlaceOf } from '../delivery/post.ts';
import { readCommand, type SlashCommand } from './read-command.ts';
import { permalinkOf } from '../delivery/joined-notice.ts';
import { sendRunningNotice } from '../delivery/running-notice.ts';
import type { AdminCommandDeps, AdminCommandSender } from './admin-answer.ts';
import { answerAdminCommand, isAdminCommand } from './admin-commands.ts';
import { renderHelp, renderProblem } from '../render/replies/help.ts';
import type { Message } from '../render/message.ts';
import { renderJoined, renderQueueDown } from '../render/replies/notices.ts';
import type { IsSlackUrl } from '../delivery/response-url.ts';

export interface CommandDeps {
  readonly context: RequestContext;
  /** Environments by channel id. Other channels use `defaultEnvironment`. */
  readonly channels: Readonly<Record<string, string>>;
  readonly defaultEnvironment?: string;
  readonly queues: Queues;
  readonly channelOrder: Pick<ChannelOrder, 'reserve' | 'leave'>;
  /** Redacts secrets that people paste into a command. */
  readonly redact: Redact;
  /** Which response_urls may be posted to. Others are never put into a job. */
  readonly isSlackUrl: IsSlackUrl;
  readonly threads: Threads;
  /** Dependencies of the commands of `/wrench` itself. */
  readonly admin: AdminCommandDeps;
  readonly log: Log;
}

/** The command that reaches every area, in case commands such as `/certs` collide with other apps. */
export const WRENCH_COMMAND = 'wrench';

/** A worker shows its progress a second after it began, so this is seen only if no worker has begun yet. */
const CHECKING_AFTER_MS = 1_250;
const MAX_ECHO_CHARS = 200;
/** Of Slack's 3 s, for the link to the thread. */
const THREAD_WITHIN_MS = 300;

/** A parsed command. */
type ResolvedCommand =
  | { readonly kind: 'answer'; readonly answer: CommandAnswer }
  | { readonly kind: 'admin'; readonly command: AdminCommandSender; readonly text: string }
  | { readonly kind: 'run'; readonly job: CheckJob };

/** Parses a command and queues its check, or answers why not. Never throws, and finishes within 2 s even if Redis doesn't respond. */
export function makeCommandHandler(deps: CommandDeps): CommandHandler<ResolvedCommand> {
  return {
    resolve: (delivery, body) => resolve(deps, delivery, body),
    answer: ({ subject }) => answerResolved(deps, subject),
  };
}

function resolve(deps: CommandDeps, delivery: IdentifiedDelivery, body: unknown): Resolved<ResolvedCommand> {
  const anyone = { roles: 'anyone' } as const;
  const answerWith = (answer: CommandAnswer): Resolved<ResolvedCommand> => ({
    subject: { kind: 'answer', answer },
    requires: anyone,
  });
  const command = readCommand(body, deps);
  if ('malformed' in command) {
    const { malformed } = command;
    deps.log.debug(
      { event: 'malformed-command', malformed },
      'Refused a command with missing or malformed fields',
    );
    const problem = `Slack sent this command without a valid ${malformed.join(', ')}, so nothing was started.`;
    return answerWith({ message: renderProblem({ problem, usage: [] }), outcome: 'problem' });
  }
  const text = deps.redact(decodeCommandText(command.text));
  const area = command.command.replace(/^\//, '').toLowerCase();
  // The role for it is checked while it is answered, within the same 2 s.
  if (area === WRENCH_COMMAND && isAdminCommand(text))
    return {
      subject: {
        kind: 'admin',
        command: senderOf(delivery),
        text,
      },
      requires: anyone,
    };
  const parsed =
    area === WRENCH_COMMAND ? parseRequest(text, deps.context) : parseAreaRequest(area, text, deps.context);
  if (parsed.kind === 'help') return answerWith({ message: renderHelp(parsed.help), outcome: 'help' });
  if (parsed.kind === 'problem') return answerWith({ message: renderProblem(parsed), outcome: 'problem' });
  const environment = environmentOf(deps, parsed, command.channel_id);
  if (environment === undefined)
    return answerWith({ message: renderProblem(environmentProblem(deps)), outcome: 'problem' });
  const typed = `${command.command} ${text}`.trim();
  const [asked = ''] = parsed.check.split('/');
  return {
    subject: { kind: 'run', job: jobOf(delivery, command, parsed, environment, typed) },
    requires: { roles: 'anyone', scope: { environment, area: asked } },
    about: { what: `/${parsed.check.replace('/', ' ')} in ${environment}` },
  };
}

function senderOf(delivery: IdentifiedDelivery): AdminCommandSender {
  const { userId, teamId, channelId } = delivery;
  return {
    userId,
    deliveryId: deliveryIdOf(delivery),
    ...(teamId !== undefined && { teamId }),
    ...(channelId !== undefined && { channelId }),
  };
}

async function answerResolved(deps: CommandDeps, command: ResolvedCommand): Promise<CommandAnswer> {
  if (command.kind === 'answer') return command.answer;
  if (command.kind === 'run') return enqueue(deps, command.job);
  const own = await answerAdminCommand(deps.admin, command.command, command.text);
  if (!own) throw new Error('isAdminCommand and answerAdminCommand disagree');
  return own;
}

type CheckRequest = Extract<ParsedRequest, { kind: 'run' }>;

function environmentOf(
  { channels, defaultEnvironment }: CommandDeps,
  { environment }: CheckRequest,
  channelId = '',
) {
  return environment ?? channels[channelId] ?? defaultEnvironment;
}

function environmentProblem({ context }: CommandDeps): Extract<ParsedRequest, { kind: 'problem' }> {
  return {
    kind: 'problem',
    problem: `This channel has no environment. Add \`--env\`. Available: ${context.environments.join(', ')}.`,
    usage: [],
  };
}

/** The run id is derived from the delivery: Slack sends the same trigger id when it delivers the same command again. */
function jobOf(
  delivery: IdentifiedDelivery,
  command: SlashCommand,
  { check, args }: CheckRequest,
  environment: string,
  typed: string,
): CheckJob {
  const { userId, teamId = '', channelId = '' } = delivery;
  const { response_url: responseUrl, thread_ts: threadTs } = command;
  return {
    runId: runIdOf(deliveryIdOf(delivery)),
    check,
    environment,
    args: { ...args },
    asked: {
      by: userId,
      teamId,
      ...(command.team_domain !== undefined && { teamDomain: command.team_domain }),
      channelId,
      ...(threadTs !== undefined && { threadTs }),
      as: typed.slice(0, MAX_ECHO_CHARS),
      at: new Date().toISOString(),
      ...(responseUrl !== undefined && { responseUrl }),
    },
  };
}

/** Requests are the same if the check parses their arguments to the same values, such as `30d` and `720h`. */
export function deduplicationIdOf(
  { checks }: Catalogue,
  { check: name, environment, args }: CheckJob,
): string {
  const check = checks.get(name);
  return questionIdOf(name, environment, check ? parseArguments(check, args) : args);
}

async function enqueue(deps: CommandDeps, job: CheckJob): Promise<CommandAnswer> {
  try {
    const place = rootPlaceOf(job.runId, job.asked.channelId);
    // Of reports that are ready at the same time, the one that was requested first is posted first.
    const reserve = () => deps.channelOrder.reserve(...place);
    const taken = await deps.queues.enqueueCheck(
      job,
      deduplicationIdOf(deps.context.catalogue, job),
      reserve,
    );
    if (taken.kind === 'joined') {
      setImmediate(() => void deps.channelOrder.leave(...place).catch(() => undefined));
      return { message: await answerJoined(deps, job, taken), outcome: 'joined' };
    }
    // After the acknowledgement, so that it doesn't wait for a message that is shown a second later.
    setImmediate(() => void enqueueChecking(deps, job));
    return { outcome: 'queued' };
  } catch (error) {
    if (!(error instanceof QueueDown)) throw error;
    deps.log.warn(
      { event: 'command-not-queued', err: error },
      'Redis is unreachable; a command was not queued',
    );
    return { message: renderQueueDown(), outcome: 'redis-down' };
  }
}

function outboxJobOf<K extends RunOutboxJob['kind']>(
  kind: K,
  { runId, check, environment, asked }: CheckJob,
) {
  return { kind, runId, check, environment, asked };
}

/** If the answer takes longer than a second, the person sees that the check is running: in the channel, or privately if that can't be queued. */
async function enqueueChecking(deps: CommandDeps, job: CheckJob): Promise<void> {
  const { queues, log } = deps;
  const id = `checking-${job.runId}`;
  try {
    await queues.enqueueOutbox(id, outboxJobOf('checking', job), { afterMs: CHECKING_AFTER_MS });
  } catch (error) {
    log.warn({ event: 'notice-not-queued', err: error, id }, "Couldn't queue a notice");
    await sendRunningNotice(deps, job);
  }
}

/** Queues a notice that is not essential: a failure is only logged. */
function enqueueNotice({ queues, log }: CommandDeps, id: string, job: RunOutboxJob): void {
  queues
    .enqueueOutbox(id, job)
    .catch((error: unknown) =>
      log.warn({ event: 'notice-not-queued', err: error, id }, "Couldn't queue a notice"),
    );
}

/** Answers with a link to the thread of the first request. If there is no thread yet, the link follows. */
async function answerJoined(
  deps: CommandDeps,
  job: CheckJob,
  { runId, first }: Extract<EnqueueResult, { kind: 'joined' }>,
): Promise<Message> {
  const { threads, log } = deps;
  const thread = await within(THREAD_WITHIN_MS, threads.read(runId)).catch((error: unknown) =>
    log.debug({ event: 'thread-not-read', err: error }, "Couldn't read the thread to link to"),
  );
  const link = thread?.root && permalinkOf(job.asked, thread.root);
  if (!thread?.root)
    setImmediate(() =>
      enqueueNotice(deps, `joined-${job.runId}`, { ...outboxJobOf('joined', job), runId, first }),
    );
  return renderJoined({ by: first.by, at: first.at, ...(link !== undefined && { threadLink: link }) });
}
