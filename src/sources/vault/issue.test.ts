import { createPrivateKey, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { asSafe } from '../../../test/world/safe-secrets.ts';
import { scanCertificates } from '../../../test/world/scan-certificates.ts';
import { startVault, type Vault } from '../../../test/world/vault.ts';
import type { Pki } from '../../../test/world/vault/state.ts';
import type { IssuedRenewal, RenewalResult } from '../../ports/renewals.ts';
import type { Source } from '../../ports/source.ts';
import { isIssuedBy, readCertificate } from '../../wire/x509.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

const { signal } = new AbortController();
const DAY_MS = 86_400_000;
const DAY_S = 86_400;
const PLACE = 'vault:kv/edge/gw:certificate';
const EDGE = {
  allowed_domains: ['edge.example'],
  allow_subdomains: true,
  ttl: 90 * DAY_S,
  max_ttl: 90 * DAY_S,
};
/** What docs/sources.md says. */
const WRITER = {
  'kv/data/edge/*': ['read', 'update'],
  'pki/roles/edge': ['read'],
  'pki/issuer/*': ['read'],
  'pki/issue/edge': ['update'],
} as const;

let vault: Vault;
let root: Authority;
let intermediate: Authority;
let leaf: Issued;
let pki: Pki;
let source: Source;
beforeEach(async () => {
  vault = await startVault();
  root = await makeAuthority({ name: 'root' });
  intermediate = await makeAuthority({ name: 'int 2022', issuer: root });
  leaf = await present();
  pki = vault.mountPki('pki', {
    issuers: [{ name: 'int-2022', authority: intermediate }],
    roles: { edge: EDGE },
  });
  await vault.mount('kv', '2');
  await vault.put('kv/edge/gw', secret());
  source = await open();
});
afterEach(async () => {
  await source.close();
  await vault.close();
});

/** As the role issued it 67 days ago, for 90 days. */
function present(more: object = {}, by = intermediate): Promise<Issued> {
  return issue(by, {
    name: 'gw.edge.example',
    names: ['gw.edge.example', '10.0.0.5'],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    notBefore: new Date(Date.now() - 67 * DAY_MS),
    notAfter: new Date(Date.now() + 23 * DAY_MS),
    ...more,
  });
}

function secret(more: object = {}): Record<string, unknown> {
  return {
    certificate: leaf.certificatePem + intermediate.certificatePem,
    key: leaf.keyPem,
    ca: root.certificatePem,
    password: 'canary-password',
    ...more,
  };
}

async function open(issuing: object = {}, rules: Parameters<Vault['allow']>[1] = WRITER): Promise<Source> {
  await vault.allow('reader', { 'kv/*': ['read', 'list'] });
  await vault.allow('writer', rules);
  const reader = await vault.issueToken({ policies: ['reader'], ttl: '1h' });
  const writer = await vault.issueToken({ policies: ['writer'], ttl: '1h' });
  return openVault(
    vaultConfig.parse({
      kind: 'vault',
      url: vault.address,
      auth: { token: reader },
      paths: ['kv/edge'],
      allow: {
        renew: { auth: { token: writer }, issue: [{ paths: ['kv/edge'], role: 'pki/edge', ...issuing }] },
      },
    }),
  );
}

async function plan(place = PLACE, by = source): Promise<IssuedRenewal> {
  const planned = await by.reads.certificates!.planRenewal!(place, { signal });
  if (planned.method !== 'issue') throw new TypeError(`planned to ${planned.method}`);
  return planned;
}

function renew(planned: IssuedRenewal): Promise<RenewalResult> {
  return source.writes!.certificates!.renew(planned, { idempotencyKey: 'm0123456789abcdef', signal });
}

function failure(asked: Promise<unknown>): Promise<{ readonly kind: string; readonly message: string }> {
  return asked.then(
    () => ({ kind: 'none', message: 'not refused' }),
    (error: unknown) => error as { readonly kind: string; readonly message: string },
  );
}

async function stored(): Promise<{ readonly version: number; readonly values: Record<string, string> }> {
  const { version, values } = await vault.get('kv/edge/gw');
  return { version, values: values as Record<string, string> };
}

const blocks = (text = '') =>
  (text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  );

test('a plan has the role, the lifetime, the issuer and what is replaced, and changes nothing', async () => {
  expect(await plan()).toEqual({
    method: 'issue',
    place: PLACE,
    name: 'gw.edge.example',
    fingerprint: readCertificate(leaf.der).fingerprint,
    notAfter: leaf.x509.validToDate.toISOString(),
    versions: { [PLACE]: 1, 'issuer int-2022': readCertificate(intermediate.der).fingerprint },
    role: 'pki/edge',
    ttlSeconds: 90 * DAY_S,
    issuer: { name: 'int-2022', notAfter: intermediate.x509.validToDate.toISOString() },
    alternativeNames: ['DNS:gw.edge.example', 'IP:10.0.0.5'],
    replaced: ['certificate', 'key'],
    kept: ['ca', 'password'],
  });
  expect(await plan()).toEqual(await plan());
  expect(pki.issued.size).toBe(0);
  expect((await stored()).version).toBe(1);
});

test('issues with the same names, writes certificate and key, and keeps everything else', async () => {
  const result = await renew(await plan());
  const { version, values } = await stored();
  const [fresh, ...rest] = blocks(values['certificate']);

  expect(version).toBe(2);
  expect(values).toMatchObject({ ca: root.certificatePem, password: 'canary-password' });
  expect(Object.keys(values)).toEqual(['certificate', 'key', 'ca', 'password']);
  expect(rest.map(({ fingerprint256 }) => fingerprint256)).toEqual([intermediate.x509.fingerprint256]);
  expect(fresh && isIssuedBy(fresh, intermediate.x509)).toBe(true);
  expect(fresh?.checkPrivateKey(createPrivateKey(values['key']!))).toBe(true);
  expect(fresh?.subjectAltName).toBe(leaf.x509.subjectAltName);
  expect(result).toEqual({
    fingerprint: readCertificate(fresh!.raw).fingerprint,
    serial: readCertificate(fresh!.raw).serial,
    version: '2',
    notAfter: fresh!.validToDate.toISOString(),
  });
  expect(values['key']).toMatch(/^-----BEGIN PRIVATE KEY/);
});

test.each([
  [
    'the names of Kubernetes',
    (one: Issued) => ({ 'tls.crt': one.certificatePem, 'tls.key': one.keyPem }),
    'tls.crt',
  ],
  [
    'the names of CredHub',
    (one: Issued) => ({ certificate: one.certificatePem, private_key: one.keyPem }),
    'certificate',
  ],
  ['`combined` of safe beside both', asSafe, 'certificate'],
  ['one value with the key first', (one: Issued) => ({ pem: one.keyPem + one.certificatePem }), 'pem'],
  [
    'escaped line breaks',
    (one: Issued) => ({
      certificate: one.certificatePem.replaceAll('\n', String.raw`\n`),
      key: one.keyPem.replaceAll('\n', String.raw`\n`),
    }),
    'certificate',
  ],
])('replaces certificate and key under %s', async (_, lay, key) => {
  const before = lay(leaf);
  await vault.put('kv/edge/gw', before);
  await renew(await plan(`vault:kv/edge/gw:${key}`));
  const { values } = await stored();
  expect(Object.keys(values)).toEqual(Object.keys(before));
  const text = JSON.stringify(values);
  expect(text).not.toContain(leaf.certificatePem.slice(100, 160));
  expect(
    leaf.keyPem
      .split('\n')
      .slice(2, -2)
      .some((line) => text.includes(line)),
  ).toBe(false);
  const { seen, gaps } = await scanCertificates(source);
  expect(gaps).toEqual([]);
  expect(seen).toMatchObject([{ place: `vault:kv/edge/gw:${key}`, keyMatches: true }]);
  const breaks = (all: Record<string, unknown>) =>
    Object.values(all).map((one) => String(one).includes('\n'));
  expect(breaks(values)).toEqual(breaks(before));
});

test('what the PKI returned, stored as it was, is replaced completely', async () => {
  const facts = {
    issuing_ca: intermediate.certificatePem.trim(),
    ca_chain: [intermediate.certificatePem.trim()],
    serial_number: leaf.x509.serialNumber.toLowerCase().match(/../g)!.join(':'),
    expiration: Math.floor(leaf.x509.validToDate.getTime() / 1000),
    private_key_type: 'ec',
  };
  await vault.put('kv/edge/gw', { certificate: leaf.certificatePem, private_key: leaf.keyPem, ...facts });
  const planned = await plan();
  expect(planned.kept).toEqual(['ca_chain', 'issuing_ca']);
  await renew(planned);
  const { values } = await stored();
  const [fresh] = blocks(values['certificate']);
  expect(values).toMatchObject({
    issuing_ca: facts.issuing_ca,
    ca_chain: facts.ca_chain,
    serial_number: fresh!.serialNumber.toLowerCase().match(/../g)!.join(':'),
    expiration: Math.floor(fresh!.validToDate.getTime() / 1000),
  });
});

test('after the issuer was replaced, the chain is replaced, and trust is only added', async () => {
  const next = await makeAuthority({ name: 'int 2026', issuer: root });
  const elsewhere = secret({
    ca: intermediate.certificatePem,
    ca_chain: intermediate.certificatePem + root.certificatePem,
    issuing_ca: intermediate.certificatePem,
  });
  await vault.put('kv/edge/gw', elsewhere);
  pki.issuers[0]!.isDefault = false;
  pki.issuers.push({
    ...pki.issuers[0]!,
    id: crypto.randomUUID(),
    name: 'int-2026',
    authority: next,
    isDefault: true,
  });
  const rules = { ...WRITER, 'pki/issuers': ['list'] } as const;
  await source.close();
  source = await open({}, rules);

  const planned = await plan();
  expect(planned).toMatchObject({
    insteadOf: 'CN=int 2022',
    issuer: { name: 'int-2026' },
    replaced: ['ca', 'ca_chain', 'certificate', 'issuing_ca', 'key'],
  });
  await renew(planned);
  const { values } = await stored();
  const names = (key: string) => blocks(values[key]).map(({ subject }) => subject);
  expect(names('certificate')).toEqual(['CN=gw.edge.example', 'CN=int 2026']);
  expect(names('issuing_ca')).toEqual(['CN=int 2026']);
  expect(names('ca_chain')).toEqual(['CN=int 2026']);
  expect(names('ca')).toEqual(['CN=int 2026', 'CN=int 2022']);
});

test('works with the one issuer of a Vault before 1.11', async () => {
  pki = vault.mountPki('pki', {
    issuers: [{ name: '', authority: intermediate }],
    roles: { edge: EDGE },
    isOld: true,
  });
  expect((await plan()).issuer.name).toBe('default');
  expect(await renew(await plan())).toMatchObject({ version: '2' });
});

test('an issuer that ends sooner limits the lifetime to whole days, which is said', async () => {
  const short = await makeAuthority({
    name: 'int 2022',
    issuer: root,
    notAfter: new Date(Date.now() + 49 * DAY_MS),
  });
  leaf = await present({}, short);
  pki.issuers.splice(0, 1, { ...pki.issuers[0]!, authority: short });
  await vault.put('kv/edge/gw', { certificate: leaf.certificatePem, key: leaf.keyPem });

  const planned = await plan();
  expect(planned).toMatchObject({ ttlSeconds: 48 * DAY_S, usualTtlSeconds: 90 * DAY_S });
  const { notAfter } = await renew(planned);
  expect(Date.parse(notAfter!)).toBeLessThan(short.x509.validToDate.getTime());
});

test.each([
  ['err', 20],
  ['truncate', 20],
  ['permit', 20],
  ['err', -1],
  ['truncate', -1],
] as const)(
  'refuses an issuer with `%s` that ends in %i days, and requests nothing',
  async (behavior, days) => {
    const authority = await makeAuthority({
      name: 'int 2022',
      issuer: root,
      notBefore: new Date(Date.now() - 999 * DAY_MS),
      notAfter: new Date(Date.now() + days * DAY_MS),
    });
    leaf = await present({}, authority);
    pki.issuers.splice(0, 1, { ...pki.issuers[0]!, authority, behavior });
    await vault.put('kv/edge/gw', { certificate: leaf.certificatePem, key: leaf.keyPem });
    expect(await failure(plan())).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('renew the issuer first') as string,
    });
    expect(vault.requests.filter(({ path }) => path.includes('/issue/'))).toEqual([]);
  },
);

