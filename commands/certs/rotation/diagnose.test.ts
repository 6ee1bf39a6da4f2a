import { describe, expect, test } from 'vitest';
import type { Finding, ports } from '../../kit.ts';
import type { SurveyedPlace } from '../../shared/certificate-survey.ts';
import type { RenewOffer } from '../../shared/renew.ts';
import {
  authority,
  certificate,
  content,
  director,
  factsOf,
  inCredHub,
  inVault,
  servedAt,
  signedCertificate,
  trustFile,
} from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts } from './facts.ts';
import * as stories from './stories.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const DAY_MS = 86_400_000;
const ARGS = { within: 60 * DAY_MS };
const CA = '/bosh/cf/ca';
const LEAF = '/bosh/cf/leaf';
const [SOON, LATER] = ['2026-12-16T10:00:00Z', '2031-11-10T10:00:00Z'];

const oldCa = signedCertificate('ca', SOON, { issuer: 'ca', key: 'old key', signedWith: 'old key' });
const newCa = signedCertificate('ca', LATER, { issuer: 'ca', key: 'new key', signedWith: 'new key' });
const bothContents = [
  { id: 'new', chain: [newCa] as const, trusts: [newCa] },
  { id: 'old', chain: [oldCa] as const, trusts: [oldCa] },
];

function findingsOf(facts: Partial<Facts>, args = ARGS, now = NOW): readonly Finding<RenewOffer>[] {
  return diagnose(factsOf(facts), args, now).findings;
}

function brief(findings: readonly Finding<RenewOffer>[]): readonly string[] {
  return findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);
}

/** The checklist of a finding: `[x] New version …`. */
function stepsOf(finding: Finding<RenewOffer> | undefined): readonly string[] {
  return (finding?.evidence ?? []).flatMap((one) =>
    one.kind === 'field' && one.label.startsWith('[') ? [`${one.label} ${one.value}`] : [],
  );
}

function boxesOf(finding: Finding<RenewOffer> | undefined): string {
  return stepsOf(finding)
    .map((step) => step.slice(1, 2))
    .join('');
}

/** The new version signs, and the old one is transitional. */
function used(known: Parameters<typeof authority>[2] = {}) {
  return authority(
    CA,
    [
      { id: 'new', until: LATER },
      { id: 'old', until: SOON, transitional: true },
    ],
    known,
  );
}

/** The new version is transitional. */
function trusted(known: Parameters<typeof authority>[2] = {}) {
  return authority(
    CA,
    [
      { id: 'new', until: LATER, transitional: true },
      { id: 'old', until: SOON },
    ],
    known,
  );
}

function leaf(signedWith: 'old key' | 'new key' | undefined, name = LEAF, until = '2027-11-15T10:00:00Z') {
  const id = `${name.split('/').at(-1)}-1`;
  const trusts = signedWith === 'new key' ? newCa : oldCa;
  return inCredHub(name, [{ id, until }], {
    signedBy: CA,
    contents: signedWith ? [content(id, 'leaf', until, { issuer: 'ca', signedWith }, [trusts])] : [],
  });
}

