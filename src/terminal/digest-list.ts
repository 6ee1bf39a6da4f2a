import { type DigestListing, OVERDUE_HINT, refusalHint } from '../check/digest-listing.ts';
import { momentInWords } from '../check/tracked-in-words.ts';
import { alignTable } from '../text/align-table.ts';
import { cleanText } from '../text/clean-text.ts';

/** `wrench digest list`: a table, then the problems of single digests. */
export function renderDigestListTerminal(digests: readonly DigestListing[], now: Date): string {
  if (digests.length === 0) return 'No digests are configured. Add one under `digests` in wrench.yaml.\n';
  const at = (iso: string | undefined) => (iso === undefined ? '-' : momentInWords(iso, now));
  const rows = digests.map(({ name, channel, isQuiet, schedule, next, runningSince, lastRun }) => [
    cleanText(name),
    cleanText(channel),
    `${cleanText(schedule.cron)} ${cleanText(schedule.timeZone)}${isQuiet ? ' (quiet)' : ''}`,
    at(next),
    runningSince === undefined ? at(lastRun?.at) : `running since ${at(runningSince)}`,
    cleanText(lastRun?.found ?? '-'),
  ]);
  const table = alignTable(['NAME', 'CHANNEL', 'SCHEDULE', 'NEXT RUN', 'LAST RUN', 'FOUND'], rows);
  const problems = digests.flatMap(({ name, overdueSince, undelivered }) => [
    ...(overdueSince === undefined
      ? []
      : [`${cleanText(name)}: was due ${at(overdueSince)}, but no worker has started it. ${OVERDUE_HINT}`]),
    ...(undelivered
      ? [
          `${cleanText(name)}: not posted ${at(undelivered.at)}: ${cleanText(undelivered.code)}. ${refusalHint(undelivered.code)}`,
        ]
      : []),
  ]);
  return `${[...table, ...(problems.length > 0 ? ['', ...problems] : [])].join('\n')}\n`;
}
