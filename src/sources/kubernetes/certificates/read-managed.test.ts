import { expect, onTestFinished, test } from 'vitest';
import { startCluster, type TestCluster, WRENCH } from '../../../../test/world/kubernetes/api-server.ts';
import {
  certificateObject,
  certificateRequestObject,
  ISSUING,
  issuerObject,
  READY,
} from '../../../../test/world/kubernetes/certificates.ts';
import { openLab } from '../../../../test/world/kubernetes/open-source.ts';
import type { ManagedCertificate } from '../../../ports/managed-certificates.ts';

const { signal } = new AbortController();

async function collect<T>(all: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const one of all) items.push(one);
  return items;
}

async function start(options: Parameters<typeof startCluster>[0]): Promise<TestCluster> {
  const cluster = await startCluster(options);
  onTestFinished(cluster.close);
  return cluster;
}

async function managedIn(cluster: TestCluster, certificates: object = {}, options: object = {}) {
  const { source } = await openLab(cluster.kubeconfig(), { timeoutMs: 5_000, certificates, ...options });
  return collect(source.reads.certificates!.managed!({ signal }));
}

const automationOf = async (...given: Parameters<typeof managedIn>) =>
  ((await managedIn(...given)) as readonly ManagedCertificate[])[0]?.automation;

test('a Certificate, with everything that cert-manager reports about it', async () => {
  const cluster = await start({
    certificates: [
      certificateObject('shop', {
        namespace: 'shop',
        spec: { isCA: false, privateKey: { rotationPolicy: 'Always' } },
        status: { failedIssuanceAttempts: 2, lastFailureTime: '2026-10-20T00:00:00Z' },
      }),
    ],
    issuers: [issuerObject('lab', 'lab-ca', 'shop')],
  });

  expect(await managedIn(cluster)).toEqual([
    {
      kind: 'managed',
      place: 'lab:certificates/shop/shop',
      name: 'shop/shop',
      versions: [
        {
          id: '4',
          notBefore: new Date('2026-10-01T00:00:00Z'),
          notAfter: new Date('2026-12-30T00:00:00Z'),
          transitional: false,
          authority: false,
          generated: true,
        },
      ],
      renewedBy: 'automatic',
      procedure: { name: 'cmctl renew', url: 'https://cert-manager.io/docs/reference/cmctl/#renew' },
      automation: {
        createdAt: new Date('2026-01-05T08:00:00Z'),
        dnsNames: ['shop.example.org'],
        isAuthority: false,
        writesTo: 'lab:shop/shop-tls',
        issuer: { name: 'Issuer lab', storedAt: 'lab:shop/lab-ca' },
        dueAt: new Date('2026-11-30T00:00:00Z'),
        ready: {
          status: 'True',
          reason: 'Ready',
          message: READY.message,
          since: new Date('2026-10-01T00:00:05Z'),
        },
        failedAttempts: 2,
        lastFailureAt: new Date('2026-10-20T00:00:00Z'),
        revision: 4,
        rotatesKey: true,
      },
    },
  ]);
});

test('one that was never issued has no versions, and an unknown default', async () => {
  const certificate = certificateObject('new');
  const cluster = await start({ certificates: [{ ...certificate, status: {} }] });

  const [managed] = (await managedIn(cluster)) as readonly ManagedCertificate[];

  expect(managed?.versions).toEqual([]);
  expect(managed?.automation).not.toHaveProperty('rotatesKey');
  expect(managed?.automation).not.toHaveProperty('revision');
  expect(managed?.automation).not.toHaveProperty('ready');
});

test('an expiry that can not be read is unknown, and the version stays', async () => {
  const cluster = await start({ certificates: [certificateObject('odd', { status: { notAfter: 'soon' } })] });

  const [managed] = (await managedIn(cluster)) as readonly ManagedCertificate[];

  expect(managed?.versions).toMatchObject([{ id: '4' }]);
  expect(managed?.versions[0]).not.toHaveProperty('notAfter');
});

test('a renewal can be requested only if the configuration allows it', async () => {
  const cluster = await start({ certificates: [certificateObject('shop')] });

  expect(await managedIn(cluster, {}, { allow: { renew: {} } })).toMatchObject([{ renewable: true }]);
  expect((await managedIn(cluster))[0]).not.toHaveProperty('renewable');
});

test('the newest request of a Certificate that is being issued, also if it is ready', async () => {
  const request = (name: string, revision: number, createdAt: string, status = {}) =>
    certificateRequestObject(name, { certificate: 'shop', revision, createdAt, status });
  const cluster = await start({
    certificates: [certificateObject('shop', { status: { conditions: [READY, ISSUING] } })],
    certificaterequests: [
      request('shop-5b', 5, '2026-10-25T15:00:00Z', {
        failureTime: '2026-10-25T15:02:00Z',
        conditions: [{ type: 'Ready', status: 'False', reason: 'Failed', message: 'denied' }],
      }),
      request('shop-5', 5, '2026-10-25T13:50:05Z'),
      request('shop-4', 4, '2026-11-25T00:00:00Z'),
      certificateRequestObject('other-9', { certificate: 'other', revision: 9 }),
    ],
  });

  expect((await automationOf(cluster))?.request).toEqual({
    name: 'shop-5b',
    createdAt: new Date('2026-10-25T15:00:00Z'),
    failedAt: new Date('2026-10-25T15:02:00Z'),
    ready: { status: 'False', reason: 'Failed', message: 'denied' },
  });
});

