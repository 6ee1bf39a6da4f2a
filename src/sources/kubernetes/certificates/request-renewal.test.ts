import { expect, onTestFinished, test } from 'vitest';
import { makeAuthority } from '../../../../test/world/ca.ts';
import { startCertManager } from '../../../../test/world/kubernetes/cert-manager.ts';
import { startCluster, type TestCluster, WRENCH } from '../../../../test/world/kubernetes/api-server.ts';
import { certificateObject, ISSUING, READY } from '../../../../test/world/kubernetes/certificates.ts';
import { openLab, saveFile } from '../../../../test/world/kubernetes/open-source.ts';
import type { ApiObject } from '../../../../test/world/kubernetes/resources.ts';
import type { RequestedRenewal } from '../../../ports/renewals.ts';
import type { Source } from '../../../ports/source.ts';
import { kubernetesConfig } from '../config.ts';
import { openConnection } from '../connection.ts';
import { type IssuingWait, requestRenewal } from './request-renewal.ts';

const { signal } = new AbortController();
const approved = { idempotencyKey: 'm0123456789abcdef', signal };
const PLACE = 'lab:certificates/shop/shop';
const PATH = '/apis/cert-manager.io/v1/namespaces/shop/certificates/shop';
const OFTEN = { limitMs: 30_000, everyMs: 5 };

interface Opened {
  readonly cluster: TestCluster;
  readonly source: Source;
  readonly plan: () => Promise<RequestedRenewal>;
  readonly certificate: () => ApiObject;
  readonly renew: (planned: RequestedRenewal, wait?: IssuingWait) => ReturnType<typeof requestRenewal>;
}

async function open(request: Parameters<typeof certificateObject>[1] = {}): Promise<Opened> {
  const cluster = await startCluster({
    certificates: [certificateObject('shop', { namespace: 'shop', uid: 'uid-shop', ...request })],
  });
  onTestFinished(cluster.close);
  const options = { timeoutMs: 2_000, certificates: {}, allow: { renew: {} } };
  const { source } = await openLab(cluster.kubeconfig(), options);
  const kubeconfig = await saveFile('kubeconfig', cluster.kubeconfig());
  const config = kubernetesConfig.parse({ kind: 'kubernetes', name: 'lab', kubeconfig, ...options });
  const connection = openConnection(config, config, undefined);
  onTestFinished(connection.close);
  return {
    cluster,
    source,
    plan: async () => (await source.reads.certificates!.planRenewal!(PLACE, { signal })) as RequestedRenewal,
    certificate: () => cluster.find('certificates', 'shop', 'shop')!,
    renew: (planned, wait = OFTEN) => requestRenewal({ source: 'lab', connection, signal }, planned, wait),
  };
}

const patches = ({ asked }: TestCluster) => asked.filter(({ method }) => method === 'PATCH');
const conditionsOf = (certificate: ApiObject) =>
  (certificate['status'] as { readonly conditions: readonly Record<string, unknown>[] }).conditions;

test('the plan says what is requested, and changes nothing', async () => {
  const { cluster, plan } = await open();

  expect(await plan()).toEqual({
    method: 'request',
    place: PLACE,
    name: 'shop/shop',
    notAfter: '2026-12-30T00:00:00.000Z',
    versions: { [PLACE]: 'revision 4, generation 5, uid uid-shop' },
    issuer: 'Issuer lab',
    writesTo: 'lab:shop/shop-tls',
  });
  expect(await plan()).toEqual(await plan());
  expect(patches(cluster)).toEqual([]);
});

test('asks as `cmctl renew` does, and returns once it was issued', async () => {
  const { cluster, source, plan } = await open();
  startCertManager(cluster, { authority: await makeAuthority({ name: 'lab' }) });

  const result = await source.writes!.certificates!.renew(await plan(), approved);

  expect(result).toEqual({ version: '5', notAfter: expect.stringMatching(/^\d{4}-/) as string });
  expect(cluster.find('secrets', 'shop-tls', 'shop')).toBeDefined();
  const [patch, ...more] = patches(cluster);
  expect(more).toEqual([]);
  expect(patch).toMatchObject({
    path: `${PATH}/status?fieldManager=wrench`,
    contentType: 'application/merge-patch+json',
  });
  expect(JSON.parse(patch!.body!)).toEqual({
    metadata: { resourceVersion: '1' },
    status: {
      conditions: [
        READY,
        {
          type: 'Issuing',
          status: 'True',
          reason: 'ManuallyTriggered',
          message: 'Certificate re-issuance manually triggered',
          lastTransitionTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
          observedGeneration: 5,
        },
      ],
    },
  });
});

test('replaces the condition of an attempt that failed', async () => {
  const failed = { ...ISSUING, status: 'False', reason: 'Failed', message: 'denied' };
  const { cluster, plan, renew, certificate } = await open({ status: { conditions: [failed, READY] } });
  startCertManager(cluster, { authority: await makeAuthority({ name: 'lab' }) });

  await renew(await plan());

  expect(conditionsOf(certificate()).map(({ type }) => type)).toEqual(['Ready']);
});

test('a request that the issuer rejects fails with its reason', async () => {
  const { cluster, plan, renew } = await open();
  startCertManager(cluster, {
    authority: await makeAuthority({ name: 'lab' }),
    rejects: () => 'role shop not found',
  });

  await expect(renew(await plan())).rejects.toMatchObject({
    kind: 'refused',
    message:
      "cert-manager couldn't issue shop/shop: The certificate request has failed to complete and will be retried: role shop not found",
  });
});

