import { expect, test } from 'vitest';
import { check } from './check.ts';
import { type Facts, groupPlaces } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { certificate, factsOf, inVault, live } from './builders.ts';
import * as stories from './stories.ts';

const DAY_MS = 86_400_000;

function ask(facts: Facts, now: Date, args: Record<string, string> = {}) {
  return diagnose(facts, check.args.parse(args), now);
}

test('names the 13 certificates behind "Downloading Failed", and no healthy one', () => {
  const { facts, now } = stories.downloadingFailed;

  const { examined, verdict, findings } = ask(facts, now);

  expect(examined).toBe(16);
  expect(verdict).toBe('13 of 16 certificates have expired');
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({
    reason: 'certificate-expired',
    severity: 'critical',
    target: 'issuer CN=cf-internal-ca, until 2019-07-12',
    summary:
      '13 certificates issued by cf-internal-ca expired together 10 hours ago; ' +
      'likely impact: cells lose their container network lease: new app instances do not start on them, and 5 more',
  });
  expect(findings[0]?.targets).toHaveLength(13);
  expect(findings[0]?.targets).toContain('vault:secret/bbs/locket/tls/cert:certificate');
});

test('lists where each of the 13 is and what likely stops working', () => {
  const { facts, now } = stories.downloadingFailed;
  const tables = ask(facts, now).findings[0]?.evidence?.filter((one) => one.kind === 'table') ?? [];
  expect(tables.map(({ columns }) => columns)).toEqual([
    ['Other likely impact', 'Certificates'],
    ['Certificate', 'Place'],
  ]);
  const [impacts, places] = tables;
  expect(impacts?.rows.map(([, count]) => count)).toEqual(['2', '2', '1', '4', '1']);
  expect(impacts?.rows.at(-1)?.[0]).toContain('logs');
  expect(places?.rows).toHaveLength(13);
  for (const row of places?.rows ?? []) expect(row.every((cell) => cell !== '')).toBe(true);
});

test('the finding of a single expired certificate names what likely stops working', () => {
  const facts = factsOf([
    inVault('cell/rep/tls', { name: 'rep client', from: '2018-07-13', until: '2019-07-12T22:25:49Z' }),
  ]);
  expect(ask(facts, new Date('2019-07-13T09:00:00Z')).findings[0]?.summary).toBe(
    'rep client expired 10 hours ago (vault:secret/cell/rep/tls:certificate); ' +
      'likely impact: the BBS and the cells cannot connect: pushes end in "Downloading Failed"',
  );
});

test('the report is clear the morning after', () => {
  const { facts, now } = stories.allGood;
  expect(ask(facts, now)).toMatchObject({
    examined: 13,
    verdict: 'All 13 certificates are valid for more than 30 days',
    findings: [],
  });
});

test('the number of expired certificates is measured, before and after a renewal', () => {
  const { facts, now } = stories.downloadingFailed;
  expect(ask(facts, now).measures?.[0]).toEqual({ label: 'certificates', value: 13, unit: 'expired' });
});

test('says which certificate on the path expires first: the intermediate, before the leaf', () => {
  const { facts, now } = stories.oldR3Served;
  expect(ask(facts, now).findings.map(({ severity, summary }) => `${severity}: ${summary}`)).toEqual([
    'critical: R3, the intermediate at www.example.com:443, expires in 4 days, 49 days before the leaf certificate',
  ]);
});

test('one expired intermediate at three sites is one finding that names them', () => {
  const { facts, now } = stories.addTrustExpired;
  const { verdict, findings } = ask(facts, now);
  expect(verdict).toBe('1 of 5 certificates has expired');
  expect(findings).toHaveLength(1);
  expect(findings[0]?.summary).toBe(
    'USERTrust RSA Certification Authority, the intermediate at 3 places (api.example.com:443, pay.example.com:443 and 1 more), ' +
      'expired 1 hour ago, 7 months before the leaf certificate',
  );
  expect(findings[0]?.evidence).toContainEqual({
    kind: 'table',
    columns: ['Place', 'Leaf certificate'],
    rows: [
      ['edge:api.example.com:443', 'api.example.com'],
      ['edge:pay.example.com:443', 'pay.example.com'],
      ['edge:www.example.com:443', 'www.example.com'],
    ],
  });
});

