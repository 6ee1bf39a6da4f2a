import { expect, test } from 'vitest';
import type { ports } from '../../commands/kit.ts';
import { check as rotation } from '../../commands/certs/rotation/check.ts';
import { check as drift } from '../../commands/certs/drift/check.ts';
import { check as expiring } from '../../commands/certs/expiring/check.ts';
import { automated, leaf } from '../../commands/certs/drift/builders.ts';
import { managedInCredHub, signedCertificate } from '../../commands/shared/builders.ts';
import { certificateSource, liveSite, processSource } from '../../commands/shared/fixture-sources.ts';
import { digestOver, newsOf, type RunOfDays } from './digest-days.ts';

/** Digests over days of certificates: a rotation ticks itself off, and nothing that goes on is called new again. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.parse('2026-11-01T06:00:00Z');
const inDays = (days: number) => new Date(START_MS + days * DAY_MS).toISOString();

const CHECKS = { rotation, drift, expiring } as const;

function daily(
  name: keyof typeof CHECKS,
  days: number,
  worldAt: (day: number) => Partial<ports.Readers>,
  { everyHours = 24 }: { readonly everyHours?: number } = {},
): Promise<readonly RunOfDays[]> {
  return digestOver({
    check: CHECKS[name],
    name: `certs/${name}`,
    at: Array.from(
      { length: (days * 24) / everyHours },
      (_, run) => new Date(START_MS + run * everyHours * HOUR_MS),
    ),
    read: (now) => worldAt((now.getTime() - START_MS) / DAY_MS),
  });
}

const CA = '/bosh/cf/diego_ca';
const LEAVES = ['/bosh/cf/rep', '/bosh/cf/bbs'];

/** A CredHub whose authority ends in 40 days and is rotated in two weeks, with its director and the trust file of an instance. */
function rotatedAt(day: number): Partial<ports.Readers> {
  const ca = (is: 'old' | 'new') =>
    signedCertificate('diego-ca', inDays(is === 'old' ? 40 : 1_000), {
      issuer: 'diego-ca',
      key: `${is} key`,
      signedWith: `${is} key`,
    });
  const version = (is: 'old' | 'new', transitional: boolean) => ({
    id: is,
    until: inDays(is === 'old' ? 40 : 1_000),
    transitional,
    authority: true,
    selfSigned: true,
  });
  const versions =
    day < 2
      ? [version('old', false)]
      : day < 6
        ? [version('new', true), version('old', false)]
        : day < 12
          ? [version('new', false), version('old', true)]
          : [version('new', false), version('old', false)];
  const trusted = [...(day < 14 ? [ca('old')] : []), ...(day >= 4 ? [ca('new')] : [])];
  const file = (one: ports.Certificate, at: number): ports.SeenPlace => ({
    kind: 'seen',
    place: `hosts:cell/0:/var/vcap/jobs/rep/config/ca.crt${at === 0 ? '' : `#${at + 1}`}`,
    host: 'cell/0',
    chain: [one],
  });
  const stores = [
    certificateSource({
      name: 'credhub',
      role: 'stored',
      storedIn: 'secrets',
      places: [],
      managed: [
        managedInCredHub(CA, versions, { signedBy: CA }),
        ...LEAVES.map((name) =>
          managedInCredHub(
            name,
            [
              ...(day >= 8 ? [{ id: `${name} 2`, until: inDays(700) }] : []),
              { id: `${name} 1`, until: inDays(300) },
            ],
            { signedBy: CA },
          ),
        ),
      ],
      contents: {
        [`credhub:${CA}`]: [
          { id: 'new', chain: [ca('new')], trusts: [] },
          { id: 'old', chain: [ca('old')], trusts: [] },
        ],
        ...Object.fromEntries(
          LEAVES.map((name) => [
            `credhub:${name}`,
            [
              {
                id: `${name} 2`,
                chain: [signedCertificate(name, inDays(700), { issuer: 'diego-ca', signedWith: 'new key' })],
                trusts: [],
              },
              {
                id: `${name} 1`,
                chain: [signedCertificate(name, inDays(300), { issuer: 'diego-ca', signedWith: 'old key' })],
                trusts: [],
              },
            ],
          ]),
        ),
      },
    }),
    certificateSource({
      name: 'hosts',
      role: 'stored',
      storedIn: 'files',
      places: trusted.map(file),
    }),
  ];
  const deployed = day < 10 ? 1 : 2;
  return {
    certificates: stores,
    processes: [
      {
        ...processSource('bosh', 'director', []),
        deployedCertificates: async () => [
          {
            deployment: 'cf',
            certificates: LEAVES.map((name) => ({ name, version: `${name} ${deployed}` })),
          },
        ],
        directorCertificates: async () => [],
        tasks: async () => [],
      },
    ],
  };
}

test('a rotation of two weeks is one finding until its last step, and ticks itself off', async () => {
  const runs = await daily('rotation', 18, rotatedAt);
  expect(newsOf(runs)).toEqual([
    '03T06:00 appeared info rotation-in-progress /bosh/cf/diego_ca',
    '09T06:00 better info rotation-in-progress /bosh/cf/diego_ca',
    '11T06:00 appeared info rotation-unfinished /bosh/cf/diego_ca',
    '13T06:00 gone info rotation-unfinished /bosh/cf/diego_ca: no version is transitional any more',
  ]);
  const [lastStep] = runs[11]?.report.findings ?? [];
  const done = (lastStep?.evidence ?? []).flatMap((one) =>
    one.kind === 'field' && one.label === '[x]' ? [one.value.replace(/.*, done /, '')] : [],
  );
  expect(done).toEqual(['2026-11-03', '2026-11-05', '2026-11-07', '2026-11-09', '2026-11-11']);
});

