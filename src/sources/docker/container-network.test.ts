import { expect, onTestFinished, test } from 'vitest';
import { containerObject } from '../../../test/world/docker/objects.ts';
import { openEngines } from '../../../test/world/docker/open-engines.ts';
import { serveEngine } from '../../../test/world/docker/served-engine.ts';
import { containerPorts, usesHostNetwork } from './container-network.ts';

test('reads the same published ports from the list and from the inspection, IPv4 and IPv6 as one', async () => {
  const served = await serveEngine({
    containers: [
      containerObject('web', { state: 'running', published: { 8080: 32_768, 9090: 32_769 } }),
      containerObject('private', { state: 'running' }),
      containerObject('quote', { state: 'running', network: 'host' }),
    ],
  });
  onTestFinished(served.close);

  const containers = await openEngines({ url: served.url }).containers();
  served.setFault(`/containers/${containers.get('web')!.id}`, { status: 500, message: 'layer is damaged' });
  const listed = (await openEngines({ url: served.url }).containers()).get('web')!;

  expect(containers.get('web')!.ports).toEqual([
    { port: 8080, published: 32_768, address: '0.0.0.0', protocol: 'tcp' },
    { port: 9090, published: 32_769, address: '0.0.0.0', protocol: 'tcp' },
  ]);
  expect(listed.error).toContain('layer is damaged');
  expect(listed.ports).toEqual(containers.get('web')!.ports);
  expect(containers.get('private')).not.toHaveProperty('ports');
  expect(containers.get('private')).not.toHaveProperty('usesHostNetwork');
  expect(containers.get('quote')).toMatchObject({ usesHostNetwork: true });
});

test('keeps the addresses that a port is published on', () => {
  expect(
    containerPorts({
      '80/tcp': [
        { HostIp: '127.0.0.1', HostPort: '8080' },
        { HostIp: '::', HostPort: '8081' },
        // Podman: all addresses.
        { HostIp: '', HostPort: '8082' },
      ],
      '53/udp': [{ HostIp: '10.0.0.5', HostPort: '53' }],
    }),
  ).toEqual([
    { port: 53, published: 53, address: '10.0.0.5', protocol: 'udp' },
    { port: 80, published: 8080, address: '127.0.0.1', protocol: 'tcp' },
    { port: 80, published: 8081, address: '::', protocol: 'tcp' },
    { port: 80, published: 8082, address: '0.0.0.0', protocol: 'tcp' },
  ]);
});

test.each([
  [null],
  [{ '80/tcp': null }],
  [{ '80/tcp': [{ HostPort: '0' }, { HostPort: 'many' }, {}, null] }],
  [{ port: [{ HostPort: '80' }] }],
  [[{ PrivatePort: 80, Type: 'tcp' }, 7, null, { PrivatePort: 80, PublicPort: 70_000 }]],
  ['80/tcp'],
])('finds no published port in %j', (ports) => {
  expect(containerPorts(ports)).toEqual([]);
});

test.each([[{ NetworkMode: 'bridge' }], [{ NetworkMode: 'container:host' }], [null]])(
  '%j is not the network of the host',
  (host) => {
    expect(usesHostNetwork(host)).toBe(false);
  },
);