test('a site that serves both the expired and the new form of an issuer is healthy', () => {
  const issuer = { name: 'Cross', issuer: 'Root', authority: true };
  const facts = factsOf([
    live('a.example.com:443', [
      certificate({ name: 'a.example.com', from: '2026-01-01', until: '2027-01-01', issuer: 'Cross' }),
      certificate({ ...issuer, from: '2010-01-01', until: '2020-05-30' }),
      certificate({ ...issuer, from: '2020-01-01', until: '2038-01-01' }),
    ]),
  ]);

  const { verdict, findings } = ask(facts, new Date('2026-02-01'));

  expect(verdict).toBe(
    'Both certificates are valid for more than 30 days; 1 certificate that no chain needs has expired',
  );
  expect(findings.map(({ severity, summary }) => `${severity}: ${summary}`)).toEqual([
    "info: Cross, which the chain at a.example.com:443 doesn't need, expired 5 years ago: remove it",
  ]);
});

test('of two that expire on the same day, only the long-lived one is due', () => {
  const { facts, now } = stories.shortLives;
  const { verdict, findings } = ask(facts, now);
  expect(verdict).toBe('1 of 2 certificates expires within 30 days, 1 more on schedule');
  expect(findings.map(({ target, severity }) => `${severity} ${target}`)).toEqual([
    'warning edge:old.example.com:443',
  ]);
});

test('a certificate at 120 places is one finding with a count and a table of the first fifty', () => {
  const { facts, now } = stories.oneCertificateAtManyPlaces;
  const { findings } = ask(facts, now);
  expect(findings).toHaveLength(1);
  expect(findings[0]?.summary).toBe(
    '*.example.com expires in 12 days (disk:/etc/haproxy/wildcard.pem and 119 other places)',
  );
  const table = findings[0]?.evidence?.find(({ kind }) => kind === 'table');
  expect(table?.kind === 'table' && table.rows).toHaveLength(50);
  expect(findings[0]?.evidence).toContainEqual({
    kind: 'field',
    label: 'Places',
    value: '50 of 120 listed',
  });
});

test('a finding keeps its target whatever the order of the places', () => {
  const places = Array.from({ length: 200 }, (_, at) =>
    live(`site-${at}.example.com:443`, [
      certificate({ name: '*.example.com', from: '2025-02-01', until: '2026-03-05' }),
    ]),
  );
  const now = new Date('2026-02-20');
  const [forth] = ask(factsOf(places), now).findings;
  const [back] = ask(factsOf(places.toReversed()), now).findings;
  expect(back).toEqual(forth);
});

test('a renewed certificate has no finding, and one that was not renewed keeps its finding', () => {
  const at = (until: string) =>
    ask(factsOf([inVault('cf/uaa', { name: 'uaa', from: '2025-03-01', until })]), new Date('2026-02-20'))
      .findings;
  expect(at('2026-03-01').map(({ target }) => target)).toEqual(['vault:secret/cf/uaa:certificate']);
  expect(at('2027-03-01')).toEqual([]);
});

test('an authority comes before the leaf that it signs, even if the leaf is more urgent', () => {
  const { facts, now } = stories.authorityBeforeLeaf;
  const { findings } = ask(facts, now);
  expect(findings.map(({ target }) => target)).toEqual([
    'vault:secret/etcd/ca:certificate',
    'vault:secret/etcd/server/cert:certificate',
    'vault:secret/nats/tls/cert:certificate',
  ]);
  expect(findings[1]?.evidence).toContainEqual({
    kind: 'field',
    label: 'Renew first',
    value: 'etcdCA (vault:secret/etcd/ca:certificate)',
  });
});

test('authorities that sign each other do not cause an endless loop', () => {
  const facts = factsOf([
    inVault('a', { name: 'A', issuer: 'B', from: '2025-01-01', until: '2026-02-25', authority: true }),
    inVault('b', { name: 'B', issuer: 'A', from: '2025-01-01', until: '2026-02-24', authority: true }),
  ]);
  expect(ask(facts, new Date('2026-02-20')).findings).toHaveLength(2);
});

test('a certificate without expiry is never listed', () => {
  const facts = factsOf([
    inVault('device', { name: 'device', from: '2020-01-01', until: '9999-12-31T23:59:59Z' }),
  ]);
  expect(ask(facts, new Date('2026-02-20'), { within: '9000y', warningShare: '1' }).findings).toEqual([]);
});

