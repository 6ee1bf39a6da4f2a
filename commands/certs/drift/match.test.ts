import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { clusterPod, podContainer } from '../../shared/fixture-clusters.ts';
import { authority, facts, leaf, managed, served, stored } from './builders.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';

/** Which stored certificate a site is compared with, and what follows from a wrong choice. */

const NOW = new Date('2026-11-26T12:00:00Z');
const ENDING = { from: '2026-09-01T00:00:00Z', until: '2026-11-30T00:00:00Z' };
const NEW = { from: '2026-11-01T00:00:00Z', until: '2027-01-30T00:00:00Z' };
const SECRET = 'prod:shop/app-tls:tls.crt';

const findingsIn = (given: Facts) => diagnose(given, {}, NOW).findings;
const tell = (given: Facts) =>
  findingsIn(given).map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);
const summaryOf = (given: Facts) => findingsIn(given)[0]?.summary;
const cluster = (...pods: ports.Pod[]) => [{ source: 'prod', ingresses: [], pods }];

const usingSecret = clusterPod('app-0', {
  addresses: ['10.244.1.4'],
  startedAt: new Date('2026-10-01T00:00:00Z'),
  controller: { kind: 'StatefulSet', name: 'app' },
  volumes: [{ name: 'tls', secrets: ['app-tls'] }],
  containers: [podContainer('app', { mounts: [{ volume: 'tls', path: '/tls', subPath: 'tls.crt' }] })],
});

describe('the pod at an address', () => {
  const places = [
    stored(SECRET, leaf('app.shop.svc', NEW)),
    served('10.244.1.4:443', leaf('app.shop.svc', ENDING), { open: true }),
  ];
  const other = (known: Partial<ports.Pod>) =>
    clusterPod('z-other', { namespace: 'kube-system', addresses: ['10.244.1.4'], ...known });

  test.each([
    ['shares the address of its node', {}],
    ['has ended, and its address belongs to another', { phase: 'Succeeded' }],
    ['was evicted, and its address belongs to another', { phase: 'Failed' }],
  ])('is not the one that %s', (_, known) => {
    expect(tell(facts({ places, clusters: cluster(usingSecret, other(known)) }))).toEqual([
      'critical renewed-not-deployed shop/app-0',
    ]);
  });

  test('is unknown if several there have Secrets', () => {
    const [edge] = cluster(usingSecret, { ...usingSecret, name: 'app-1', uid: 'uid-of-app-1' });
    expect(tell(facts({ places, clusters: [edge!] }))).toEqual([
      `critical renewed-not-deployed ${SECRET}`,
      // By their mounts, whichever of them serves it.
      'warning pod-keeps-former-secret shop/app (StatefulSet)',
    ]);
  });

  test('whose init container copies the Secret is restarted', () => {
    const copying = clusterPod('app-0', {
      ...usingSecret,
      containers: [
        podContainer('copy', { kind: 'init', mounts: [{ volume: 'tls', path: '/in' }] }),
        podContainer('app'),
      ],
    });
    const restarts = [
      { cluster: 'prod', namespace: 'shop', permission: { allowed: true, managed: false } as const },
    ];
    const [finding] = findingsIn(facts({ places, clusters: cluster(copying) }, { restarts }));
    expect(finding?.offers).toMatchObject([{ remediation: 'restart-workload' }]);
    expect(finding?.summary).toContain('An init container copies it, only when the pod starts');
  });
});

describe('a path of Vault with two parts', () => {
  const since = (storedSince: string) =>
    facts({
      places: [
        stored('vault:secret/gw:certificate', leaf('gw.corp', NEW), { storedSince: new Date(storedSince) }),
        served('10.0.0.4:443', leaf('gw.corp', ENDING), { open: true }),
      ],
      clusters: cluster(),
    });

  test('is not a Secret, which a kubelet delivers', () => {
    expect(summaryOf(since('2026-11-20T00:00:00Z'))).not.toMatch(/Secret|pods/);
  });

  test('is not waited for: nothing delivers it by itself', () => {
    expect(tell(since('2026-11-26T11:58:00Z'))).toEqual([
      'critical renewed-not-deployed vault:secret/gw:certificate',
    ]);
  });
});

describe('a public site with the names and the issuer of a stored certificate', () => {
  const places = (address: string, known: Parameters<typeof stored>[2] = {}) => [
    stored(SECRET, leaf('www.corp.example', { ...NEW, issuer: 'CN=R11' }), known),
    served(address, leaf('www.corp.example', { ...ENDING, issuer: 'CN=R11' }), {
      servername: 'www.corp.example',
      open: true,
    }),
  ];

  test('may be a CDN with its own certificate, so it is a warning that says so', () => {
    const given = facts({ places: places('203.0.113.7:443') });
    expect(tell(given)).toEqual([`warning renewed-not-deployed ${SECRET}`]);
    expect(summaryOf(given)).toContain('such as a CDN');
  });

  test.each([
    ['at a private address', places('10.8.0.1:443'), []],
    [
      'of an authority that is stored beside it',
      places('203.0.113.7:443', { trusts: [authority('CN=R11', { ...NEW, key: 'key of the CA' })] }),
      [],
    ],
    [
      'of an Ingress',
      places('203.0.113.7:443'),
      [{ namespace: 'shop', name: 'web', tls: [{ hosts: ['*.corp.example'], secret: 'app-tls' }] }],
    ],
  ])('is ours %s', (_, seen, ingresses) => {
    expect(tell(facts({ places: seen, clusters: [{ source: 'prod', ingresses, pods: [] }] }))).toEqual([
      `critical renewed-not-deployed ${SECRET}`,
    ]);
  });
});