describe('while the new version is only trusted', () => {
  test('names the one that trusts only the old one, and nothing may be regenerated', () => {
    const { verdict, findings } = diagnose(stories.trustNotDeployed.facts, ARGS, NOW);
    expect(brief(findings)).toEqual(['warning rotation-in-progress /bosh/cf/uaa_ca']);
    expect(verdict).toContain('expires in 23 days');
    expect(verdict).toContain(
      "api/7f1c trusts only the old one; deploy until every trust file has both, and don't move the flag",
    );
    expect(stepsOf(findings[0])[1]).toMatch(
      /^\[ \] 1 Pipeline: deploy .*`bosh -d cf deploy`. Only the old one: api\/7f1c$/,
    );
    expect(findings[0]?.offers).toBeUndefined();
  });

  test('the certificates end with the version in use, not on their own dates', () => {
    const { verdict, findings } = diagnose(stories.hiddenByTransitional.facts, ARGS, NOW);
    expect(brief(findings)).toEqual(['warning rotation-in-progress /bosh/cf/service_cf_internal_ca']);
    expect(verdict).toContain('expires in 9 days, with 2 certificates that it signed');
    expect(findings[0]?.targets).toEqual([
      '/bosh/cf/service_cf_internal_ca',
      '/bosh/cf/diego_bbs_server',
      '/bosh/cf/diego_rep_client',
    ]);
    expect(stepsOf(findings[0]).map((step) => step.slice(0, 26))).toEqual([
      '[x] New version b476cc7d e',
      '[?] 1 Pipeline: deploy unt',
      '[ ] 2 Person: make the old',
      '[ ] 3 Button: regenerate 2',
      '[ ] 4 Pipeline: deploy the',
      '[ ] 5 Person: clear the fl',
      '[ ] 6 Pipeline: deploy, so',
    ]);
    expect(findings[0]?.offers).toBeUndefined();
  });

  test('the deploy is done once every trust file that was read has both', () => {
    const facts = {
      managed: [trusted({ contents: bothContents }), leaf('old key')],
      places: trustFile('api/0', '/ca.crt', [oldCa, newCa]),
    };
    const [done] = findingsOf(facts);
    expect(boxesOf(done)).toBe('xx     ');
    expect(done?.summary).toContain('move the flag to the old version');
    // Something that wasn't read may trust only the old one.
    const [unread] = findingsOf({ ...facts, unread: [{ store: 'hosts', place: 'hosts:api/1:/ca.crt' }] });
    expect(boxesOf(unread)).toBe('x?     ');
    expect(unread?.summary).toContain("deploy if that isn't done");
  });

  test('versions are recognized by the second in which they end if their contents were not read', () => {
    const [finding] = findingsOf({
      managed: [trusted(), leaf(undefined)],
      places: trustFile('api/0', '/ca.crt', [oldCa]),
    });
    expect(finding?.summary).toContain('api/0 trusts only the old one');
  });

  test('a certificate with its chain is no trust file, nor is an authority with its key', () => {
    const own = signedCertificate('leaf', '2027-11-15', { issuer: 'ca', signedWith: 'old key' });
    const [served] = trustFile('api/0', '/leaf.crt', [own]);
    const [signing] = trustFile('cell/0', '/identity.crt', [oldCa]);
    const [finding] = findingsOf({
      managed: [trusted({ contents: bothContents }), leaf('old key')],
      places: [
        { ...served!, chain: [own, oldCa] },
        { ...signing!, keyMatches: true },
      ],
    });
    expect(finding?.summary).toContain("deploy if that isn't done");
  });

  test('a director whose last change is older than the new version has not deployed it', () => {
    const created = trusted();
    const managed = [
      {
        ...created,
        versions: created.versions.map((one) => ({ ...one, createdAt: new Date('2026-11-20') })),
      },
    ];
    const task = {
      id: '8',
      state: 'done',
      description: 'create deployment',
      deployment: 'cf',
      startedAt: new Date('2026-11-19'),
    };
    const [before] = findingsOf({ managed, directors: [director('cf', { [CA]: 'old' }, [task])] });
    expect(stepsOf(before)[1]).toContain('Not deployed since the new version exists: cf');
    // A restart is called the same, so a later task proves nothing.
    const [after] = findingsOf({
      managed,
      directors: [director('cf', { [CA]: 'old' }, [{ ...task, startedAt: new Date('2026-11-21') }])],
    });
    expect(boxesOf(after)).toMatch(/^x\?/);
  });

  test('a rotation that was begun years ahead is information', () => {
    const ca = authority(CA, [
      { id: 'new', until: LATER, transitional: true },
      { id: 'old', until: '2029-01-01' },
    ]);
    expect(brief(findingsOf({ managed: [ca, leaf(undefined)] }))).toEqual([
      `info rotation-in-progress ${CA}`,
    ]);
  });
});

