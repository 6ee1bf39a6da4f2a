import type { RichTextSection } from '@slack/types';
import type { Progress } from '../../../check/context.ts';
import { askedInWords, countInWords, durationInWords } from '../../../check/report-in-words.ts';
import { code, truncate, escapeUntrusted } from '../escape-untrusted.ts';
import type { PendingRequest, Message } from '../message.ts';
import {
  askedBy,
  bold,
  codeSpan,
  context,
  emoji,
  plain,
  line,
  plainTextObject,
  mention,
  mentionElement,
  rich,
  text,
} from '../blocks.ts';
import { shortRun } from '../short-run.ts';

/** The root message while a check runs; the report replaces it. */
export function renderChecking(asked: PendingRequest): Message {
  return renderWaiting(asked, 'The answer replaces this message');
}

/** The same with its progress. Slack allows about 50 edits a minute per workspace. */
export function renderProgress({ examined, gaps }: Progress, asked: PendingRequest): Message {
  const unchecked = gaps > 0 ? `, couldn't check ${countInWords(gaps, 'place')}` : '';
  return renderWaiting(asked, `${examined.toLocaleString('en-US')} checked so far${unchecked}`);
}

function renderWaiting(asked: PendingRequest, soFar: string): Message {
  const what = asked.title ?? `/${asked.check.replace('/', ' ')}`;
  const command = asked.command ?? askedInWords({ check: asked.check, args: asked.args ?? {} });
  return {
    text: `CHECKING in ${escapeUntrusted(asked.environment, 80)}: ${escapeUntrusted(what, 300)}. ${soFar}.`,
    blocks: [
      rich(
        line(
          emoji('hourglass_flowing_sand'),
          bold(` CHECKING in ${truncate(asked.environment, 80)}`),
          plain('  '),
          text(what, 300),
        ),
      ),
      context(plainTextObject(`${asked.environment}  ·  ${truncate(command, 400)}`), askedBy(asked)),
      context(plainTextObject(`${soFar}  ·  run ${shortRun(asked.runId)}`)),
    ],
  };
}

/** A bug in Wrench. It says so, so that nobody looks for the fault in the platform. */
export function renderBug({ jobId }: { readonly jobId: string }): Message {
  const verdict = 'This is a bug of Wrench, not of your platform.';
  const rest = 'The check did not finish, so it says nothing about what it was to look at.';
  return renderUnknown(verdict, rest, ' The log of the worker tells more under job ', jobId);
}

/** The run was retried several times, and its worker died each time. */
export function renderLost({ jobId }: { readonly jobId: string }): Message {
  const verdict = 'The check was lost: its worker ended again and again while it ran.';
  const rest =
    'It says nothing about what it was to look at. Ask again; if it stays, look at the workers of Wrench.';
  return renderUnknown(verdict, rest, ' Job ', jobId);
}

function renderUnknown(verdict: string, rest: string, beforeJob: string, jobId: string): Message {
  return {
    text: `:white_circle: UNKNOWN: ${verdict} ${rest} The log names it by ${code(jobId, 200)}.`,
    blocks: [
      rich(
        line(emoji('white_circle'), { ...plain(' UNKNOWN  '), style: { bold: true } }, bold(verdict)),
        line(text(rest), plain(beforeJob), codeSpan(jobId, 200), plain('.')),
      ),
    ],
  };
}

/** It is not known yet whether the person may ask. The answer follows, visible only to them. */
export function renderCheckingAccess(): Message {
  const words = 'Checking whether you may ask this. The answer will appear here.';
  return { text: words, blocks: [rich(line(text(words)))] };
}

/** The first answer to a command, visible only to the sender. */
export function renderQueued(
  asked: Pick<PendingRequest, 'check' | 'environment' | 'args' | 'command'>,
): Message {
  const command = asked.command ?? askedInWords({ check: asked.check, args: asked.args ?? {} });
  return {
    text: `On its way: ${code(command, 400)} in ${escapeUntrusted(asked.environment, 80)}. The answer will be posted in this channel.`,
    blocks: [
      rich(
        line(
          text('On its way:'),
          plain(' '),
          codeSpan(command, 400),
          plain(' in '),
          bold(asked.environment, 80),
          plain('. The answer will be posted in this channel.'),
        ),
      ),
    ],
  };
}

/**
 * Somebody asked the same question in the same channel: one run answers both. `at` is when it was first asked (ISO 8601); `threadLink` is
 * Slack's permalink of the thread, if it exists yet.
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
    : [plain('The answer will be posted in this channel')];
  const whereText = link ? `Follow it in <${link}|its thread>` : 'The answer will be posted in this channel';
  return {
    text: `The same check is already running: ${mention(joined.by)} asked ${since} ago. ${whereText}.`,
    blocks: [
      rich(
        line(
          text('The same check is already running:'),
          plain(' '),
          mentionElement(joined.by),
          plain(` asked ${since} ago. `),
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

function safeLink(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { protocol, href } = new URL(url);
  return /^https?:$/.test(protocol) && !/[<>|\s]/.test(href) && href.length <= 3_000 ? href : undefined;
}

/** Nothing was started, and nobody needs to wait for an answer. */
export function renderQueueDown(): Message {
  const verdict = 'Wrench cannot reach its own queue (Redis), so nothing was started.';
  const rest =
    'This says nothing about your platform. Try again in a minute; if it stays, tell those who run Wrench.';
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
