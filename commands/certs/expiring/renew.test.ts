import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';
import { renew } from '../../shared/renew.ts';
import { certificate, factsOf, inVault, live } from './builders.ts';

const PLACE = 'vault:secret/cf/bbs/locket/tls:certificate';
const ASKED = { store: 'vault', place: PLACE };
const DAY_MS = 86_400_000;

const LOCKET: ports.SignedRenewal = {
  method: 'sign',
  place: PLACE,
  name: 'locket.service.cf.internal',
  fingerprint: 'ab'.repeat(32),
  notAfter: '2019-07-12T22:25:49.000Z',
  lifetimeMs: 364 * DAY_MS,
  authority: {
    place: 'vault:secret/cf/bbs/locket/ca:certificate',
    name: 'cf-internal-ca',
    nextSerial: '1a2b',
    notAfter: '2026-07-12T00:00:00.000Z',
  },
  kept: ['ca', 'password'],
  intermediates: 1,
  versions: { [PLACE]: 3, 'vault:secret/cf/bbs/locket/ca:certificate': 41 },
};

type Store = ReadContext<'certificates'>['read']['certificates'][number];

function vault(planRenewal?: Store['planRenewal']): Store {
  return {
    name: 'vault',
    role: 'stored',
    // oxlint-disable-next-line typescript/require-await -- nothing is scanned here
    scan: async function* () {},
    ...(planRenewal && { planRenewal }),
  };
}

function context(stores: readonly Store[], now = '2019-07-13T09:00:00Z'): ReadContext<'certificates'> {
  return {
    read: { certificates: stores },
    now: new Date(now),
    signal: new AbortController().signal,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: () => undefined,
  };
}

function planned(renewal: ports.Renewal) {
  return renew.plan(context([vault(() => Promise.resolve(renewal))]), ASKED);
}

test('the plan says what is issued, what is counted, what is kept, and that nothing is deployed', async () => {
  expect(await planned(LOCKET)).toEqual({
    lines: [
      'Set the next serial in secret/cf/bbs/locket/ca to 1a2c, so that 1a2b is used only once',
      'Issue a new certificate for locket.service.cf.internal in secret/cf/bbs/locket/tls: same key, names and extensions, ' +
        'valid for 364 days, but not longer than its authority, 2026-07-12 00:00 UTC (the current one expires 2019-07-12 22:25 UTC), ' +
        'signed by cf-internal-ca (secret/cf/bbs/locket/ca) with serial 1a2b',
      'Keep everything else in the secret: the key, 1 certificate behind it in the chain, ca and password',
    ],
    targets: ['vault:secret/cf/bbs/locket/ca:certificate', PLACE],
    precondition: {
      fingerprint: 'ab'.repeat(32),
      'version of vault:secret/cf/bbs/locket/tls:certificate': '3',
      'version of vault:secret/cf/bbs/locket/ca:certificate': '41',
      serial: '1a2b',
    },
    impact: 'Writes new versions of 2 secrets in vault; deploys nothing',
    afterwards: [
      'Deploy what uses secret/cf/bbs/locket/tls, then check with `/certs show secret/cf/bbs/locket/tls` and on the live site that the new certificate is served.',
      'If both sides verify each other (mutual TLS), a deployment may hang until both have new certificates.',
    ],
    details: { renewal: LOCKET },
  });
});

test('a plan made an hour later is identical', async () => {
  const stores = [vault(() => Promise.resolve(LOCKET))];
  const before = await renew.plan(context(stores, '2019-07-12T22:00:00Z'), ASKED);
  expect(await renew.plan(context(stores, '2019-07-12T23:00:00Z'), ASKED)).toEqual(before);
});