test.each<readonly [string, () => Promise<unknown>, string]>([
  [
    'a CA',
    async () => {
      const ca = await makeAuthority({ name: 'sub', issuer: intermediate });
      await vault.put('kv/edge/gw', { certificate: ca.certificatePem, key: ca.keyPem });
    },
    'is a CA',
  ],
  [
    'a certificate without its key',
    () => vault.put('kv/edge/gw', secret({ key: '' })),
    'no readable private key',
  ],
  [
    'a certificate that is also in a keystore or a document',
    () => vault.put('kv/edge/gw', secret({ backup: JSON.stringify({ crt: leaf.certificatePem }) })),
    "contains the certificate at backup.crt, in a format that can't be replaced",
  ],
  [
    'a name that the role does not allow',
    async () => pki.roles.set('edge', { ...EDGE, allowed_domains: ['other.example'] }),
    "doesn't allow DNS:gw.edge.example",
  ],
  [
    'an address, if the role does not allow any',
    async () => pki.roles.set('edge', { ...EDGE, allow_ip_sans: false }),
    "doesn't allow IP:10.0.0.5",
  ],
  [
    'a role that only signs requests',
    async () => pki.roles.set('edge', { ...EDGE, key_type: 'any' }),
    'only signs',
  ],
  ['a role that does not exist', async () => pki.roles.delete('edge'), 'pki has no role edge'],
  [
    'an issuer that may not issue',
    async () => pki.issuers.splice(0, 1, { ...pki.issuers[0]!, usage: 'read-only,crl-signing' }),
    'may not issue certificates',
  ],
  [
    'a role whose certificates end sooner than the present one does',
    async () => pki.roles.set('edge', { ...EDGE, ttl: 3600, max_ttl: 3600 }),
    'ends before the present certificate does',
  ],
  ['a secret that was deleted', () => vault.softDelete('kv/edge/gw'), 'was deleted'],
])('refuses %s', async (_, arrange, because) => {
  await arrange();
  expect((await failure(plan())).message).toContain(because);
  expect(pki.issued.size).toBe(0);
});

