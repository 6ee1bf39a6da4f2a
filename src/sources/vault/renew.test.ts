import { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Authority,
  issue,
  type Issued,
  issueSelfSigned,
  type KeyType,
  makeAuthority,
} from '../../../test/world/ca.ts';
import { scanCertificates } from '../../../test/world/scan-certificates.ts';
import { asSafe, asSafeAuthority } from '../../../test/world/safe-secrets.ts';
import { type OpenedVault, vaultsUnderTest } from '../../../test/world/vault/under-test.ts';
import type { Renewal, SignedRenewal, RenewalResult } from '../../ports/renewals.ts';
import type { Source } from '../../ports/source.ts';
import { lostIn } from '../../wire/certificate-parts.ts';
import { isIssuedBy, readCertificate } from '../../wire/x509.ts';
import { vaultConfig } from './config.ts';
import { openVault } from './open.ts';

const EXPIRED = { notBefore: new Date('2018-07-13T22:25:49Z'), notAfter: new Date('2019-07-12T22:25:49Z') };
const AGES = { notBefore: new Date('2016-01-01T00:00:00Z'), notAfter: new Date('2046-01-01T00:00:00Z') };
const MOUNT = 'wrench-test-renew';
const signal = new AbortController().signal;
const applyContext = { idempotencyKey: 'm0123456789abcdef', signal };

function signed(planned: Renewal): SignedRenewal {
  if (planned.method !== 'sign') throw new TypeError(`planned to ${planned.method}`);
  return planned;
}