describe('while the new version signs', () => {
  test('at the last step there is no more than information', () => {
    const { findings } = diagnose(stories.lastStep.facts, ARGS, NOW);
    expect(brief(findings)).toEqual(['info rotation-unfinished /bosh/cf/loggregator_ca']);
    expect(boxesOf(findings[0])).toBe('xxxxx  ');
    expect(
      stepsOf(findings[0])
        .slice(1, 4)
        .map((step) => step.slice(-10)),
    ).toEqual(['2026-11-12', '2026-11-13', '2026-11-15']);
  });

  test('only what the old version signed is regenerated, with a button for each and for all', () => {
    const managed = [
      used({ contents: bothContents }),
      leaf('old key'),
      leaf('old key', '/bosh/cf/b'),
      leaf('new key', '/bosh/cf/c'),
    ];
    const [finding] = findingsOf({ managed });
    expect(finding?.severity).toBe('warning');
    expect(finding?.targets).toEqual([CA, LEAF, '/bosh/cf/b']);
    expect(finding?.offers).toEqual([
      {
        remediation: 'renew',
        each: [LEAF, '/bosh/cf/b'].map((target) => ({
          target,
          params: { store: 'credhub', place: `credhub:${target}` },
        })),
      },
      ...[LEAF, '/bosh/cf/b'].map((target) => ({
        remediation: 'renew',
        target,
        params: { store: 'credhub', place: `credhub:${target}` },
      })),
    ]);
  });

  test('nothing is regenerated while something trusts only the old version', () => {
    const [finding] = findingsOf({
      managed: [used({ contents: bothContents }), leaf('old key')],
      places: trustFile('api/0', '/ca.crt', [oldCa]),
    });
    expect(finding?.summary).toMatch(
      /^api\/0 trusts only the old version .* deploy before any certificate is regenerated$/,
    );
    expect(finding?.offers).toBeUndefined();
  });

  test('without its content, the old version may have signed a certificate', () => {
    const [finding] = findingsOf({ managed: [used(), leaf(undefined)] });
    expect(finding).toMatchObject({ severity: 'warning', reason: 'rotation-in-progress' });
    expect(finding?.summary).toContain('1 certificate may still be signed by the old version');
    expect(boxesOf(finding)).toContain('?');
  });

  test('an assumption is never critical, a signature is', () => {
    const ends = '2026-11-29T00:00:00Z';
    const ca = authority(CA, [
      { id: 'new', until: LATER },
      { id: 'old', until: ends, transitional: true },
    ]);
    expect(findingsOf({ managed: [ca, leaf(undefined)] })[0]?.severity).toBe('warning');
    const late = signedCertificate('ca', ends, { issuer: 'ca', key: 'old key', signedWith: 'old key' });
    const contents = [
      content('leaf-1', 'leaf', '2027-11-15', { issuer: 'ca', signedWith: 'old key' }, [late]),
    ];
    const own = { ...leaf('old key'), contents };
    expect(findingsOf({ managed: [ca, own] })[0]?.severity).toBe('critical');
  });

  test('what a director still uses is deployed first', () => {
    const managed = [used({ contents: bothContents }), leaf('new key')];
    const behind = { version: 'leaf-0', until: '2026-11-28T00:00:00Z' };
    const [finding] = findingsOf({ managed, directors: [director('cf', { [CA]: 'new', [LEAF]: behind })] });
    expect(finding).toMatchObject({ severity: 'critical', reason: 'rotation-in-progress' });
    expect(stepsOf(finding).at(-3)).toContain('cf still uses an older version');
  });

  test('a director that could not be read has not deployed anything for certain', () => {
    const managed = [used({ contents: bothContents }), leaf('new key')];
    const directors = [director('cf', { [CA]: 'new', [LEAF]: 'leaf-1' })];
    expect(brief(findingsOf({ managed, directors }))).toEqual([`info rotation-unfinished ${CA}`]);
    const [unread] = findingsOf({ managed, directors, unreadDirectors: ['bosh-2'] });
    expect(unread).toMatchObject({ severity: 'warning', reason: 'rotation-in-progress' });
    expect(brief(findingsOf({ managed }))).toEqual([`warning rotation-in-progress ${CA}`]);
  });

  test('an earlier run that saw a step done does not make it done now', () => {
    const [finding] = findingsOf({
      managed: [used({ contents: bothContents }), leaf('new key')],
      earlier: [
        {
          at: NOW,
          rotation: `credhub:${CA}`,
          version: 'new',
          done: [{ step: 'deploy', since: '2026-11-20T00:00:00.000Z' }],
        },
      ],
    });
    expect(stepsOf(finding).at(-3)).toMatch(/^\[\?\] 1 .*An earlier run saw it done on 2026-11-20/);
  });

  test('an authority below it is rotated as transitional, and has no button with the leaves', () => {
    const below = inCredHub('/bosh/cf/below', [{ id: 'b1', until: '2027-11-15', authority: true }], {
      signedBy: CA,
      contents: [
        content('b1', 'below', '2027-11-15', { issuer: 'ca', key: 'below key', signedWith: 'old key' }, [
          oldCa,
        ]),
      ],
    });
    const findings = findingsOf({ managed: [used({ contents: bothContents }), below] });
    expect(brief(findings)).toEqual(
      [`warning rotation-due /bosh/cf/below`, `warning rotation-in-progress ${CA}`].toSorted(),
    );
    expect(findings.find(({ target }) => target === CA)?.offers).toBeUndefined();
    expect(findings.find(({ target }) => target !== CA)?.offers).toEqual([
      {
        remediation: 'renew',
        params: { store: 'credhub', place: 'credhub:/bosh/cf/below', asTransitional: true },
      },
    ]);
  });
});

