import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../../test/world/ca.ts';
import { startCluster, type TestCluster, WRENCH } from '../../../../test/world/kubernetes/api-server.ts';
import { secretObject, tlsData } from '../../../../test/world/kubernetes/certificates.ts';
import { openLab } from '../../../../test/world/kubernetes/open-source.ts';
import type { CertificateStore, ScanResult, SeenPlace, UnseenPlace } from '../../../ports/certificates.ts';

const { signal } = new AbortController();
const INJECTED = 'cert-manager.io/inject-ca-from';

async function collect<T>(all: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const one of all) items.push(one);
  return items;
}

let authority: Authority;
let intermediate: Authority;
let web: Issued;
let other: Issued;
beforeAll(async () => {
  authority = await makeAuthority({ name: 'lab-root' });
  intermediate = await makeAuthority({ name: 'lab-issuing', issuer: authority });
  web = await issue(intermediate, { name: 'web.example.org' });
  other = await issue(authority, { name: 'other.example.org' });
});

async function start(options: Parameters<typeof startCluster>[0]): Promise<TestCluster> {
  const cluster = await startCluster(options);
  onTestFinished(cluster.close);
  return cluster;
}

async function storeOf(cluster: TestCluster, certificates: object): Promise<CertificateStore> {
  const { source } = await openLab(cluster.kubeconfig(), { timeoutMs: 5_000, certificates });
  return source.reads.certificates!;
}

async function scan(store: CertificateStore): Promise<readonly ScanResult[]> {
  return collect(store.scan({ signal }));
}

const seenIn = (results: readonly ScanResult[]): readonly SeenPlace[] =>
  results.filter((one) => one.kind === 'seen');
const unseenIn = (results: readonly ScanResult[]): readonly UnseenPlace[] =>
  results.filter((one) => one.kind === 'unseen');
const placesOf = (results: readonly ScanResult[]) => results.map(({ place }) => place);
const namesOf = (results: readonly ScanResult[]) =>
  seenIn(results).map(({ place, chain }) => [place, ...chain.map(({ name }) => name)]);
const reasonsOf = (results: readonly ScanResult[]) =>
  unseenIn(results).map(({ place, error }) => [place, error.kind, error.message]);
const secretRequests = ({ asked }: TestCluster) => asked.filter(({ path }) => path.includes('/secrets'));

const shop = () =>
  secretObject('shop-tls', {
    namespace: 'shop',
    data: tlsData(web, { servedPem: intermediate.servedPem, authorityPem: authority.certificatePem }),
  });

test('without `certificates`, a cluster has no certificates', async () => {
  const { source } = await openLab((await start({})).kubeconfig());

  expect(source.reads.certificates).toBeUndefined();
});

test('a TLS Secret: its chain, whether the key belongs to it, and the authorities beside it', async () => {
  const results = await scan(await storeOf(await start({ secrets: [shop()] }), { secrets: 'tls' }));

  expect(namesOf(results)).toEqual([
    ['lab:shop/shop-tls:tls.crt', 'web.example.org', 'lab-issuing'],
    ['lab:shop/shop-tls:ca.crt', 'lab-root'],
  ]);
  expect(results[0]).toMatchObject({ keyMatches: true, trusts: [{ name: 'lab-root' }] });
  expect(results[0]).not.toHaveProperty('storedSince');
});

test('a key that does not belong to the certificate', async () => {
  const data = { 'tls.crt': web.certificatePem, 'tls.key': other.keyPem };
  const cluster = await start({ secrets: [secretObject('web', { data })] });

  expect(await scan(await storeOf(cluster, { secrets: 'tls' }))).toMatchObject([{ keyMatches: false }]);
});

