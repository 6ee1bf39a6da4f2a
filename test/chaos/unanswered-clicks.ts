import type { RecordedClick } from './buttons.ts';
import type { Evidence, AuditRecord } from './evidence.ts';

const AUDITED_AS = { request: 'asked', approve: 'approved', reject: 'rejected', look: 'outcome' } as const;
/**
 * Wrench counts clicks of one person on one button at the same instant as one, if it accepted one of them;
 * on a busy machine an instant is this long.
 */
const INSTANT_MS = 1_000;

/**
 * Clicks of one person on one button of one remediation; those without a known remediation in their channel
 * have no id.
 */
interface ClickGroup {
  readonly userId: string;
  readonly button: RecordedClick['button'];
  readonly id: string;
  readonly clicks: readonly RecordedClick[];
}

/**
 * Clicks without a result: neither accepted nor refused in the audit, nor counted there, and without a
 * private reply that they could not be processed. Slack itself reports a click that did not arrive.
 */
export function unansweredClicks({
  clicks,
  entries,
  notTaken,
  counted,
  remediations,
}: Evidence): readonly string[] {
  const channels = new Map(remediations.map(({ id, asked }) => [id, asked.channelId]));
  const known = ({ value, channelId }: RecordedClick) => {
    const id = /^(m[0-9a-f]{16})( [0-9a-f]{64})?$/.exec(value)?.[1] ?? '';
    return channels.get(id) === channelId ? id : '';
  };
  const arrived = clicks.filter(({ isAcknowledged }) => isAcknowledged);
  const asked = [...Map.groupBy(arrived, (click) => [click.userId, click.button, known(click)].join(' '))];
  const open = asked.flatMap(([, all]) => {
    const [first] = all;
    if (!first) return [];
    const one: ClickGroup = { userId: first.userId, button: first.button, id: known(first), clicks: all };
    const left = all.length - answersTo(one, entries);
    return left > 0 ? [{ one, left }] : [];
  });
  // The private reply does not name the click, and later refusals are only counted, so the clicks of one person are counted together.
  return [...Map.groupBy(open, ({ one }) => one.userId)].flatMap(([userId, theirs]) => {
    const replies = notTaken.filter((reply) => reply.userId === userId).length;
    const summedUp = entries
      .filter(({ entry }) => entry.kind === 'refused' && entry.who[0] === userId)
      .reduce((sum, { entry }) => sum + (entry.count ?? 0), counted[userId] ?? 0);
    const left = theirs.reduce((sum, each) => sum + each.left, 0);
    return left > replies + summedUp ? theirs.map((each) => describeGroup(each.one, each.left, replies)) : [];
  });
}

function answersTo({ userId, button, id, clicks }: ClickGroup, entries: readonly AuditRecord[]): number {
  const theirs = entries.filter(({ entry }) => entry.who[0] === userId && (entry.remediation ?? '') === id);
  const refused = theirs.filter(({ entry }) => refusedButton(entry) === button).length;
  const taken = theirs.filter(({ entry }) => entry.kind === AUDITED_AS[button]).length;
  return refused + taken + (taken > 0 ? sameInstant(clicks) : 0);
}

/** `request`, if a click on that button was refused. */
function refusedButton({ kind, what, because = '' }: AuditRecord['entry']): string | undefined {
  if (kind !== 'refused') return undefined;
  return /^a click on (\w+)$/.exec(what)?.[1] ?? /^(\w+): /.exec(because)?.[1];
}

/** How many followed another immediately. */
function sameInstant(clicks: readonly RecordedClick[]): number {
  const times = clicks.map(({ atMs }) => atMs).toSorted((a, b) => a - b);
  return times.filter((atMs, at) => at > 0 && atMs - (times[at - 1] ?? 0) <= INSTANT_MS).length;
}

function describeGroup({ userId, button, id, clicks }: ClickGroup, left: number, replies: number): string {
  const at = clicks.map(({ atMs }) => new Date(atMs).toISOString()).join(', ');
  return `${left} of ${userId} on ${button} ${id}, with ${replies} replies; clicked at ${at}`;
}