describe('before a rotation', () => {
  test('an authority that the former version of its parent signed ends with that version', () => {
    const { findings } = diagnose(stories.leftWithFormerParent.facts, ARGS, NOW);
    expect(brief(findings)).toEqual(['warning rotation-due /bosh/cf/diego_instance_identity_ca']);
    expect(findings[0]?.summary).toContain(
      'expires in 11 days, when the former version of /bosh/cf/application_ca that signed it does',
    );
    expect(stepsOf(findings[0]).map((step) => /: (\w+)/.exec(step)?.[1])).toEqual([
      'regenerate',
      'deploy',
      'make',
      'deploy',
      'clear',
      'deploy',
    ]);
    expect(findings[0]?.offers).toEqual([
      {
        remediation: 'renew',
        params: {
          store: 'credhub',
          place: 'credhub:/bosh/cf/diego_instance_identity_ca',
          asTransitional: true,
        },
      },
    ]);
  });

  test('an authority comes before what it signed, which has no button yet', () => {
    const ca = authority(CA, [{ id: 'old', until: SOON }]);
    const [finding, ...others] = findingsOf({ managed: [leaf(undefined, LEAF, '2026-12-01'), ca] });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      severity: 'critical',
      reason: 'rotation-due',
      target: CA,
      targets: [CA, LEAF],
    });
    expect(finding?.offers).toEqual([
      { remediation: 'renew', params: { store: 'credhub', place: `credhub:${CA}`, asTransitional: true } },
    ]);
  });

  test('a parent that ends is rotated before an authority that ends by itself', () => {
    const parent = authority('/bosh/cf/root', [{ id: 'r', until: SOON }]);
    const below = inCredHub(CA, [{ id: 'c', until: '2026-12-02', authority: true, selfSigned: false }], {
      signedBy: '/bosh/cf/root',
    });
    const findings = findingsOf({ managed: [below, parent] });
    expect(findings.map(({ target }) => target)).toEqual(['/bosh/cf/root', CA]);
    expect(findings[1]?.summary).toContain('rotate /bosh/cf/root first');
    expect(findings[1]?.offers).toBeUndefined();
  });

  test('certificates that end under an authority that does not are renewed and deployed', () => {
    const ca = authority(CA, [{ id: 'new', until: LATER }]);
    const [one] = findingsOf({ managed: [ca, leaf(undefined, LEAF, SOON)] });
    expect(one).toMatchObject({ severity: 'warning', reason: 'renewal-due', target: LEAF });
    expect(one?.offers).toEqual([
      { remediation: 'renew', params: { store: 'credhub', place: `credhub:${LEAF}` } },
    ]);
    const [two] = findingsOf({
      managed: [ca, leaf(undefined, LEAF, SOON), leaf(undefined, '/bosh/cf/b', SOON)],
    });
    expect(two).toMatchObject({ target: CA, targets: [LEAF, '/bosh/cf/b'] });
  });

  test('a certificate that was set by hand has no button', () => {
    const one = inCredHub(LEAF, [{ id: 'a', until: SOON, generated: false }], { renewedBy: 'person' });
    const { renewable: _, ...byHand } = one;
    const [finding] = findingsOf({ managed: [byHand] });
    expect(stepsOf(finding)[0]).toContain('Person: get a new certificate');
    expect(finding?.offers).toBeUndefined();
  });

  test('which version signed is asked if a former one ends, and no one knows', () => {
    const ca = authority(CA, [
      { id: 'new', until: LATER },
      { id: 'old', until: SOON },
    ]);
    expect(brief(findingsOf({ managed: [ca, leaf(undefined)] }))).toEqual([`warning signer-unknown ${LEAF}`]);
    expect(findingsOf({ managed: [{ ...ca, contents: bothContents }, leaf('new key')] })).toEqual([]);
    const [former] = findingsOf({ managed: [{ ...ca, contents: bothContents }, leaf('old key')] });
    expect(former).toMatchObject({ severity: 'warning', reason: 'signed-by-former-version', target: LEAF });
    expect(former?.offers).toHaveLength(1);
  });

  test('a deployment that uses an older version that ends is deployed', () => {
    const one = inCredHub(LEAF, [
      { id: 'b', until: LATER },
      { id: 'a', until: SOON },
    ]);
    const facts = {
      managed: [one],
      directors: [director('minio', { [LEAF]: { version: 'a', until: SOON } })],
    };
    expect(brief(findingsOf(facts))).toEqual(['warning renewal-not-deployed minio']);
    expect(findingsOf({ ...facts, directors: [director('minio', { [LEAF]: 'b' })] })).toEqual([]);
  });

  test('a certificate that kubeadm lists is renewed by it', () => {
    const { renewable: _, ...listed } = inCredHub('etcd-server', [{ id: '1', until: SOON }], {
      place: 'hosts:cp-1:/etc/kubernetes/pki/etcd/server.crt',
      renewedBy: 'person',
      procedure: { name: 'Certificate management with kubeadm' },
    });
    const [finding] = findingsOf({ managed: [listed] });
    expect(stepsOf(finding)).toEqual([
      expect.stringContaining('`kubeadm certs renew etcd-server`'),
      expect.stringContaining('restart the static pods'),
    ]);
  });

  test('Ops Manager and kubeadm are left to a person', () => {
    const { renewable: _, ...tile } = inCredHub('cf.properties.router', [{ id: '1', until: SOON }], {
      renewedBy: 'person',
      deployments: ['cf-23db'],
      procedure: { name: 'Rotate configurable certificates', url: 'https://example.com/rotate' },
    });
    const [finding] = findingsOf({ managed: [tile] });
    expect(finding?.offers).toBeUndefined();
    expect(stepsOf(finding).join('\n')).toMatch(
      /Person: follow Rotate configurable certificates[^]*Person: Apply Changes of cf-23db/,
    );
    const apiserver = signedCertificate('kube-apiserver', SOON, { issuer: 'kubernetes', signedWith: 'k' });
    const [renewal] = findingsOf({
      places: [
        {
          kind: 'seen',
          store: 'hosts',
          role: 'stored',
          host: 'cp-1',
          place: 'hosts:cp-1:/etc/kubernetes/pki/apiserver.crt',
          chain: [apiserver],
        },
      ],
    });
    expect(renewal?.offers).toBeUndefined();
    expect(stepsOf(renewal)[0]).toContain('`kubeadm certs renew apiserver` on cp-1');
    expect(stepsOf(renewal)[1]).toContain('restart the static pods');
  });
});