test.each([
  [1 / 24 / 60, 'expired 1 minute ago'],
  [0.5, 'expired 12 hours ago'],
  [1.9, 'expired 45 hours ago'],
  [2, 'expired 2 days ago'],
  [99, 'expired 99 days ago'],
  [200, 'expired 6 months ago'],
  [1460, 'expired 4 years ago'],
])('%d days after its expiry: "%s"', (days, words) => {
  const until = new Date('2026-01-01T00:00:00Z');
  const facts = factsOf([inVault('x', { name: 'x', from: '2025-01-01', until: until.toISOString() })]);
  const [finding] = ask(facts, new Date(until.getTime() + days * DAY_MS)).findings;
  expect(finding?.summary).toContain(words);
});

test('two certificates of one place are two findings with different targets', () => {
  const leaf = (serial: string) =>
    live('lb.example.com:443', [
      certificate({ name: 'lb', from: '2025-01-01', until: '2026-01-01', serial }),
    ]);
  const { findings } = ask(factsOf([leaf('1'), leaf('2')]), new Date('2026-02-20'));
  expect(findings.map(({ target }) => target)).toEqual([
    'edge:lb.example.com:443',
    'edge:lb.example.com:443 (2)',
  ]);
});

test('20,000 self-signed authorities are judged fast', () => {
  const facts = factsOf(
    Array.from({ length: 20_000 }, (_, at) =>
      inVault(`cell/${at}`, {
        name: 'ca',
        issuer: 'ca',
        from: '2025-01-01',
        until: '2026-01-01',
        authority: true,
      }),
    ),
  );
  expect(ask(facts, new Date('2026-02-20')).findings).toHaveLength(20_000);
});

test('20,000 leaves of 20,000 authorities of one name are judged fast', () => {
  const facts = factsOf(
    Array.from({ length: 20_000 }, (_, at) => [
      inVault(`leaf/${at}`, { name: 'leaf', issuer: 'ca', from: '2025-01-01', until: '2026-01-01' }),
      inVault(`ca/${at}`, { name: 'ca', from: '2025-01-01', until: '2026-01-01', authority: true }),
    ]).flat(),
  );
  const { findings } = ask(facts, new Date('2026-02-20'));
  expect(findings).toHaveLength(20_001);
  expect(findings.at(-1)?.targets).toHaveLength(20_000);
});

test('thresholds can be set by arguments', () => {
  const facts = factsOf([inVault('x', { name: 'x', from: '2025-03-01', until: '2026-03-01' })]);
  const severity = (args: Record<string, string>) =>
    ask(facts, new Date('2026-02-20'), args).findings.map((one) => one.severity);
  expect(severity({})).toEqual(['warning']);
  expect(severity({ criticalDays: '10' })).toEqual(['critical']);
  expect(severity({ criticalDays: '10', criticalShare: '0.01' })).toEqual(['warning']);
  expect(severity({ within: '7d' })).toEqual([]);
  expect(severity({ warningDays: '3' })).toEqual(['info']);
});

const NOW = new Date('2026-02-20T07:00:00Z');

test('an expired cross-certificate next to a valid path is information, and is not to be renewed first', () => {
  const { facts, now } = stories.crossSignedBallast;
  const { verdict, findings } = ask(facts, now);
  expect(verdict).toBe(
    'All 3 certificates are valid for more than 30 days; 2 certificates that no chain needs have expired',
  );
  expect(findings.map(({ severity, summary }) => `${severity}: ${summary}`)).toEqual([
    "info: AddTrust External CA Root, which the chain at api.example.com:443 doesn't need, expired 32 days ago: remove it",
    "info: USERTrust RSA Certification Authority, which the chain at api.example.com:443 doesn't need, expired 32 days ago: remove it",
  ]);
  expect(JSON.stringify(findings)).not.toContain('Renew first');
});

test('the same cross-certificate on the path that clients take is critical', () => {
  const { facts, now } = stories.addTrustExpired;
  expect(ask(facts, now).findings.map(({ severity }) => severity)).toEqual(['critical']);
});

test('a root that clients are configured with and that has expired breaks every site under it', () => {
  const root = certificate({
    name: 'Internal Root',
    issuer: 'Internal Root',
    from: '2016-01-01',
    until: '2026-01-01',
    authority: true,
  });
  const leaf = certificate({ name: 'a', issuer: 'Internal Root', from: '2025-12-01', until: '2026-12-01' });
  const { findings } = ask(factsOf([{ ...live('a:443', [leaf]), path: [leaf, root] }], NOW), NOW);
  expect(findings.map(({ severity, summary }) => `${severity}: ${summary}`)).toEqual([
    'critical: Internal Root, the root at a:443, expired 50 days ago, 10 months before the leaf certificate',
  ]);
});

