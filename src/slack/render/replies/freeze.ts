import { escapeUntrusted } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { dateToken } from '../blocks.ts';
import { toSentence, mentionActor } from '../remediation/words.ts';

interface FreezeChange {
  /** A Slack user id, or `terminal`. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
}

const MAX_BECAUSE_CHARS = 600;

/** No fixes run: who froze Wrench, since when, why, and how to unfreeze. Also correct for an earlier freeze. */
export function renderFrozen({ by, at, because }: FreezeChange & { readonly because: string }): Message {
  const why =
    because.trim() === '' ? '' : ` Reason: ${escapeUntrusted(toSentence(because), MAX_BECAUSE_CHARS)}`;
  return twoLines(
    `:snowflake: *FROZEN* by ${mentionActor(by)} · ${dateToken(at)}. No fixes run in any environment; checks still work.${why}`,
    'To resume: `/wrench unfreeze`',
  );
}

export function renderUnfrozen({ by, at }: FreezeChange): Message {
  return twoLines(
    `:sunny: *UNFROZEN* by ${mentionActor(by)} · ${dateToken(at)}. Fixes can run again.`,
    'Request stopped plans again.',
  );
}

function twoLines(statement: string, next: string): Message {
  return {
    text: `${statement.replaceAll('*', '')} ${next.replaceAll('`', '')}`,
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `${statement}\n${next}`, verbatim: true } }],
  };
}