describe('what is stored without a manager', () => {
  test('the thirteen of one authority are renewed together, before they expire', () => {
    const { now, facts } = stories.threeWeeksBefore;
    const { findings } = diagnose(facts, ARGS, now);
    expect(brief(findings)).toEqual(['warning renewal-due issuer cf-internal-ca']);
    expect(findings[0]?.targets).toHaveLength(13);
    expect(findings[0]?.offers?.[0]).toMatchObject({
      remediation: 'renew',
      each: expect.objectContaining({ length: 13 }),
    });
  });

  test.each([
    ['at midnight, as public ones do, is reported', '2026-11-30T23:59:59Z', 2],
    ['in another second is the one that CredHub has', '2026-11-30T09:17:41Z', 1],
  ])('a served leaf that ends together with one of CredHub %s', (_, until, count) => {
    const findings = findingsOf({
      managed: [inCredHub(LEAF, [{ id: 'one', until }])],
      places: [servedAt('www.example.com:443', certificate('www', until))],
    });
    expect(findings).toHaveLength(count);
  });

  test('an authority in Vault comes first, with its key', () => {
    const ca = signedCertificate('internal', SOON, { issuer: 'internal', key: 'k', signedWith: 'k' });
    const [finding, ...others] = findingsOf({
      places: [
        inVault('secret/ca', ca),
        inVault('secret/a', signedCertificate('a', '2026-12-10', { issuer: 'internal', signedWith: 'k' })),
      ],
    });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      reason: 'rotation-due',
      target: 'secret/ca',
      targets: ['secret/ca', 'secret/a'],
    });
    expect(finding?.offers).toEqual([
      { remediation: 'renew', params: { store: 'vault', place: 'vault:secret/ca:certificate' } },
    ]);
  });

  test('a certificate that ends with what signed it is not renewed under the same authority', () => {
    const ca = signedCertificate('internal', SOON, { issuer: 'internal', key: 'k', signedWith: 'k' });
    const own = signedCertificate('a', LATER, { issuer: 'internal', signedWith: 'k' });
    const [finding] = findingsOf({ places: [inVault('secret/a', own, { trusts: [ca] })] });
    expect(finding).toMatchObject({ severity: 'warning', target: 'secret/a' });
    expect(finding?.summary).toContain('when internal, which signed it, does');
    expect(finding?.offers).toBeUndefined();
  });

  test('says how many have expired, and what expired with what signed it', () => {
    const ends = ['2026-11-25', '2026-11-26', '2026-12-10'];
    const places = ends.map((end, index) =>
      inVault(`secret/${index}`, signedCertificate(`${index}`, end, { issuer: 'internal', signedWith: 'k' })),
    );
    expect(findingsOf({ places })[0]?.summary).toBe(
      '2 of 3 certificates of CN=internal have expired, the first 36 hours ago; renew, then deploy',
    );
    const ca = signedCertificate('internal', '2026-11-25', {
      issuer: 'internal',
      key: 'k',
      signedWith: 'k',
    });
    const own = signedCertificate('a', LATER, { issuer: 'internal', signedWith: 'k' });
    const [finding] = findingsOf({ places: [inVault('secret/a', own, { trusts: [ca] })] });
    expect(finding?.summary).toContain('expired 36 hours ago, when internal, which signed it, did;');
  });

  test.each<[string, Partial<SurveyedPlace>, string]>([
    ['is a former version of a stored one', {}, 'other'],
    ['has the names and the issuer of a stored one', { history: [] }, 'rep'],
  ])('what is served and %s has been renewed, and needs a deploy', (_, more, name) => {
    const old = signedCertificate('rep', '2026-11-19', { issuer: 'internal', signedWith: 'k' });
    const fresh = signedCertificate(name, LATER, { issuer: 'internal', signedWith: 'k' });
    const history = [{ id: '1', chain: [old] as const, trusts: [] }];
    const places = [inVault('secret/rep', fresh, { history, ...more }), servedAt('rep:1801', old)];
    const [finding, ...others] = findingsOf({ places });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      reason: 'renewal-not-deployed',
      severity: 'critical',
      target: 'secret/rep',
      summary:
        'secret/rep is renewed, but rep:1801 still has the former certificate, which expired 7 days ago: deploy it. `/certs drift` shows how',
    });
    expect(JSON.stringify(finding?.evidence)).toContain('Renewed: stored in vault:secret/rep');
    expect(finding?.offers).toBeUndefined();
  });

  test.each<[string, ports.Certificate]>([
    ['another issuer signed', signedCertificate('rep', LATER, { issuer: 'public', signedWith: 'other' })],
    ['ends earlier', signedCertificate('rep', '2026-11-18', { issuer: 'internal', signedWith: 'k' })],
  ])('what is served is not renewed by one of the same name that %s', (_, stored) => {
    const old = signedCertificate('rep', '2026-11-19', { issuer: 'internal', signedWith: 'k' });
    const findings = findingsOf({ places: [inVault('secret/rep', stored), servedAt('rep:1801', old)] });
    expect(findings.map(({ reason }) => reason)).not.toContain('renewal-not-deployed');
  });

  test('one certificate at several places is one rotation', () => {
    const own = certificate('www.example.com', SOON);
    expect(
      findingsOf({ places: [inVault('secret/www', own), servedAt('www.example.com:443', own)] }),
    ).toHaveLength(1);
  });

  test('a short-lived certificate is renewed on schedule', () => {
    const own = signedCertificate('a', '2026-12-20', { signedWith: 'k', notBefore: new Date('2026-11-10') });
    expect(findingsOf({ places: [inVault('secret/a', own)] })).toEqual([]);
  });
});

test('what can be renewed from here is measured, which shows that a step was taken', () => {
  const left = (facts: Partial<Facts>) =>
    diagnose(factsOf(facts), ARGS, NOW).measures?.find(({ unit }) => unit === 'open')?.value;
  const due = authority(CA, [{ id: 'old', until: SOON }], { renewable: true });
  const leaves = ['one', 'two'].map((name) =>
    inCredHub(`/bosh/cf/${name}`, [{ id: name, until: SOON }], { renewable: true }),
  );
  expect(left({ managed: [due, ...leaves] })).toBe(3);
  expect(left({ managed: [used({ renewable: true })] })).toBe(0);
  expect(left({})).toBe(0);
});