test('refuses a certificate of another CA, unless the configuration accepts that', async () => {
  const stranger = await makeAuthority({ name: 'elsewhere' });
  leaf = await present({}, stranger);
  await vault.put('kv/edge/gw', { certificate: leaf.certificatePem, key: leaf.keyPem });
  const rules = { ...WRITER, 'pki/issuers': ['list'] } as const;
  const strict = await open({}, rules);
  const lenient = await open({ alsoFromOthers: true }, rules);
  expect((await failure(plan(PLACE, strict))).message).toContain('(CN=elsewhere did)');
  expect(await plan(PLACE, lenient)).toMatchObject({ insteadOf: 'CN=elsewhere' });
  await Promise.all([strict.close(), lenient.close()]);
});

test.each([
  ['update', 'pki/issue/edge', { 'pki/issue/edge': [] }],
  ['read', 'pki/roles/edge', { 'pki/roles/edge': [] }],
  ['read', 'pki/issuer/default', { 'pki/issuer/*': [] }],
  ['update', 'kv/data/edge/gw', { 'kv/data/edge/*': ['read'] }],
] as const)('says that the token lacks `%s` on %s', async (capability, path, rules) => {
  const lacking = await open({}, { ...WRITER, ...rules });
  expect((await failure(plan(PLACE, lacking))).message).toContain(`lacks \`${capability}\` on ${path}`);
  await lacking.close();
});

