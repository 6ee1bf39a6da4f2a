import type { Remediation } from '../../../store/remediation/record.ts';
import { fit, inert } from '../inert.ts';
import type { Message } from '../message.ts';
import { headlineOf, SIGNS, standing } from './words.ts';

const ROOM = 300;

/** Tells the requester about a remediation whose card could not be posted. `code` is Slack's error. */
export function renderUnshown(
  remediation: Remediation,
  {
    channelId,
    code,
    isWithdrawn,
  }: {
    readonly channelId: string;
    readonly code: string;
    /** It ends here, because its plan could not be posted. */
    readonly isWithdrawn: boolean;
  },
): Message {
  const { state, environment } = remediation;
  const { word, emoji } = SIGNS[state];
  const head = `:${emoji}: *${word}* · ${inert(fit(headlineOf(remediation), ROOM), ROOM)} · ${inert(environment, 80)}`;
  const why = `Wrench could not post this in <#${inert(channelId, 40)}> (${inert(code, 80)}).`;
  const next = isWithdrawn
    ? ' Nothing was done. Invite Wrench to the channel, then run the check again.'
    : '';
  const rest = isWithdrawn ? [] : standing(remediation).map((line) => inert(line, ROOM));
  return { text: [head, ...rest, `${why}${next}`].join('\n'), blocks: [] };
}