test('without anything due, the verdict says among how many', () => {
  const { verdict, findings, examined } = diagnose(stories.nothingDue.facts, ARGS, NOW);
  expect(findings).toEqual([]);
  expect([verdict, examined]).toEqual(['No rotation is due within 60 days among 2 certificates', 2]);
});

test('--match keeps a rotation by its authority or by what it signed', () => {
  const { facts } = stories.hiddenByTransitional;
  expect(diagnose(facts, { ...ARGS, match: 'bbs' }, NOW).findings).toHaveLength(1);
  expect(diagnose(facts, { ...ARGS, match: 'uaa' }, NOW).findings).toEqual([]);
});

describe('bad input', () => {
  test('a transitional version that is listed twice is one', () => {
    const ca = trusted();
    const twice = { ...ca, versions: [ca.versions[0]!, ...ca.versions] };
    expect(JSON.stringify(findingsOf({ managed: [twice] }))).not.toContain('Flags');
  });

  test('two transitional versions are reported, and neither is in use', () => {
    const ca = authority(CA, [
      { id: 'a', until: LATER, transitional: true },
      { id: 'b', until: LATER, transitional: true },
      { id: 'old', until: SOON },
    ]);
    const [finding] = findingsOf({ managed: [ca] });
    expect(finding).toMatchObject({ severity: 'warning', reason: 'rotation-in-progress' });
    expect(JSON.stringify(finding)).toContain('2 versions are transitional');
    const none = authority(CA, [{ id: 'a', until: LATER, transitional: true }]);
    expect(findingsOf({ managed: [none] })[0]?.summary).toContain('has no version in use');
  });

  test('an authority of an old server, which does not say what is one, is rotated as transitional', () => {
    const {
      authority: _,
      selfSigned: __,
      ...version
    } = authority(CA, [{ id: 'old', until: SOON }]).versions[0]!;
    const old = { ...authority(CA, []), versions: [version] };
    expect(findingsOf({ managed: [old] })[0]?.offers).toMatchObject([{ params: { asTransitional: true } }]);
  });

  test('names differ in case, as CredHub allows', () => {
    const one = { ...leaf(undefined), signedBy: '/BOSH/cf/Ca' };
    const [finding] = findingsOf({
      managed: [trusted(), one],
      directors: [director('cf', { '/bosh/CF/leaf': 'leaf-1' })],
    });
    expect(finding?.targets).toEqual([CA, LEAF]);
  });

  test('authorities that sign each other, or themselves under two names, end', () => {
    const a = inCredHub('/a', [{ id: '1', until: SOON, authority: true, selfSigned: false }], {
      signedBy: '/b',
    });
    const b = inCredHub('/b', [{ id: '2', until: SOON, authority: true, selfSigned: false }], {
      signedBy: '/a',
    });
    expect(brief(findingsOf({ managed: [a, b] }))).toHaveLength(2);
    const x = signedCertificate('x', SOON, { issuer: 'y', subject: 'CN=x', key: 'x', signedWith: 'y' });
    const y = signedCertificate('y', SOON, { issuer: 'x', subject: 'CN=y', key: 'y', signedWith: 'x' });
    expect(findingsOf({ places: [inVault('secret/x', x), inVault('secret/y', y)] })).toHaveLength(2);
  });

  test('a certificate that was never issued, and one without an end, stop nothing', () => {
    const managed = [
      authority(CA, []),
      inCredHub(LEAF, [{ id: 'a' }], { signedBy: CA }),
      leaf(undefined, '/bosh/cf/b', SOON),
    ];
    expect(brief(findingsOf({ managed }))).toContain('warning renewal-due /bosh/cf/b');
  });

  test('the same name in two stores is told apart by the store', () => {
    const other = { ...trusted(), store: 'other', place: `other:${CA}` };
    expect(
      findingsOf({ managed: [trusted(), other] })
        .map(({ target }) => target)
        .toSorted(),
    ).toEqual([`credhub:${CA}`, `other:${CA}`]);
  });

  test('20,000 certificates of one authority are one rotation', { timeout: 60_000 }, () => {
    const managed = [
      used(),
      ...Array.from({ length: 20_000 }, (_, at) => leaf(undefined, `/bosh/cf/leaf-${at}`)),
    ];
    const [finding, ...others] = findingsOf({ managed });
    expect([finding?.targets?.length, others.length]).toEqual([20_001, 0]);
  });
});