test('when the certificate was written, by who manages its field; not when the Secret was created', async () => {
  const at = '2026-11-26T11:59:15Z';
  const written = (name: string, by: string) =>
    secretObject(name, { data: tlsData(web), written: { by, at } });
  const labels = secretObject('labels', { data: tlsData(web) });
  const managedFields = [{ manager: 'kubectl', time: at, fieldsV1: { 'f:metadata': { 'f:labels': {} } } }];
  const cluster = await start({
    secrets: [
      written('issued', 'cert-manager-certificates-issuing'),
      { ...labels, metadata: { ...labels.metadata, managedFields } },
      { ...secretObject('fixed', { data: tlsData(web) }), immutable: true },
    ],
  });

  const results = seenIn(await scan(await storeOf(cluster, { secrets: 'tls' })));

  expect(results.map(({ place, storedSince }) => [place, storedSince?.toISOString()])).toEqual([
    ['lab:default/issued:tls.crt', '2026-11-26T11:59:15.000Z'],
    ['lab:default/labels:tls.crt', undefined],
    ['lab:default/fixed:tls.crt', '2026-01-05T08:00:00.000Z'],
  ]);
});

describe('a Secret that is not what it should be is never silently fine', () => {
  const contents: readonly (readonly [
    string,
    () => Readonly<Record<string, string>>,
    readonly (readonly unknown[])[],
  ])[] = [
    [
      'nothing was issued yet',
      () => ({ 'tls.crt': '', 'tls.key': '' }),
      [['tls.crt', 'malformed', 'it is empty: nothing was issued yet, or it was deleted']],
    ],
    [
      'its certificate is missing',
      () => ({ 'tls.key': web.keyPem }),
      [['tls.crt', 'malformed', 'it is empty: nothing was issued yet, or it was deleted']],
    ],
    [
      'garbage',
      () => ({ 'tls.crt': 'garbage', 'tls.key': web.keyPem }),
      [['tls.crt', 'malformed', 'it contains no certificate']],
    ],
    [
      'only a key in both',
      () => ({ 'tls.crt': web.keyPem, 'tls.key': web.keyPem }),
      [['tls.crt', 'malformed', 'it contains no certificate']],
    ],
    [
      'half of a certificate',
      () => ({ 'tls.crt': web.certificatePem.slice(0, 300), 'tls.key': web.keyPem }),
      [['tls.crt', 'malformed', expect.stringMatching(/./)]],
    ],
    [
      'its key was not written',
      () => ({ 'tls.crt': web.certificatePem, 'tls.key': '' }),
      [['tls.key', 'malformed', 'it is empty']],
    ],
    [
      'its key is garbage',
      () => ({ 'tls.crt': web.certificatePem, 'tls.key': 'garbage' }),
      [['tls.key', 'malformed', 'it contains no private key that can be read']],
    ],
    [
      'its authority is garbage',
      () => ({ ...tlsData(web), 'ca.crt': 'garbage' }),
      [['ca.crt', 'malformed', 'it contains no certificate']],
    ],
  ];
  test.each(contents)('%s', async (_, data, expected) => {
    const cluster = await start({ secrets: [secretObject('web', { data: data() })] });

    const results = await scan(await storeOf(cluster, { secrets: 'tls' }));

    expect(reasonsOf(results)).toEqual(
      expected.map(([key, ...rest]) => [`lab:default/web:${String(key)}`, ...rest]),
    );
  });

  test('a key before the certificate is skipped', async () => {
    const data = { 'tls.crt': web.keyPem + web.certificatePem, 'tls.key': web.keyPem };
    const cluster = await start({ secrets: [secretObject('web', { data })] });

    const results = await scan(await storeOf(cluster, { secrets: 'tls' }));

    expect(results).toMatchObject([{ kind: 'seen', keyMatches: true, chain: [{ name: 'web.example.org' }] }]);
  });

  test('an authority without a key is only trusted', async () => {
    const data = { 'tls.crt': authority.certificatePem, 'tls.key': '' };
    const cluster = await start({ secrets: [secretObject('root', { data })] });

    expect(unseenIn(await scan(await storeOf(cluster, { secrets: 'tls' })))).toEqual([]);
  });

  test('values that are not base64', async () => {
    const { data: _, ...secret } = secretObject('web', { data: {} });
    const cluster = await start({
      secrets: [{ ...secret, data: { 'tls.crt': '***', 'ca.crt': 7 } }],
    });

    expect(reasonsOf(await scan(await storeOf(cluster, { secrets: 'tls' })))).toEqual([
      ['lab:default/web:tls.crt', 'malformed', 'it is not base64'],
      ['lab:default/web:ca.crt', 'malformed', 'it contains no certificate'],
    ]);
  });
});

