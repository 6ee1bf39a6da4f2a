import { expect, test } from 'vitest';
import type { AccessRole } from '../remediation/policy.ts';
import { authorize } from './authorize.ts';
import type { Identity, Person } from './people.ts';

const NOW = Date.UTC(2026, 10, 20, 14);
const FRESH = NOW - 10_000;
const STALE = NOW - 301_000;

const HOME = { teamId: 'T0DEMO', isEnterpriseInstall: false };

const ada: Person = {
  id: 'U0ADA',
  teamId: 'T0DEMO',
  isDeleted: false,
  isBot: false,
  isGuest: false,
  isStranger: false,
  atMs: FRESH,
};
const oncall = { id: 'S0ONCALL', users: ['U0ADA', 'U0GRACE'], atMs: FRESH };
const roles = { requester: ['U0ADA'], approver: ['S0ONCALL'], auditor: ['S0AUDIT', 'U0KATE'] };

const ask = (
  known: Partial<Identity>,
  asked: readonly AccessRole[] | 'anyone' = ['requester'],
  nowMs = NOW,
) =>
  authorize(
    asked,
    { userId: 'U0ADA', workspace: HOME },
    { person: ada, groups: [oncall], ...known },
    { roles, membershipSeconds: 300 },
    nowMs,
  );

test('allows a person whose own id has the role', () => {
  expect(ask({ groups: [] })).toBe(true);
});

test('allows a member of a group that has the role', () => {
  expect(ask({}, ['approver'])).toBe(true);
});

const ORGANIZATION = { teamId: 'E0ORG', enterpriseId: 'E0ORG', isEnterpriseInstall: true };
const askInOrganization = (person: Person) =>
  authorize(
    ['requester'],
    { userId: 'U0ADA', workspace: ORGANIZATION },
    { person, groups: [] },
    { roles, membershipSeconds: 300 },
    NOW,
  );

test('an organization-wide installation allows people from all its workspaces, and no one else', () => {
  const outsider = { because: "people from other workspaces can't do this" };

  expect(askInOrganization({ ...ada, teamId: 'T0EAST', enterpriseId: 'E0ORG' })).toBe(true);
  expect(askInOrganization({ ...ada, teamId: 'T0EAST', enterpriseId: 'E0ORG', isStranger: true })).toBe(true);
  expect(askInOrganization({ ...ada, enterpriseId: 'E0OTHER' })).toEqual(outsider);
  expect(askInOrganization(ada)).toEqual(outsider);
  expect(askInOrganization({ ...ada, enterpriseId: 'E0ORG', isGuest: true })).toEqual({
    because: "guests can't do this",
  });
});

test('one of several roles is enough', () => {
  expect(ask({}, ['auditor', 'approver'])).toBe(true);
});

/** Reasons that the person reads in other words. */
const TO_PERSON: Readonly<Record<string, string>> = {
  'the account is deactivated': 'your account is deactivated',
  'needs the approver role': 'you need the approver role; ask someone who has it',
  'needs the auditor role': 'you need the auditor role; ask someone who has it',
};

test.each<[string, Partial<Identity>, readonly AccessRole[], string]>([
  ['a guest', { person: { ...ada, isGuest: true } }, ['requester'], "guests can't do this"],
  [
    'a person from outside, through a shared channel',
    { person: { ...ada, isStranger: true } },
    ['requester'],
    "people from other workspaces can't do this",
  ],
  [
    'a person from another workspace',
    { person: { ...ada, teamId: 'T0OTHER' } },
    ['requester'],
    "people from other workspaces can't do this",
  ],
  [
    'a deactivated account',
    { person: { ...ada, isDeleted: true } },
    ['requester'],
    'the account is deactivated',
  ],
  ['a bot', { person: { ...ada, isBot: true } }, ['requester'], "bots can't do this"],
  [
    'a person who could not be looked up',
    { person: undefined },
    ['requester'],
    "couldn't look up the account in Slack; try again",
  ],
  [
    'a person who was looked up too long ago',
    { person: { ...ada, atMs: STALE } },
    ['requester'],
    'the account was last looked up in Slack 5 min ago, which is too long ago; try again',
  ],
  [
    'a person who was removed from the group',
    { groups: [{ ...oncall, users: ['U0GRACE'] }] },
    ['approver'],
    'needs the approver role',
  ],
  [
    'a member of a group that was looked up too long ago',
    { groups: [{ ...oncall, atMs: STALE }] },
    ['approver'],
    'the members of S0ONCALL are unknown or out of date; try again',
  ],
  [
    'a member of a group that was never looked up',
    { groups: [] },
    ['approver'],
    'the members of S0ONCALL are unknown or out of date; try again',
  ],
  [
    'a member of a group of another role only',
    {},
    ['auditor'],
    'the members of S0AUDIT are unknown or out of date; try again',
  ],
  [
    'a member of a group that no role names',
    {
      groups: [
        { ...oncall, id: 'S0OTHER' },
        { id: 'S0AUDIT', users: [], atMs: FRESH },
      ],
    },
    ['auditor'],
    'needs the auditor role',
  ],
])('refuses %s, with the reason', (_, known, asked, because) => {
  const toPerson = TO_PERSON[because];

  expect(ask(known, asked)).toEqual({ because, ...(toPerson !== undefined && { toPerson }) });
});

test('a stale group does not exclude a member of a fresh one', () => {
  const both = { requester: [], approver: ['S0OLD', 'S0ONCALL'], auditor: [] };
  const groups = [{ id: 'S0OLD', users: [], atMs: STALE }, oncall];

  expect(
    authorize(
      ['approver'],
      { userId: 'U0ADA', workspace: HOME },
      { person: ada, groups },
      { roles: both, membershipSeconds: 300 },
      NOW,
    ),
  ).toBe(true);
});

test('a stale group admits none of its former members', () => {
  expect(ask({ groups: [{ ...oncall, atMs: STALE }] }, ['approver'])).not.toBe(true);
});

test('if the roles are empty, no one is allowed', () => {
  const noOne = { requester: [], approver: [], auditor: [] };

  expect(
    authorize(
      ['requester', 'approver'],
      { userId: 'U0ADA', workspace: HOME },
      { person: ada, groups: [oncall] },
      { roles: noOne, membershipSeconds: 300 },
      NOW,
    ),
  ).toEqual({
    because: 'needs the requester or approver role',
    toPerson: 'you need the requester or approver role; ask someone who has it',
  });
});

test('anyone is each person of the workspace whose account is known, guests included', () => {
  expect(ask({ groups: [] }, 'anyone')).toBe(true);
  expect(ask({ person: { ...ada, isGuest: true } }, 'anyone')).toBe(true);
  for (const person of [
    { ...ada, isBot: true },
    { ...ada, isDeleted: true },
    { ...ada, isStranger: true },
    { ...ada, teamId: 'T0OTHER' },
    { ...ada, atMs: STALE },
  ])
    expect(ask({ person }, 'anyone')).toMatchObject({ because: expect.any(String) as string });
});