describe('a former version that is still served', () => {
  const former = certificate('cell', '2026-11-19T09:00:00Z', { notBefore: new Date('2025-11-19T09:00:00Z') });
  const renewed = certificate('cell', '2027-11-25T09:00:00Z', {
    fingerprint: 'f'.repeat(64),
    notBefore: new Date('2026-11-25T09:00:00Z'),
  });

  test.each([
    ['in the history', { history: [{ id: '1', chain: [former] as const, trusts: [] }] }],
    ['with the same names and issuer', {}],
  ])('is renewed already: by what the store has %s', (_, known) => {
    const [finding, ...others] = findingsOf({
      places: [{ ...inVault('secret/cf/cell/rep', renewed), ...known }, servedAt('10.0.32.22:1801', former)],
    });
    expect(brief([finding!, ...others])).toEqual(['critical renewal-not-deployed secret/cf/cell/rep']);
    expect(finding?.summary).toContain('`/certs drift`');
    expect(finding?.summary).not.toContain('stored nowhere');
    expect(stepsOf(finding)[0]).toBe('[x] Renewed: stored in vault:secret/cf/cell/rep:certificate');
    expect(finding).not.toHaveProperty('offers');
  });

  test('that is newer than the stored one is renewed where it is issued', () => {
    const old = certificate('cell', '2026-11-01T09:00:00Z', {
      fingerprint: 'e'.repeat(64),
      notBefore: new Date('2024-11-19T09:00:00Z'),
    });
    const findings = findingsOf({
      places: [inVault('secret/cf/cell/rep', old), servedAt('10.0.32.22:1801', former)],
    });
    expect(findings.find(({ target }) => target === '10.0.32.22:1801')?.summary).toContain('stored nowhere');
  });
});
describe('a rotation that went another way', () => {
  const renewed = leaf('new key');
  const former = content('leaf-0', 'leaf', '2027-06-15T10:00:00Z', { issuer: 'ca', signedWith: 'old key' });
  const withFormer = inCredHub(
    LEAF,
    [
      { id: 'leaf-1', until: '2027-11-15T10:00:00Z' },
      { id: 'leaf-0', until: '2027-06-15T10:00:00Z' },
    ],
    {
      signedBy: CA,
      contents: [...renewed.contents, former],
    },
  );
  const deployed = director('cf', { [CA]: 'new', [LEAF]: 'leaf-1' });

  test('a site that still serves what the old version signed holds back its end', () => {
    const [served] = findingsOf({
      managed: [used({ contents: bothContents }), withFormer],
      directors: [deployed],
      places: [{ ...servedAt('10.0.16.9:443', former.chain[0]), host: 'router/0' }],
    });
    expect(served).toMatchObject({ severity: 'warning', reason: 'rotation-in-progress' });
    expect(served?.summary).toContain(
      'router/0 (10.0.16.9:443) still serves a certificate signed by the old version',
    );
    expect(boxesOf(served)).toBe('xxx   ');
  });

  test('once every site serves the new one, only the flag is left', () => {
    const [done] = findingsOf({
      managed: [used({ contents: bothContents }), withFormer],
      directors: [deployed],
      places: [servedAt('10.0.16.9:443', renewed.contents[0]!.chain[0])],
    });
    expect(done).toMatchObject({ severity: 'info', reason: 'rotation-unfinished' });
  });

  test('the older of two rotations is finished first, and the flag then stays with the newest version', () => {
    const twice = authority(
      CA,
      [
        { id: 'newest', until: '2032-11-10T10:00:00Z', transitional: true },
        { id: 'new', until: LATER },
        { id: 'old', until: SOON, transitional: true },
      ],
      { contents: bothContents },
    );
    const [finding] = findingsOf({ managed: [twice, leaf('old key')] });
    expect(finding?.summary).toMatch(
      /^1 certificate is still signed by the old version of .* which expires in 19 days; regenerate it$/,
    );
    expect(finding?.offers).toHaveLength(1);
    expect(stepsOf(finding).join('\n')).toMatch(
      /leave only the newest version transitional: .*\{"version":"newest"\}/,
    );
    expect(stepsOf(finding).join('\n')).not.toContain('{"version":null}');
  });

  test('a transitional version that ends first is replaced, and its flag is neither moved nor cleared', () => {
    const short = authority(CA, [
      { id: 'short', until: '2026-12-02T12:00:00Z', transitional: true },
      { id: 'long', until: '2027-01-05T12:00:00Z' },
    ]);
    const [finding] = findingsOf({ managed: [short] });
    expect(finding).toMatchObject({ severity: 'warning' });
    expect(finding?.summary).toMatch(
      /expires in 40 days, and its new version, which is only transitional, expires in 6 days/,
    );
    expect(stepsOf(finding)[0]).toMatch(
      /^\[ \] 1 Person: delete the transitional version: `credhub curl -X DELETE .*\/versions\/short`/,
    );
    expect(stepsOf(finding)[1]).toContain('regenerate it as transitional');
  });

  test('an authority without a version in use needs its flag cleared, and nothing else first', () => {
    const [finding] = findingsOf({
      managed: [authority(CA, [{ id: 'only', until: LATER, transitional: true }])],
    });
    expect(finding).toMatchObject({ severity: 'warning' });
    expect(boxesOf(finding)).toBe('x  ');
  });

  const FILE = '/var/vcap/jobs/gorouter/config/certs/ca.crt';
  const stranger = signedCertificate('ca', LATER, {
    issuer: 'ca',
    key: 'another key',
    signedWith: 'another key',
  });

  test.each([
    [
      'only the new one',
      [newCa],
      'api/1 trusts only the new one, and rejects what the old one signed',
      'Only the new one: api/1',
    ],
    ['another one of this name', [stranger], 'api/1 trusts another authority of this name', 'Neither: api/1'],
  ] as const)('the flag stays while one instance trusts %s', (_, trusts, summary, note) => {
    const [finding] = findingsOf({
      managed: [trusted({ contents: bothContents }), leaf('old key')],
      places: [...trustFile('api/0', FILE, [oldCa, newCa]), ...trustFile('api/1', FILE, trusts)],
    });
    expect(finding?.summary).toContain(summary);
    expect(stepsOf(finding)[1]).toMatch(new RegExp(`^\\[ \\] 1 Pipeline: deploy .*${note}$`));
  });

  test('an authority of the same name in another file is another authority', () => {
    const [finding] = findingsOf({
      managed: [trusted({ contents: bothContents }), leaf('old key')],
      places: [
        ...trustFile('api/0', FILE, [oldCa, newCa]),
        ...trustFile('db/0', '/var/vcap/jobs/db/ca.crt', [stranger]),
      ],
    });
    expect(finding?.summary).toContain('move the flag to the old version');
  });

  test('an instance that trusts only the old one rejects what is deployed', () => {
    const [finding] = findingsOf({
      managed: [used({ contents: bothContents }), renewed],
      directors: [deployed],
      places: trustFile('api/1', FILE, [oldCa]),
    });
    expect(finding?.summary).toMatch(
      /^api\/1 trusts only the old version .* and rejects what the new one signed; deploy$/,
    );
  });
});