test('requests are read once for a namespace, and only if something is wrong there', async () => {
  const stuck = (name: string, namespace: string) =>
    certificateObject(name, { namespace, status: { conditions: [{ ...READY, status: 'False' }] } });
  const cluster = await start({
    certificates: [stuck('a', 'shop'), stuck('b', 'shop'), certificateObject('c', { namespace: 'pay' })],
    certificaterequests: [
      certificateRequestObject('a-5', { namespace: 'shop', certificate: 'a', revision: 5 }),
    ],
  });

  await managedIn(cluster);

  const asked = cluster.asked.filter(({ path }) => path.includes('certificaterequests'));
  expect(asked.map(({ path }) => path.split('?')[0])).toEqual([
    '/apis/cert-manager.io/v1/namespaces/shop/certificaterequests',
  ]);
});

test('without permission for requests and issuers, the rest is read, and who signs is a gap', async () => {
  const cluster = await start({
    certificates: [certificateObject('shop', { status: { conditions: [ISSUING] } })],
  });
  cluster.allow(WRENCH, [{ apiGroups: ['cert-manager.io'], resources: ['certificates'], verbs: ['list'] }]);

  const [managed, ...gaps] = await managedIn(cluster);
  const automation = managed?.kind === 'managed' ? managed.automation : undefined;

  expect(automation?.issuing).toMatchObject({ status: 'True', reason: 'Renewing' });
  expect(automation).not.toHaveProperty('request');
  expect(automation?.issuer).toEqual({ name: 'Issuer lab' });
  expect(gaps).toMatchObject([
    {
      kind: 'unseen',
      place: 'lab:issuers',
      error: { kind: 'refused', message: 'permission denied (403): needs `list issuers.cert-manager.io`' },
    },
  ]);
});

test('a ClusterIssuer is connected with its Secret only if its namespace is configured', async () => {
  const spec = { issuerRef: { kind: 'ClusterIssuer', name: 'lab' } };
  const cluster = await start({
    certificates: [certificateObject('shop', { spec })],
    clusterissuers: [issuerObject('lab', 'lab-ca')],
    // Another issuer with the same name.
    issuers: [issuerObject('lab', 'wrong-ca', 'default')],
  });

  expect((await automationOf(cluster))?.issuer).toEqual({ name: 'ClusterIssuer lab' });
  expect((await automationOf(cluster, { clusterResourceNamespace: 'cert-manager' }))?.issuer).toEqual({
    name: 'ClusterIssuer lab',
    storedAt: 'lab:cert-manager/lab-ca',
  });
});

test('a cluster without cert-manager has nothing, with and without permission', async () => {
  const cluster = await start({});

  expect(await managedIn(cluster)).toEqual([]);
  cluster.allow(WRENCH, []);
  expect(await managedIn(cluster)).toEqual([]);
});

test('without permission, an installed cert-manager is a gap and not absent', async () => {
  const cluster = await start({ certificates: [certificateObject('shop')] });
  cluster.allow(WRENCH, []);

  await expect(managedIn(cluster)).rejects.toMatchObject({
    kind: 'refused',
    message: 'permission denied (403): needs `list certificates.cert-manager.io`',
  });
  expect(await managedIn(cluster, { namespaces: ['shop', 'pay'] })).toMatchObject([
    { kind: 'unseen', place: 'lab:certificates/shop', error: { kind: 'refused' } },
    { kind: 'unseen', place: 'lab:certificates/pay', error: { kind: 'refused' } },
  ]);
});

test('a 404 of something else than an API server is not an absent cert-manager', async () => {
  const cluster = await start({});
  cluster.fail({ path: '/apis/cert-manager.io', status: 404, body: '<html>no such page</html>' });

  await expect(managedIn(cluster)).rejects.toMatchObject({ kind: 'malformed' });
});

test('a cert-manager that is too old is a gap', async () => {
  const cluster = await start({});
  cluster.fail({ path: '/apis/cert-manager.io/v1alpha2', status: 200, body: { kind: 'APIResourceList' } });

  await expect(managedIn(cluster)).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('older than 1.0') as string,
  });
});

test('more than one page; a list that breaks off yields what was read', async () => {
  const certificates = Array.from({ length: 1_200 }, (_, index) => certificateObject(`web-${index}`));
  const cluster = await start({ certificates });
  expect(await managedIn(cluster)).toHaveLength(1_200);

  cluster.fail({ path: '/apis/cert-manager.io/v1/certificates', continued: true, status: 503 });
  const { source } = await openLab(cluster.kubeconfig(), { certificates: {} });
  let read = 0;
  const reading = async () => {
    for await (const _ of source.reads.certificates!.managed!({ signal })) read++;
  };
  await expect(reading()).rejects.toMatchObject({ kind: 'unreachable' });
  expect(read).toBe(500);
});

test('with `certManager: none`, nothing is managed', async () => {
  const cluster = await start({ certificates: [certificateObject('shop')] });
  const { source } = await openLab(cluster.kubeconfig(), { certificates: { certManager: 'none' } });

  expect(source.reads.certificates?.managed).toBeUndefined();
});

test('text of a hostile cluster is printable and cut', async () => {
  const cluster = await start({
    certificates: [
      certificateObject('shop', {
        spec: { dnsNames: ['a\u001b[31m\u202e', 7], issuerRef: 'x', privateKey: [] },
        status: {
          conditions: [
            { type: 'Ready', status: 'Maybe', message: `\u001b]0;x\u0007${'y'.repeat(9_000)}` },
            null,
            7,
          ],
          revision: -1,
          renewalTime: {},
        },
      }),
    ],
  });

  const automation = await automationOf(cluster);

  expect(automation).toMatchObject({ ready: { status: 'Unknown' }, issuer: { name: 'Issuer ' } });
  expect(JSON.stringify(automation)).not.toMatch(/\\u001b|\u202e|\\u0007/);
  expect(automation?.ready?.message?.length).toBeLessThan(600);
});
