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
    new Set(['networks', 'ports', 'dhcpAgents', 'servers', 'server']),
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
  ['/v2.0/agents', ['dhcpAgents: list network agents']],
  ['/v2.1/servers/detail', ['servers: list the instances of all projects']],
  ['/v2.1/servers/{server_id}', ['server: read an instance']],
])('finds that the access rule for %s is missing', async (path, missing) => {
  const accessRules = ACCESS_RULES.filter((rule) => rule.path !== path);
  // `{server_id}` also matches `detail`.
  const own = path.endsWith('detail') ? accessRules.filter((rule) => !rule.path.endsWith('}')) : accessRules;
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
    'networks: read the provider attributes of networks',
    'networks: see all projects',
    'ports: see all projects',
    'dhcpAgents: see all projects',
    'server: see all projects',
  ]);
  expect(excessIn(permissions)).toEqual([]);
});

test('a service that does not respond is not a missing permission', async () => {
  const { source, openStack } = await openLabCloud(CONTENT);
  openStack.fail('neutron', { status: 500, text: 'down' });

  await expect(source.permissions!(neverAborts().signal)).rejects.toMatchObject({ kind: 'unreachable' });
});
