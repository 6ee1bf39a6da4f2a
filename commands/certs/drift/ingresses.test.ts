import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { automated, facts, leaf, served, stored } from './builders.ts';
import { diagnose } from './diagnose.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const NEW = { from: '2026-11-01T00:00:00Z', until: '2027-01-30T00:00:00Z' };
const HOST = 'shop.example';

const ingress = (known: Partial<ports.Ingress> = {}): ports.Ingress => ({
  namespace: 'shop',
  name: 'web',
  className: 'nginx',
  tls: [{ hosts: [HOST], secret: 'shop-tls' }],
  ...known,
});
const secret = (at: string, ...names: readonly string[]) =>
  stored(
    `prod:${at}:tls.crt`,
    leaf(names[0] ?? '', NEW, { alternativeNames: names.map((name) => `DNS:${name}`) }),
  );
const other = secret('shop/other-tls', 'other.example');
const www = secret('shop/shop-tls', 'www.shop.example');

function ask(
  places: Parameters<typeof facts>[0]['places'],
  ingresses: readonly ports.Ingress[] = [ingress()],
  known: Parameters<typeof facts>[0] = {},
) {
  const clusters = [{ source: 'prod', ingresses, pods: [] }];
  return diagnose(facts({ ...(places && { places }), clusters, ...known }), {}, NOW);
}

const tell = (...asked: Parameters<typeof ask>) =>
  ask(...asked).findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);

const WRONG = [`warning ingress-secret-invalid ${HOST}`];
const automation = (since: string, dnsNames: readonly string[] = []) => ({
  managed: [
    automated('shop/web', 'shop-tls', {
      dnsNames,
      ready: { status: 'False', reason: 'Pending', since: new Date(since) },
    }),
  ],
});

describe('without a site, an Ingress is judged by its Secret', () => {
  test.each([
    ['is for other names', [www], {}, 'Secret shop/shop-tls is only for www.shop.example'],
    ["doesn't exist", [other], {}, "Secret shop/shop-tls of Ingress shop/web doesn't exist"],
    [
      'has no certificate',
      [],
      { unread: [{ store: 'prod', place: 'prod:shop/shop-tls:tls.crt', kind: 'malformed' as const }] },
      'has no readable certificate',
    ],
    [
      'has only an authority',
      [stored('prod:shop/shop-tls:ca.crt', leaf(HOST, NEW))],
      {},
      "Secret shop/shop-tls of Ingress shop/web doesn't exist, or has no certificate",
    ],
    [
      'does not have what its Certificate requests',
      [www],
      automation('2026-11-25T00:00:00Z', [HOST]),
      'Its Certificate shop/web requests shop.example too',
    ],
  ])('which %s', (_, places, known, says) => {
    const { findings } = ask(places, undefined, known);
    expect(findings).toMatchObject([{ reason: 'ingress-secret-invalid', severity: 'warning', target: HOST }]);
    expect(findings[0]?.summary).toContain(says);
    expect(findings[0]).not.toHaveProperty('offers');
  });

  test.each([
    ['is for it', [secret('shop/shop-tls', HOST)]],
    ['is for it in other letters', [secret('shop/shop-tls', 'Shop.Example')]],
    ['has a wildcard', [secret('shop/shop-tls', '*.example')]],
  ])('which %s', (_, places) => {
    const { findings, examined } = ask(places);
    expect({ findings, examined }).toEqual({ findings: [], examined: 1 });
  });

  test('a wildcard is for one label only', () => {
    expect(tell([secret('shop/shop-tls', '*.example.com')])).toEqual(WRONG);
    expect(
      tell(
        [secret('shop/shop-tls', '*.example')],
        [ingress({ tls: [{ hosts: ['a.b.example'], secret: 'shop-tls' }] })],
      ),
    ).toEqual(['warning ingress-secret-invalid a.b.example']);
  });

  test('hosts of one Secret are one finding', () => {
    const tls = [{ hosts: ['b.example', 'a.example', 'www.shop.example'], secret: 'shop-tls' }];
    expect(ask([www], [ingress({ tls })]).findings).toMatchObject([
      { target: 'a.example', targets: ['a.example', 'b.example'] },
    ]);
  });
});

