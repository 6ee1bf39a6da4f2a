import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { managedInCredHub, signedCertificate } from '../../shared/builders.ts';
import { DEFAULT_THRESHOLDS } from '../../shared/certificate-validity.ts';
import { live, managedFactsOf } from './builders.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { resolved } from './resolved.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const DAY_MS = 86_400_000;
const { withinDays, ...levels } = DEFAULT_THRESHOLDS;

function ask(facts: Facts) {
  const { findings, ...rest } = diagnose(facts, { within: withinDays * DAY_MS, ...levels }, NOW);
  return {
    ...rest,
    findings,
    faults: findings.map(({ severity, target }) => `${severity} ${target}`),
    text: JSON.stringify(findings),
  };
}

const CA = '/bosh/cf/service_cf_internal_ca';
const [BBS, REP] = ['/bosh/cf/diego_bbs_server', '/bosh/cf/diego_rep_client'];
const root = (id: string, until: string, transitional = false) => ({
  id,
  until,
  transitional,
  authority: true,
  selfSigned: true,
});
const leaf = (name: string, until: string, known: Partial<ports.ManagedCertificate> = {}) =>
  managedInCredHub(name, [{ id: `v of ${name}`, until, authority: false }], {
    signedBy: CA,
    renewable: true,
    ...known,
  });
const rotating = (old: string) =>
  managedInCredHub(CA, [root('new', '2031-11-20T10:00:00Z', true), root('old', old)], {
    signedBy: CA,
    renewable: true,
  });

/** https://github.com/cloudfoundry/credhub/issues/181 */
test('an authority whose newest version is only trusted ends when the version in use ends, and so does what it signed', () => {
  const { faults, findings, verdict, text } = ask(
    managedFactsOf(
      [
        rotating('2026-12-05T12:00:00Z'),
        leaf(BBS, '2027-05-02T07:00:00Z'),
        leaf(REP, '2027-05-02T07:00:11Z'),
      ],
      { now: NOW },
    ),
  );
  expect(verdict).toBe('1 of 3 certificates expires within 30 days, 2 more end with their issuer');
  expect(faults).toEqual([`warning credhub:${CA}`]);
  const [finding] = findings;
  expect(finding?.targets).toEqual([`credhub:${CA}`, `credhub:${BBS}`, `credhub:${REP}`]);
  expect(finding?.next).toEqual([{ check: 'certs/rotation', args: {} }]);
  expect(finding?.summary).toBe(
    `${CA} expires in 9 days (credhub), and 2 certificates that it signed end with it (${BBS} and ${REP})`,
  );
  // Each of them would end with the old version again, and an authority needs more than one step.
  expect(finding?.offers).toBeUndefined();
  expect(text).toContain('new until 2031-11-20 10:00 UTC, transitional');
});

test('an authority that has expired is critical, although what it signed is valid for months', () => {
  const { faults, verdict } = ask(
    managedFactsOf([rotating('2026-11-25T12:00:00Z'), leaf(BBS, '2027-05-02T07:00:00Z')], { now: NOW }),
  );
  expect(faults).toEqual([`critical credhub:${CA}`]);
  expect(verdict).toBe('1 of 2 certificates has expired, 1 more has ended with its issuer');
});

const OLD_KEY = signedCertificate('ca', '2026-12-08T06:00:00Z', {
  issuer: 'ca',
  key: 'old',
  signedWith: 'old',
});
const NEW_KEY = signedCertificate('ca', '2031-05-31T00:00:00Z', {
  issuer: 'ca',
  key: 'new',
  signedWith: 'new',
});
const renewed = managedInCredHub(
  CA,
  [root('new', '2031-05-31T00:00:00Z'), root('old', '2026-12-08T06:00:00Z')],
  { signedBy: CA },
);

function content(place: string, id: string, key: string, trusts: readonly ports.Certificate[], more = {}) {
  const chain = [
    signedCertificate('one', '2027-09-01T00:00:00Z', { issuer: 'ca', signedWith: key, ...more }),
  ] as const;
  return { [place]: [{ id, chain, trusts }] };
}

/** https://github.com/cloudfoundry/credhub/issues/377 */
test('a certificate that the former version of its authority signed ends with that version', () => {
  const one = leaf(BBS, '2027-09-01T00:00:00Z');
  const signed = (key: string) =>
    ask(
      managedFactsOf([renewed, one], {
        now: NOW,
        contents: content(`credhub:${BBS}`, `v of ${BBS}`, key, [OLD_KEY, NEW_KEY]),
      }),
    );
  const { faults, findings, verdict } = signed('old');
  expect(faults).toEqual([`warning credhub:${BBS}`]);
  expect(verdict).toBe('1 of 2 certificates ends with its issuer within 30 days');
  expect(findings[0]?.summary).toBe(
    `${BBS} expires with its issuer in 11 days, not on 1 September 2027 (credhub): a former version of ${CA} signed it`,
  );
  expect(findings[0]?.offers).toEqual([
    { remediation: 'renew', params: { store: 'credhub', place: `credhub:${BBS}` } },
  ]);
  expect(signed('new').faults).toEqual([]);
});

