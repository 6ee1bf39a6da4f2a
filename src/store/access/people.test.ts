import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { groupsIn, openPeople } from './people.ts';

const redis = useRedis();
let connection: Redis;
beforeEach(() => {
  connection = redis.connect();
});

const roles = { requester: ['U0ADA', 'S0ONCALL'], approver: ['S0ONCALL', 'S0LEADS'], auditor: [] };
const ada = {
  id: 'U0ADA',
  teamId: 'T0DEMO',
  isDeleted: false,
  isBot: false,
  isGuest: false,
  isStranger: false,
  atMs: 1_000,
};

test('returns a person and the groups that roles name, each with its age', async () => {
  const people = openPeople(connection, '{one}');
  await people.savePerson(ada);
  await people.saveGroup({ id: 'S0ONCALL', users: ['U0ADA'], atMs: 2_000 });
  await people.saveGroup({ id: 'S0OTHER', users: ['U0ADA'], atMs: 2_000 });

  await expect(people.readIdentity('U0ADA', roles)).resolves.toEqual({
    person: ada,
    groups: [{ id: 'S0ONCALL', users: ['U0ADA'], atMs: 2_000 }],
  });
  await expect(people.readIdentity('U0GRACE', roles)).resolves.toMatchObject({ person: undefined });
});

test('a newer lookup replaces the older one', async () => {
  const people = openPeople(connection, '{two}');
  await people.saveGroup({ id: 'S0ONCALL', users: ['U0ADA'], atMs: 1_000 });
  await people.saveGroup({ id: 'S0ONCALL', users: [], atMs: 2_000 });

  await expect(people.readIdentity('U0ADA', roles)).resolves.toMatchObject({
    groups: [{ id: 'S0ONCALL', users: [], atMs: 2_000 }],
  });
});

test('lists each group once, and no people', () => {
  expect(groupsIn(roles)).toEqual(['S0ONCALL', 'S0LEADS']);
});

test('stores a workspace as its plain id, and an organization with all its fields', async () => {
  const people = openPeople(connection, '{three}');
  await expect(people.workspace()).resolves.toBeUndefined();

  await people.saveWorkspace({ teamId: 'T0DEMO', enterpriseId: 'E0ORG', isEnterpriseInstall: false });
  await expect(connection.get('{three}:workspace')).resolves.toBe('T0DEMO');
  await expect(people.workspace()).resolves.toEqual({ teamId: 'T0DEMO', isEnterpriseInstall: false });

  const organization = { teamId: 'E0ORG', enterpriseId: 'E0ORG', isEnterpriseInstall: true };
  await people.saveWorkspace(organization);
  await expect(people.workspace()).resolves.toEqual(organization);
});
