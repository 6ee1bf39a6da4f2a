import { expect, test } from 'vitest';
import {
  agentObject,
  networkObject,
  portObject,
  serverObject,
} from '../../../test/world/openstack/objects.ts';
import { neverAborts, openLabCloud } from '../../../test/world/openstack/open-source.ts';
import type { SourcePermission } from '../../ports/source.ts';

const CONTENT = {
  networks: [networkObject('blue', { project_id: 'p-lab' })],
  ports: [portObject('fa:16:3e:5c:01:9a', { project_id: 'p-lab' })],
  agents: [agentObject('net-1')],
  servers: [serverObject('web-1', { tenant_id: 'p-lab' })],
};

/** As in docs/sources.md. */
const ACCESS_RULES = [
  { service: 'compute', method: 'GET', path: '/v2.1/servers/detail' },
  { service: 'compute', method: 'GET', path: '/v2.1/servers/{server_id}' },
  { service: 'compute', method: 'GET', path: '/v2.1/os-services' },
  { service: 'image', method: 'GET', path: '/v2/images/{image_id}' },
  { service: 'network', method: 'GET', path: '/v2.0/networks' },
  { service: 'network', method: 'GET', path: '/v2.0/ports' },
  { service: 'network', method: 'GET', path: '/v2.0/agents' },
];

const missingIn = (permissions: readonly SourcePermission[]) =>
  permissions.filter(({ allowed }) => !allowed).map(({ method, permission }) => `${method}: ${permission}`);
const excessIn = (permissions: readonly SourcePermission[]) =>
  permissions.filter(({ method }) => method === undefined).map(({ permission }) => permission);

test('an administrator with the access rules of the documentation has all permissions and no others', async () => {
  const { source } = await openLabCloud({ ...CONTENT, login: { accessRules: ACCESS_RULES } });

  const permissions = await source.permissions!(neverAborts().signal);

  expect(missingIn(permissions)).toEqual([]);
  expect(excessIn(permissions)).toEqual([]);
  expect(new Set(permissions.map(({ method }) => method))).toEqual(
    new Set(['networks', 'ports', 'dhcpAgents', 'servers', 'server', 'services', 'image']),
  );
});

test('an administrator without access rules may do more', async () => {
  const { source } = await openLabCloud(CONTENT);

  const permissions = await source.permissions!(neverAborts().signal);

  expect(missingIn(permissions)).toEqual([]);
  expect(excessIn(permissions)).toEqual(['change everything in the cloud']);
});

test('names access rules that allow more than reading', async () => {
  const accessRules = [...ACCESS_RULES, { service: 'compute', method: 'POST', path: '/v2.1/servers' }];
  const { source } = await openLabCloud({ ...CONTENT, login: { accessRules } });

  expect(excessIn(await source.permissions!(neverAborts().signal))).toEqual(['send POST /v2.1/servers']);
});

test.each([
  ['/v2.0/networks', ['networks: list networks']],
  ['/v2.0/ports', ['ports: list ports']],
  ['/v2.1/os-services', ['services: list the services of Nova']],
  ['/v2/images/{image_id}', ['image: read an image']],
  ['/v2.0/agents', ['dhcpAgents: list network agents']],
  ['/v2.1/servers/detail', ['servers: list the instances of all projects']],
  ['/v2.1/servers/{server_id}', ['server: read an instance']],
])('finds that the access rule for %s is missing', async (path, missing) => {
  const accessRules = ACCESS_RULES.filter((rule) => rule.path !== path);
  // `{server_id}` also matches `detail`.
  const own = path.endsWith('detail')
    ? accessRules.filter((rule) => !rule.path.endsWith('{server_id}'))
    : accessRules;
  const { source } = await openLabCloud({ ...CONTENT, login: { accessRules: own } });

  expect(missingIn(await source.permissions!(neverAborts().signal))).toEqual(
    path.endsWith('detail') ? [...missing, 'server: read an instance'] : missing,
  );
});

test('a reader lacks the view of all projects, and what only an administrator sees', async () => {
  const { source } = await openLabCloud({ ...CONTENT, login: { roles: ['reader'], project: 'p-lab' } });

  const permissions = await source.permissions!(neverAborts().signal);

  expect(missingIn(permissions)).toEqual([
    'servers: list the instances of all projects',
    'services: list the services of Nova',
    'networks: read the provider attributes of networks',
    'networks: see all projects',
    'ports: see all projects',
    'dhcpAgents: see all projects',
    'server: see all projects',
    'image: see all projects',
  ]);
  expect(excessIn(permissions)).toEqual([]);
});

test('a service that does not respond is not a missing permission', async () => {
  const { source, openStack } = await openLabCloud(CONTENT);
  openStack.fail('neutron', { status: 500, text: 'down' });

  await expect(source.permissions!(neverAborts().signal)).rejects.toMatchObject({ kind: 'unreachable' });
});

const CHANGE_RULES = [
  { service: 'compute', method: 'GET', path: '/v2.1/os-services' },
  { service: 'compute', method: 'PUT', path: '/v2.1/os-services/{service_id}' },
];

test('a separate credential for changes needs two access rules, and may not do more', async () => {
  const { source } = await openLabCloud({
    ...CONTENT,
    login: { accessRules: ACCESS_RULES },
    config: (openStack) => ({
      allow: {
        disable: { auth: { applicationCredential: openStack.addCredential({ accessRules: CHANGE_RULES }) } },
      },
    }),
  });

  const permissions = await source.permissions!(neverAborts().signal);

  expect(missingIn(permissions)).toEqual([]);
  expect(excessIn(permissions)).toEqual([]);
  expect(permissions.filter(({ credential }) => credential === 'allow.disable')).toHaveLength(4);
});

test('finds that a separate credential may not change services, and that it may do more', async () => {
  const accessRules = [CHANGE_RULES[0]!, { service: 'compute', method: 'POST', path: '/v2.1/servers' }];
  const { source } = await openLabCloud({
    ...CONTENT,
    login: { accessRules: ACCESS_RULES },
    config: (openStack) => ({
      allow: { disable: { auth: { applicationCredential: openStack.addCredential({ accessRules }) } } },
    }),
  });

  const permissions = await source.permissions!(neverAborts().signal);

  expect(missingIn(permissions)).toEqual([
    'disableService: change the services of Nova',
    'enableService: change the services of Nova',
  ]);
  expect(permissions.find(({ method }) => method === undefined)).toMatchObject({
    permission: 'send POST /v2.1/servers',
    credential: 'allow.disable',
  });
});

test('with `allow.disable: {}`, the credential for reading needs the rule for changes', async () => {
  const config = { allow: { disable: {} } };
  const without = await openLabCloud({ ...CONTENT, login: { accessRules: ACCESS_RULES }, config });
  const accessRules = [...ACCESS_RULES, CHANGE_RULES[1]!];
  const complete = await openLabCloud({ ...CONTENT, login: { accessRules }, config });
  const read = await openLabCloud({ ...CONTENT, login: { accessRules } });

  expect(missingIn(await without.source.permissions!(neverAborts().signal))).toEqual([
    'disableService: change the services of Nova',
    'enableService: change the services of Nova',
  ]);
  const permissions = await complete.source.permissions!(neverAborts().signal);
  expect([missingIn(permissions), excessIn(permissions)]).toEqual([[], []]);
  // Without the permission, it is more than reading needs.
  expect(excessIn(await read.source.permissions!(neverAborts().signal))).toEqual([
    'send PUT /v2.1/os-services/{service_id}',
  ]);
});
