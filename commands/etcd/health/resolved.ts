import { type Finding, type ports, wording } from '../../kit.ts';
import { allOf } from '../../shared/grammar.ts';
import { servedCertificates } from '../../shared/store-certificates.ts';
import { isHealthy, storeTarget } from '../../shared/store-members.ts';
import type { Facts, StoreState } from './collect.ts';
import { hasAlarm, spaceOf } from './maintenance.ts';

/** The share of its lifetime. With less left, it may still be the old certificate. */
const NEW_SHARE = 0.5;

type Resolve = (store: StoreState, target: string, now: Date) => string | undefined;

const RESOLVED: Readonly<Record<string, Resolve>> = {
  'no-space': (store) => (hasAlarm(store, 'NOSPACE') ? undefined : spaceNow(store)),
  'database-filling': spaceNow,
  'database-growing': spaceNow,
  'database-fragmented': spaceNow,
  'member-unreachable': respondsNow,
  'member-unhealthy': respondsNow,
  'quorum-lost': respondsNow,
  'endpoints-down': respondsNow,
  'certificate-expired': validNow,
  'certificate-expiring': validNow,
};

/** The current state of a store, if the facts show that a finding is resolved. undefined for stores and members that did not report. */
export function resolved(
  { stores }: Facts,
  { reason, target }: Pick<Finding, 'reason' | 'target'>,
  now: Date,
): string | undefined {
  const store = stores.find(({ name }) => target === name || target.startsWith(`${name}/`));
  return store && RESOLVED[reason]?.(store, target, now);
}

function spaceNow(store: StoreState): string | undefined {
  const space = spaceOf(store);
  if (!space?.quotaBytes || store.members.some(({ dbSizeBytes }) => dbSizeBytes === undefined))
    return undefined;
  return `now ${wording.percent(space.sizeBytes / space.quotaBytes)} of its quota used`;
}

function respondsNow(store: StoreState, target: string): string | undefined {
  const members = membersAt(store, target);
  if (store.hasQuorum !== true || members.length === 0) return undefined;
  if (!members.every((member) => !member.error && member.healthy === true && isHealthy(member, store)))
    return undefined;
  return members.length === 1
    ? 'responding again and healthy'
    : `${allOf(members.length, 'member')} are responding and healthy`;
}

/** The member that a target names, or all members of the store. */
function membersAt(store: StoreState, target: string): readonly ports.StoreMember[] {
  return target === store.name
    ? store.members
    : store.members.filter((member) => storeTarget(store, [member]) === target);
}

/** Renewed only if every certificate of the target was read, and is valid for so long that it must be new. */
function validNow(store: StoreState, target: string, now: Date): string | undefined {
  const members = membersAt(store, target);
  const served = servedCertificates(store).filter(({ id }) => members.some((member) => member.id === id));
  const dates = served.map(({ certificate }) => certificate);
  const [first, ...others] = dates;
  if (!first || members.some(({ id }) => !served.some((one) => one.id === id))) return undefined;
  const isNew = dates.every(({ notBefore, notAfter }) => {
    const [from, until] = [notBefore.getTime(), notAfter.getTime()];
    return from <= now.getTime() && (until - now.getTime()) / (until - from) > NEW_SHARE;
  });
  const end = others.reduce(
    (soonest, { notAfter }) => (notAfter < soonest ? notAfter : soonest),
    first.notAfter,
  );
  return isNew ? `renewed, now valid until ${wording.calendarDay(end)}` : undefined;
}