test('never writes a certificate that ends before it begins, is not what was requested, or has another key', async () => {
  const planned = await plan();
  const good = { notBefore: new Date(Date.now() - 30_000), notAfter: new Date(Date.now() + 90 * DAY_MS) };
  const stranger = await makeAuthority({ name: 'int 2022' });
  const answers: readonly (readonly [string, Promise<Issued>, object?])[] = [
    ['ends before it begins', present({ notBefore: new Date(), notAfter: new Date(Date.now() - DAY_MS) })],
    ['ends before the present one does', present({ ...good, notAfter: new Date(Date.now() + 9 * DAY_MS) })],
    ['ends after its issuer', present({ ...good, notAfter: new Date('2090-01-01T00:00:00Z') })],
    ['is not valid yet', present({ ...good, notBefore: new Date(Date.now() + DAY_MS) })],
    ['has other names', present({ ...good, names: ['gw.edge.example'] })],
    ['has another subject', present({ ...good, subject: [{ CN: ['gw.edge.example'], O: ['x'] }] })],
    ['has other key usages', present({ ...good, extendedKeyUsage: ['serverAuth'] })],
    ["doesn't belong to its key", present(good), { private_key: leaf.keyPem }],
    ['was signed by another issuer', present(good, stranger), { issuing_ca: stranger.certificatePem }],
    ["wasn't signed by its issuer", present(good, stranger)],
    ['has no readable certificate and key', present(good), { private_key: '' }],
  ];
  for (const [because, made, more = {}] of answers) {
    const { certificatePem, keyPem } = await made;
    const data = {
      certificate: certificatePem,
      private_key: keyPem,
      issuing_ca: intermediate.certificatePem,
      ca_chain: [],
      ...more,
    };
    vault.fail({ path: 'pki/issue/edge', body: JSON.stringify({ data }) }, 1);
    const { kind, message } = await failure(renew(planned));
    expect(message).toContain(because);
    expect(message).toContain('nothing was written');
    expect(kind).toBe('malformed');
  }
  expect((await stored()).version).toBe(1);
});

