import { describe, expect, test } from 'vitest';
import { factsOf, inSecret, ofCertManager, servedAt, signedCertificate } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts } from './facts.ts';
import { newKeyOfAuthority } from './stories.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const ARGS = { within: 60 * 86_400_000 };
const { facts } = newKeyOfAuthority;
const TRUST = 'prod:fin/configmaps/trust:ca-bundle.crt';

const former = signedCertificate('platform-ca', '2026-12-31', {
  issuer: 'platform-ca',
  key: 'first key',
  signedWith: 'first key',
  publicKey: 'first',
});

function findingsOf(changed: Partial<Facts>) {
  return diagnose({ ...facts, ...changed }, ARGS, NOW).findings;
}

describe('an authority of cert-manager with a new key', () => {
  test('clients with the new authority reject what the former key signed: it is renewed, the authority is not', () => {
    const [finding, ...others] = findingsOf({});
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      severity: 'critical',
      reason: 'signed-by-former-version',
      target: 'fin/ledger',
    });
    expect(finding?.summary).toContain('signed by a former key of fin/platform-ca');
    expect(finding?.offers).toEqual([
      { remediation: 'renew', params: { store: 'prod', place: 'prod:certificates/fin/ledger' } },
    ]);
  });

  test('while clients trust only the former one, the new one is added to them first', () => {
    const places = facts.places.map((one) =>
      one.place === TRUST ? { ...one, chain: [former] as const } : one,
    );
    const [finding] = findingsOf({ places });
    expect(finding).toMatchObject({ severity: 'info', target: 'fin/ledger' });
    expect(finding?.summary).toContain('add the present one to what trusts it, then renew it');
    expect(finding?.offers).toBeUndefined();
  });

  test('clients that trust both reject nothing', () => {
    const [finding] = findingsOf({
      places: [
        ...facts.places,
        { kind: 'seen', store: 'prod', role: 'stored', place: `${TRUST}#2`, chain: [former] },
      ],
    });
    expect(finding?.severity).toBe('info');
  });

  test('a bundle of another namespace is not critical, nor is what no site serves', () => {
    const elsewhere = facts.places.map((one) =>
      one.place === TRUST ? { ...one, place: 'prod:ops/configmaps/trust:ca.crt' } : one,
    );
    expect(findingsOf({ places: elsewhere })[0]?.severity).toBe('info');
    expect(findingsOf({ places: facts.places.filter(({ role }) => role === 'stored') })[0]?.severity).toBe(
      'warning',
    );
  });

  test('several certificates are one rotation of their authority', () => {
    const other = signedCertificate('audit.fin.svc', '2027-01-30', {
      issuer: 'platform-ca',
      signedWith: 'first key',
    });
    const audit = ofCertManager('fin/audit', 'audit-tls', {
      from: '2026-11-01',
      until: '2027-01-30',
      due: '2026-12-31',
      issuer: { name: 'Issuer platform', storedAt: 'prod:fin/platform-ca' },
    });
    const [finding, ...others] = findingsOf({
      managed: [...facts.managed, audit],
      places: [...facts.places, inSecret('fin/audit-tls', other, [former])],
    });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ target: 'fin/platform-ca', targets: ['fin/ledger', 'fin/audit'] });
  });

  test('a renewal with the same key leaves nothing behind', () => {
    const same = signedCertificate('platform-ca', '2028-01-19', {
      issuer: 'platform-ca',
      key: 'first key',
      signedWith: 'first key',
      publicKey: 'first',
    });
    const places = facts.places.map((one) =>
      one.chain[0].name === 'platform-ca' ? { ...one, chain: [same] as const } : one,
    );
    expect(findingsOf({ places })).toEqual([]);
  });

  test('what is being issued right now has no button and is not urgent', () => {
    const managed = facts.managed.map((one) =>
      one.name === 'fin/ledger'
        ? {
            ...one,
            automation: {
              ...one.automation!,
              issuing: { status: 'True' as const, since: new Date('2026-11-26T11:58:00Z') },
            },
          }
        : one,
    );
    expect(findingsOf({ managed })[0]).toMatchObject({ severity: 'info' });
    expect(findingsOf({ managed })[0]?.offers).toBeUndefined();
  });

  test('without the Secrets, dates suggest it: labelled, and never critical', () => {
    const [finding] = findingsOf({ places: [] });
    expect(finding?.summary).toContain(
      'is older than the present certificate of fin/platform-ca, whose key may have changed',
    );
    expect(finding?.severity).not.toBe('critical');
    expect(JSON.stringify(finding?.evidence)).toContain('Assumed');
  });
});

test('an authority that gets a new key soon is announced, with what it signed', () => {
  const managed = facts.managed.map((one) =>
    one.name === 'fin/platform-ca'
      ? { ...one, automation: { ...one.automation!, dueAt: new Date('2026-12-10') } }
      : one,
  );
  const [first] = findingsOf({
    managed,
    places: [
      inSecret('fin/platform-ca', former),
      inSecret(
        'fin/ledger-tls',
        signedCertificate('ledger', '2027-01-30', { issuer: 'platform-ca', signedWith: 'first key' }),
      ),
    ],
  }).filter(({ target }) => target === 'fin/platform-ca');
  expect(first).toMatchObject({
    severity: 'info',
    reason: 'rotation-due',
    targets: ['fin/platform-ca', 'fin/ledger'],
  });
});

describe('what cert-manager renews by itself', () => {
  const shop = (due: string, issuing?: { status: 'True' | 'False'; since: Date }) =>
    ofCertManager('shop/shop', 'shop-tls', {
      from: '2026-09-01',
      until: '2026-11-30',
      due,
      ...(issuing && { issuing }),
    });

  test('needs no one before its renewal is due', () => {
    expect(findingsOf({ managed: [shop('2026-11-28')], places: [] })).toEqual([]);
  });

  test('is reported once its renewal is overdue', () => {
    const [finding] = findingsOf({ managed: [shop('2026-11-01')], places: [] });
    expect(finding).toMatchObject({ severity: 'critical', reason: 'renewal-due', target: 'shop/shop' });
    expect(finding?.offers).toHaveLength(1);
  });

  test('has no button while it is being issued, however long that takes', () => {
    const [finding] = findingsOf({
      managed: [shop('2026-11-01', { status: 'True', since: new Date('2026-10-25') })],
      places: [],
    });
    expect(finding?.summary).toContain("cert-manager hasn't finished issuing it");
    expect(finding?.offers).toBeUndefined();
    expect(
      findingsOf({
        managed: [shop('2026-11-26T11:30:00Z', { status: 'True', since: new Date('2026-11-26T11:30:00Z') })],
        places: [],
      }),
    ).toEqual([]);
  });
});

test('a Secret that cert-manager writes is not reported a second time', () => {
  const own = signedCertificate('shop', '2026-11-30', { signedWith: 'k', notBefore: new Date('2026-09-01') });
  const managed = [
    ofCertManager('shop/shop', 'shop-tls', { from: '2026-09-01', until: '2026-11-30', due: '2026-11-01' }),
  ];
  const facts = factsOf({ managed, places: [inSecret('shop/shop-tls', own), servedAt('shop:443', own)] });
  expect(diagnose(facts, ARGS, NOW).findings.map(({ target }) => target)).toEqual(['shop/shop']);
});