describe('an authority that was regenerated without a transitional step', () => {
  const lasting = signedCertificate('ca', '2029-01-01T00:00:00Z', {
    issuer: 'ca',
    key: 'old key',
    signedWith: 'old key',
  });
  const contents = [
    { id: 'new', chain: [newCa] as const, trusts: [newCa] },
    { id: 'old', chain: [lasting] as const, trusts: [lasting] },
  ];
  const replaced = authority(
    CA,
    [
      { id: 'new', until: LATER },
      { id: 'old', until: '2029-01-01T00:00:00Z' },
    ],
    {
      contents,
    },
  );
  const FILE = '/var/vcap/jobs/svc/config/ca.crt';

  test('what it signed before is regenerated, however long the former version lasts', () => {
    const [finding] = findingsOf({ managed: [replaced, leaf('old key')] });
    expect(finding).toMatchObject({ severity: 'warning', reason: 'signed-by-former-version', target: LEAF });
    expect(finding?.summary).toMatch(
      /so what trusts only the present one rejects it; regenerate it before the next deploy$/,
    );
    expect(finding?.offers).toHaveLength(1);
  });

  test('is critical where it is served, and something trusts only the present version', () => {
    const old = leaf('old key');
    const [finding] = findingsOf({
      managed: [replaced, old],
      places: [...trustFile('svc/1', FILE, [newCa]), servedAt('10.0.0.5:8443', old.contents[0]!.chain[0])],
    });
    expect(finding).toMatchObject({ severity: 'critical' });
    expect(finding?.summary).toContain('svc/1 trusts only the present one');
  });

  test('nothing is due once everything is signed by the present version', () => {
    expect(findingsOf({ managed: [replaced, leaf('new key')] })).toEqual([]);
  });

  test('what a former version of an intermediate signed is still trusted with its root', () => {
    const root = authority('/bosh/cf/root', [{ id: 'root', until: LATER }]);
    const below = authority(
      CA,
      [
        { id: 'new', until: LATER, selfSigned: false },
        { id: 'old', until: '2029-01-01T00:00:00Z', selfSigned: false },
      ],
      {
        signedBy: '/bosh/cf/root',
        contents,
      },
    );
    expect(findingsOf({ managed: [root, below, leaf('old key')] })).toEqual([]);
  });
});

test('an authority whose key is kept elsewhere comes before what ends with it', () => {
  const ca = signedCertificate('kubernetes', '2026-12-16', {
    issuer: 'kubernetes',
    key: 'k',
    signedWith: 'k',
  });
  const api = signedCertificate('kube-apiserver', '2027-09-22', { issuer: 'kubernetes', signedWith: 'k' });
  const [finding, ...others] = findingsOf({
    places: [
      ...trustFile('cp-1', '/etc/kubernetes/pki/ca.crt', [ca]),
      {
        kind: 'seen',
        store: 'hosts',
        role: 'stored',
        host: 'cp-1',
        place: 'hosts:cp-1:/etc/kubernetes/pki/apiserver.crt',
        chain: [api],
        keyMatches: true,
      },
    ],
  });
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ severity: 'warning', reason: 'rotation-due' });
  expect(finding?.targets).toEqual([
    'cp-1:/etc/kubernetes/pki/ca.crt',
    'cp-1:/etc/kubernetes/pki/apiserver.crt',
  ]);
  expect(JSON.stringify(finding?.evidence)).not.toContain('kubeadm certs renew');
});

test('a root authority of Ops Manager is rotated by its procedure', () => {
  const root = signedCertificate('om', '2026-12-21', { issuer: 'om', key: 'om', signedWith: 'om' });
  const [finding] = findingsOf({
    places: [
      {
        kind: 'seen',
        store: 'opsman',
        role: 'stored',
        place: 'opsman:certificate_authorities/f7bc18f3',
        chain: [root],
      },
    ],
  });
  expect(finding?.summary).toMatch(
    /^The root authority om of Ops Manager .* expires in 24 days; rotate it by the procedure/,
  );
  expect(finding?.offers).toBeUndefined();
});