test('one that takes too long is unknown, and says what it waits for', async () => {
  const { plan, renew } = await open();

  await expect(renew(await plan(), { limitMs: 50, everyMs: 5 })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringMatching(
      /^cert-manager has not issued shop\/shop within \d+ s, and still tries: Certificate re-issuance manually triggered$/,
    ) as string,
  });
});

test('an API server that fails meanwhile does not end the wait', async () => {
  const { cluster, plan, renew } = await open();
  const planned = await plan();
  cluster.onChange((plural, object) => {
    const isAsked = conditionsOf(object).some(({ reason }) => reason === 'ManuallyTriggered');
    if (plural !== 'certificates' || !isAsked) return;
    cluster.fail({ path: PATH, method: 'GET', status: 503 }, 3);
    const status = { ...(object['status'] as object), revision: 5, conditions: [READY] };
    queueMicrotask(() => cluster.save('certificates', { ...object, status }));
  });

  expect(await renew(planned)).toMatchObject({ version: '5' });
});

const refused: readonly (readonly [string, object, string])[] = [
  [
    'is being issued',
    { status: { conditions: [READY, ISSUING] } },
    'already issuing shop/shop since 2026-10-25T13:37:21.000Z',
  ],
  ['was never issued', { status: { notAfter: undefined, revision: undefined } }, 'was never issued'],
];
test.each(refused)('a Certificate that %s is refused', async (_, request, because) => {
  const { cluster, plan } = await open(request);

  await expect(plan()).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(because) as string,
  });
  expect(patches(cluster)).toEqual([]);
});

test('one that is being deleted, or was deleted, is missing', async () => {
  const { cluster, plan, certificate } = await open();
  const { metadata } = certificate();
  cluster.save('certificates', {
    ...certificate(),
    metadata: { ...metadata, deletionTimestamp: '2026-11-26T11:00:00Z' },
  });
  await expect(plan()).rejects.toMatchObject({ kind: 'missing' });

  cluster.remove('certificates', 'shop', 'shop');
  await expect(plan()).rejects.toMatchObject({ kind: 'missing' });
});

test('no permission is refused with what is missing', async () => {
  const { cluster, plan } = await open();
  cluster.allow(WRENCH, [{ apiGroups: ['cert-manager.io'], resources: ['certificates'], verbs: ['get'] }]);

  await expect(plan()).rejects.toMatchObject({
    kind: 'refused',
    message:
      'the credential for renewing certificates lacks `patch certificates.cert-manager.io/status` in the namespace shop',
  });
});

test.each([
  'lab:shop/shop-tls:tls.crt',
  'other:certificates/shop/shop',
  'lab:certificates/shop',
  'lab:certificates/shop/shop/status',
  'lab:certificates/../shop',
])('%s is not the place of a Certificate', async (place) => {
  const { cluster, source } = await open();

  await expect(source.reads.certificates!.planRenewal!(place, { signal })).rejects.toMatchObject({
    name: 'SourceError',
  });
  expect(cluster.asked).toEqual([]);
});

const changes: readonly (readonly [string, (object: ApiObject) => ApiObject, string])[] = [
  [
    'issued',
    (object) => ({ ...object, status: { ...(object['status'] as object), revision: 5 } }),
    'has changed since the renewal was planned',
  ],
  [
    'changed',
    (object) => ({ ...object, metadata: { ...object.metadata, generation: 6 } }),
    'has changed since the renewal was planned',
  ],
  [
    'created again',
    (object) => ({ ...object, metadata: { ...object.metadata, uid: 'uid-2' } }),
    'has changed since the renewal was planned',
  ],
  [
    'triggered',
    (object) => ({ ...object, status: { ...(object['status'] as object), conditions: [READY, ISSUING] } }),
    'already issuing',
  ],
];
test.each(changes)('nothing is requested if it was %s since the plan', async (_, change, because) => {
  const { cluster, plan, renew, certificate } = await open();
  const planned = await plan();
  cluster.save('certificates', change(certificate()));

  await expect(renew(planned)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(because) as string,
  });
  expect(patches(cluster)).toEqual([]);
});

test('a change between reading and writing is a conflict, and everything is checked again', async () => {
  const { cluster, plan, renew, certificate } = await open();
  const planned = await plan();
  cluster.fail({ path: `${PATH}/status`, method: 'PATCH', status: 409, body: { kind: 'Status' } }, 1);
  const save = () => cluster.save('certificates', certificate());
  save();
  startCertManager(cluster, { authority: await makeAuthority({ name: 'lab' }) });

  expect(await renew(planned)).toMatchObject({ version: '5' });
  expect(patches(cluster)).toHaveLength(2);
});

test('a lost response to a request that arrived is not sent again', async () => {
  const { cluster, plan, renew } = await open();
  const planned = await plan();
  startCertManager(cluster, { authority: await makeAuthority({ name: 'lab' }) });
  cluster.fail({ path: `${PATH}/status`, method: 'PATCH', lose: 'answer' }, 1);

  expect(await renew(planned)).toMatchObject({ version: '5' });
  expect(patches(cluster)).toHaveLength(1);
});

test('without `allow.renew`, nothing can be planned', async () => {
  const { cluster } = await open();
  const { source } = await openLab(cluster.kubeconfig(), { certificates: {} });

  expect(source.reads.certificates?.planRenewal).toBeUndefined();
  expect(source.writes).toBeUndefined();
});
