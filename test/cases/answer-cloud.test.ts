import { expect, test } from 'vitest';
import type { CloudRequest } from '../world/openstack/protocol.ts';
import { answerCloud } from './answer-cloud.ts';
import type { SpokenAnswer } from './case-file.ts';

function ask(answers: readonly SpokenAnswer[], service: 'nova' | 'neutron' | 'keystone', url: string) {
  const { pathname: path, searchParams: query } = new URL(url, 'http://cloud');
  const request: CloudRequest = { method: 'GET', path, query, headers: {}, body: undefined };
  return answerCloud(answers)(service, request);
}

const PORTS: SpokenAnswer = {
  of: 'neutron',
  ask: 'GET /v2.0/ports?mac_address=fa:16:3e:00:00:01&mac_address=fa:16:3e:00:00:02',
  status: 200,
  json: {
    ports: [
      { id: 'p1', mac_address: 'fa:16:3e:00:00:01' },
      { id: 'p2', mac_address: 'fa:16:3e:00:00:02' },
    ],
  },
};

test('a list has what was asked for, whatever else the file asked for at once', () => {
  const url = '/v2.0/ports?mac_address=FA:16:3E:00:00:02&fields=id&limit=50';
  expect(ask([PORTS], 'neutron', url)).toEqual({
    status: 200,
    json: { ports: [{ id: 'p2', mac_address: 'fa:16:3e:00:00:02' }] },
  });
  expect(ask([PORTS], 'neutron', `${url}&marker=p2`)).toEqual({ status: 200, json: { ports: [] } });
});

test('what the file did not ask is not an empty list', () => {
  expect(ask([PORTS], 'neutron', '/v2.0/ports?mac_address=fa:16:3e:00:00:09')).toMatchObject({ status: 404 });
  expect(ask([PORTS], 'neutron', '/v2.0/networks')).toMatchObject({ status: 404 });
  expect(ask([PORTS], 'nova', '/servers/detail?host=cmp-1')).toMatchObject({ status: 404 });
});

const servers = (host: string, ...ids: readonly string[]): SpokenAnswer => ({
  of: 'nova',
  ask: `GET /v2.1/servers/detail?all_tenants=1&host=${host}`,
  json: {
    servers: ids.map((id) => ({ id, 'OS-EXT-SRV-ATTR:host': host })),
    servers_links: [{ rel: 'next' }],
  },
});

test('the instances of one host are those of its response, in one page', () => {
  const both = [servers('cmp-1', 'a'), servers('cmp-2', 'b')];
  expect(ask(both, 'nova', '/servers/detail?all_tenants=1&host=cmp-2&limit=1000')).toEqual({
    status: 200,
    json: { servers: [{ id: 'b', 'OS-EXT-SRV-ATTR:host': 'cmp-2' }] },
  });
  expect(ask(both, 'nova', '/servers/a')).toMatchObject({ status: 200, json: { server: { id: 'a' } } });
  expect(ask(both, 'nova', '/servers/c')).toMatchObject({ status: 404 });
});

test('an error is passed on, and the DHCP agents of a network are agents', () => {
  const refused: SpokenAnswer = {
    of: 'neutron',
    ask: 'GET /v2.0/networks',
    status: 403,
    json: { message: 'policy' },
  };
  expect(ask([refused], 'neutron', '/v2.0/networks?limit=10')).toEqual({
    status: 403,
    json: { message: 'policy' },
  });
  const agents: SpokenAnswer = {
    of: 'neutron',
    ask: 'GET /v2.0/networks/c0ffee11/dhcp-agents',
    json: { agents: [{ host: 'net-4' }] },
  };
  expect(ask([agents], 'neutron', '/v2.0/agents?agent_type=DHCP%20agent')).toMatchObject({
    json: { agents: [{ host: 'net-4', agent_type: 'DHCP agent' }] },
  });
});
