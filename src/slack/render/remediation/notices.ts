import { cleanText } from '../../../text/clean-text.ts';
import type { RemediationRecord } from '../../../store/remediation/record.ts';
import { mention } from '../blocks.ts';
import { escapeMrkdwn, escapeUntrusted, safeLink, truncate } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { mentionActor, neededApprovals, outcomeInWords, remediationHeadline, STATE_LABELS } from './words.ts';

/** What people are notified of, one line each: a card is edited, and edits notify no one. Only Slack ids from the configuration and from clicks are mentioned. */

const MAX_OUTCOME_CHARS = 300;
const MAX_TITLE_CHARS = 150;
const MAX_ENVIRONMENT_CHARS = 80;
const MAX_MENTIONS = 20;
const MAX_LINK_CHARS = 500;

/** Whom a notice mentions, besides the people that it is about. */
interface NoticeOptions {
  readonly isMentioned?: boolean;
}

/**
 * The text that the card of a plan is posted with, before its first edit. It stays true in every later state. `asked`: the approvers to mention, people
 * and user groups.
 */
export function renderApprovalRequest(remediation: RemediationRecord, asked: readonly string[]): Message {
  const who = mentionsOf(asked);
  return who === ''
    ? toMessage(`Approval requested: ${inWords(remediation)}`)
    : toMessage(`${who}: ${requesterOf(remediation)} asks you to approve: ${inWords(remediation)}`);
}

/** The same for a direct message to an approver. */
export function renderDirectRequest(remediation: RemediationRecord): Message {
  return toMessage(`${requesterOf(remediation)} asks you to approve: ${inWords(remediation)}`);
}

/** A plan that will expire soon. `now` is the time of Redis, in milliseconds of the epoch. */
export function renderReminder(
  remediation: RemediationRecord,
  { asked, nowMs }: { readonly asked: readonly string[]; readonly nowMs: number },
): Message {
  const { approvals, until } = remediation;
  const needed = neededApprovals(remediation);
  const waiting = needed === 1 ? 'approval' : `${needed - approvals.length} of ${needed} approvals`;
  const expires = until === undefined ? '' : `; the plan expires ${inTime(Date.parse(until) - nowMs)}`;
  return toMessage(
    `:hourglass_flowing_sand: Still waiting for ${waiting}: ${inWords(remediation)}${expires}`,
    asked,
  );
}

/** The plan has all approvals. */
export function renderApproved(
  remediation: RemediationRecord,
  { isMentioned = true }: NoticeOptions = {},
): Message {
  const { title, approvals } = remediation;
  const who = approvals.slice(0, MAX_MENTIONS).map(({ by }) => mentionActor(by));
  const last = who.at(-1) ?? 'someone';
  const all = who.length > 1 ? `${who.slice(0, -1).join(', ')} and ${last}` : last;
  const to = isMentioned ? `${requesterOf(remediation)}: ` : '';
  return toMessage(
    `:${STATE_LABELS.approved.emoji}: ${to}${all} approved ${escapeUntrusted(title, MAX_TITLE_CHARS)}; checking again, then applying`,
  );
}

/** How a remediation ended. Mentions its requester and its approvers. */
export function renderOutcome(
  remediation: RemediationRecord,
  { isMentioned = true }: NoticeOptions = {},
): Message {
  const { state, rejected, pause } = remediation;
  const decided = rejected ?? (state === 'paused' ? pause : undefined);
  const people = isMentioned ? involved(remediation).filter((by) => by !== decided?.by) : [];
  return toMessage(`:${STATE_LABELS[state].emoji}: ${endInWords(remediation)}`, people);
}

/** Its requester and its approvers, each once. */
export function involved({ requested, approvals }: RemediationRecord): readonly string[] {
  return [...new Set([...(requested ? [requested] : []), ...approvals].map(({ by }) => by))];
}

function endInWords(remediation: RemediationRecord): string {
  const { state, because, rejected, pause } = remediation;
  const escaped = (words: string) => escapeUntrusted(truncate(words, MAX_OUTCOME_CHARS), MAX_OUTCOME_CHARS);
  switch (state) {
    case 'rejected':
    case 'expired':
    case 'skipped':
    case 'refused': {
      const by = rejected ? `, by ${mentionActor(rejected.by)}` : '';
      const why = because === undefined ? '' : `: ${cleanText(because)}`;
      const ended = escaped(`${STATE_LABELS[state].word} · ${remediationHeadline(remediation)}${why}`);
      return `${ended}${by}; nothing was changed`;
    }
    case 'paused': {
      const by = pause ? `, by ${mentionActor(pause.by)}` : '';
      return `${escaped(outcomeInWords(remediation))}${by}`;
    }
    default:
      return escaped(outcomeInWords(remediation));
  }
}

/** `Restart doppler_z2/0 in prod` */
function inWords({ title, environment }: RemediationRecord): string {
  return `${escapeUntrusted(title, MAX_TITLE_CHARS)} in ${escapeUntrusted(environment, MAX_ENVIRONMENT_CHARS)}`;
}

function requesterOf({ requested }: RemediationRecord): string {
  return requested ? mentionActor(requested.by) : 'Someone';
}

function toMessage(words: string, mentioned: readonly string[] = []): Message {
  const who = mentionsOf(mentioned);
  return { text: who === '' ? words : `${words} · ${who}`, blocks: [] };
}

/** Ids that can't be mentioned, such as `wrench`, are left out. */
function mentionsOf(ids: readonly string[]): string {
  return ids
    .slice(0, MAX_MENTIONS)
    .map(mention)
    .filter((one) => one.startsWith('<'))
    .join(' ');
}

function inTime(leftMs: number): string {
  const seconds = Math.max(1, Math.round(leftMs / 1_000));
  return seconds < 100 ? `in ${seconds} s` : `in ${Math.round(seconds / 60)} min`;
}

/** A notice as a direct message: it says where its thread is. `link` is Slack's permalink of the card, if it is known. */
export function renderDirectNotice(
  { text }: Message,
  { channelId, link }: { readonly channelId: string; readonly link?: string | undefined },
): Message {
  const url = safeLink(link);
  const isKnown = url !== undefined && url.length <= MAX_LINK_CHARS;
  const where = isKnown
    ? `<${escapeMrkdwn(url)}|Open the thread>`
    : `in <#${escapeUntrusted(channelId, 40)}>`;
  return { text: `${text} · ${where}`, blocks: [] };
}
