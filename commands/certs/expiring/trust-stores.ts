import { wording } from '../../kit.ts';
import { bare, type Due, dueInWords, validity } from './expiry.ts';
import type { Task } from './sort-findings.ts';
import type { Held } from './group-by-fingerprint.ts';

interface DueRoot {
  readonly held: Held;
  readonly status: Due;
}

/** In the table of roots; systems have about 140. */
const MOST_ROWS = 200;

/**
 * Roots in the trust stores of a system or runtime that have expired or soon will: one finding for all, and information, because clients ignore
 * them and they cannot be renewed here. Where a certificate still needs one of them, that is a finding of its own.
 */
export function trustStoreTask(due: readonly DueRoot[], nowMs: number): Task | undefined {
  const roots = due.toSorted((a, b) => (a.held.places[0].place < b.held.places[0].place ? -1 : 1));
  const [first] = roots;
  if (!first) return undefined;
  const stores = [...new Set(roots.flatMap(({ held }) => held.places.map(({ place }) => folderOf(place))))];
  const where = `in the trust ${stores.length > 1 ? 'stores' : 'store'} ${wording.list(stores.map(bare), 2)}`;
  const rows = roots.slice(0, MOST_ROWS).map(({ held, status }) => [
    held.certificate.name,
    dueInWords(held, status, nowMs).replace(/^is /, ''),
    validity(held),
    wording.list(
      held.places.map(({ place }) => place),
      2,
      held.count,
    ),
  ]);
  const finding = {
    reason: 'trust-store-outdated',
    severity: 'info',
    target: folderOf(first.held.places[0].place),
    summary: `${summaryOf(roots, where, nowMs)}: ${advice(roots)}`,
    evidence: [{ kind: 'table', columns: ['Root', 'Status', 'Valid', 'Place'], rows }],
  } as const;
  return { finding, untilMs: first.held.certificate.notAfter.getTime() };
}

function summaryOf(roots: readonly DueRoot[], where: string, nowMs: number): string {
  const [first, ...others] = roots;
  if (!first) return '';
  if (others.length === 0)
    return `${first.held.certificate.name} ${dueInWords(first.held, first.status, nowMs)} (${where})`;
  const names = wording.list(
    roots.map(({ held }) => held.certificate.name),
    2,
  );
  return `${rootsInWords(roots.map(({ status }) => status))} (${names}, ${where})`;
}

/** `2 trusted roots have expired`; of several kinds each with its number. */
export function rootsInWords(statuses: readonly Due[]): string {
  const parts = KINDS.flatMap(([is, one, many]) => {
    const amount = statuses.filter((status) => status.is === is).length;
    return amount > 0 ? [{ amount, says: amount === 1 ? one : many }] : [];
  });
  return parts
    .map(({ amount, says }, at) => `${at === 0 ? wording.count(amount, 'trusted root') : amount} ${says}`)
    .join(', ');
}

const KINDS: readonly (readonly [Due['is'], one: string, many: string])[] = [
  ['expired', 'has expired', 'have expired'],
  ['never-valid', 'can never be valid', 'can never be valid'],
  ['expiring', 'expires soon', 'expire soon'],
  ['not-yet-valid', 'is not valid yet', 'are not valid yet'],
  ['undated', 'has unreadable dates', 'have unreadable dates'],
];

function advice(roots: readonly DueRoot[]): string {
  const isOver = roots.some(({ status: { is } }) => is === 'expired' || is === 'never-valid');
  const them = roots.length > 1 ? 'them' : 'it';
  return isOver ? `remove ${them}, or update the system's certificates` : "update the system's certificates";
}

/** `disk:/etc/ssl/certs/AddTrust.pem`, `disk:/etc/ssl/certs/ca-certificates.crt#12`: `disk:/etc/ssl/certs`. */
function folderOf(place: string): string {
  return place.replace(/(?<=.)\/[^/]*$/, '');
}
