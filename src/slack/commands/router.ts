import type { Catalogue } from '../../request/catalogue.ts';
import { parseArguments } from '../../check/arguments.ts';
import type { Redact } from '../../text/redact.ts';
import { within } from '../../telemetry/within.ts';
import { type Known, type Question, understand, understandAll } from '../../request/parse.ts';
import type { Line } from '../../store/thread/line.ts';
import type { Threads } from '../../store/thread/threads.ts';
import type { CheckJob, OutboxJob } from '../../queue/contracts.ts';
import { questionIdOf, QueueDown, type Queues, runIdOf, type Taken } from '../../queue/queues.ts';
import type { Log } from '../../telemetry/log.ts';
import type { CommandAnswer, CommandHandler } from '../access/answer-command.ts';
import { nameOf } from '../access/delivery.ts';
import type { Resolved } from '../access/pipeline.ts';
import type { Identified } from '../access/who.ts';
import { plainText } from './command-text.ts';
import { rootPlaceOf } from '../delivery/post.ts';
import { readCommand } from './read-command.ts';
import { linkTo } from '../delivery/joined.ts';
import { answerOwnCommand, isOwnCommand, type OwnCommand, type OwnCommands } from './admin-commands.ts';
import { renderHelp, renderProblem } from '../render/replies/help.ts';
import type { Message } from '../render/message.ts';
import { renderJoined, renderQueued, renderQueueDown } from '../render/replies/notices.ts';
import type { IsSlackUrl } from '../delivery/response-url.ts';

/** The fields of a slash command that we read in addition to those of every delivery. */
export interface SlashCommand {
  readonly command: string;
  readonly text: string;
  readonly team_domain?: string;
  readonly channel_id: string;
  readonly response_url?: string;
}

export interface Routing {
  readonly known: Known;
  /** By channel id; then `defaultEnvironment`, which is the only one where there is only one. */
  readonly channels: Readonly<Record<string, string>>;
  readonly defaultEnvironment?: string;
  readonly queues: Queues;
  readonly line: Pick<Line, 'reserve' | 'leave'>;
  /** People paste what they have at hand; a token among it goes no further. */
  readonly redact: Redact;
  /** Which response_urls may be posted to. Others are never put into a job. */
  readonly isSlackUrl: IsSlackUrl;
  readonly threads: Threads;
  /** What `/wrench` itself can do. */
  readonly own: OwnCommands;
  readonly log: Log;
}

/** The command under which every area is reached where plain names collide with other apps. */
export const OWN_COMMAND = 'wrench';

/** If a check answers sooner than this, no progress message is posted. */
const CHECKING_AFTER_MS = 1_000;
const LONGEST_ECHO = 200;
/** How much of Slack's 3 s may be spent on the link to the thread. */
const THREAD_WITHIN_MS = 300;

/** What a command asks for. */
type Understood =
  | { readonly kind: 'answer'; readonly answer: CommandAnswer }
  | { readonly kind: 'own'; readonly command: OwnCommand; readonly text: string }
  | { readonly kind: 'run'; readonly job: CheckJob };

/** Understands a slash command and queues it, or says why not. Never throws, and ends within 2 s whatever Redis does. */
export function makeCommandHandler(routing: Routing): CommandHandler<Understood> {
  return {
    resolve: (delivery, body) => resolve(routing, delivery, body),
    answer: ({ subject }) => answer(routing, subject),
  };
}

