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

const ask = (known: Partial<Identity>, asked: readonly AccessRole[] = ['requester'], nowMs = NOW) =>
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

test('an organization-wide installation allows people of all its workspaces, and nobody else', () => {
  const outsider = 'people of another workspace may not do this';

  expect(askInOrganization({ ...ada, teamId: 'T0EAST', enterpriseId: 'E0ORG' })).toBe(true);
  expect(askInOrganization({ ...ada, teamId: 'T0EAST', enterpriseId: 'E0ORG', isStranger: true })).toBe(true);
  expect(askInOrganization({ ...ada, enterpriseId: 'E0OTHER' })).toBe(outsider);
  expect(askInOrganization(ada)).toBe(outsider);
  expect(askInOrganization({ ...ada, enterpriseId: 'E0ORG', isGuest: true })).toBe('guests may not do this');
});

test('one of several roles is enough', () => {
  expect(ask({}, ['auditor', 'approver'])).toBe(true);
});

test.each<[string, Partial<Identity>, readonly AccessRole[], string]>([
  ['a guest', { person: { ...ada, isGuest: true } }, ['requester'], 'guests may not do this'],
  [
    'somebody from outside, through a shared channel',
    { person: { ...ada, isStranger: true } },
    ['requester'],
    'people of another workspace may not do this',
  ],
  [
    'somebody of another workspace',
    { person: { ...ada, teamId: 'T0OTHER' } },
    ['requester'],
    'people of another workspace may not do this',
  ],
  [
    'a deactivated account',
    { person: { ...ada, isDeleted: true } },
    ['requester'],
    'the account is deactivated',
  ],
  ['a bot', { person: { ...ada, isBot: true } }, ['requester'], 'a bot may not do this'],
  [
    'somebody whom Slack could not be asked about',
    { person: undefined },
    ['requester'],
    'Slack could not be asked who this is; try again',
  ],
  [
    'somebody who was looked up too long ago',
    { person: { ...ada, atMs: STALE } },
    ['requester'],
    'who this is was last looked up 5 min ago, which is too long; try again',
  ],
  [
    'somebody who was taken out of the group',
    { groups: [{ ...oncall, users: ['U0GRACE'] }] },
    ['approver'],
    'no role that may approve remediations includes them',
  ],
  [
    'somebody in a group that was looked up too long ago',
    { groups: [{ ...oncall, atMs: STALE }] },
    ['approver'],
    'the members of S0ONCALL are not known freshly enough; try again',
  ],
  [
    'somebody in a group that was never looked up',
    { groups: [] },
    ['approver'],
    'the members of S0ONCALL are not known freshly enough; try again',
  ],
  [
    'somebody in a group of another role only',
    {},
    ['auditor'],
    'the members of S0AUDIT are not known freshly enough; try again',
  ],
  [
    'somebody in a group that no role names',
    {
      groups: [
        { ...oncall, id: 'S0OTHER' },
        { id: 'S0AUDIT', users: [], atMs: FRESH },
      ],
    },
    ['auditor'],
    'no role that may read the audit includes them',
  ],
])('refuses %s, with the reason', (_, known, asked, because) => {
  expect(ask(known, asked)).toBe(because);
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

test('if no role names anybody, nobody is allowed', () => {
  const nobody = { requester: [], approver: [], auditor: [] };

  expect(
    authorize(
      ['requester', 'approver'],
      { userId: 'U0ADA', workspace: HOME },
      { person: ada, groups: [oncall] },
      { roles: nobody, membershipSeconds: 300 },
      NOW,
    ),
  ).toBe('no role that may ask for remediations or approve remediations includes them');
});
