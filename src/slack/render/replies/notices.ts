import type { RichTextSection } from '@slack/types';
import type { Progress } from '../../../check/progress.ts';
import { type SourceLine, sourceLines } from '../../../check/progress-in-words.ts';
import { askedInWords, countInWords, durationInWords } from '../../../check/report-in-words.ts';
import { cleanText } from '../../../text/clean-text.ts';
import { code, truncate, escapeUntrusted, joinLinesWithin, safeLink } from '../escape-untrusted.ts';
import type { PendingRequest, Message } from '../message.ts';
import {
  askedBy,
  bold,
  bullets,
  codeSpan,
  context,
  emoji,
  MAX_TEXT_BYTES,
  plain,
  line,
  plainTextObject,
  mention,
  mentionElement,
  rich,
  text,
} from '../blocks.ts';
import { shortRun } from '../short-run.ts';

const MAX_SOURCE_CHARS = 60;
const MAX_PROGRESS_CHARS = 150;

/** The root message while no worker has begun a check. Its progress and then its report replace it. */
export function renderChecking(asked: PendingRequest): Message {
  return renderWaiting(asked, [{ words: 'Waiting for a worker; the report replaces this message' }]);
}

/** The same with what came back so far, by source. Slack allows about 50 edits a minute per workspace. */
export function renderProgress(progress: Progress, asked: PendingRequest): Message {
  const { examined, gaps, sources = [] } = progress;
  const soFar = sources.length === 0 ? [{ words: `${examined.toLocaleString('en-US')} checked so far` }] : [];
  const unchecked = gaps > 0 ? [{ words: `Couldn't check ${countInWords(gaps, 'source')}` }] : [];
  return renderWaiting(asked, [...sourceLines(progress), ...soFar, ...unchecked]);
}

function renderWaiting(asked: PendingRequest, lines: readonly SourceLine[]): Message {
  const { environment } = asked;
  const command = withoutEnvironment(
    asked.command ?? askedInWords({ check: asked.check, args: asked.args ?? {} }),
    environment,
  );
  const inText = lines.map(({ name, words }) =>
    [
      ...(name === undefined ? [] : [escapeUntrusted(name, MAX_SOURCE_CHARS)]),
      escapeUntrusted(words, MAX_PROGRESS_CHARS),
    ].join(': '),
  );
  const first = `Checking ${escapeUntrusted(environment, 80)}… ${code(command, 400)}`;
  return {
    text: joinLinesWithin([first, ...inText], MAX_TEXT_BYTES),
    blocks: [
      rich(
        line(
          emoji('hourglass_flowing_sand'),
          plain(' '),
          bold(`Checking ${truncate(cleanText(environment), 80)}…`),
          plain('  '),
          codeSpan(command, 400),
        ),
        bullets(
          lines.map(({ name, words }) =>
            line(
              ...(name === undefined ? [] : [bold(name, MAX_SOURCE_CHARS), plain(': ')]),
              text(words, MAX_PROGRESS_CHARS),
            ),
          ),
        ),
      ),
      context(askedBy(asked), plainTextObject(`run ${shortRun(asked.runId)}`)),
    ],
  };
}

/** The message begins with the environment. */
function withoutEnvironment(command: string, environment: string): string {
  const flag = ` --env ${environment} `;
  return ` ${command} `.replace(` --env=${environment} `, flag).replace(flag, ' ').trim();
}

/** A bug in Wrench. Says so, because otherwise people would look for the fault in their platform. */
export function renderBug({ jobId }: { readonly jobId: string }): Message {
  const verdict = 'This is a bug in Wrench, not in your platform.';
  return renderUnknown(verdict, "The check didn't finish, so this says nothing about your platform.", jobId);
}

/** The run was retried several times, and its worker died each time. */
export function renderLost({ jobId }: { readonly jobId: string }): Message {
  const verdict = 'The check was lost: its worker stopped several times while running it.';
  const rest =
    "This says nothing about your platform. Run the check again; if this happens again, check Wrench's workers.";
  return renderUnknown(verdict, rest, jobId);
}

function renderUnknown(verdict: string, rest: string, jobId: string): Message {
  return {
    text: `:white_circle: UNKNOWN: ${verdict} ${rest} For details, search the worker's log for ${code(jobId, 200)}.`,
    blocks: [
      rich(
        line(emoji('white_circle'), { ...plain(' UNKNOWN  '), style: { bold: true } }, bold(verdict)),
        line(
          text(rest),
          plain(" For details, search the worker's log for "),
          codeSpan(jobId, 200),
          plain('.'),
        ),
      ),
    ],
  };
}

/** Posted while the permissions of the person are looked up. The result follows, visible only to them. */
export function renderCheckingAccess(): Message {
  const words = "Checking your permissions. You'll see the result here.";
  return { text: words, blocks: [rich(line(text(words)))] };
}

/** The acknowledgement of a command, visible only to the sender. */
export function renderQueued(
  asked: Pick<PendingRequest, 'check' | 'environment' | 'args' | 'command'>,
): Message {
  const command = asked.command ?? askedInWords({ check: asked.check, args: asked.args ?? {} });
  return {
    text: `Running ${code(command, 400)} in ${escapeUntrusted(asked.environment, 80)}. I'll post the answer here.`,
    blocks: [
      rich(
        line(
          plain('Running '),
          codeSpan(command, 400),
          plain(' in '),
          bold(asked.environment, 80),
          plain(". I'll post the answer here."),
        ),
      ),
    ],
  };
}

/**
 * The same check is already running for someone in the same channel: one run answers both. `at` is when it was first requested (ISO 8601);
 * `threadLink` is Slack's permalink of the thread, if it exists yet.
 */
export function renderJoined(joined: {
  readonly threadLink?: string;
  readonly by: string;
  readonly at: string;
}): Message {
  const since = agoInWords(Date.now() - Date.parse(joined.at));
  const link = safeLink(joined.threadLink);
  const where: RichTextSection['elements'] = link
    ? [plain('Follow it in '), { type: 'link', url: link, text: 'its thread' }]
    : [plain("I'll post the answer here")];
  const whereText = link ? `Follow it in <${link}|its thread>` : "I'll post the answer here";
  return {
    text: `This check is already running: ${mention(joined.by)} started it ${since} ago. ${whereText}.`,
    blocks: [
      rich(
        line(
          plain('This check is already running: '),
          mentionElement(joined.by),
          plain(` started it ${since} ago. `),
          ...where,
          plain('.'),
        ),
      ),
    ],
  };
}

function agoInWords(ms: number): string {
  return !(ms >= 1_000)
    ? 'a moment'
    : durationInWords(Math.max(1, Math.round(ms / 1_000)) * 1_000).replace('.0 s', ' s');
}

/** Nothing was started, so there is no answer to wait for. */
export function renderQueueDown(): Message {
  const verdict = "Wrench can't reach Redis, so nothing was started.";
  const rest = 'This says nothing about your platform. Try again in a minute.';
  return {
    text: `:warning: NOT STARTED: ${verdict} ${rest}`,
    blocks: [
      rich(
        line(emoji('warning'), { ...plain(' NOT STARTED  '), style: { bold: true } }, bold(verdict)),
        line(text(rest)),
      ),
    ],
  };
}