test('`secrets: tls` reads no other types; `all` reads what may contain certificates', async () => {
  const secrets = [
    shop(),
    secretObject('files', {
      type: 'Opaque',
      data: { 'server.pem': web.certificatePem, password: 'hunter2' },
    }),
    secretObject('words', { type: 'Opaque', data: { password: 'hunter2' } }),
    secretObject('release', { type: 'helm.sh/release.v1', data: { release: web.certificatePem } }),
    secretObject('token', {
      type: 'kubernetes.io/service-account-token',
      data: { 'ca.crt': authority.certificatePem },
    }),
  ];
  const cluster = await start({ secrets });
  let empty = 0;

  const tls = await scan(await storeOf(cluster, { secrets: 'tls' }));
  const store = await storeOf(cluster, { secrets: 'all' });
  const all = await collect(store.scan({ signal, onEmpty: () => void empty++ }));

  expect(placesOf(tls)).toEqual(['lab:shop/shop-tls:tls.crt', 'lab:shop/shop-tls:ca.crt']);
  expect(placesOf(all)).toEqual([...placesOf(tls), 'lab:default/files:server.pem']);
  expect(empty).toBe(1);
  for (const { path } of secretRequests(cluster)) expect(path).toMatch(/fieldSelector=type(%3D|!%3D|%21%3D)/);
});

test('only the configured namespaces and labels are read', async () => {
  const named = (name: string, namespace: string, team: string) =>
    secretObject(name, { namespace, labels: { team }, data: tlsData(web) });
  const cluster = await start({
    secrets: [
      named('a', 'shop', 'web'),
      named('b', 'pay', 'web'),
      named('c', 'pay', 'db'),
      named('d', 'x', 'web'),
    ],
  });

  const results = await scan(
    await storeOf(cluster, { secrets: 'tls', namespaces: ['shop', 'pay'], labelSelector: 'team=web' }),
  );

  expect(placesOf(results)).toEqual(['lab:shop/a:tls.crt', 'lab:pay/b:tls.crt']);
  expect(secretRequests(cluster).map(({ path }) => path.split('?')[0])).toEqual([
    '/api/v1/namespaces/shop/secrets',
    '/api/v1/namespaces/pay/secrets',
  ]);
});

test('with `secrets: none`, no Secret is requested', async () => {
  const cluster = await start({ secrets: [shop()], certificates: [] });
  const store = await storeOf(cluster, {});

  expect(await scan(store)).toEqual([]);
  expect(await collect(store.managed!({ signal }))).toEqual([]);
  expect(secretRequests(cluster)).toEqual([]);
});

test('without permission for Secrets, everything else is read', async () => {
  const configMap = {
    metadata: { name: 'trust', namespace: 'fin' },
    data: { 'ca-bundle.crt': authority.certificatePem },
  };
  const cluster = await start({ secrets: [shop()], configmaps: [configMap] });
  cluster.allow(WRENCH, [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }]);

  const results = await scan(await storeOf(cluster, { secrets: 'tls', trust: ['fin/trust'] }));

  expect(namesOf(results)).toEqual([['lab:fin/configmaps/trust:ca-bundle.crt', 'lab-root']]);
  expect(reasonsOf(results)).toEqual([
    ['lab:secrets', 'refused', 'permission denied (403): needs `list secrets`'],
  ]);
});

