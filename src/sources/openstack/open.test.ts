import { expect, test } from 'vitest';
import { readAll } from '../../../test/world/kubernetes/open-source.ts';
import {
  agentObject,
  networkObject,
  portObject,
  serverObject,
} from '../../../test/world/openstack/objects.ts';
import { neverAborts, openLabCloud } from '../../../test/world/openstack/open-source.ts';
import type { AnswerHook } from '../../../test/world/openstack/protocol.ts';

const READER = { login: { roles: ['reader'], project: 'p-lab' } } as const;
const MAC = 'fa:16:3e:5c:01:9a';

/** Answers one path of the cloud. */
function answering(path: string, json: unknown, status = 200): AnswerHook {
  return (_, request) => (request.path === path ? { status, json } : undefined);
}

test('maps networks', async () => {
  const { cloud, openStack } = await openLabCloud({
    networks: [
      networkObject('blue'),
      networkObject('green', {
        mtu: 1450,
        qinq: true,
        'provider:network_type': 'vxlan',
        'provider:physical_network': null,
        'provider:segmentation_id': 204,
      }),
    ],
  });

  expect(await readAll(cloud.networks(neverAborts()))).toEqual({
    items: [
      {
        id: 'network-blue',
        name: 'blue',
        mtu: 1500,
        type: 'vlan',
        physicalNetwork: 'physnet1',
        segment: 881,
        isQinq: false,
      },
      { id: 'network-green', name: 'green', mtu: 1450, type: 'vxlan', segment: 204, isQinq: true },
    ],
  });
  expect(openStack.requests.at(-1)).toBe(
    'neutron GET /v2.0/networks?fields=id&fields=name&fields=mtu&fields=qinq&fields=provider%3Anetwork_type' +
      '&fields=provider%3Aphysical_network&fields=provider%3Asegmentation_id&limit=200',
  );
});

test('a reader sees the networks of one project, without provider attributes, and learns that there may be others', async () => {
  const networks = [networkObject('blue', { project_id: 'p-lab' }), networkObject('red')];
  const { cloud } = await openLabCloud({ networks, ...READER });

  expect(await readAll(cloud.networks(neverAborts()))).toEqual({
    items: [{ id: 'network-blue', name: 'blue', mtu: 1500, isQinq: false }],
    error: expect.objectContaining({
      kind: 'refused',
      message:
        'only 1 of the networks was read: the credential sees only the project p-lab, so the networks of others are unknown: ' +
        'give it the role `admin`, limited to reading by access rules',
    }),
  });
});

test('believes the configuration if it says that a role sees all projects', async () => {
  const { cloud } = await openLabCloud({ ...READER, config: { seesAllProjects: true } });

  expect(await readAll(cloud.networks(neverAborts()))).toEqual({ items: [] });
  expect(await cloud.ports({ ...neverAborts(), macs: [MAC] })).toEqual([]);
  expect(await cloud.dhcpAgents(neverAborts())).toEqual([]);
});

test('maps ports, and finds a MAC address in upper case', async () => {
  const { cloud } = await openLabCloud({
    ports: [
      portObject(MAC),
      portObject('fa:16:3e:77:b0:02', {
        network_id: '',
        device_id: '',
        device_owner: 'network:dhcp',
        status: 'DOWN',
        fixed_ips: [],
        'binding:host_id': '',
      }),
    ],
  });

  expect(
    await cloud.ports({ ...neverAborts(), macs: [MAC.toUpperCase(), 'fa:16:3e:77:b0:02', MAC] }),
  ).toEqual([
    {
      id: `port-${MAC}`,
      mac: MAC,
      network: 'network-blue',
      device: '4f1d0e6b-6a77-4c6e-b1a1-0f0f0f5c019a',
      owner: 'compute:nova',
      host: 'cmp-1',
      status: 'ACTIVE',
      addresses: ['10.61.0.14'],
    },
    {
      id: 'port-fa:16:3e:77:b0:02',
      mac: 'fa:16:3e:77:b0:02',
      owner: 'network:dhcp',
      status: 'DOWN',
      addresses: [],
    },
  ]);
});

