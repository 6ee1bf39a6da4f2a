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

/** Nothing is applied: who froze it, since when, why, and how to unfreeze. Also correct for an earlier freeze. */
export function renderFrozen({ by, at, because }: FreezeChange & { readonly because: string }): Message {
  const why = because.trim() === '' ? '' : ` Why: ${escapeUntrusted(toSentence(because), MAX_BECAUSE_CHARS)}`;
  return twoLines(
    `:snowflake: *FROZEN* by ${mentionActor(by)} · ${dateToken(at)}. Nothing is applied in any environment; checks still run.${why}`,
    'To go on: `/wrench unfreeze`',
  );
}

export function renderUnfrozen({ by, at }: FreezeChange): Message {
  return twoLines(
    `:sunny: *THAWED* by ${mentionActor(by)} · ${dateToken(at)}. Approved plans are applied again.`,
    'Plans that were stopped are not taken up again by themselves.',
  );
}

function twoLines(statement: string, next: string): Message {
  return {
    text: `${statement.replaceAll('*', '')} ${next.replaceAll('`', '')}`,
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `${statement}\n${next}`, verbatim: true } }],
  };
}
