import type { Config } from '../../src/config/read-config.ts';
import type { User, UserGroup } from '../workspace/model.ts';

/** Who clicks. Requesters request, approvers approve, some do both, and some have no role. */
const person = (name: string, more: Partial<User> = {}): User => ({
  id: `U0CHAOS${name.toUpperCase()}`,
  name,
  realName: name,
  ...more,
});

const users = {
  requesters: ['ann', 'bea', 'cid'].map((name) => person(name)),
  both: ['dot', 'eve'].map((name) => person(name)),
  approvers: ['fay', 'gus', 'hal'].map((name) => person(name)),
  /** Approvers until they are removed from the group. */
  leavers: ['ida', 'jon'].map((name) => person(name)),
  /** In no role, or in one that does not count for them. */
  outsiders: [person('kim'), person('lee', { isRestricted: true }), person('mia', { isDeleted: true })],
} as const;

const ids = (some: readonly User[]) => some.map(({ id }) => id);

export const REQUESTERS: readonly string[] = ids([...users.requesters, ...users.both]);
export const APPROVERS: readonly string[] = ids([...users.both, ...users.approvers]);
export const LEAVERS: readonly string[] = ids(users.leavers);
export const OUTSIDERS: readonly string[] = ids(users.outsiders);
export const ALL_USERS: readonly User[] = Object.values(users).flat();

/** User groups, as named in the configuration. Guests and deactivated people are members too. */
const REQUESTER_GROUP = 'S0CHAOSASK';
export const APPROVER_GROUP = 'S0CHAOSAPPROVE';

const group = (id: string, handle: string, members: readonly string[]): UserGroup => ({
  id,
  handle,
  name: handle,
  users: members,
});

const IN_VAIN = ids(users.outsiders.slice(1));
export const STAYING: readonly string[] = [...APPROVERS, ...IN_VAIN];

export const GROUPS: readonly UserGroup[] = [
  group(REQUESTER_GROUP, 'requesters', [...REQUESTERS, ...IN_VAIN]),
  group(APPROVER_GROUP, 'approvers', [...STAYING, ...LEAVERS]),
];

export const ROLES: Config['roles'] = {
  requester: [REQUESTER_GROUP],
  approver: [APPROVER_GROUP],
  auditor: [],
};