test('the renewal of a self-signed certificate writes only its own secret', async () => {
  const { nextSerial: _, ...itself } = {
    ...LOCKET.authority,
    place: PLACE,
    notAfter: '9999-12-31T23:59:59.000Z',
  };
  const { lines, targets, impact } = await planned({
    ...LOCKET,
    authority: itself,
    kept: [],
    intermediates: 0,
    signature: { from: 'SHA-1', to: 'SHA-256' },
  });
  expect(targets).toEqual([PLACE]);
  expect(impact).toBe('Writes a new version of secret/cf/bbs/locket/tls in vault; deploys nothing');
  expect(lines).toEqual([
    'Issue a new certificate for locket.service.cf.internal in secret/cf/bbs/locket/tls: same key, names and extensions, ' +
      'valid for 364 days (the current one expires 2019-07-12 22:25 UTC), ' +
      'signed by itself with a random serial, SHA-256 instead of SHA-1',
    'Keep everything else in the secret: the key',
  ]);
});

test('the other keys of a secret are counted if there are many', async () => {
  const { lines } = await planned({ ...LOCKET, kept: Array.from({ length: 500 }, (_, at) => `k${at}`) });
  expect(lines.at(-1)).toMatch(/, k9 and 490 more$/);
});

test('a refusal has the reason of the store', async () => {
  const error = new SourceError('vault', 'refused', 'the ca next to it did not sign this certificate');
  const stores = [vault(() => Promise.reject(error))];
  await expect(renew.plan(context(stores), ASKED)).rejects.toBe(error);
});

test.each([
  [[], 'source vault no longer exists or has no certificates'],
  [[vault()], '`allow.renew` is not configured for the source vault'],
])('a store that was removed or lost its permission is refused', async (stores, because) => {
  const refused = renew.plan(context(stores), ASKED);
  await expect(refused).rejects.toThrow(because);
  await expect(refused).rejects.toBeInstanceOf(SourceError);
});

test('applying renews exactly what was planned, once, and reports the new serial and end', async () => {
  const read = context([vault(() => Promise.resolve(LOCKET))]);
  // As read from Redis.
  const plan = JSON.parse(JSON.stringify(await renew.plan(read, ASKED))) as Awaited<
    ReturnType<typeof renew.plan>
  >;
  const asked: unknown[] = [];
  const recorded: string[] = [];
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: read.signal };
  const done = { fingerprint: 'cd'.repeat(32), serial: '1a2b', notAfter: '2020-07-11T09:00:00.000Z' };
  const write = {
    certificates: (source: string) => ({
      renew: (...call: unknown[]) => {
        asked.push([source, ...call]);
        return Promise.resolve(done);
      },
    }),
  };
  await renew.apply(
    {
      ...read,
      write,
      applyContext,
      recordStep: (line) => {
        recorded.push(line);
        return Promise.resolve();
      },
    },
    ASKED,
    plan,
  );
  expect(asked).toEqual([['vault', LOCKET, applyContext]]);
  expect(recorded).toEqual([
    `locket.service.cf.internal renewed in secret/cf/bbs/locket/tls until 2020-07-11 09:00 UTC: serial 1a2b, SHA-256 ${'cd'.repeat(32)}`,
  ]);
});

test('a line of a plan for many targets does not depend on what earlier lines change', async () => {
  const plan = await planned(LOCKET);
  const later = { ...LOCKET, authority: { ...LOCKET.authority, nextSerial: '1a2c' } };
  const { many } = renew;
  for (const one of [
    plan,
    await planned({
      ...later,
      versions: { ...LOCKET.versions, 'vault:secret/cf/bbs/locket/ca:certificate': 42 },
    }),
  ]) {
    expect(many?.line(ASKED, one)).toBe(
      'Issue a new certificate for locket.service.cf.internal in secret/cf/bbs/locket/tls: same key, names and extensions, ' +
        'valid for 364 days, but not longer than its authority, 2026-07-12 00:00 UTC (the current one expires 2019-07-12 22:25 UTC), ' +
        'signed by cf-internal-ca (secret/cf/bbs/locket/ca); everything else in the secret is kept',
    );
    expect(many?.precondition(one)).toEqual({
      fingerprint: 'ab'.repeat(32),
      'version of vault:secret/cf/bbs/locket/tls:certificate': '3',
    });
  }
  expect(many?.title([ASKED, ASKED, ASKED])).toBe('Renew all 3');
  expect(many?.afterwards?.([ASKED, ASKED, ASKED])[0]).toMatch(/^Deploy what uses these 3 certificates/);
});