test('reads the ports of 120 MAC addresses with 3 requests', async () => {
  const macs = Array.from({ length: 120 }, (_, at) => `fa:16:3e:00:00:${at.toString(16).padStart(2, '0')}`);
  const { cloud, openStack } = await openLabCloud({ ports: macs.map((mac) => portObject(mac)) });

  expect((await cloud.ports({ ...neverAborts(), macs })).map(({ mac }) => mac)).toEqual(macs);
  expect(openStack.requests.filter((one) => one.includes('/ports?'))).toHaveLength(3);
});

test('drops ports that nobody asked for, from a Neutron that ignores the filter', async () => {
  const ports = [portObject(MAC), portObject('fa:16:3e:00:00:01')];
  const { cloud } = await openLabCloud({ answer: answering('/v2.0/ports', { ports }) });

  expect(await cloud.ports({ ...neverAborts(), macs: [MAC] })).toHaveLength(1);
});

test('sends no request for no MAC addresses', async () => {
  const { cloud, openStack } = await openLabCloud();

  expect(await cloud.ports({ ...neverAborts(), macs: [] })).toEqual([]);
  expect(openStack.requests.filter((one) => one.startsWith('neutron'))).toEqual([]);
});

test('a reader finds its own port, and cannot say that a MAC address belongs to no port', async () => {
  const ports = [portObject(MAC, { project_id: 'p-lab' }), portObject('fa:16:3e:77:b0:02')];
  const { cloud } = await openLabCloud({ ports, ...READER });

  expect(await cloud.ports({ ...neverAborts(), macs: [MAC] })).toMatchObject([{ mac: MAC }]);
  await expect(cloud.ports({ ...neverAborts(), macs: [MAC, 'fa:16:3e:77:b0:02'] })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(
      'the port with the MAC address fa:16:3e:77:b0:02 may belong to another one',
    ),
  });
});

test('lists the instances of a host, with their power state and times in UTC', async () => {
  const { cloud, openStack } = await openLabCloud({
    servers: [
      serverObject('fw-edge', {
        created: '2026-11-26T10:28:40.000000',
        image: { id: 'image-1', links: [] },
        'OS-EXT-SRV-ATTR:instance_name': 'instance-0000091c',
      }),
      serverObject('db-1', { 'OS-EXT-SRV-ATTR:host': 'cmp-2' }),
      serverObject('old', {
        status: 'SHUTOFF',
        'OS-EXT-STS:power_state': 4,
        created: 'yesterday',
        user_id: null,
      }),
      serverObject('new', { 'OS-EXT-STS:power_state': 0, 'OS-EXT-SRV-ATTR:host': null }),
    ],
  });

  expect(await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' }))).toEqual({
    items: [
      {
        id: 'server-fw-edge',
        name: 'fw-edge',
        user: 'u-build-7',
        project: 'p-ops',
        createdAt: new Date('2026-11-26T10:28:40Z'),
        host: 'cmp-1',
        power: 'running',
        status: 'ACTIVE',
        image: 'image-1',
        instanceName: 'instance-0000091c',
      },
      {
        id: 'server-old',
        name: 'old',
        project: 'p-ops',
        host: 'cmp-1',
        power: 'shut-down',
        status: 'SHUTOFF',
      },
    ],
  });
  expect(openStack.requests.at(-1)).toBe('nova GET /servers/detail?all_tenants=1&host=cmp-1&limit=200');
});

test('drops the instances of other hosts, from a Nova whose policy ignores the filter', async () => {
  const servers = [serverObject('a'), serverObject('b', { 'OS-EXT-SRV-ATTR:host': 'cmp-2' })];
  const { cloud } = await openLabCloud({ answer: answering('/servers/detail', { servers }) });

  expect((await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' }))).items).toMatchObject([
    { name: 'a' },
  ]);
});

test('an instance without a visible host is on the host that an administrator asked for', async () => {
  const { 'OS-EXT-SRV-ATTR:host': _, ...server } = serverObject('a');
  const { cloud } = await openLabCloud({ answer: answering('/servers/detail', { servers: [server] }) });

  expect((await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' }))).items).toMatchObject([
    { name: 'a', host: 'cmp-1' },
  ]);
});