describe('nothing is said of an Ingress', () => {
  test.each([
    ['if no Secrets are read', []],
    ['if no Secrets of its namespace are read', [secret('pay/pay-tls', 'pay.example')]],
  ])('%s', (_, places) => {
    expect(ask(places)).toMatchObject({ findings: [], examined: 0 });
  });

  test.each([
    ['its Secret', 'prod:shop/shop-tls:tls.crt'],
    ['the list of its namespace', 'prod:shop/secrets'],
    ['the list', 'prod:secrets'],
    ['anything', undefined],
  ])("if %s couldn't be read", (_, place) => {
    const unread = [{ store: 'prod', kind: 'refused' as const, ...(place !== undefined && { place }) }];
    expect(tell([other], undefined, { unread })).toEqual([]);
  });

  test.each(['alb', 'gce', 'gce-internal', 'gke-l7'])('of the class %s', (className) => {
    expect(tell([www], [ingress({ className })])).toEqual([]);
  });

  test('that names no Secret', () => {
    expect(tell([www], [ingress({ tls: [{ hosts: [HOST] }] })])).toEqual([]);
  });

  test('whose certificate is being issued for minutes', () => {
    expect(tell([other], undefined, automation('2026-11-26T11:55:00Z'))).toEqual([]);
    expect(tell([other], undefined, automation('2026-11-26T11:45:00Z'))).toEqual(WRONG);
  });

  test('whose Secret is already a finding of its Certificate', () => {
    const ready = {
      status: 'False' as const,
      reason: 'DoesNotExist',
      since: new Date('2026-11-25T00:00:00Z'),
    };
    const managed = [automated('shop/web', 'shop-tls', { ready })];
    expect(tell([other], undefined, { managed })).toEqual(['warning secret-mismatch shop/web']);
  });

  test('if another one names a Secret for the host', () => {
    const second = ingress({ name: 'api', tls: [{ hosts: [HOST], secret: 'api-tls' }] });
    expect(tell([www, secret('shop/api-tls', HOST)], [ingress(), second])).toEqual([]);
  });

  test('if its site shows a certificate for the host', () => {
    const site = served('203.0.113.10:443', leaf(HOST, NEW), { servername: HOST, open: true });
    expect(tell([www, site]).filter((one) => one.includes('ingress-secret'))).toEqual([]);
  });
});

test('a host with a served finding has no second one', () => {
  const subject = 'O=Acme Co, CN=Kubernetes Ingress Controller Fake Certificate';
  const fake = leaf('ingress.local', { ...NEW, issuer: subject }, { subject, selfSigned: true });
  const site = served('203.0.113.10:443', fake, { servername: HOST, open: true });
  expect(tell([www, site])).toEqual([`critical default-certificate-served ${HOST}`]);
});

test('a wildcard elsewhere in the cluster may be the default of the controller', () => {
  expect(tell([www, secret('ingress/default-tls', '*.example')])).toEqual([
    `info ingress-secret-invalid ${HOST}`,
  ]);
});

test('Traefik uses the certificates of all Ingresses', () => {
  const second = ingress({ name: 'api', tls: [{ hosts: ['api.example'], secret: 'api-tls' }] });
  const tellOf = (className: string) =>
    tell([www, secret('shop/api-tls', 'api.example', HOST)], [ingress({ className }), second]);
  expect(tellOf('traefik')).toEqual([]);
  expect(tellOf('nginx')).toEqual(WRONG);
});

test('thousands of Ingresses are judged in one pass', () => {
  const names = Array.from({ length: 5000 }, (_, index) => `shop-${index}`);
  const places = names.map((name) => secret(`shop/${name}`, `${name}.example`));
  const ingresses = names.map((name) =>
    ingress({ name, tls: [{ hosts: [`${name}.example`], secret: name }] }),
  );
  let read = 0;
  const counted = places.map((place) => ({
    ...place,
    get chain() {
      read += 1;
      return place.chain;
    },
  }));
  expect(ask(counted, ingresses)).toMatchObject({ findings: [], examined: 5000 });
  expect(read).toBeLessThan(100 * names.length);
});