test('an issue that the PKI rejects writes nothing, and the response is not quoted', async () => {
  const planned = await plan();
  vault.fail(
    { path: 'pki/issue/edge', status: 400, words: 'beyond the expiration of the CA canary-password' },
    1,
  );
  const beyond = await failure(renew(planned));
  expect(beyond).toMatchObject({ kind: 'refused' });
  expect(beyond.message).toMatch(/ends after its issuer int-2022 \(\d{4}-\d\d-\d\d\): nothing was written$/);
  vault.fail({ path: 'pki/issue/edge', status: 400, words: 'x not allowed by this role' }, 1);
  expect((await failure(renew(planned))).message).toContain("doesn't allow a name");
  expect((await stored()).version).toBe(1);
});

test('a lost response of the PKI is harmless; one of the write may have renewed it', async () => {
  const planned = await plan();
  vault.fail({ path: 'pki/issue/edge', doneWithoutAnswer: true }, 1);
  expect(await failure(renew(planned))).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('nothing was written') as string,
  });
  expect((await stored()).version).toBe(1);

  vault.fail({ path: 'kv/data/edge/gw', method: 'POST', doneWithoutAnswer: true }, 1);
  expect(await failure(renew(planned))).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('it is unknown whether kv/edge/gw was written') as string,
  });
  expect((await stored()).version).toBe(2);
  // The same plan can't be applied again.
  expect(await failure(renew(planned))).toMatchObject({ kind: 'refused' });
  expect((await stored()).version).toBe(2);
});

test('writes nothing if someone else wrote first, or the role or the issuer changed', async () => {
  const planned = await plan();
  pki.roles.set('edge', { ...EDGE, ttl: 100 * DAY_S, max_ttl: 100 * DAY_S });
  expect((await failure(renew(planned))).message).toContain('would differ from the plan');
  pki.roles.set('edge', EDGE);
  await vault.put('kv/edge/gw', secret({ note: 'x' }));
  expect((await failure(renew(planned))).message).toContain('was changed after it was planned');
  const gate = Promise.withResolvers<void>();
  const late = await plan();
  vault.fail({ path: 'pki/issue/edge', until: gate.promise }, 1);
  const renewing = failure(renew(late));
  await expect
    .poll(() => vault.requests.filter(({ path }) => path === 'kv/data/edge/gw').length)
    .toBeGreaterThan(4);
  await vault.put('kv/edge/gw', secret({ note: 'y' }));
  gate.resolve();
  expect(await renewing).toMatchObject({ kind: 'refused' });
  expect((await stored()).values['note']).toBe('y');
});

test('a scan marks what the role can issue again', async () => {
  await vault.put('kv/edge/ca', asSafe(intermediate));
  await vault.put('kv/edge/keyless', { certificate: leaf.certificatePem });
  await vault.put('kv/edge/k8s', { 'tls.crt': leaf.certificatePem, 'tls.key': leaf.keyPem });
  const { results } = await scanCertificates(source);
  const renewable = results.flatMap((one) => (one.kind === 'seen' && one.renewable ? [one.place] : []));
  expect(renewable.toSorted()).toEqual(['vault:kv/edge/gw:certificate', 'vault:kv/edge/k8s:tls.crt']);
});

test('no plan, result or error contains a private key, a token or a password', async () => {
  const output: unknown[] = [];
  const keep = async (asked: Promise<unknown>) => output.push(await asked.catch((error: unknown) => error));
  const planned = await plan();
  await keep(Promise.resolve(planned));
  vault.fail({ path: 'pki/issue/edge', half: true }, 1);
  await keep(renew(planned));
  const stranger = await present({ names: ['x'] });
  const data = { certificate: stranger.certificatePem, private_key: stranger.keyPem };
  vault.fail({ path: 'pki/issue/edge', body: JSON.stringify({ data }) }, 1);
  await keep(renew(planned));
  vault.fail({ path: 'kv/data/edge/gw', method: 'POST', status: 400, words: 'canary-password' }, 1);
  await keep(renew(planned));
  await keep(renew(planned));
  await keep(scanCertificates(source));
  const text =
    inspect(output, { depth: 20, maxStringLength: null, showHidden: true }) + JSON.stringify(output);
  expect(output.filter((one) => one instanceof Error)).toHaveLength(3);
  const canaries = [
    ...vault.canaries(),
    ...stranger.keyPem.split('\n').slice(1, -2),
    'canary-password',
    'PRIVATE KEY',
  ];
  expect(canaries.length).toBeGreaterThan(8);
  expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
});