test('an instance without a visible host may be anywhere for others', async () => {
  const { 'OS-EXT-SRV-ATTR:host': _, ...server } = serverObject('a');
  const { cloud } = await openLabCloud({
    answer: answering('/servers/detail', { servers: [server] }),
    login: { roles: ['support'] },
    config: { seesAllProjects: true },
  });

  expect(await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' }))).toEqual({
    items: [],
    error: expect.objectContaining({
      kind: 'refused',
      message: expect.stringContaining('`os_compute_api:os-extended-server-attributes`'),
    }),
  });
});

test('a cell that is down makes the list of instances incomplete', async () => {
  const servers = [
    serverObject('a'),
    { id: 'b', status: 'UNKNOWN', tenant_id: 'p-ops', created: '2026-11-26T10:28:40Z', links: [] },
  ];
  const { cloud } = await openLabCloud({ answer: answering('/servers/detail', { servers }) });

  expect(await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' }))).toMatchObject({
    items: [{ name: 'a' }],
    error: { kind: 'unreachable', message: expect.stringContaining('a cell of Nova is down') },
  });
});

test('names the policy that a reader lacks', async () => {
  const { cloud } = await openLabCloud(READER);

  expect(await readAll(cloud.servers({ ...neverAborts(), host: 'cmp-1' }))).toEqual({
    items: [],
    error: expect.objectContaining({
      kind: 'refused',
      message:
        'permission denied by Nova (403): needs the policy `os_compute_api:servers:detail:get_all_tenants`, by default the role `admin`',
    }),
  });
});

test('reads one instance', async () => {
  const { cloud } = await openLabCloud({ servers: [serverObject('web-1')] });

  expect(await cloud.server({ ...neverAborts(), id: 'server-web-1' })).toMatchObject({
    name: 'web-1',
    host: 'cmp-1',
  });
  expect(await cloud.server({ ...neverAborts(), id: 'server-web-2' })).toBeUndefined();
});

test.each(['..', 'a/b', '', 'detail?all_tenants=1'])('asks for no instance with the id "%s"', async (id) => {
  const { cloud, openStack } = await openLabCloud();

  expect(await cloud.server({ ...neverAborts(), id })).toBeUndefined();
  expect(openStack.requests.filter((one) => one.startsWith('nova'))).toEqual([]);
});

test('a reader cannot say that no instance has an id', async () => {
  const { cloud } = await openLabCloud({ servers: [serverObject('web-1')], ...READER });

  await expect(cloud.server({ ...neverAborts(), id: 'server-web-1' })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('the instance server-web-1 may belong to another one'),
  });
});

test('a 404 that is not from Nova does not mean that an instance is missing', async () => {
  const { cloud, openStack } = await openLabCloud();
  openStack.fail('nova GET /servers/', { status: 404, text: '<html>no such backend</html>' });

  await expect(cloud.server({ ...neverAborts(), id: 'abc' })).rejects.toMatchObject({
    kind: 'malformed',
    message: 'Nova responded with a web page instead of a JSON object (404)',
  });
});

test('maps DHCP agents, also in a list without ids', async () => {
  const { id: _, ...withoutId } = agentObject('net-2', {
    alive: false,
    configurations: { dhcp_lease_duration: -1 },
  });
  const agents = [
    agentObject('net-1'),
    withoutId,
    agentObject('cmp-1', { agent_type: 'Open vSwitch agent' }),
  ];
  const { cloud, openStack } = await openLabCloud({ agents });

  expect(await cloud.dhcpAgents(neverAborts())).toEqual([
    { host: 'net-1', isAlive: true, isEnabled: true, leaseSeconds: 120 },
    { host: 'net-2', isAlive: false, isEnabled: true },
  ]);
  expect(openStack.requests.at(-1)).toBe('neutron GET /v2.0/agents?agent_type=DHCP%20agent&limit=200');
});

test('a cloud with OVN has no DHCP agents', async () => {
  const { cloud } = await openLabCloud({
    agents: [agentObject('cmp-1', { agent_type: 'OVN Controller agent' })],
  });

  expect(await cloud.dhcpAgents(neverAborts())).toEqual([]);
});

