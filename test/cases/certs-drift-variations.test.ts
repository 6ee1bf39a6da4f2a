import { describe, expect, test } from 'vitest';
import { type Authority, type Issued, issue, makeAuthority } from '../world/ca.ts';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { certificateCaseSchema } from './certificate-case.ts';

/** The same kinds of drift in other forms, with certificates made here, through the real sources. */

const NOW = new Date('2026-11-26T12:00:00Z');
const DAY_MS = 86_400_000;
const day = (days: number) => new Date(NOW.getTime() + days * DAY_MS);
const time = (days: number) => day(days).toISOString();

const authorityNamed = (name: string) => makeAuthority({ name, notBefore: day(-700), notAfter: day(1500) });
const leafOf = (authority: Authority, name: string, from: number, until: number) =>
  issue(authority, { name, notBefore: day(from), notAfter: day(until) });

function ask(input: object): Promise<CaseVerdict> {
  const file = certificateCaseSchema.parse({ now: NOW.toISOString(), question: '/certs drift', ...input });
  return askCase({ case: 'made', ...file }, { check: 'certs/drift' });
}

const site = (address: string, leaf: Issued, known: object = {}) => ({
  address,
  sent: [leaf.certificatePem],
  ...known,
});

const encoded = (text: string) => Buffer.from(text).toString('base64');

const secret = (namespace: string, name: string, { certificatePem, keyPem }: Issued) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace, name, uid: `uid-of-${name}`, creationTimestamp: time(-300) },
  type: 'kubernetes.io/tls',
  data: { 'tls.crt': encoded(certificatePem), 'tls.key': encoded(keyPem) },
});

const listOf = (kind: string, apiVersion: string, items: readonly object[]) => ({
  apiVersion,
  kind: `${kind}List`,
  metadata: { resourceVersion: '1' },
  items,
});

const secrets = (...items: object[]) => ({
  'GET /api/v1/secrets?fieldSelector=type=kubernetes.io/tls': listOf('Secret', 'v1', items),
});

const kept = (
  path: string,
  versions: readonly (readonly [version: number, created: number, leaf: Issued])[],
) =>
  Object.fromEntries(
    versions.flatMap(([version, created, { certificatePem, keyPem }], at) => {
      const metadata = { created_time: time(created), deletion_time: '', destroyed: false, version };
      const body = { data: { data: { certificate: certificatePem, key: keyPem }, metadata } };
      const call = `GET /v1/secret/data/${path}`;
      return [[`${call}?version=${version}`, body], ...(at === 0 ? [[call, body] as const] : [])];
    }),
  );

describe('a site of a store that nothing delivers from', () => {
  test('is critical minutes after the renewal too', async () => {
    const authority = await authorityNamed('int');
    const old = await leafOf(authority, 'gw.corp', -86, 4);
    const renewed = await leafOf(authority, 'gw.corp', -0.001, 90);
    const verdict = await ask({
      vault: kept('gw', [
        [2, -0.001, renewed],
        [1, -86, old],
      ]),
      tls: [site('10.0.0.4:443', old, { servername: 'gw.corp' })],
    });
    expect(verdict.faults).toEqual(['critical tls:gw.corp@10.0.0.4:443']);
    expect(verdict.text).not.toMatch(/Secret|pods/);
  });

  test('has a newer certificate than a store that was rolled back', async () => {
    const authority = await authorityNamed('int');
    const old = await leafOf(authority, 'gw.corp', -86, 4);
    const renewed = await leafOf(authority, 'gw.corp', -25, 65);
    const verdict = await ask({
      vault: kept('edge/gw', [
        [3, -1, old],
        [2, -25, renewed],
        [1, -86, old],
      ]),
      tls: [site('10.0.0.4:443', renewed, { servername: 'gw.corp' })],
    });
    expect(verdict.report.findings).toMatchObject([{ reason: 'served-newer-than-stored' }]);
  });
});

describe('instances that stand half-way', () => {
  test('are one finding although their authority was replaced too, and its key with it', async () => {
    const [former, present] = await Promise.all([authorityNamed('diego-ca'), authorityNamed('diego-ca')]);
    const old = await leafOf(former, 'cell.service.cf.internal', -400, -3);
    const renewed = await leafOf(present, 'cell.service.cf.internal', -0.1, 365);
    const verdict = await ask({
      vault: kept('cf/rep', [
        [2, -0.1, renewed],
        [1, -400, old],
      ]),
      tls: [
        site('10.0.1.1:1801', old, { who: 'diego-cell/1b rep', clientCertificate: 'required' }),
        site('10.0.1.2:1801', renewed, { who: 'diego-cell/0a rep', clientCertificate: 'required' }),
      ],
    });
    expect(verdict.faults).toEqual(['critical diego-cell/1b']);
    expect(verdict.text).toContain("can't authenticate each other");
  });
});