test('an old version that was stored again is behind what is served, and not called the new one', () => {
  const given = facts({
    places: [
      stored('vault:secret/edge/gw:certificate', leaf('gw.corp', ENDING), {
        history: [{ id: '4', chain: [leaf('gw.corp', NEW)], trusts: [] }],
      }),
      served('10.0.0.4:443', leaf('gw.corp', NEW), { open: true }),
    ],
  });
  expect(tell(given)).toEqual(['warning served-newer-than-stored edge:10.0.0.4:443']);
});

test('a new version with the same certificate is what is served, whichever is read first', () => {
  const one = leaf('uaa', NEW);
  const versions = ['v2', 'v1'].map((id) => ({ id, until: NEW.until }));
  const contents = ['v1', 'v2'].map((id) => ({ id, chain: [one] as const, trusts: [] }));
  const given = facts({
    managed: [managed('credhub:/cf/uaa', versions, { contents })],
    places: [served('10.0.0.4:8443', one, { host: 'uaa/0' })],
  });
  expect(tell(given)).toEqual([]);
});

test('what components of Kubernetes make for themselves at their start is of no store', () => {
  const made = leaf(
    'localhost',
    { ...NEW, issuer: 'CN=localhost-ca@1700000000', key: 'own' },
    { subject: 'CN=localhost@1700000000' },
  );
  const given = facts({
    places: [
      stored('hosts:cp-1:/etc/kubernetes/pki/apiserver.crt', leaf('kube-apiserver', NEW), { host: 'cp-1' }),
      served('10.2.0.11:10257', made, { host: 'cp-1' }),
    ],
  });
  expect(tell(given)).toEqual([]);
});

describe('a host of an Ingress that gets another certificate', () => {
  const ingresses = [
    { namespace: 'shop', name: 'web', tls: [{ hosts: ['shop.example'], secret: 'shop-tls' }] },
  ];
  const clusters = [{ source: 'prod', ingresses, pods: [] }];
  const site = (one: ports.Certificate, nameMatches: boolean) => {
    const seen = served('203.0.113.10:443', one, { servername: 'shop.example', open: true });
    return { ...seen, served: { ...seen.served!, nameMatches } };
  };
  const byDefault = leaf('*.corp.example', NEW);
  const named = stored('prod:shop/shop-tls:tls.crt', leaf('www.shop.example', NEW));

  test('that is not for it is critical, with the cause', () => {
    const given = facts({
      places: [named, stored('prod:ingress/default:tls.crt', byDefault), site(byDefault, false)],
      clusters,
    });
    expect(tell(given)).toEqual(['critical other-certificate-served shop.example']);
    expect(summaryOf(given)).toContain('Secret shop/shop-tls is only for www.shop.example');
  });

  test('that no store has either is one finding', () => {
    const places = [named, site(leaf('*.apps.corp.example', { ...NEW, issuer: 'CN=x', key: 'x' }), false)];
    expect(tell(facts({ places, clusters }))).toEqual(['critical other-certificate-served shop.example']);
  });

  test('that is for it but ends soon is found, because the one that its Ingress names does not', () => {
    const wildcard = leaf('*.example', ENDING);
    const right = stored('prod:shop/shop-tls:tls.crt', leaf('shop.example', NEW));
    const places = [right, stored('prod:ingress/default:tls.crt', wildcard), site(wildcard, true)];
    expect(tell(facts({ places, clusters }))).toEqual(['critical other-certificate-served shop.example']);
  });

  test('that is for it is right: a controller may have one for all hosts', () => {
    const wildcard = leaf('*.example', NEW);
    const places = [named, stored('prod:ingress/default:tls.crt', wildcard), site(wildcard, true)];
    expect(tell(facts({ places, clusters }))).toEqual([]);
  });

  test('because its Secret is in another namespace is told so', () => {
    const elsewhere = stored('prod:certs/shop-tls:tls.crt', leaf('shop.example', NEW));
    const given = facts({
      places: [elsewhere, stored('prod:ingress/default:tls.crt', byDefault), site(byDefault, false)],
      clusters,
    });
    expect(summaryOf(given)).toContain('certs/shop-tls:tls.crt is in another namespace');
  });
});

test('a default certificate that is served without a requested name is no fault', () => {
  const subject = 'O=Acme Co, CN=Kubernetes Ingress Controller Fake Certificate';
  const fake = leaf('ingress.local', { ...NEW, issuer: subject }, { subject, selfSigned: true });
  const seen = served('203.0.113.10:443', fake, { open: true });
  const { servername: _, ...handshake } = seen.served!;
  expect(tell(facts({ places: [{ ...seen, served: handshake }] }))).toEqual([
    'info default-certificate-served 203.0.113.10',
  ]);
});
