import type { RemediationRecord } from '../../../store/remediation/record.ts';
import { mention } from '../blocks.ts';
import { escapeUntrusted, truncate } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { outcomeInWords, STATE_LABELS } from './words.ts';

const MAX_OUTCOME_CHARS = 300;
const MAX_PEOPLE = 10;

/** The outcome of a fix in one line, which notifies its requester and its approvers: a card is edited, and edits notify no one. */
export function renderOutcome(remediation: RemediationRecord): Message {
  const { state, requested, approvals } = remediation;
  const words = escapeUntrusted(truncate(outcomeInWords(remediation), MAX_OUTCOME_CHARS), MAX_OUTCOME_CHARS);
  const people = [...new Set([...(requested ? [requested] : []), ...approvals].map(({ by }) => by))];
  const mentions = people
    .slice(0, MAX_PEOPLE)
    .map(mention)
    .filter((one) => one.startsWith('<@'));
  const line = `:${STATE_LABELS[state].emoji}: ${words}`;
  return { text: mentions.length > 0 ? `${line} · ${mentions.join(' ')}` : line, blocks: [] };
}
