import { type DigestListing, OVERDUE_HINT, refusalHint } from '../../../check/digest-listing.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import { momentInWords } from '../../../check/tracked-in-words.ts';
import { type Blocks, dateToken, MAX_TEXT_BYTES } from '../blocks.ts';
import { code, escapeUntrusted, joinLinesWithin, truncateMrkdwn } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';

const MAX_LISTED = 25;

/** `/wrench digest list`, visible only to the person who asked. */
export function renderDigestList(digests: readonly DigestListing[], now: Date): Message {
  if (digests.length === 0)
    return section('No digests are configured. Add one under `digests` in `wrench.yaml`.');
  const shown = digests.slice(0, MAX_LISTED);
  const rest = digests.length - shown.length;
  const lines = [
    `*${countInWords(digests.length, 'digest')}*`,
    ...shown.map((digest) => entryOf(digest, now)),
    ...(rest > 0 ? [`and ${rest} more`] : []),
  ];
  return { text: joinLinesWithin(lines, MAX_TEXT_BYTES), blocks: lines.map(sectionBlock) };
}

/** The reply to `/wrench digest run`. A run that someone requested is posted even if the digest is quiet. */
export function renderDigestStarted({ name, channel }: Pick<DigestListing, 'name' | 'channel'>): Message {
  return section(`Running digest ${code(name, 80)}. I'll post it in ${channelOf(channel)}.`);
}

/** The reply to `/wrench digest run` while the digest is running. */
export function renderDigestRunning({
  name,
  channel,
  since,
}: Pick<DigestListing, 'name' | 'channel'> & { readonly since: string }): Message {
  return section(
    `Digest ${code(name, 80)} is already running, since ${dateToken(since)}. I'll post it in ${channelOf(channel)}.`,
  );
}

function entryOf(digest: DigestListing, now: Date): string {
  const { name, channel, isQuiet, schedule, next, overdueSince, runningSince, lastRun, undelivered } = digest;
  const at = (iso: string) => dateToken(iso, momentInWords(iso, now));
  const zone = escapeUntrusted(schedule.timeZone, 60);
  const lines = [
    `*${escapeUntrusted(name, 80)}* in ${channelOf(channel)}, ${code(schedule.cron, 80)} ${zone}${isQuiet ? ', quiet' : ''}`,
    ...(runningSince === undefined ? [] : [`running since ${at(runningSince)}`]),
    ...(overdueSince === undefined
      ? []
      : [`:warning: was due ${at(overdueSince)}, but no worker has started it. ${OVERDUE_HINT}`]),
    `next run: ${next === undefined ? 'never' : at(next)}`,
    `last run: ${lastRun ? lastRunOf(lastRun, at) : 'none yet'}`,
    ...(undelivered
      ? [
          `:warning: not posted ${at(undelivered.at)}: ${escapeUntrusted(undelivered.code, 80)}. ${refusalHint(undelivered.code)}`,
        ]
      : []),
  ];
  return lines.join('\n');
}

function lastRunOf(
  { at, found }: NonNullable<DigestListing['lastRun']>,
  dateOf: (iso: string) => string,
): string {
  return found === undefined ? dateOf(at) : `${dateOf(at)}: ${escapeUntrusted(found, 300)}`;
}

function channelOf(id: string): string {
  return /^[CGD][A-Z0-9]{2,20}$/.test(id) ? `<#${id}>` : escapeUntrusted(id, 80);
}

function section(mrkdwn: string): Message {
  return { text: truncateMrkdwn(mrkdwn, MAX_TEXT_BYTES), blocks: [sectionBlock(mrkdwn)] };
}

function sectionBlock(mrkdwn: string): Blocks[number] {
  return {
    type: 'section',
    text: { type: 'mrkdwn', text: truncateMrkdwn(mrkdwn, MAX_TEXT_BYTES), verbatim: true },
  };
}