test('the confirmation says what is written where, for one and for several', async () => {
  const next = ", and its authority's next serial if that is stored. Deploys nothing.";
  const other = { ...ASKED, place: 'vault:secret/cf/other/tls:certificate' };
  expect(renew.effect?.(ASKED)).toBe(`Writes a new version of secret/cf/bbs/locket/tls in vault${next}`);
  expect(renew.many?.effect?.([ASKED, other])).toBe(`Writes new versions of 2 secrets in vault${next}`);
  const plan = await planned(LOCKET);
  expect(renew.many?.impact([ASKED, other], [plan, plan])).toBe(
    'Writes new versions of 2 secrets in vault; deploys nothing',
  );
});

test('a button names the end of the path, and fits the limit of Slack', () => {
  expect(renew.title(ASKED)).toBe('Renew bbs/locket/tls');
  expect(renew.title({ store: 'vault', place: 'vault:secret/tls:certificate' })).toBe('Renew secret/tls');
  const long = renew.title({ store: 'vault', place: `vault:secret/${'x'.repeat(90)}/tls:certificate` });
  expect(long).toMatch(/^Renew …x+\/tls$/);
  expect(long).toHaveLength(75);
});

function findingsOf(results: readonly ports.SeenPlace[], now: string) {
  return diagnose(factsOf(results), check.args.parse({}), new Date(now)).findings;
}

const known = { name: 'locket', from: '2018-07-13', until: '2019-07-12' };

test('expired and expiring certificates offer a renewal only where they can be renewed', () => {
  const renewable = { ...inVault('cf/bbs/locket/tls', known), renewable: true as const };
  for (const now of ['2019-07-13', '2019-07-01']) {
    const [finding] = findingsOf([renewable], now);
    expect(finding?.offers).toEqual([{ remediation: 'renew', params: ASKED }]);
    expect(findingsOf([inVault('cf/bbs/locket/tls', known)], now)[0]).not.toHaveProperty('offers');
  }
  expect(findingsOf([renewable], '2018-07-01')[0]).not.toHaveProperty('offers');
});

test('one certificate in many secrets and behind many sites is one finding with a few offers, one a place', () => {
  const shared = certificate({ ...known });
  const places = Array.from({ length: 9 }, (_, at) => ({
    kind: 'seen' as const,
    place: `vault:secret/cf/${at}/tls:certificate`,
    chain: [shared] as const,
    ...(at % 2 === 0 && { renewable: true as const }),
  }));
  const sites = Array.from({ length: 99 }, (_, at) => live(`site-${at}.example.com:443`, [shared]));
  const [finding] = findingsOf([...places, ...places, ...sites], '2019-07-13');
  expect(finding?.offers?.map((offer) => 'params' in offer && offer.params.place)).toEqual([
    'vault:secret/cf/0/tls:certificate',
    'vault:secret/cf/2/tls:certificate',
    'vault:secret/cf/4/tls:certificate',
  ]);
});

test('an intermediate with a renewable leaf offers no renewal', () => {
  const middle = certificate({ name: 'R3', from: '2018-01-01', until: '2019-07-12', authority: true });
  const leaf = certificate({ name: 'leaf', from: '2018-01-01', until: '2021-01-01', issuer: 'R3' });
  const place = {
    kind: 'seen' as const,
    place: PLACE,
    chain: [leaf, middle] as const,
    renewable: true as const,
  };
  const [finding] = findingsOf([place], '2019-07-13');
  expect(finding?.summary).toContain('R3');
  expect(finding).not.toHaveProperty('offers');
});