test('an intermediate that the former version signed takes its leaves along, and gets no button', () => {
  const ICA = '/bosh/cf/diego_instance_identity_ca';
  const middle = managedInCredHub(
    ICA,
    [{ id: `v of ${ICA}`, until: '2027-09-01T00:00:00Z', authority: true, selfSigned: false }],
    { signedBy: CA, renewable: true },
  );
  const { faults, findings } = ask(
    managedFactsOf([renewed, middle, leaf(BBS, '2027-08-01T00:00:00Z', { signedBy: ICA })], {
      now: NOW,
      contents: content(`credhub:${ICA}`, `v of ${ICA}`, 'old', [OLD_KEY], { key: 'ica' }),
    }),
  );
  expect(faults).toEqual([`warning credhub:${ICA}`]);
  expect(findings[0]?.targets).toEqual([`credhub:${ICA}`, `credhub:${BBS}`]);
  expect(findings[0]?.offers).toBeUndefined();
  expect(findings[0]?.next).toEqual([{ check: 'certs/rotation', args: {} }]);
});

/** https://github.com/pivotal/credhub-release/blob/main/docs/ca-rotation.md */
test('an old version that is only trusted, and that nothing is signed by, is no finding', () => {
  const ca = managedInCredHub(
    CA,
    [root('new', '2031-05-31T00:00:00Z'), root('old', '2026-12-08T06:00:00Z', true)],
    { signedBy: CA },
  );
  const doppler = signedCertificate('one', '2027-09-01T00:00:00Z', { issuer: 'ca', signedWith: 'new' });
  const { faults, verdict } = ask(
    managedFactsOf([ca, leaf(BBS, '2027-09-01T00:00:00Z')], {
      now: NOW,
      contents: content(`credhub:${BBS}`, `v of ${BBS}`, 'new', [NEW_KEY]),
      // It serves the leaf alone: its clients have the root from the store.
      places: [
        live('doppler.internal:8082', [doppler], { path: 'incomplete', clientCertificateRequired: true }),
      ],
    }),
  );
  expect([faults, verdict]).toEqual([
    [],
    'Both certificates found in 3 places are valid for more than 30 days',
  ]);
});

test('an end that no manager says is a finding', () => {
  const { faults } = ask(managedFactsOf([managedInCredHub('/x', [{ id: 'a' }])], { now: NOW }));
  expect(faults).toEqual(['warning credhub:/x']);
});

test('thirteen certificates of one authority that expire together are one finding with one button', () => {
  const names = Array.from({ length: 13 }, (_, at) => `/bosh/cf/rep_${at}`);
  const { findings } = ask(
    managedFactsOf(
      [
        managedInCredHub(CA, [root('a', '2031-01-01')], { signedBy: CA }),
        ...names.map((name) => leaf(name, '2026-11-20T07:00:00Z')),
      ],
      { now: NOW },
    ),
  );
  expect(findings).toHaveLength(1);
  expect(findings[0]?.summary).toContain(`13 certificates issued by ${CA} expired together 6 days ago`);
  expect(findings[0]?.offers?.[0]).toMatchObject({ remediation: 'renew', each: { length: 13 } });
});

/** A certificate of Ops Manager that a person replaces in a tile. */
test('a configurable certificate is replaced by a person, and has no button', () => {
  const { findings, faults } = ask(
    managedFactsOf(
      [
        managedInCredHub(
          'cf-23db.properties.networking_poe_ssl_certs',
          [
            {
              id: 'deployed',
              notBefore: new Date('2024-12-09T09:00:00Z'),
              until: '2026-12-09T09:00:00Z',
              generated: false,
              authority: false,
            },
          ],
          {
            place: 'opsman:cf-23db.properties.networking_poe_ssl_certs',
            renewedBy: 'person',
            deployments: ['cf-23db'],
            procedure: { name: 'Configurable Leaf Procedure', url: 'https://docs.example/rotate' },
          },
        ),
      ],
      { now: NOW },
    ),
  );
  expect(faults).toEqual(['warning opsman:cf-23db.properties.networking_poe_ssl_certs']);
  expect(findings[0]?.summary).toContain('expires in 12 days');
  expect(findings[0]?.evidence?.[0]).toMatchObject({ value: expect.stringContaining('tile') });
  expect(findings[0]?.offers).toBeUndefined();
});