test('to a reader, a cloud seems to have no agents, which is not an answer', async () => {
  const { cloud } = await openLabCloud({ agents: [agentObject('net-1')], ...READER });

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('Neutron hides its agents'),
  });
});

test('shows no invisible characters of names', async () => {
  const { cloud } = await openLabCloud({ networks: [networkObject('a\u202Eb\n')] });

  expect((await readAll(cloud.networks(neverAborts()))).items).toMatchObject([{ name: 'a\uFFFDb\uFFFD' }]);
});

test.each([
  [
    'a network without an id',
    '/v2.0/networks',
    { networks: [{ name: 'blue' }] },
    'Neutron: a network has no id',
  ],
  ['no list', '/v2.0/networks', { network: [] }, 'Neutron did not return a list of networks'],
  ['a list of texts', '/v2.0/networks', { networks: ['blue'] }, 'Neutron did not return a list of networks'],
  [
    'a list instead of an object',
    '/v2.0/networks',
    [],
    'Neutron responded with something other than JSON instead of a JSON object (200)',
  ],
])('rejects %s', async (_, path, json, message) => {
  const { cloud } = await openLabCloud({ answer: answering(path, json) });

  expect(await readAll(cloud.networks(neverAborts()))).toMatchObject({
    items: [],
    error: { kind: 'malformed', message },
  });
});

test.each([
  ['a web page', { status: 200, text: '<html>maintenance</html>' }, 'malformed', 'a web page'],
  ['a web page with 403', { status: 403, text: '<html>WAF</html>' }, 'malformed', 'a web page'],
  ['an empty body', { status: 200, text: '' }, 'malformed', 'an empty body'],
  ['half of a body', { status: 200, text: '{"agents": [' }, 'malformed', 'something other than JSON'],
  [
    'an error with an inner error',
    {
      status: 500,
      json: {
        NeutronError: { type: 'X', message: "<class 'neutronclient.common.exceptions.Unauthorized'>" },
      },
    },
    'unreachable',
    'neutronclient.common.exceptions.Unauthorized',
  ],
  [
    'a conflict',
    { status: 409, json: { NeutronError: { message: 'busy' } } },
    'refused',
    'rejected the request (409): busy',
  ],
  [
    'an unknown path',
    { status: 404, json: { message: 'The resource could not be found.' } },
    'missing',
    'returned 404',
  ],
  [
    'a denied policy',
    {
      status: 403,
      json: {
        NeutronError: {
          type: 'PolicyNotAuthorized',
          message: 'rule:get_agent is disallowed by policy',
          detail: '',
        },
      },
    },
    'refused',
    'needs the policy `get_agent`, by default the role `admin`',
  ],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://sso.example.com/' }, text: '' },
    'unreachable',
    'redirects (302)',
  ],
] as const)('reports %s of Neutron', async (_, fault, kind, message) => {
  const { cloud, openStack } = await openLabCloud();
  openStack.fail('neutron', fault);

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
    kind,
    message: expect.stringContaining(message),
  });
});

test('an error never quotes the token', async () => {
  let token: string | undefined;
  const { cloud } = await openLabCloud({
    answer: (service, { headers }) => {
      if (service !== 'neutron') return undefined;
      token = headers['x-auth-token'];
      return { status: 400, json: { NeutronError: { message: `invalid token ${token}` } } };
    },
  });

  await expect(cloud.dhcpAgents(neverAborts())).rejects.toMatchObject({
    message: expect.stringContaining('invalid token (token)'),
  });
  expect(token).toBeTruthy();
});

test('a service that never responds fails when the caller gives up', async () => {
  const { cloud, openStack } = await openLabCloud();
  openStack.fail('neutron', 'hang');
  const controller = new AbortController();
  const reading = cloud.dhcpAgents({ signal: controller.signal });
  await expect.poll(() => openStack.requests.some((one) => one.startsWith('neutron'))).toBe(true);
  controller.abort(new Error('enough'));

  await expect(reading).rejects.toThrow('enough');
});
