import { expect, test } from 'vitest';
import { endpointOf, endpointSliceObject, serviceObject } from '../../../test/world/kubernetes/services.ts';
import { toEndpoints, toService } from './to-service.ts';

test('a Service, with the numbers and names of the ports of its pods', () => {
  const ports = [
    { name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 },
    { name: 'admin', protocol: 'TCP', port: 81, targetPort: 'admin' },
    { port: 53, protocol: 'UDP' },
  ];

  expect(toService(serviceObject('api', { namespace: 'shop', ports }))).toEqual({
    namespace: 'shop',
    name: 'api',
    type: 'ClusterIP',
    selector: { app: 'api' },
    ports: [
      { name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 },
      { name: 'admin', port: 81, protocol: 'TCP', targetPort: 'admin' },
      { port: 53, protocol: 'UDP', targetPort: 53 },
    ],
  });
});

test('a Service without a selector or ports', () => {
  expect(toService({ metadata: { name: 'db' }, spec: { type: 'ExternalName', selector: null } })).toEqual({
    namespace: '',
    name: 'db',
    type: 'ExternalName',
    selector: {},
    ports: [],
  });
});

test.each([
  [undefined, { isReady: true, isServing: true, isTerminating: false }],
  [{}, { isReady: true, isServing: true, isTerminating: false }],
  [
    { ready: null, serving: null, terminating: null },
    { isReady: true, isServing: true },
  ],
  [{ ready: false }, { isReady: false, isServing: false, isTerminating: false }],
  [
    { ready: false, serving: true, terminating: true },
    { isReady: false, isServing: true },
  ],
  [
    { ready: false, serving: false, terminating: true },
    { isServing: false, isTerminating: true },
  ],
  [
    { ready: false, terminating: true },
    { isReady: false, isServing: true, isTerminating: true },
  ],
  [
    { ready: true, serving: false },
    { isReady: true, isServing: false },
  ],
])('conditions that are absent have their defaults: %j', (conditions, expected) => {
  const slice = { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'], conditions }] };

  expect(toEndpoints(slice)?.[0]).toMatchObject(expected);
});

test('an endpoint has its pod, its node, and the ports of its slice', () => {
  const slice = endpointSliceObject('api-x7k2p', {
    service: 'api',
    endpoints: [endpointOf('api-1', '10.244.1.1')],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }, { name: '' }],
  });

  expect(toEndpoints(slice)).toEqual([
    {
      addressType: 'IPv4',
      addresses: ['10.244.1.1'],
      isReady: true,
      isServing: true,
      isTerminating: false,
      node: 'node-a',
      pod: { namespace: 'default', name: 'api-1', uid: 'uid-of-api-1' },
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }, {}],
    },
  ]);
});

test('v1beta1 has the node in `topology`, and what is no pod has none', () => {
  const endpoints = [
    {
      addresses: ['10.244.0.1'],
      topology: { 'kubernetes.io/hostname': 'node-b' },
      targetRef: { kind: 'Pod', name: 'api-1' },
    },
    { addresses: ['192.0.2.7'], targetRef: { kind: 'VirtualMachineInstance', name: 'vm-1' } },
    { addresses: ['192.0.2.8'] },
  ];
  const slice = endpointSliceObject('api', { namespace: 'shop', service: 'api', endpoints });

  expect(toEndpoints(slice)).toMatchObject([
    { node: 'node-b', pod: { namespace: 'shop', name: 'api-1' } },
    { addresses: ['192.0.2.7'] },
    { addresses: ['192.0.2.8'] },
  ]);
  expect(toEndpoints(slice)?.filter(({ pod }) => pod)).toHaveLength(1);
});

test('ports and endpoints may be null; anything else that is no list of endpoints is unreadable', () => {
  expect(toEndpoints(endpointSliceObject('api', { service: 'api', endpoints: null }))).toEqual([]);
  expect(toEndpoints({ metadata: { name: 'api' } })).toEqual([]);
  const endpoints = [endpointOf('api-1', '10.244.1.1')];
  expect(toEndpoints(endpointSliceObject('api', { service: 'api', endpoints, ports: null }))).toMatchObject([
    { ports: [] },
  ]);
  expect(toEndpoints({ endpoints: 'many' })).toBeUndefined();
  expect(toEndpoints({ endpoints: {} })).toBeUndefined();
});