const at = (iso: string) => new Date(iso);
const SHOP = 'prod:certificates/shop/shop';

function shop(
  automation: Partial<ports.Automation>,
  [from, until] = ['2026-08-26T13:37:21Z', '2026-11-24T13:37:21Z'],
): ports.ManagedCertificate {
  return managedInCredHub('shop/shop', [{ id: '4', notBefore: at(from), until }], {
    place: SHOP,
    renewedBy: 'automatic',
    renewable: true,
    automation: {
      dnsNames: ['shop.example.org'],
      isAuthority: false,
      writesTo: 'prod:shop/shop-tls',
      issuer: { name: 'ClusterIssuer vault' },
      ready: { status: 'True', reason: 'Ready', since: at('2026-08-26T14:02:10Z') },
      ...automation,
    },
  });
}

const ISSUING = { status: 'True', reason: 'Renewing', since: at('2026-10-25T13:37:21Z') } as const;
const secret: ports.SeenPlace = {
  kind: 'seen',
  place: 'prod:shop/shop-tls:tls.crt',
  chain: [
    signedCertificate('shop.example.org', '2026-11-24T13:37:21Z', {
      issuer: 'lab-issuing',
      signedWith: 'lab',
    }),
  ],
};

/** https://github.com/cert-manager/cert-manager/issues/7895 */
test('a certificate that expired while issuing makes no progress is one finding with its Secret, whatever Ready says', () => {
  const managed = shop({
    issuing: ISSUING,
    request: { name: 'shop-5', createdAt: at('2026-10-25T13:50:05Z'), failedAt: at('2026-10-25T13:52:00Z') },
  });
  const { faults, findings, verdict, text } = ask(managedFactsOf([managed], { now: NOW, places: [secret] }));
  expect(faults).toEqual([`critical ${SHOP}`]);
  expect(verdict).toBe('1 certificate has expired');
  expect(findings[0]?.summary).toBe(
    'shop/shop expired 46 hours ago (prod and 1 other place); issuing has made no progress for 31 days, although it says `Ready`',
  );
  expect(text).toContain('CertificateRequest shop-5 (failed at 2026-10-25 13:52 UTC, no Ready condition)');
  expect(text).toContain('delete the request');
  // It is requested already.
  expect(findings[0]?.offers).toBeUndefined();
});

test('a Secret that no longer has what its manager says is a finding of its own', () => {
  const managed = shop({}, ['2026-11-01T00:00:00Z', '2027-02-01T00:00:00Z']);
  const { faults } = ask(managedFactsOf([managed], { now: NOW, places: [secret] }));
  expect(faults).toEqual(['critical prod:shop/shop-tls:tls.crt']);
});

const VALID = ['2026-11-01T00:00:00Z', '2027-02-01T00:00:00Z'] as const;

test.each<readonly [string, Partial<ports.Automation>, readonly string[]]>([
  [
    'issuing for 3 minutes',
    { issuing: { status: 'True', since: at('2026-11-26T11:57:00Z') }, dueAt: at('2026-11-26T11:57:00Z') },
    [],
  ],
  [
    'issuing since yesterday',
    { issuing: { status: 'True', since: at('2026-11-25T11:57:00Z') } },
    [`warning ${SHOP}`],
  ],
  [
    'a failed attempt',
    { issuing: { status: 'False', reason: 'Failed', message: 'acme: rate limited' }, failedAttempts: 3 },
    [`warning ${SHOP}`],
  ],
  ['renewal due for 2 days', { dueAt: at('2026-11-24T12:00:00Z') }, [`warning ${SHOP}`]],
  ['renewal due for some minutes', { dueAt: at('2026-11-26T11:50:00Z') }, []],
  [
    'not ready for hours',
    { ready: { status: 'False', reason: 'IncorrectIssuer', since: at('2026-11-26T02:00:00Z') } },
    [`warning ${SHOP}`],
  ],
  ['renewed in time', { dueAt: at('2027-01-01T00:00:00Z') }, []],
])('before it expires, %s', (_, automation, faults) => {
  const { text, ...report } = ask(managedFactsOf([shop(automation, [...VALID])], { now: NOW }));
  expect(report.faults).toEqual(faults);
  expect(text).not.toContain('undefined');
});

test('a certificate that was never issued is stuck after an hour', () => {
  const never = (createdAt: string) => ({
    ...shop({ createdAt: at(createdAt), ready: { status: 'False' } }),
    versions: [],
  });
  expect(ask(managedFactsOf([never('2026-11-20T00:00:00Z')], { now: NOW })).faults).toEqual([
    `warning ${SHOP}`,
  ]);
  expect(ask(managedFactsOf([never('2026-11-26T11:55:00Z')], { now: NOW })).faults).toEqual([]);
});

