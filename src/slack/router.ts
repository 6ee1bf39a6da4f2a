import type { Catalogue } from '../catalogue.ts';
import { parseArguments } from '../check/arguments.ts';
import type { Redact } from '../check/redact.ts';
import { type Known, type Question, understand, understandAll } from '../question.ts';
import type { Threads } from '../memory/threads.ts';
import type { CheckJob, OutboxJob } from '../queue/contracts.ts';
import { questionIdOf, QueueDown, type Queues, runIdOf, type Taken } from '../queue/queues.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { plainText } from './command-text.ts';
import { linkTo } from './joined.ts';
import { answerOwnCommand, type OwnAnswer, type OwnCommands } from './own-commands.ts';
import { renderHelp, renderProblem } from './render/help.ts';
import type { Message } from './render/message.ts';
import { renderBug, renderJoined, renderQueued, renderQueueDown } from './render/notices.ts';

/** What Slack sends with a slash command; the fields we read. */
export interface SlashCommand {
  readonly command: string;
  readonly text: string;
  readonly user_id: string;
  readonly team_id: string;
  readonly team_domain?: string;
  readonly channel_id: string;
  readonly trigger_id: string;
  readonly response_url?: string;
}

export interface Routing {
  readonly known: Known;
  /** By channel id; then `defaultEnvironment`, which is the only one where there is only one. */
  readonly channels: Readonly<Record<string, string>>;
  readonly defaultEnvironment?: string;
  readonly queues: Queues;
  /** People paste what they have at hand; a token among it goes no further. */
  readonly redact: Redact;
  readonly threads: Threads;
  /** What `/wrench` itself can do. */
  readonly own: OwnCommands;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The command under which every area is reached where plain names collide with other apps. */
export const OWN_COMMAND = 'wrench';

/** A fast check answers sooner than this, and then no progress message is posted. */
const CHECKING_AFTER_MS = 1_000;
const LONGEST_ECHO = 200;

/** Answers a slash command: understood and queued, or told why not. Never throws, and ends within 2 s whatever Redis does. */
export async function answerCommand(
  routing: Routing,
  command: SlashCommand,
): Promise<{ readonly message: Message; readonly inChannel?: boolean }> {
  const stop = routing.metrics.acknowledgement.startTimer();
  try {
    const { outcome, ...answered } = await answer(routing, command);
    routing.metrics.commands.inc({ outcome });
    return answered;
  } catch (error) {
    routing.metrics.commands.inc({ outcome: 'bug' });
    routing.metrics.bugs.inc({ role: 'bot' });
    const id = runIdOf(deliveryOf(command));
    routing.log.error({ err: error, runId: id }, 'a bug of ours met a command');
    return { message: renderBug({ jobId: id }) };
  } finally {
    stop();
  }
}

interface Answered {
  readonly message: Message;
  /** For everybody in the channel; else for who typed it. */
  readonly inChannel?: boolean;
  readonly outcome: OwnAnswer['outcome'] | 'queued' | 'joined' | 'help' | 'problem' | 'redis-down';
}

async function answer(routing: Routing, command: SlashCommand): Promise<Answered> {
  const text = routing.redact(plainText(command.text));
  const area = command.command.replace(/^\//, '').toLowerCase();
  const own = area === OWN_COMMAND ? await answerOwnCommand(routing.own, command, text) : undefined;
  if (own) return own;
  const question =
    area === OWN_COMMAND ? understandAll(text, routing.known) : understand(area, text, routing.known);
  if (question.kind === 'help') return { message: renderHelp(question.help), outcome: 'help' };
  if (question.kind === 'problem') return { message: renderProblem(question), outcome: 'problem' };
  const environment = environmentOf(routing, question, command.channel_id);
  if (environment === undefined)
    return { message: renderProblem(whichEnvironment(routing)), outcome: 'problem' };
  return queue(routing, jobOf(command, question, environment, `${command.command} ${text}`.trim()));
}

type Runnable = Extract<Question, { kind: 'run' }>;

function environmentOf(
  { channels, defaultEnvironment }: Routing,
  { environment }: Runnable,
  channelId: string,
) {
  return environment ?? channels[channelId] ?? defaultEnvironment;
}

function whichEnvironment({ known }: Routing): Extract<Question, { kind: 'problem' }> {
  return {
    kind: 'problem',
    problem: `This channel belongs to no environment. Add \`--env\` with one of: ${known.environments.join(', ')}.`,
    usage: [],
  };
}

/** The trigger is the delivery's own name: Slack gives the same one when it delivers the same command again. */
function deliveryOf({ team_id, trigger_id }: SlashCommand): string {
  return `${team_id} ${trigger_id}`;
}

function jobOf(
  command: SlashCommand,
  { check, args }: Runnable,
  environment: string,
  typed: string,
): CheckJob {
  return {
    runId: runIdOf(deliveryOf(command)),
    check,
    environment,
    args: { ...args },
    asked: {
      by: command.user_id,
      teamId: command.team_id,
      ...(command.team_domain !== undefined && { teamDomain: command.team_domain }),
      channelId: command.channel_id,
      as: typed.slice(0, LONGEST_ECHO),
      at: new Date().toISOString(),
      ...(command.response_url !== undefined && { responseUrl: command.response_url }),
    },
  };
}

/** Two askers ask the same where the check reads their arguments the same: `30d` is `720h`. */
export function questionIn({ checks }: Catalogue, { check: name, environment, args }: CheckJob): string {
  const check = checks.get(name);
  return questionIdOf(name, environment, check ? parseArguments(check, args) : args);
}

async function queue(routing: Routing, job: CheckJob): Promise<Answered> {
  try {
    const taken = await routing.queues.ask(job, questionIn(routing.known.catalogue, job));
    if (taken.kind === 'joined') return { message: await joined(routing, job, taken), outcome: 'joined' };
    const { check, environment, asked } = job;
    // After the acknowledgement: of many commands at once, none waits for what is only shown in a second.
    setImmediate(() => tell(routing, `checking-${job.runId}`, aboutOf('checking', job), CHECKING_AFTER_MS));
    return {
      message: renderQueued({ check, environment, args: job.args, command: asked.as }),
      outcome: 'queued',
    };
  } catch (error) {
    if (!(error instanceof QueueDown)) throw error;
    routing.log.warn({ err: error }, 'a command found Redis away');
    return { message: renderQueueDown(), outcome: 'redis-down' };
  }
}

function aboutOf<K extends OutboxJob['kind']>(kind: K, { runId, check, environment, asked }: CheckJob) {
  return { kind, runId, check, environment, asked };
}

/** What is only for comfort: where Redis is away again by now, nobody misses it. */
function tell({ queues, log }: Routing, id: string, job: OutboxJob, afterMs = 0): void {
  queues
    .tell(id, job, { afterMs })
    .catch((error: unknown) => log.warn({ err: error, id }, 'a notice could not be queued'));
}

/** The link to the thread of who asked first; where there is no thread yet, the link follows. */
async function joined(
  routing: Routing,
  job: CheckJob,
  { runId, first }: Extract<Taken, { kind: 'joined' }>,
): Promise<Message> {
  const { threads, log } = routing;
  const thread = await threads
    .read(runId)
    .catch((error: unknown) => log.debug({ err: error }, 'the thread to link to is unknown'));
  const link = thread?.root && linkTo(job.asked, thread.root);
  if (!thread?.root)
    setImmediate(() => tell(routing, `joined-${job.runId}`, { ...aboutOf('joined', job), runId, first }));
  return renderJoined({ by: first.by, at: first.at, ...(link !== undefined && { threadLink: link }) });
}