test('the verdict begins with a private key that does not match', () => {
  const { facts, now } = stories.keyMismatch;
  const { verdict, findings } = ask(facts, now);
  expect(verdict).toBe(
    'The private key does not match the certificate at disk:/etc/nginx/ssl/www.pem; all 3 certificates are valid',
  );
  expect(findings.map(({ reason }) => reason)).toEqual(['key-mismatch']);
});

test('certificates that end before they begin are one finding each, expired or not', () => {
  const { facts, now } = stories.truncatedByVault;
  const { verdict, findings, measures } = ask(facts, now);
  expect(verdict).toBe('1 of 2 certificates has expired, 1 more can never be valid');
  expect(findings.map(({ severity, reason, summary }) => `${severity} ${reason}: ${summary}`)).toEqual([
    'critical certificate-expired: ingress.example.com expired 13 days ago and was never valid: ' +
      'it ends 2025-05-01 00:00 UTC, before it begins 2025-05-14 08:00 UTC (edge:ingress.example.com:443)',
    'critical certificate-never-valid: next.example.com can never be valid: ' +
      'it ends 2025-12-01 00:00 UTC, before it begins 2026-01-01 00:00 UTC (vault:secret/pki/next:certificate)',
  ]);
  expect(measures?.[0]?.value).toBe(1);
});

test('one with inverted dates offers no renewal: it would be issued for the same time again', () => {
  const renewable = inVault('pki/x', {
    name: 'x',
    from: '2026-02-10',
    until: '2026-02-01',
    renewable: true,
  });
  const [finding] = ask(factsOf([renewable]), NOW).findings;
  expect(finding?.reason).toBe('certificate-expired');
  expect(finding).not.toHaveProperty('offers');
});

test.each([
  ['2026-02-20T07:00:30Z', 'becomes valid in less than a minute, at 2026-02-20 07:00 UTC'],
  ['2026-02-20T07:03:00Z', 'becomes valid in 3 minutes, at 2026-02-20 07:03 UTC'],
  ['2026-02-20T07:11:00Z', 'is not valid until 2026-02-20 07:11 UTC, in 11 minutes'],
  ['2026-03-20T07:00:00Z', 'is not valid until 2026-03-20 07:00 UTC, in 28 days'],
])('one that begins at %s: %s', (from, words) => {
  const early = { name: 'early', from, until: '2027-02-21' };
  const [served] = ask(factsOf([live('early:443', [certificate(early)])]), NOW).findings;
  expect(served?.severity).toBe('critical');
  expect(served?.summary).toContain(words);
  expect(served?.summary.includes('a clock is wrong')).toBe(words.startsWith('becomes'));
  const [stored] = ask(factsOf([inVault('early', early)]), NOW).findings;
  expect(stored?.severity).toBe('warning');
});

test('a certificate that is not yet valid and not needed in a chain is not critical', () => {
  const next = certificate({ name: 'Next CA', from: '2026-03-01', until: '2036-03-01', authority: true });
  const leaf = certificate({ name: 'a', from: '2025-12-01', until: '2026-12-01' });
  const kept: Facts = factsOf([
    live('a:443', [leaf, next]),
    { kind: 'seen', place: 'vault:secret/next:certificate', chain: [next] },
  ]);
  expect(ask(kept, NOW).findings.map(({ severity }) => severity)).toEqual(['warning']);
});

test('names keep their letters', () => {
  const known = { name: '*.Example.com', from: '2025-01-01', until: '2026-01-01' };
  const [finding] = ask(factsOf([live('Www.Example.com:443', [certificate(known)])]), NOW).findings;
  expect(finding?.summary).toBe('*.Example.com expired 50 days ago (edge:Www.Example.com:443)');
  expect(finding?.target).toBe('edge:Www.Example.com:443');
});

test('one certificate in ten places shows both numbers', () => {
  const grouper = groupPlaces(NOW);
  grouper.add(inVault('x', { name: 'x', from: '2025-12-01', until: '2026-12-01' }));
  for (let at = 0; at < 9; at++) grouper.addEmpty();
  expect(ask(grouper.close(), NOW).verdict).toBe(
    '1 certificate found in 10 places is valid for more than 30 days',
  );
});
