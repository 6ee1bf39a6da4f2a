import type { RichTextSection } from '@slack/types';
import type { Progress } from '../../../check/context.ts';
import { askedInWords, countInWords, durationInWords } from '../../../check/report-in-words.ts';
import { code, fit, inert } from '../inert.ts';
import type { AskedQuestion, Message } from '../message.ts';
import {
  askedBy,
  bold,
  codeSpan,
  context,
  emoji,
  glue,
  line,
  note,
  person,
  personElement,
  rich,
  say,
} from '../pieces.ts';
import { shortRun } from '../short-run.ts';

/** The root message while a check runs; its report takes this message's place. */
export function renderChecking(asked: AskedQuestion): Message {
  return waiting(asked, 'The answer replaces this message');
}

/** The same, further on. Slack allows about 50 edits a minute in a whole workspace. */
export function renderProgress({ examined, gaps }: Progress, asked: AskedQuestion): Message {
  const unchecked = gaps > 0 ? `, couldn't check ${countInWords(gaps, 'place')}` : '';
  return waiting(asked, `${examined.toLocaleString('en-US')} checked so far${unchecked}`);
}

function waiting(asked: AskedQuestion, soFar: string): Message {
  const what = asked.title ?? `/${asked.check.replace('/', ' ')}`;
  const command = asked.command ?? askedInWords({ check: asked.check, args: asked.args ?? {} });
  return {
    text: `CHECKING in ${inert(asked.environment, 80)}: ${inert(what, 300)}. ${soFar}.`,
    blocks: [
      rich(
        line(
          emoji('hourglass_flowing_sand'),
          bold(` CHECKING in ${fit(asked.environment, 80)}`),
          glue('  '),
          say(what, 300),
        ),
      ),
      context(note(`${asked.environment}  ·  ${fit(command, 400)}`), askedBy(asked)),
      context(note(`${soFar}  ·  run ${shortRun(asked.runId)}`)),
    ],
  };
}

/** A defect of ours. It says so, because an incident channel must not hunt it in the platform. */
export function renderBug({ jobId }: { readonly jobId: string }): Message {
  const verdict = 'This is a bug of Wrench, not of your platform.';
  const rest = 'The check did not finish, so it says nothing about what it was to look at.';
  return unanswered(verdict, rest, ' The log of the worker tells more under job ', jobId);
}

/** The run was taken up again and again, and its worker died each time: nobody knows the answer. */
export function renderLost({ jobId }: { readonly jobId: string }): Message {
  const verdict = 'The check was lost: its worker ended again and again while it ran.';
  const rest =
    'It says nothing about what it was to look at. Ask again; if it stays, look at the workers of Wrench.';
  return unanswered(verdict, rest, ' Job ', jobId);
}

function unanswered(verdict: string, rest: string, beforeJob: string, jobId: string): Message {
  return {
    text: `:white_circle: UNKNOWN: ${verdict} ${rest} The log names it by ${code(jobId, 200)}.`,
    blocks: [
      rich(
        line(emoji('white_circle'), { ...glue(' UNKNOWN  '), style: { bold: true } }, bold(verdict)),
        line(say(rest), glue(beforeJob), codeSpan(jobId, 200), glue('.')),
      ),
    ],
  };
}

/** It is not known yet whether the person may ask. The answer follows, visible only to them. */
export function renderCheckingAccess(): Message {
  const words = 'Checking whether you may ask this. The answer will appear here.';
  return { text: words, blocks: [rich(line(say(words)))] };
}

/** The first answer to a command, seen by the asker alone. */
export function renderQueued(
  asked: Pick<AskedQuestion, 'check' | 'environment' | 'args' | 'command'>,
): Message {
  const command = asked.command ?? askedInWords({ check: asked.check, args: asked.args ?? {} });
  return {
    text: `On its way: ${code(command, 400)} in ${inert(asked.environment, 80)}. The answer will be posted in this channel.`,
    blocks: [
      rich(
        line(
          say('On its way:'),
          glue(' '),
          codeSpan(command, 400),
          glue(' in '),
          bold(asked.environment, 80),
          glue('. The answer will be posted in this channel.'),
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
    ? [glue('Follow it in '), { type: 'link', url: link, text: 'its thread' }]
    : [glue('The answer will be posted in this channel')];
  const whereText = link ? `Follow it in <${link}|its thread>` : 'The answer will be posted in this channel';
  return {
    text: `The same check is already running: ${person(joined.by)} asked ${since} ago. ${whereText}.`,
    blocks: [
      rich(
        line(
          say('The same check is already running:'),
          glue(' '),
          personElement(joined.by),
          glue(` asked ${since} ago. `),
          ...where,
          glue('.'),
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
        line(emoji('warning'), { ...glue(' NOT STARTED  '), style: { bold: true } }, bold(verdict)),
        line(say(rest)),
      ),
    ],
  };
}
