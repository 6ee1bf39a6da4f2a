import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../kit.ts';
import { renew } from './renew.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const ENDS = '2026-12-05T12:00:00.000Z';

const LEAF: ports.RegeneratedRenewal = {
  method: 'regenerate',
  place: 'credhub:/bosh/cf/diego_bbs_server',
  name: '/bosh/cf/diego_bbs_server',
  notAfter: ENDS,
  versions: { 'credhub:/bosh/cf/diego_bbs_server': '280a902a' },
  asTransitional: false,
  signedBy: { name: '/bosh/cf/service_cf_internal_ca', notAfter: '2031-11-20T10:00:00.000Z' },
  signs: [],
};

const AUTHORITY: ports.RegeneratedRenewal = {
  ...LEAF,
  place: 'credhub:/bosh/cf/ca',
  name: '/bosh/cf/ca',
  versions: { 'credhub:/bosh/cf/ca': 'd33e5670' },
  asTransitional: true,
  signs: ['/bosh/cf/a', '/bosh/cf/b'],
};

const ISSUED: ports.IssuedRenewal = {
  method: 'issue',
  place: 'vault:kv/edge/gw:certificate',
  name: 'gw.example.com',
  notAfter: ENDS,
  versions: { 'vault:kv/edge/gw:certificate': 4 },
  fingerprint: 'ab'.repeat(32),
  role: 'pki/edge',
  ttlSeconds: 48 * 86_400,
  issuer: { name: 'int-2022', notAfter: '2027-01-15T00:00:00.000Z' },
  alternativeNames: ['gw.example.com'],
  kept: ['note'],
};

const REQUESTED: ports.RequestedRenewal = {
  method: 'request',
  place: 'prod:certificates/shop/shop',
  name: 'shop/shop',
  notAfter: ENDS,
  versions: { 'prod:certificates/shop/shop': '81234' },
  issuer: 'ClusterIssuer vault',
  writesTo: 'prod:shop/shop-tls',
};

function contextWith(renewal: ports.Renewal, seen: unknown[] = []): ReadContext<'certificates'> {
  const name = renewal.place.slice(0, renewal.place.indexOf(':'));
  const store: ports.CertificateStore = {
    name,
    role: 'stored',
    // oxlint-disable-next-line typescript/require-await -- nothing is scanned here
    scan: async function* () {},
    planRenewal: (place, { asTransitional }) => {
      seen.push([place, asTransitional]);
      return Promise.resolve(renewal);
    },
  };
  return {
    read: { certificates: [store] },
    now: NOW,
    signal: new AbortController().signal,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: () => undefined,
  };
}

function paramsOf({ place }: ports.Renewal) {
  return { store: place.slice(0, place.indexOf(':')), place };
}

function plan(renewal: ports.Renewal, more: { readonly asTransitional?: true } = {}) {
  return renew.plan(contextWith(renewal), { ...paramsOf(renewal), ...more });
}

test.each<readonly [string, ports.Renewal, readonly string[], RegExp]>([
  ['CredHub', LEAF, ['credhub:/bosh/cf/diego_bbs_server'], /bosh deploy.*a restart or a recreate keeps/],
  ['a PKI', ISSUED, ['vault:kv/edge/gw:certificate'], /Make what reads kv\/edge\/gw load it/],
  [
    'cert-manager',
    REQUESTED,
    ['prod:certificates/shop/shop'],
    /about two minutes, unless they mount it with `subPath`/,
  ],
])(
  'a plan of %s says what happens and what must be done afterwards',
  async (_, renewal, targets, afterwards) => {
    const made = await plan(renewal);
    expect(made.targets).toEqual(targets);
    expect(made.afterwards?.[0]).toMatch(afterwards);
    expect(made.lines[0]).toContain('(the current one expires 2026-12-05 12:00 UTC)');
    expect(made.impact).toMatch(/deploys nothing|restarts nothing/);
    // What someone else changed in the meantime is noticed.
    expect(Object.values(made.precondition)).toContain(Object.values(renewal.versions).map(String)[0]);
    expect(await plan(renewal)).toEqual(made);
    expect(renew.many?.line(paramsOf(renewal), made)).toContain(made.lines[0]);
  },
);

