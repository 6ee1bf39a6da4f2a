import { type Evidence, type Finding, type ports, wording } from '../kit.ts';

/** A key-value store, as its members report it. */
export interface Store extends ports.StoreMembers {
  readonly name: string;
}

/** One finding about a store, and its text in a verdict. */
export interface StoreProblem {
  readonly finding: Finding<never>;
  readonly headline: string;
}

type Named = Pick<ports.StoreMember, 'id' | 'name'>;

/** One that never started has no name yet, and is called by its id as etcdctl shows it. */
export function memberName({ name, id }: Named): string {
  return name || id;
}

export function memberNames(members: readonly Named[]): string {
  return wording.list(members.map(memberName).toSorted());
}

/** What several members share is about their store, so that it stays the same finding while it spreads. */
export function storeTarget({ name }: Pick<Store, 'name'>, members: readonly Named[]): string {
  const [only, ...others] = members;
  return only && others.length === 0 ? `${name}/${memberName(only)}` : name;
}

/** Where nobody listed the members, the endpoints stand for them, each by its address. */
export function isListed({ members }: Pick<ports.StoreMembers, 'members'>): boolean {
  return !members.every(({ name, url }) => url !== undefined && new URL(url).host === name);
}

export interface Column {
  readonly title: string;
  readonly of: (member: ports.StoreMember) => string;
}

/** Narrow enough for a phone: what all members have in common is left out. Where they could not be listed, the endpoints stand for them. */
export function membersTable(
  { members, endpoints, alarms }: ports.StoreMembers,
  ...more: readonly Column[]
): Evidence {
  if (members.length === 0)
    return {
      kind: 'table',
      columns: ['Endpoint', 'State'],
      rows: endpoints.map(({ address, error }) => [address, error?.message ?? 'responds']),
    };
  return {
    kind: 'table',
    columns: ['Member', 'State', 'Role', ...more.map(({ title }) => title)],
    rows: members.map((member) => [
      memberName(member),
      memberState(member, alarms),
      memberRole(member),
      ...more.map(({ of }) => of(member)),
    ]),
  };
}

export function memberState(
  { name, error, hasLeader, healthy, unhealthyBecause }: ports.StoreMember,
  alarms: readonly ports.StoreAlarm[],
): string {
  if (error) return name === '' ? 'never started' : error.message;
  // A member reports everybody's alarms, by their ids: the findings name them. Before 3.5 it gives no reason.
  const because = unhealthyBecause ?? (alarms.length > 0 && hasLeader !== false ? 'alarm' : '');
  if (healthy === false && /alarm/i.test(because)) return 'alarm raised';
  if (healthy === false) return unhealthyBecause ?? (hasLeader === false ? 'no leader' : 'unhealthy');
  if (hasLeader === false) return 'no leader';
  return healthy ? 'healthy' : 'responds';
}

function memberRole({ isLeader, hasLeader, isLearner, isLearnerByStatus, error }: ports.StoreMember): string {
  if (isLearner || isLearnerByStatus) return 'learner';
  if (error || hasLeader === false) return '';
  return isLeader ? 'leader' : 'follower';
}

/** With a capital letter, unless it begins with the name of a store: that is written as configured. */
export function capitalizeHeadline(headline: string, { name }: Pick<Store, 'name'>): string {
  return headline.startsWith(`${name} `) ? headline : headline.charAt(0).toUpperCase() + headline.slice(1);
}
