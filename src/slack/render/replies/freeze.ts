import { inert } from '../inert.ts';
import type { Message } from '../message.ts';
import { moment } from '../pieces.ts';
import { sentence, who } from '../remediation/words.ts';

interface Switched {
  /** A Slack user id, or `terminal`. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
}

const BECAUSE = 600;

/** All applying is stopped: who did that, since when, why, and how it ends. True also of a freeze that was there before. */
export function renderFrozen({ by, at, because }: Switched & { readonly because: string }): Message {
  const why = because.trim() === '' ? '' : ` Why: ${inert(sentence(because), BECAUSE)}`;
  return oneLine(
    `:snowflake: *FROZEN* by ${who(by)} · ${moment(at)}. Nothing is applied in any environment; checks still run.${why}`,
    'To go on: `/wrench thaw`',
  );
}

export function renderThawed({ by, at }: Switched): Message {
  return oneLine(
    `:sunny: *THAWED* by ${who(by)} · ${moment(at)}. Approved plans are applied again.`,
    'Plans that were stopped are not taken up again by themselves.',
  );
}

function oneLine(said: string, next: string): Message {
  return {
    text: `${said.replaceAll('*', '')} ${next.replaceAll('`', '')}`,
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `${said}\n${next}`, verbatim: true } }],
  };
}
