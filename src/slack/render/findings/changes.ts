import { findingIdOf } from '../../../check/finding-id.ts';
import { fingerprint } from '../../../check/finding.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { Claim } from '../../../check/tracked-finding.ts';
import { momentInWords } from '../../../check/tracked-in-words.ts';
import type { KnownFinding } from '../../../store/history/tracked-findings.ts';
import type { Silence, SilenceScope } from '../../../store/silences/silences.ts';
import { type Blocks, dateToken, mention, MAX_TEXT_BYTES } from '../blocks.ts';
import { code, escapeUntrusted, joinLinesWithin, truncateMrkdwn } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { sentenceInMrkdwn } from '../sentence.ts';

/** The replies to the commands about findings. Slack shows the command and who typed it above them, so no one is mentioned. */

const MAX_SUMMARY_CHARS = 300;
const MAX_REASON_CHARS = 200;
const MAX_LISTED = 25;

export function renderTaken(
  known: KnownFinding,
  { comment, replaced }: { readonly comment: string | undefined; readonly replaced: Claim | undefined },
): Message {
  const why = comment === undefined ? '' : `\n> ${escapeUntrusted(comment, MAX_REASON_CHARS)}`;
  const before = replaced && `\nTaken over from someone who had been on it since ${dateToken(replaced.at)}.`;
  return oneSection(`:raised_hand: *On it:* ${summaryWithId(known)}${why}${before ?? ''}`);
}

export function renderReleased(known: KnownFinding): Message {
  return oneSection(`*No one is on it anymore:* ${summaryWithId(known)}`);
}

/** `covered`: the findings that the silence covers now. */
export function renderSilenced(silence: Silence, covered: readonly KnownFinding[]): Message {
  const [only] = covered;
  const what =
    silence.scope.kind === 'finding' && only
      ? summaryWithId(only)
      : `${scopeInMrkdwn(silence.scope)}: ${countInWords(covered.length, 'finding')}`;
  return oneSection(
    [
      `:no_bell: *Silenced* ${endOf(silence)}: ${what}`,
      `> ${escapeUntrusted(silence.because, MAX_REASON_CHARS)}`,
      `It ends early if ${silence.scope.kind === 'finding' ? 'the finding is gone, gets worse or spreads' : 'a matching finding is worse than these, or all of them are gone'}. To end it now: \`/wrench unsilence ${silence.id}\``,
    ].join('\n'),
  );
}

export function renderUnsilenced(silence: Silence): Message {
  return oneSection(`:bell: *Silence ended:* ${scopeInMrkdwn(silence.scope)}`);
}

/** `/wrench silences`, visible only to the person who asked. */
export function renderSilences(silences: readonly Silence[], now: Date): Message {
  if (silences.length === 0) return oneSection('Nothing is silenced.');
  const lines = silences.slice(0, MAX_LISTED).map((silence) => {
    const { id, by, because, scope } = silence;
    return `• ${code(id)} ${scopeInMrkdwn(scope)}: ${endOf(silence, now)}, by ${mention(by)}: ${escapeUntrusted(because, MAX_REASON_CHARS)}`;
  });
  const rest = silences.length - lines.length;
  const order = silences.length > 1 ? ', soonest to end first' : '';
  const text = joinLinesWithin(
    [
      `*${countInWords(silences.length, 'silence')}*${order}. To end one: \`/wrench unsilence &lt;id&gt;\``,
      ...lines,
      ...(rest > 0 ? [`and ${rest} more`] : []),
    ],
    MAX_TEXT_BYTES,
  );
  return oneSection(text);
}

function endOf({ until }: Pick<Silence, 'until'>, now?: Date): string {
  if (until === undefined) return "until it's gone";
  return `until ${now ? dateToken(until, momentInWords(until, now)) : dateToken(until)}`;
}

function scopeInMrkdwn(scope: SilenceScope): string {
  const target = code(scope.kind === 'finding' ? scope.target : scope.targetPattern, 160);
  const check = scope.check === undefined ? 'any check' : `/${scope.check.replace('/', ' ')}`;
  const where = scope.environment === undefined ? 'every environment' : scope.environment;
  return `${escapeUntrusted(scope.reason, 80)} ${target} (${escapeUntrusted(check, 80)}, ${escapeUntrusted(where, 80)})`;
}

function summaryWithId(known: KnownFinding): string {
  const id = findingIdOf(fingerprint(known, known.finding));
  return `${sentenceInMrkdwn(known.finding.summary, {
    max: MAX_SUMMARY_CHARS,
    names: [known.finding.target],
  })} (${id})`;
}

function oneSection(mrkdwn: string): Message {
  const text = truncateMrkdwn(mrkdwn, MAX_TEXT_BYTES);
  const blocks: Blocks = [{ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } }];
  return { text, blocks };
}