/** cert-manager issues for 90 days and renews after 60. The pod reloads its Secret within a day if it `reloads`, else it never does. */
function clusterAt(day: number, reloads: boolean): Partial<ports.Readers> {
  const issueOf = (at: number) => {
    const from = Math.floor(at / 60) * 60;
    return { from: inDays(from), until: inDays(from + 90) };
  };
  const stored = issueOf(day);
  const served = reloads ? issueOf(day - 0.01) : issueOf(0);
  const {
    store: _,
    contents: __,
    ...certificate
  } = automated(
    'shop/shop',
    'shop-tls',
    { revision: 1 + Math.floor(day / 60), dueAt: new Date(inDays(Math.floor(day / 60) * 60 + 60)) },
    {
      versions: [
        {
          id: `${1 + Math.floor(day / 60)}`,
          notBefore: new Date(stored.from),
          notAfter: new Date(stored.until),
          transitional: false,
        },
      ],
    },
  );
  return {
    certificates: [
      certificateSource({
        name: 'prod',
        role: 'stored',
        storedIn: 'secrets',
        places: [
          {
            kind: 'seen',
            place: 'prod:shop/shop-tls:tls.crt',
            chain: [leaf('shop.example.com', stored)],
            keyMatches: true,
            storedSince: new Date(stored.from),
          },
        ],
        managed: [certificate],
      }),
      certificateSource({
        name: 'edge',
        role: 'served',
        places: [liveSite('edge:shop.example.com:443', leaf('shop.example.com', served))],
      }),
    ],
    processes: [],
    clusters: [],
  };
}

test.each(['rotation', 'drift', 'expiring'] as const)(
  'certs/%s says nothing about a certificate that cert-manager renews every 60 days',
  async (name) => {
    const runs = await daily(name, 200, (day) => clusterAt(day, true));
    expect(newsOf(runs)).toEqual([]);
    expect(runs.filter(({ report }) => report.status !== 'clear')).toEqual([]);
  },
);

test.each([
  [
    'rotation',
    [
      '01T06:00 appeared warning renewal-not-deployed shop/shop-tls',
      '23T06:00 worse critical renewal-not-deployed shop/shop-tls',
    ],
  ],
  [
    'drift',
    // By names and issuer alone, it may be another certificate: a guess is never critical.
    ['01T06:00 appeared warning renewed-not-deployed prod:shop/shop-tls:tls.crt'],
  ],
] as const)('certs/%s reports once that the renewed certificate is never loaded', async (name, news) => {
  const runs = await daily(name, 100, (day) => clusterAt(day, false));
  expect(newsOf(runs)).toEqual(news);
});

/** A deploy replaces the expired certificates of four instances one by one, and hangs at the second for two days. */
function deployAt(day: number): Partial<ports.Readers> {
  const OLD = { from: inDays(-365), until: inDays(1.5) };
  const NEW = { from: inDays(0.5), until: inDays(365) };
  const renewed = day < 1 ? 0 : day < 3 ? 1 : day < 4 ? 2 : 4;
  return {
    certificates: [
      certificateSource({
        name: 'vault',
        role: 'stored',
        storedIn: 'secrets',
        places: [
          {
            kind: 'seen',
            place: 'vault:secret/cf/rep:certificate',
            chain: [leaf('cell.service.cf.internal', day < 0.5 ? OLD : NEW)],
            keyMatches: true,
            storedSince: new Date(inDays(day < 0.5 ? -365 : 0.5)),
          },
        ],
        history: {
          'vault:secret/cf/rep:certificate':
            day < 0.5 ? [] : [{ id: '1', chain: [leaf('cell.service.cf.internal', OLD)], trusts: [] }],
        },
      }),
      certificateSource({
        name: 'edge',
        role: 'served',
        places: Array.from({ length: 4 }, (_, at) => ({
          ...liveSite(
            `edge:10.0.32.2${at}:1801`,
            leaf('cell.service.cf.internal', at < renewed ? NEW : OLD),
            {
              address: `10.0.32.2${at}:1801`,
              clientCertificateRequired: true,
            },
          ),
          host: `cell/${at} rep`,
        })),
      }),
    ],
    processes: [],
    clusters: [],
  };
}

test('a deploy that hangs and goes on is one fault that becomes worse when the certificate expires', async () => {
  const runs = await daily('drift', 6, deployAt, { everyHours: 6 });
  expect(newsOf(runs)).toEqual([
    '01T18:00 appeared critical renewed-not-deployed vault:secret/cf/rep:certificate',
    '02T06:00 better critical renewed-not-deployed vault:secret/cf/rep:certificate',
    '03T00:00 appeared critical rotation-half-rolled issuer O=Cloud Foundry, CN=diego-ca',
    '03T00:00 gone critical renewed-not-deployed vault:secret/cf/rep:certificate',
    '04T06:00 better critical rotation-half-rolled issuer O=Cloud Foundry, CN=diego-ca',
    '05T06:00 gone critical rotation-half-rolled issuer O=Cloud Foundry, CN=diego-ca',
  ]);
});

test('a rotation that is deployed instance by instance keeps the name of what is stored', async () => {
  const runs = await daily('rotation', 6, deployAt, { everyHours: 6 });
  expect(newsOf(runs)).toEqual([
    '01T18:00 appeared critical renewal-not-deployed secret/cf/rep',
    '05T06:00 gone critical renewal-not-deployed secret/cf/rep',
  ]);
  const summaries = runs.flatMap(({ report }) => report.findings.map(({ summary }) => summary));
  expect(summaries.at(-1)).toMatch(
    /^secret\/cf\/rep is renewed, but 10\.0\.32\.22:1801 and 10\.0\.32\.23:1801 still have the former certificate/,
  );
});