function resolve(routing: Routing, delivery: Identified, body: unknown): Resolved<Understood> {
  const anyone = { roles: 'anyone' } as const;
  const say = (answer: CommandAnswer): Resolved<Understood> => ({
    subject: { kind: 'answer', answer },
    requires: anyone,
  });
  const command = readCommand(body, routing);
  if ('malformed' in command) {
    const { malformed } = command;
    routing.log.debug({ malformed }, 'Refused a command with missing or malformed fields');
    const problem = `Slack sent this command without a valid ${malformed.join(', ')}, so nothing was started.`;
    return say({ message: renderProblem({ problem, usage: [] }), outcome: 'problem' });
  }
  const text = routing.redact(plainText(command.text));
  const area = command.command.replace(/^\//, '').toLowerCase();
  // The role for it is checked while it is answered, within the same 2 s.
  if (area === OWN_COMMAND && isOwnCommand(text))
    return {
      subject: { kind: 'own', command: { user_id: delivery.userId, delivery: nameOf(delivery) }, text },
      requires: anyone,
    };
  const question =
    area === OWN_COMMAND ? understandAll(text, routing.known) : understand(area, text, routing.known);
  if (question.kind === 'help') return say({ message: renderHelp(question.help), outcome: 'help' });
  if (question.kind === 'problem') return say({ message: renderProblem(question), outcome: 'problem' });
  const environment = environmentOf(routing, question, command.channel_id);
  if (environment === undefined)
    return say({ message: renderProblem(whichEnvironment(routing)), outcome: 'problem' });
  const typed = `${command.command} ${text}`.trim();
  const [asked = ''] = question.check.split('/');
  return {
    subject: { kind: 'run', job: jobOf(delivery, command, question, environment, typed) },
    requires: { roles: 'anyone', question: { environment, area: asked } },
    about: { what: `/${question.check.replace('/', ' ')} in ${environment}` },
  };
}

async function answer(routing: Routing, understood: Understood): Promise<CommandAnswer> {
  if (understood.kind === 'answer') return understood.answer;
  if (understood.kind === 'run') return queue(routing, understood.job);
  const own = await answerOwnCommand(routing.own, understood.command, understood.text);
  if (!own) throw new Error('isOwnCommand and answerOwnCommand disagree');
  return own;
}

type Runnable = Extract<Question, { kind: 'run' }>;

function environmentOf({ channels, defaultEnvironment }: Routing, { environment }: Runnable, channelId = '') {
  return environment ?? channels[channelId] ?? defaultEnvironment;
}

function whichEnvironment({ known }: Routing): Extract<Question, { kind: 'problem' }> {
  return {
    kind: 'problem',
    problem: `This channel belongs to no environment. Add \`--env\` with one of: ${known.environments.join(', ')}.`,
    usage: [],
  };
}

/** A run is named after its delivery: Slack gives the same trigger when it delivers the same command again. */
function jobOf(
  delivery: Identified,
  command: SlashCommand,
  { check, args }: Runnable,
  environment: string,
  typed: string,
): CheckJob {
  const { userId, teamId = '', channelId = '' } = delivery;
  const { response_url: responseUrl } = command;
  return {
    runId: runIdOf(nameOf(delivery)),
    check,
    environment,
    args: { ...args },
    asked: {
      by: userId,
      teamId,
      ...(command.team_domain !== undefined && { teamDomain: command.team_domain }),
      channelId,
      as: typed.slice(0, LONGEST_ECHO),
      at: new Date().toISOString(),
      ...(responseUrl !== undefined && { responseUrl }),
    },
  };
}

/** Two askers ask the same where the check reads their arguments the same: `30d` is `720h`. */
export function questionIn({ checks }: Catalogue, { check: name, environment, args }: CheckJob): string {
  const check = checks.get(name);
  return questionIdOf(name, environment, check ? parseArguments(check, args) : args);
}

async function queue(routing: Routing, job: CheckJob): Promise<CommandAnswer> {
  try {
    const { check, environment, asked } = job;
    const place = rootPlaceOf(job.runId, asked.channelId);
    // Of questions that are answered at the same time, the first to be asked is answered first.
    const reserve = () => routing.line.reserve(...place);
    const taken = await routing.queues.ask(job, questionIn(routing.known.catalogue, job), reserve);
    if (taken.kind === 'joined') {
      setImmediate(() => void routing.line.leave(...place).catch(() => undefined));
      return { message: await joined(routing, job, taken), outcome: 'joined' };
    }
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

/** Queues a notice that is not essential: a failure is only logged. */
function tell({ queues, log }: Routing, id: string, job: OutboxJob, afterMs = 0): void {
  queues
    .tell(id, job, { afterMs })
    .catch((error: unknown) => log.warn({ err: error, id }, 'a notice could not be queued'));
}

/** Answers with the link to the thread of the first asker. If there is no thread yet, the link follows. */
async function joined(
  routing: Routing,
  job: CheckJob,
  { runId, first }: Extract<Taken, { kind: 'joined' }>,
): Promise<Message> {
  const { threads, log } = routing;
  const thread = await within(THREAD_WITHIN_MS, threads.read(runId)).catch((error: unknown) =>
    log.debug({ err: error }, 'the thread to link to is unknown'),
  );
  const link = thread?.root && linkTo(job.asked, thread.root);
  if (!thread?.root)
    setImmediate(() => tell(routing, `joined-${job.runId}`, { ...aboutOf('joined', job), runId, first }));
  return renderJoined({ by: first.by, at: first.at, ...(link !== undefined && { threadLink: link }) });
}