test('a PKI issues for less than its role allows if the issuer ends first, and the plan shows both', async () => {
  const { lines } = await plan(ISSUED);
  expect(lines).toEqual([
    'Issue a new certificate for gw.example.com with the role pki/edge, for gw.example.com: new key, valid for 48 days (the current one expires 2026-12-05 12:00 UTC), signed by int-2022 (until 2027-01-15 00:00 UTC)',
    'Write the certificate and its key to kv/edge/gw',
    'Keep everything else in the secret: note',
  ]);
});

test('an authority gets a version that is only trusted, and the plan forbids the next steps before a deploy', async () => {
  const seen: unknown[] = [];
  const asked = { ...paramsOf(AUTHORITY), asTransitional: true } as const;
  const { lines, afterwards } = await renew.plan(contextWith(AUTHORITY, seen), asked);
  expect(seen).toEqual([['credhub:/bosh/cf/ca', true]]);
  expect(lines[1]).toContain('the current version stays in use');
  expect(afterwards?.join(' ')).toMatch(
    /Only then may the transitional flag move.*Do not renew.*\/bosh\/cf\/a/,
  );
  expect(renew.title(asked)).toBe('Add transitional version of bosh/cf/ca');
  expect(renew.effect?.(asked)).toContain('only trusted');
});

test.each<readonly [string, ports.Renewal, RegExp]>([
  [
    'an authority that others trust',
    { ...AUTHORITY, asTransitional: false },
    /signs 2 certificates.*step by step/,
  ],
  ['a store that would use a version that should only be trusted', AUTHORITY, /can't be renewed as/],
  ['no time left', { ...ISSUED, ttlSeconds: 0 }, /would end before it begins/],
])('refuses %s', async (_, renewal, because) => {
  await expect(plan(renewal)).rejects.toThrow(because);
  await expect(plan(renewal)).rejects.toBeInstanceOf(SourceError);
});

test('a store without transitional versions is not asked to renew an authority at once instead', async () => {
  await expect(plan(LEAF, { asTransitional: true })).rejects.toThrow(/only trusted/);
});

test('one confirmation for several stores says what each of them does', () => {
  const effect = renew.many?.effect?.([LEAF, REQUESTED, ISSUED].map(paramsOf));
  expect(effect).toBe(
    'Writes new versions of 2 certificates in credhub and vault. Requests 1 new certificate in prod. Deploys nothing.',
  );
  expect(renew.effect?.(paramsOf(LEAF))).toBe(
    'Writes a new version of /bosh/cf/diego_bbs_server in credhub. Deploys nothing.',
  );
  expect(renew.effect?.(paramsOf(REQUESTED))).toBe(
    'Requests a new certificate for shop/shop in prod, which is written to its Secret. Restarts nothing.',
  );
  expect([LEAF, REQUESTED].map((one) => renew.title(paramsOf(one)))).toEqual([
    'Renew bosh/cf/diego_bbs_server',
    'Renew shop/shop',
  ]);
});

test.each<readonly [ports.Renewal, ports.RenewalResult, string]>([
  [
    LEAF,
    { version: '77aa', notAfter: '2027-11-26T12:00:00.000Z' },
    '/bosh/cf/diego_bbs_server renewed in credhub until 2027-11-26 12:00 UTC: version 77aa',
  ],
  [REQUESTED, {}, 'shop/shop: requested a new certificate'],
])('records what the store shows about the result', async (renewal, result, line) => {
  const recorded: string[] = [];
  const context = contextWith(renewal);
  await renew.apply(
    {
      ...context,
      write: { certificates: () => ({ renew: () => Promise.resolve(result) }) },
      applyContext: { idempotencyKey: 'm0123456789abcdef', signal: context.signal },
      recordStep: (text) => {
        recorded.push(text);
        return Promise.resolve();
      },
    },
    paramsOf(renewal),
    await plan(renewal),
  );
  expect(recorded).toEqual([line]);
});