test('two certificates that write the same Secret get no button', () => {
  const other = { ...shop({}), place: 'prod:certificates/shop/other', name: 'shop/other' };
  const { findings } = ask(managedFactsOf([shop({}), other], { now: NOW }));
  expect(findings.map(({ offers }) => offers)).toEqual([undefined, undefined]);
  expect(JSON.stringify(findings)).toContain('its own Secret');
});

test('the same certificate in two stores is one finding, with what both know', () => {
  const inOpsman = managedInCredHub(
    '/services/tls_ca',
    [{ id: 'deployed', notBefore: at('2024-12-01T00:00:00Z'), until: '2026-12-01T00:00:00Z' }],
    {
      place: 'opsman:/services/tls_ca',
      renewedBy: 'person',
      procedure: { name: 'Services TLS CA Procedure' },
    },
  );
  const inCredHub = managedInCredHub(
    '/services/TLS_CA',
    [{ id: 'a', until: '2026-12-01T00:00:00Z', authority: false }],
    { renewable: true },
  );
  const { faults, text, verdict } = ask(managedFactsOf([inOpsman, inCredHub], { now: NOW }));
  expect(faults).toEqual(['critical credhub:/services/TLS_CA']);
  expect(verdict).toBe('1 certificate expires in 4 days');
  expect(text).toContain('Services TLS CA Procedure');
  expect(text).toContain('opsman:/services/tls_ca');
});

test('a beginning that was copied from the authority says nothing about the lifetime', () => {
  const start = at('2020-01-01T00:00:00Z');
  const stored = (name: string, until: string, more = {}) => ({
    kind: 'seen' as const,
    place: `hosts:cp-1:/etc/kubernetes/pki/${name}.crt`,
    chain: [
      signedCertificate(name, until, { issuer: 'kubernetes', signedWith: 'k', notBefore: start, ...more }),
    ] as const,
  });
  const { findings } = ask(
    managedFactsOf([], {
      now: NOW,
      places: [
        stored('apiserver', '2026-12-10T00:00:00Z'),
        stored('ca', '2030-01-01T00:00:00Z', { key: 'k', subject: 'CN=kubernetes' }),
      ],
    }),
  );
  expect(findings).toHaveLength(1);
  expect(JSON.stringify(findings)).toContain('until 2026-12-10');
  expect(JSON.stringify(findings)).not.toContain('% left');
});

test('a stored authority names what it signed, which ends with it', () => {
  const stored = (name: string, until: string, more = {}) => ({
    kind: 'seen' as const,
    place: `disk:/${name}.pem`,
    chain: [signedCertificate(name, until, { issuer: 'ca', signedWith: 'old', ...more })] as const,
  });
  const ca = stored('ca', '2026-12-08T06:00:00Z', { key: 'old' });
  const { faults, findings } = ask(
    managedFactsOf([], { now: NOW, places: [ca, stored('leaf', '2027-09-01T00:00:00Z')] }),
  );
  expect(faults).toEqual(['warning disk:/ca.pem']);
  expect(findings[0]?.summary).toContain('1 certificate that it signed ends with it (leaf)');
});

test('a `ca.crt` beside a certificate ends it, if it signed it', () => {
  const beside = (key: string): ports.SeenPlace => ({
    kind: 'seen',
    place: 'prod:shop/shop-tls:tls.crt',
    chain: [signedCertificate('shop', '2027-09-01T00:00:00Z', { issuer: 'ca', signedWith: key })],
    trusts: [OLD_KEY],
  });
  expect(ask(managedFactsOf([], { now: NOW, places: [beside('old')] })).findings[0]?.summary).toContain(
    'before the leaf certificate',
  );
  // An authority for clients, which signed nothing here.
  expect(ask(managedFactsOf([], { now: NOW, places: [beside('another')] })).faults).toEqual([]);
});

test('a managed certificate is resolved only if a version that is not the old one is in use', () => {
  const before = { reason: 'certificate-expired', target: `credhub:${BBS}` };
  const facts = (until: string) => managedFactsOf([leaf(BBS, until, { signedBy: '' })], { now: NOW });
  expect(resolved(facts('2027-11-20T00:00:00Z'), before, NOW)).toBe(
    'renewed, now valid until 20 November 2027',
  );
  expect(resolved(facts('2026-11-25T00:00:00Z'), before, NOW)).toBeUndefined();
  // It may be the same as before: a manager says only when it ends.
  expect(
    resolved(facts('2027-11-20T00:00:00Z'), { ...before, reason: 'certificate-expiring' }, NOW),
  ).toBeUndefined();
});