describe.each(vaultsUnderTest())('%s', (_, open) => {
  let vault: OpenedVault;
  let authority: Authority;
  let locket: Issued;
  let reader: string;
  let writer: string;
  const opened: Source[] = [];

  beforeAll(async () => {
    vault = await open();
    authority = await makeAuthority({ name: 'cf-internal-ca', keyType: 'rsa2048', ...AGES });
    locket = await issue(authority, {
      name: 'locket.service.cf.internal',
      names: ['locket.service.cf.internal', '*.locket.cf.internal', '127.0.0.1', 'URI:spiffe://cf/locket'],
      keyType: 'rsa2048',
      extendedKeyUsage: ['serverAuth', 'clientAuth', '1.2.3.4.5'],
      mustStaple: true,
      ...EXPIRED,
    });
    await vault.mount(MOUNT, '2');
    await vault.mount(`${MOUNT}-1`, '1');
    await vault.allow('wrench-test-renew-reader', {
      [`${MOUNT}/*`]: ['read', 'list'],
      [`${MOUNT}-1/*`]: ['read', 'list'],
    });
    await vault.allow('wrench-test-renew-writer', {
      [`${MOUNT}/*`]: ['read', 'update'],
      [`${MOUNT}-1/*`]: ['read', 'update'],
    });
    reader = await vault.issueToken({ policies: ['wrench-test-renew-reader'], ttl: '1h' });
    writer = await vault.issueToken({ policies: ['wrench-test-renew-writer'], ttl: '1h' });
  });
  afterAll(async () => {
    await Promise.all(opened.map((source) => source.close()));
    await vault.close();
  });

  const source = (more: object = {}): Source => {
    const config = {
      kind: 'vault',
      url: vault.address,
      auth: { token: reader },
      paths: [MOUNT, `${MOUNT}-1`],
      allow: { renew: { auth: { token: writer } } },
      ...more,
    };
    opened.push(openVault(vaultConfig.parse(config)));
    return opened.at(-1)!;
  };
  const at = (path: string): string => `vault:${MOUNT}/${path}:certificate`;
  const plan = async (path: string, by = source()): Promise<SignedRenewal> =>
    signed(await by.reads.certificates!.planRenewal!(at(path), { signal }));
  const renew = (planned: SignedRenewal, by = source()): Promise<RenewalResult> =>
    by.writes!.certificates!.renew(planned, applyContext);
  /** A separate folder for each test, with a leaf and its CA. */
  const lay = async (
    folder: string,
    { leaf = asSafe(locket), ca = asSafeAuthority(authority, '1a2b') }: { leaf?: object; ca?: object } = {},
  ): Promise<string> => {
    await vault.put(`${MOUNT}/${folder}/ca`, { ...ca });
    await vault.put(`${MOUNT}/${folder}/tls`, { ...leaf });
    return `${folder}/tls`;
  };
  const refusal = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => 'not refused',
      (error: unknown) => {
        expect(error).toMatchObject({ name: 'SourceError', source: 'vault', kind: 'refused' });
        return (error as Error).message;
      },
    );

  test('a plan has the CA, the serial, what stays, and the versions that a write is bound to, and changes nothing', async () => {
    const { servedPem } = await makeAuthority({ name: 'middle', issuer: authority });
    const leaf = asSafe(locket);
    await lay('planned', {
      leaf: {
        ...leaf,
        certificate: leaf.certificate + servedPem,
        password: 'hunter2',
        ca: authority.certificatePem,
      },
    });
    await vault.put(`${MOUNT}/planned/ca`, asSafeAuthority(authority, '1A2B'));

    expect(await plan('planned/tls')).toEqual({
      method: 'sign',
      place: at('planned/tls'),
      name: 'locket.service.cf.internal',
      fingerprint: readCertificate(locket.der).fingerprint,
      notAfter: EXPIRED.notAfter.toISOString(),
      lifetimeMs: EXPIRED.notAfter.getTime() - EXPIRED.notBefore.getTime(),
      authority: {
        place: at('planned/ca'),
        name: 'cf-internal-ca',
        nextSerial: '1a2b',
        notAfter: AGES.notAfter.toISOString(),
      },
      kept: ['ca', 'password'],
      intermediates: 1,
      versions: { [at('planned/tls')]: 1, [at('planned/ca')]: 2 },
    });
    expect((await vault.get(`${MOUNT}/planned/tls`)).version).toBe(1);
  });

  test('keeps what `safe x509 renew` loses: chain, other keys, extensions, the format of `combined`', async () => {
    const middle = await makeAuthority({ name: 'middle', issuer: authority });
    const leaf = asSafe(locket);
    const others = {
      password: 'hunter2',
      ca: authority.certificatePem,
      port: 8443,
      nested: { deep: [1, null] },
    };
    const certificate = `${leaf.certificate}${middle.certificatePem}`;
    await lay('kept', { leaf: { ...leaf, certificate, ...others } });

    const { serial, fingerprint, notAfter } = await renew(await plan('kept/tls'));

    const { values, version } = await vault.get(`${MOUNT}/kept/tls`);
    const fresh = new X509Certificate(String(values['certificate']));
    expect(version).toBe(2);
    expect(values).toEqual({
      certificate: `${fresh.toString()}${middle.certificatePem}`,
      key: leaf.key,
      combined: `${fresh.toString()}${leaf.key}`,
      ...others,
    });
    expect(lostIn(locket.der, fresh.raw)).toEqual([]);
    expect(isIssuedBy(fresh, authority.x509)).toBe(true);
    const facts = readCertificate(fresh.raw);
    expect(facts).toMatchObject({ fingerprint, serial, mustStaple: true });
    expect(facts.notAfter.toISOString()).toBe(notAfter);
    expect(facts.notAfter.getTime() - facts.notBefore.getTime()).toBe(
      EXPIRED.notAfter.getTime() - EXPIRED.notBefore.getTime(),
    );
    expect(Math.abs(facts.notBefore.getTime() + 60_000 - Date.now())).toBeLessThan(60_000);
  });

  test('uses and increments the serial of the CA, and leaves everything else of the CA unchanged', async () => {
    const long = 'ff'.repeat(12);
    await lay('counted', { ca: { ...asSafeAuthority(authority, long), note: 'x' } });
    expect((await renew(await plan('counted/tls'))).serial).toBe(long);
    expect((await vault.get(`${MOUNT}/counted/ca`)).values).toEqual({
      ...asSafeAuthority(authority, `1${'00'.repeat(12)}`),
      note: 'x',
    });
  });

  test('does not write a CA without a counter, and uses a random serial of 159 bits', async () => {
    await lay('uncounted', { ca: asSafe(authority) });
    const planned = await plan('uncounted/tls');
    expect(planned.authority).not.toHaveProperty('nextSerial');
    expect((await renew(planned)).serial).toMatch(/^[4-7][0-9a-f]{39}$/);
    expect((await vault.get(`${MOUNT}/uncounted/ca`)).version).toBe(1);
  });

  test('renews a self-signed certificate with its own key, without a CA', async () => {
    const alone = await issueSelfSigned({ name: 'appliance', ...EXPIRED });
    await vault.put(`${MOUNT}/alone/tls`, asSafe(alone));
    const planned = await plan('alone/tls');
    expect(planned.authority).toEqual({
      place: at('alone/tls'),
      name: 'appliance',
      notAfter: '9999-12-31T23:59:59.000Z',
    });
    await renew(planned);
    const fresh = new X509Certificate(String((await vault.get(`${MOUNT}/alone/tls`)).values['certificate']));
    expect(readCertificate(fresh.raw).selfSigned).toBe(true);
    expect(fresh.validToDate > new Date()).toBe(true);
  });

  const kinds: readonly KeyType[] = ['p256', 'p384', 'p521', 'ed25519'];
  test.each(kinds)('renews certificates with %s keys, which `safe` rejects', async (keyType) => {
    const ca = await makeAuthority({ name: 'ca', keyType, ...AGES });
    const leaf = await issue(ca, { name: 'leaf', keyType, ...EXPIRED });
    await lay(keyType, { leaf: asSafe(leaf), ca: asSafeAuthority(ca, '7') });
    expect((await renew(await plan(`${keyType}/tls`))).serial).toBe('7');
    const fresh = new X509Certificate(
      String((await vault.get(`${MOUNT}/${keyType}/tls`)).values['certificate']),
    );
    expect(isIssuedBy(fresh, ca.x509)).toBe(true);
  });

  test('plans SHA-256 for a leaf that was signed with SHA-1', async () => {
    const old = await makeAuthority({ name: 'old', keyType: 'rsa2048', signsWith: 'SHA-1', ...AGES });
    const leaf = await issue(old, { name: 'leaf', ...EXPIRED });
    await lay('sha1', { leaf: asSafe(leaf), ca: asSafeAuthority(old, '7') });
    const planned = await plan('sha1/tls');
    expect(planned.signature).toEqual({ from: 'SHA-1', to: 'SHA-256' });
    await renew(planned);
    expect(
      readCertificate(String((await vault.get(`${MOUNT}/sha1/tls`)).values['certificate'])).signature,
    ).toBe('sha256WithRSAEncryption');
  });

  test('no certificate outlives its CA', async () => {
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 86_400_000);
    const ending = await makeAuthority({ name: 'ending', notBefore: AGES.notBefore, notAfter });
    const leaf = await issue(ending, { name: 'leaf', ...EXPIRED });
    await lay('capped', { leaf: asSafe(leaf), ca: asSafeAuthority(ending, '7') });
    expect((await renew(await plan('capped/tls'))).notAfter).toBe(notAfter.toISOString());
  });

  test('keeps line breaks that are CRLF or escaped `\\n`', async () => {
    const { certificate, key } = asSafe(locket);
    for (const [folder, end] of [
      ['crlf', '\r\n'],
      ['written-out', String.raw`\n`],
    ] as const) {
      await lay(folder, {
        leaf: { certificate: certificate.replaceAll('\n', end), key: key.replaceAll('\n', end) },
      });
      await renew(await plan(`${folder}/tls`));
      const { values } = await vault.get(`${MOUNT}/${folder}/tls`);
      const now = String(values['certificate']);
      expect(now.replaceAll(end, '\n')).toMatch(
        /^-----BEGIN CERTIFICATE-----\n(.+\n)+-----END CERTIFICATE-----\n$/,
      );
      expect(now).not.toBe(certificate.replaceAll('\n', end));
      expect(values).not.toHaveProperty('combined');
    }
  });

  test('writes nothing if someone wrote the certificate in between, and says so', async () => {
    await lay('race-leaf');
    const planned = await plan('race-leaf/tls');
    await vault.put(`${MOUNT}/race-leaf/tls`, { ...asSafe(locket), password: 'new' });
    expect(await refusal(renew(planned))).toBe(
      `${MOUNT}/race-leaf/tls was changed after it was planned: run the check again and request a new plan`,
    );
    expect((await vault.get(`${MOUNT}/race-leaf/tls`)).version).toBe(2);
    expect((await vault.get(`${MOUNT}/race-leaf/ca`)).values['serial']).toBe('1a2b');
  });

  test('writes nothing if someone used the CA in between, and uses no serial twice', async () => {
    await lay('race-ca');
    const planned = await plan('race-ca/tls');
    await vault.put(`${MOUNT}/race-ca/ca`, asSafeAuthority(authority, '1a2c'));
    expect(await refusal(renew(planned))).toContain(`${MOUNT}/race-ca/ca was changed after it was planned`);
    expect((await vault.get(`${MOUNT}/race-ca/tls`)).version).toBe(1);
  });

  test('of many concurrent renewals with one plan, exactly one succeeds', async () => {
    await lay('at-once');
    await vault.put(`${MOUNT}/at-once/other`, asSafe(await issue(authority, { name: 'other', ...EXPIRED })));
    const plans = await Promise.all(
      ['tls', 'tls', 'tls', 'other', 'other'].map((one) => plan(`at-once/${one}`)),
    );
    const ends = await Promise.allSettled(plans.map((planned) => renew(planned)));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await vault.get(`${MOUNT}/at-once/ca`)).values['serial']).toBe('1a2c');
    expect(await refusal(renew(plans[0]!))).toContain('was changed after it was planned');
  });

  test('of two renewals with one CA, the second is planned again and gets the next serial', async () => {
    await lay('next');
    await vault.put(`${MOUNT}/next/other`, asSafe(await issue(authority, { name: 'other', ...EXPIRED })));
    const first = await renew(await plan('next/tls'));
    const second = await renew(await plan('next/other'));
    expect([first.serial, second.serial]).toEqual(['1a2b', '1a2c']);
  });

  test('does not renew twice with the same plan', async () => {
    await lay('twice');
    const planned = await plan('twice/tls');
    await renew(planned);
    expect(await refusal(renew(planned))).toContain('after it was planned');
    expect((await vault.get(`${MOUNT}/twice/tls`)).version).toBe(2);
  });

  test('rejects a plan that was changed', async () => {
    await lay('forged');
    const planned = await plan('forged/tls');
    for (const forged of [
      { ...planned, lifetimeMs: planned.lifetimeMs * 10 },
      { ...planned, authority: { ...planned.authority, nextSerial: '1' } },
      { ...planned, fingerprint: 'ab'.repeat(32) },
    ])
      expect(await refusal(renew(forged))).toBe('the renewal would differ from the plan: request a new plan');
    expect((await vault.get(`${MOUNT}/forged/ca`)).version).toBe(1);
  });

  test('names the CA next to it that did not sign it, and the one that did', async () => {
    const other = await makeAuthority({ name: 'other-ca', ...AGES });
    await lay('stranger', { ca: asSafeAuthority(other, '7') });
    expect(await refusal(plan('stranger/tls'))).toBe(
      `the CA next to it (${MOUNT}/stranger/ca: CN=other-ca) didn't sign this certificate (CN=cf-internal-ca did)`,
    );
    const namesake = await makeAuthority({ name: 'cf-internal-ca', keyType: 'rsa2048', ...AGES });
    await lay('namesake', { ca: asSafeAuthority(namesake, '7') });
    expect(await refusal(plan('namesake/tls'))).toContain('(another CA with that name did)');
  });

  test.each<[string, () => Promise<{ leaf?: object; ca?: object }>, string]>([
    [
      'no key',
      async () => ({ leaf: { certificate: locket.certificatePem } }),
      'has no `key` for the certificate',
    ],
    [
      'the key of another',
      async () => ({ leaf: { ...asSafe(locket), key: (await issue(authority, { name: 'x' })).keyPem } }),
      'belongs to another certificate',
    ],
    [
      'a key that cannot be read',
      async () => ({ leaf: { ...asSafe(locket), key: 'hunter2' } }),
      "couldn't read the `key`",
    ],
    [
      'no certificate',
      async () => ({ leaf: { certificate: 'none', key: 'x' } }),
      'contains no readable certificate',
    ],
    [
      'a CA',
      async () => ({ leaf: asSafe(await makeAuthority({ name: 'sub', issuer: authority })) }),
      'sub is a CA',
    ],
    [
      'contains different certificates in `combined` and `certificate`',
      async () => ({
        leaf: { ...asSafe(locket), combined: (await issue(authority, { name: 'x' })).certificatePem },
      }),
      'contains different certificates in `combined` and `certificate`',
    ],
    [
      'a number that JSON would round',
      async () => ({ leaf: { ...asSafe(locket), id: 2 ** 60 } }),
      'a number that is too large',
    ],
    [
      'a CA without its key',
      async () => ({ ca: { certificate: authority.certificatePem, serial: '7' } }),
      'has no `key` for the certificate',
    ],
    [
      'a serial that is not a number',
      async () => ({ ca: asSafeAuthority(authority, 'seven') }),
      'is not a hexadecimal number',
    ],
    [
      'a serial that is too long',
      async () => ({ ca: asSafeAuthority(authority, 'f'.repeat(41)) }),
      'is not a valid serial number',
    ],
    [
      'the serial of the current certificate',
      async () => ({ ca: asSafeAuthority(authority, locket.x509.serialNumber) }),
      'the counter was lost',
    ],
    [
      'an expired CA',
      async () => {
        const old = await makeAuthority({ name: 'old', ...EXPIRED });
        return { leaf: asSafe(await issue(old, { name: 'x', ...EXPIRED })), ca: asSafeAuthority(old, '7') };
      },
      'expired on 2019-07-12',
    ],
    [
      'a CA that expires no later',
      async () => {
        const notAfter = new Date(Date.now() + 86_400_000);
        const old = await makeAuthority({ name: 'old', notAfter });
        return { leaf: asSafe(await issue(old, { name: 'x', notAfter })), ca: asSafeAuthority(old, '7') };
      },
      'renew the CA first',
    ],
  ])('refuses a secret with %s', async (name, make, because) => {
    const folder = `refused/${name.replaceAll(/\W+/g, '-')}`;
    await lay(folder, await make());
    expect(await refusal(plan(`${folder}/tls`))).toContain(because);
  });

  test('refuses a deleted secret, a missing CA, and KV version 1', async () => {
    await lay('deleted');
    await vault.softDelete(`${MOUNT}/deleted/tls`);
    expect(await refusal(plan('deleted/tls'))).toContain('was deleted');
    await vault.put(`${MOUNT}/orphan/tls`, asSafe(locket));
    expect(await refusal(plan('orphan/tls'))).toContain(`nothing is at ${MOUNT}/orphan/ca`);
    await vault.put(`${MOUNT}-1/tls`, asSafe(locket));
    const old = source().reads.certificates!.planRenewal!(`vault:${MOUNT}-1/tls:certificate`, { signal });
    expect(await refusal(old)).toBe(
      `${MOUNT}-1/ is KV version 1, which can't be written safely: two renewals could overwrite each other`,
    );
  });

  test('names a missing capability, for the certificate and for its CA, before anything is written', async () => {
    await lay('rights');
    for (const lacking of ['tls', 'ca']) {
      await vault.allow('wrench-test-renew-part', {
        [`${MOUNT}/*`]: ['read', 'update'],
        [`${MOUNT}/data/rights/${lacking}`]: ['read'],
      });
      const token = await vault.issueToken({ policies: ['wrench-test-renew-part'], ttl: '1h' });
      const part = source({ allow: { renew: { auth: { token } } } });
      expect(await refusal(plan('rights/tls', part))).toContain(
        `the token lacks \`update\` on ${MOUNT}/data/rights/${lacking}`,
      );
    }
  });

  test('writes only with `allow.renew`, only below its paths, and only certificates of this source', async () => {
    await lay('leave');
    const reading = source({ allow: {} });
    expect(reading.writes).toBeUndefined();
    expect(reading.reads.certificates?.planRenewal).toBeUndefined();
    const elsewhere = source({
      allow: { renew: { auth: { token: writer }, paths: [`${MOUNT}/lea`, `${MOUNT}/leave/tl`] } },
    });
    expect(await refusal(plan('leave/tls', elsewhere))).toBe(
      `${MOUNT}/leave/tls is not below any of \`allow.renew.paths\` of the source vault`,
    );
    const here = source({ allow: { renew: { auth: { token: writer }, paths: [`${MOUNT}/leave/tls`] } } });
    const planned = await plan('leave/tls', here);
    for (const place of [
      'edge:www.example.com:443',
      `other:${MOUNT}/leave/tls:certificate`,
      `vault:${MOUNT}/leave/tls:combined`,
      `vault:${MOUNT}/leave/tls/../../x:certificate`,
    ])
      expect(await refusal(here.reads.certificates!.planRenewal!(place, { signal }))).toContain(
        'can be renewed',
      );
    const elsewhereToo = { ...planned, place: `other:${MOUNT}/leave/tls:certificate` };
    expect(await refusal(here.writes!.certificates!.renew(elsewhereToo, applyContext))).toContain(
      'can be renewed',
    );
  });

  test.each(['any', 'named'])(
    'a scan of %s marks renewable certificates: a leaf with its key, in a writable secret',
    async (only) => {
      const folder = `seen-${only}`;
      await lay(folder);
      await vault.put(`${MOUNT}/${folder}/kubernetes`, {
        'tls.crt': locket.certificatePem,
        'tls.key': locket.keyPem,
      });
      await vault.put(`${MOUNT}/${folder}/keyless`, { certificate: locket.certificatePem });
      await vault.put(`${MOUNT}-1/${folder}/tls`, asSafe(locket));
      const renewable = async (more: object): Promise<readonly string[]> => {
        const paths = [`${MOUNT}/${folder}`, `${MOUNT}-1/${folder}`];
        const { results } = await scanCertificates(source({ paths, only, ...more }));
        expect(results).toHaveLength(5);
        return results.flatMap((one) => (one.kind === 'seen' && one.renewable ? [one.place] : []));
      };
      expect(await renewable({})).toEqual([at(`${folder}/tls`)]);
      expect(await renewable({ allow: {} })).toEqual([]);
      expect(await renewable({ allow: { renew: { paths: [`${MOUNT}/other`] } } })).toEqual([]);
    },
  );

  test('no plan, outcome or refusal contains a private key, token or password', async () => {
    await lay('canary', { leaf: { ...asSafe(locket), password: 'canary-password' } });
    const planned = await plan('canary/tls');
    const output: unknown[] = [planned, await renew(planned)];
    for (const secret of [
      { ...asSafe(locket), key: locket.keyPem.replace('\n', '\n!!') },
      { ...asSafe(locket), certificate: locket.keyPem },
      { ...asSafe(locket), combined: locket.keyPem },
    ]) {
      await vault.put(`${MOUNT}/canary/tls`, { ...secret, password: 'canary-password' });
      output.push(await plan('canary/tls').catch((error: unknown) => error));
    }
    const text =
      inspect(output, { depth: 20, maxStringLength: null, showHidden: true }) + JSON.stringify(output);
    expect(output.filter((one) => one instanceof Error)).toHaveLength(3);
    const lines = [locket, authority].flatMap(({ keyPem }) => keyPem.split('\n').slice(1, -2));
    const canaries = [...lines, writer, reader, 'canary-password', 'PRIVATE KEY'];
    expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
  });
});