describe('an Ingress', () => {
  test('whose host gets the default certificate that an administrator chose', async () => {
    const authority = await authorityNamed('int');
    const byDefault = await leafOf(authority, '*.corp.example', -10, 80);
    const named = await leafOf(authority, 'www.shop.example', -10, 80);
    const ingress = {
      metadata: { namespace: 'shop', name: 'web', uid: 'uid-of-web' },
      spec: { tls: [{ hosts: ['shop.example'], secretName: 'shop-tls' }], rules: [] },
    };
    const verdict = await ask({
      kubernetes: {
        'GET /apis/networking.k8s.io/v1/ingresses': listOf('Ingress', 'networking.k8s.io/v1', [ingress]),
        ...secrets(secret('shop', 'shop-tls', named), secret('ingress', 'default-tls', byDefault)),
      },
      tls: [site('203.0.113.10:443', byDefault, { servername: 'shop.example' })],
    });
    expect(verdict.faults).toEqual(['critical shop.example']);
    expect(verdict.text).toContain('Secret shop/shop-tls is only for www.shop.example');
    expect(verdict.offers).toEqual([]);
  });

  /** https://github.com/kubernetes/ingress-nginx/issues/1984 */
  test('whose Secret is for another name is found without a site, and a healthy one is not', async () => {
    const authority = await authorityNamed('int');
    const ingress = (name: string) => ({
      metadata: { namespace: 'shop', name, uid: `uid-of-${name}` },
      spec: {
        ingressClassName: 'nginx',
        tls: [{ hosts: [`${name}.example`], secretName: `${name}-tls` }],
        rules: [],
      },
    });
    const tls = async (name: string, host: string) =>
      secret('shop', `${name}-tls`, await leafOf(authority, host, -10, 80));
    const ingresses = ['shop', 'pay', 'new'].map(ingress);
    const [shop, pay] = await Promise.all([tls('shop', 'www.shop.example'), tls('pay', 'pay.example')]);
    const list = (...items: object[]) => ({
      'GET /apis/networking.k8s.io/v1/ingresses': listOf('Ingress', 'networking.k8s.io/v1', items),
    });
    const verdict = await ask({ kubernetes: { ...list(...ingresses), ...secrets(shop, pay) } });
    expect(verdict.faults.toSorted()).toEqual(['warning new.example', 'warning shop.example']);
    expect(verdict.text).toContain('Secret shop/shop-tls is only for www.shop.example');
    expect(verdict.text).toContain("Secret shop/new-tls of Ingress shop/new doesn't exist");
    expect(verdict.offers).toEqual([]);

    const healthy = await ask({ kubernetes: { ...list(ingress('pay')), ...secrets(pay) } });
    expect([healthy.status, healthy.faults]).toEqual(['clear', []]);
  });
});

test('versions of CredHub with the same certificate are no drift', async () => {
  const authority = await authorityNamed('uaa-ca');
  const leaf = await leafOf(authority, 'uaa.service.cf.internal', -100, 265);
  const [present, former] = ['27222222-0000-4000-8000-000000000002', '27222222-0000-4000-8000-000000000001'];
  const known = { transitional: false, certificate_authority: false, self_signed: false, generated: true };
  const content = (id: string, created: number) => ({
    type: 'certificate',
    name: '/bosh/cf/uaa_ssl',
    version_created_at: time(created),
    id,
    expiry_date: time(265),
    ...known,
    value: { ca: authority.certificatePem, certificate: leaf.certificatePem, private_key: leaf.keyPem },
  });
  const versions = [present, former].map((id) => ({ id, expiry_date: time(265), ...known }));
  const verdict = await ask({
    credhub: {
      'GET /api/v1/certificates': {
        certificates: [
          {
            id: '27222222-0000-4000-8000-0000000000aa',
            name: '/bosh/cf/uaa_ssl',
            signed_by: '',
            signs: [],
            versions,
          },
        ],
      },
      [`GET /api/v1/data/${present}`]: content(present, -2),
      [`GET /api/v1/data/${former}`]: content(former, -100),
    },
    bosh: {
      'GET /deployments': [{ name: 'cf' }],
      'GET /deployments/cf/certificate_expiry': [
        { name: '/bosh/cf/uaa_ssl', id: former, expiry_date: time(265), days_left: 265 },
      ],
    },
  });
  expect(verdict.faults).toEqual(['info /bosh/cf/uaa_ssl']);
  expect(JSON.stringify(verdict.report)).not.toContain('PRIVATE KEY');
});