test('a namespace without permission does not hide the others', async () => {
  const cluster = await start({ secrets: [shop()] });
  cluster.allow(WRENCH, [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'], namespace: 'shop' }]);

  const results = await scan(await storeOf(cluster, { secrets: 'tls', namespaces: ['pay', 'shop'] }));

  expect(placesOf(results)).toEqual([
    'lab:pay/secrets',
    'lab:shop/shop-tls:tls.crt',
    'lab:shop/shop-tls:ca.crt',
  ]);
});

test('an API server that does not respond fails the whole scan, not each part', async () => {
  const cluster = await start({});
  cluster.fail({ path: '/', lose: 'request' });

  await expect(scan(await storeOf(cluster, { secrets: 'tls' }))).rejects.toMatchObject({
    kind: 'unreachable',
  });
});

test('a list that is restarted after a compaction yields nothing twice', async () => {
  const secrets = Array.from({ length: 600 }, (_, index) =>
    secretObject(`web-${index}`, { data: tlsData(web) }),
  );
  const cluster = await start({ secrets });
  cluster.fail({ path: '/api/v1/secrets', continued: true, list: 'expired' }, 1);

  const places = placesOf(await scan(await storeOf(cluster, { secrets: 'tls' })));

  expect(places).toHaveLength(600);
  expect(new Set(places).size).toBe(600);
  expect(cluster.asked.filter(({ status }) => status === 410)).toHaveLength(1);
});

test('a list that breaks off keeps what was read, and says so', async () => {
  const secrets = Array.from({ length: 300 }, (_, index) =>
    secretObject(`web-${index}`, { data: tlsData(web) }),
  );
  const cluster = await start({ secrets });
  cluster.fail({ path: '/api/v1/secrets', continued: true, status: 500 });

  const results = await scan(await storeOf(cluster, { secrets: 'tls' }));

  expect(seenIn(results)).toHaveLength(250);
  expect(reasonsOf(results)).toEqual([
    ['lab:secrets', 'unreachable', expect.stringMatching(/^only 250 secrets were read: /)],
  ]);
});

test('Secrets of 1 MB are requested again with smaller pages', async () => {
  const filler = 'x'.repeat(1_000_000);
  const secrets = {
    count: 50,
    make: (index: number) =>
      secretObject(`big-${index}`, { type: 'Opaque', data: { 'tls.crt': web.certificatePem, filler } }),
  };
  const cluster = await start({ secrets });

  const results = await scan(await storeOf(cluster, { secrets: 'all' }));

  expect(seenIn(results)).toHaveLength(50);
  expect(unseenIn(results)).toEqual([]);
}, 60_000);

test('a bundle in a ConfigMap: each authority on its own; other values are ignored', async () => {
  const configMap = {
    metadata: { name: 'trust', namespace: 'fin' },
    data: {
      README: 'The CAs of the platform.',
      'ca-bundle.crt': intermediate.certificatePem + authority.certificatePem,
    },
    binaryData: { 'old.der': authority.der.toString('base64') },
  };
  const cluster = await start({ configmaps: [configMap] });

  const results = await scan(await storeOf(cluster, { trust: ['fin/trust', 'fin/none'] }));

  expect(namesOf(results)).toEqual([
    ['lab:fin/configmaps/trust:ca-bundle.crt', 'lab-issuing'],
    ['lab:fin/configmaps/trust:ca-bundle.crt#2', 'lab-root'],
    ['lab:fin/configmaps/trust:old.der', 'lab-root'],
  ]);
  expect(reasonsOf(results)).toEqual([
    ['lab:fin/configmaps/none', 'missing', 'the ConfigMap fin/none does not exist'],
  ]);
});

test('a ConfigMap without certificates is not a bundle', async () => {
  const configMap = { metadata: { name: 'trust', namespace: 'fin' }, data: { 'ca-bundle.crt': '' } };
  const cluster = await start({ configmaps: [configMap] });

  expect(reasonsOf(await scan(await storeOf(cluster, { trust: ['fin/trust'] })))).toEqual([
    ['lab:fin/configmaps/trust', 'malformed', 'it contains no certificate'],
  ]);
});

describe('the authorities with which the API server verifies what it calls', () => {
  const encoded = () => Buffer.from(authority.certificatePem).toString('base64');
  const service = { name: 'hook', namespace: 'shop', port: 443 };
  const objects = (caBundle: unknown = encoded(), annotations = {}) => ({
    validatingwebhookconfigurations: [
      {
        metadata: { name: 'shop', annotations },
        webhooks: [{ name: 'orders.shop.example', clientConfig: { service, caBundle } }],
      },
    ],
    mutatingwebhookconfigurations: [
      {
        metadata: { name: 'shop', annotations },
        webhooks: [
          { name: 'x.shop', clientConfig: { url: 'https://hooks.example.org/x?token=CANARY', caBundle } },
        ],
      },
    ],
    apiservices: [
      { metadata: { name: 'v1.' }, spec: {} },
      { metadata: { name: 'v1beta1.metrics.k8s.io', annotations }, spec: { service, caBundle } },
    ],
    customresourcedefinitions: [
      { metadata: { name: 'plain.example.org' }, spec: { conversion: { strategy: 'None' } } },
      {
        metadata: { name: 'orders.example.org', annotations },
        spec: { conversion: { strategy: 'Webhook', webhook: { clientConfig: { service, caBundle } } } },
      },
    ],
  });

  test('each is named, with the name that it verifies', async () => {
    const results = seenIn(await scan(await storeOf(await start(objects()), {})));

    expect(results.map(({ place, verifies }) => [place, verifies])).toEqual([
      ['lab:validatingwebhookconfigurations/shop/orders.shop.example', 'hook.shop.svc'],
      ['lab:mutatingwebhookconfigurations/shop/x.shop', 'hooks.example.org'],
      ['lab:apiservices/v1beta1.metrics.k8s.io', 'hook.shop.svc'],
      ['lab:customresourcedefinitions/orders.example.org', 'hook.shop.svc'],
    ]);
  });

  test('public authorities are not named in a bundle; an injector that has not run is a gap', async () => {
    expect(await scan(await storeOf(await start(objects('')), {}))).toEqual([]);
    // A line break, as generators write it.
    expect(await scan(await storeOf(await start(objects('Cg==')), {}))).toEqual([]);

    const injected = await start(objects('Cg==', { [INJECTED]: 'shop/hook' }));
    const results = await scan(await storeOf(injected, {}));
    expect(new Set(reasonsOf(results).map(([, ...rest]) => rest.join(': ')))).toEqual(
      new Set(['malformed: cert-manager has not injected its `caBundle` yet']),
    );
    expect(results).toHaveLength(4);
  });

  test('one that can not be read is a gap', async () => {
    const results = await scan(await storeOf(await start(objects(Buffer.from('x').toString('base64'))), {}));

    expect(unseenIn(results)).toHaveLength(4);
  });

  test('a missing permission is a gap only if they were asked for', async () => {
    const cluster = await start(objects());
    cluster.allow(WRENCH, []);

    expect(await scan(await storeOf(cluster, {}))).toEqual([]);
    expect(reasonsOf(await scan(await storeOf(cluster, { caBundles: 'all' })))).toHaveLength(4);
    expect(await scan(await storeOf(cluster, { caBundles: 'none' }))).toEqual([]);
  });

  test('an error of the API server is a gap in any case', async () => {
    const cluster = await start(objects());
    cluster.fail({ path: '/apis/admissionregistration.k8s.io', status: 500 });

    expect(reasonsOf(await scan(await storeOf(cluster, {}))).map(([place, kind]) => [place, kind])).toEqual([
      ['lab:validatingwebhookconfigurations', 'unreachable'],
      ['lab:mutatingwebhookconfigurations', 'unreachable'],
    ]);
  });
});
