import { expect, test } from 'vitest';
import { startCluster } from '../../../test/world/kubernetes/api-server.ts';
import { openLab, readAll } from '../../../test/world/kubernetes/open-source.ts';
import { toIngress } from './to-ingress.ts';

const metadata = { namespace: 'shop', name: 'web' };

test('the hosts with TLS, and the Secret for them', () => {
  const tls = [
    { hosts: ['shop.example', 'www.shop.example'], secretName: 'shop-tls' },
    { hosts: ['default.example'] },
    {},
  ];

  expect(toIngress({ metadata, spec: { ingressClassName: 'nginx', tls } })).toEqual({
    namespace: 'shop',
    name: 'web',
    className: 'nginx',
    tls: [
      { hosts: ['shop.example', 'www.shop.example'], secret: 'shop-tls' },
      { hosts: ['default.example'] },
      { hosts: [] },
    ],
  });
});

test('the class in the old annotation, unless the spec has one', () => {
  const annotations = { 'kubernetes.io/ingress.class': 'traefik' };
  const classOf = (spec: object) => toIngress({ metadata: { ...metadata, annotations }, spec }).className;

  expect(classOf({})).toBe('traefik');
  expect(classOf({ ingressClassName: 'nginx' })).toBe('nginx');
});

test('an Ingress of an unexpected shape has no TLS', () => {
  expect(toIngress({ metadata, spec: { tls: 'yes', ingressClassName: 7 } })).toEqual({
    ...metadata,
    tls: [],
  });
  expect(toIngress({ metadata })).toEqual({ ...metadata, tls: [] });
});

test('those of all namespaces are listed', async () => {
  const ingresses = Array.from({ length: 700 }, (_, index) => ({
    metadata: { namespace: `ns-${index % 3}`, name: `web-${index}` },
    spec: { tls: [{ hosts: [`${index}.example`], secretName: 'tls' }] },
  }));
  const server = await startCluster({ ingresses });
  const { cluster } = await openLab(server.kubeconfig());

  const { items, error } = await readAll(cluster.ingresses({ signal: new AbortController().signal }));

  expect(error).toBeUndefined();
  expect(items).toHaveLength(700);
  await server.close();
});
