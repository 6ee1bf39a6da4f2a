import { expect, test } from 'vitest';
import { check } from './check.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { certificate, factsOf, live } from './builders.ts';
import { siteProblems } from './stories.ts';

function ask(facts: Facts, now: Date) {
  return diagnose(facts, check.args.parse({}), now);
}

test('each problem of a live site is a separate finding', () => {
  const { facts, now } = siteProblems;
  const { verdict, findings } = ask(facts, now);
  expect(verdict).toBe(
    '1 of 10 certificates is not valid yet; the private key does not match the certificate at vault:secret/shop/tls:certificate; ' +
      'broken.example.com:443 serves a broken chain; 7 other problems',
  );
  expect(findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`)).toEqual([
    'critical chain-broken edge:broken.example.com:443',
    'critical key-mismatch vault:secret/shop/tls:certificate',
    'critical certificate-not-yet-valid edge:early.example.com:443',
    'warning self-signed edge:appliance.example.com:8443',
    'warning legacy-protocol edge:old.example.com:443',
    'warning must-staple-without-staple edge:staple.example.com:443',
    'warning weak-key edge:weak.example.com:443',
    'warning weak-signature edge:weak.example.com:443',
    'warning name-mismatch edge:wrong.example.com:443',
    'warning chain-incomplete issuer CN=Example Issuing CA',
  ]);
});

test('a private root that the source does not trust is one finding, not one per site', () => {
  const now = new Date('2026-02-20');
  const site = (name: string) =>
    live(
      `${name}.internal:8443`,
      [certificate({ name, issuer: 'Internal Root', from: '2025-12-01', until: '2026-12-01' })],
      {
        path: 'incomplete',
      },
    );
  const { verdict, findings } = ask(factsOf(['bbs', 'rep', 'uaa'].map(site)), now);
  expect(verdict).toBe('3 sites serve an incomplete chain; all 3 certificates are valid');
  expect(findings.map(({ target, summary }) => `${target}: ${summary}`)).toEqual([
    expect.stringMatching(
      /^issuer CN=Internal Root: 3 places \(bbs.internal:8443, rep.internal:8443 and 1 more\): incomplete chain: its last issuer is neither served nor/,
    ),
  ]);
});

test('a certificate with a CN only is distinguished from one for another name', () => {
  const leaf = certificate({ name: 'bbs', from: '2025-12-01', until: '2026-12-01' });
  const facts = factsOf([live('bbs:8889', [{ ...leaf, alternativeNames: [] }], { nameMatches: false })]);
  const { findings, verdict } = ask(facts, new Date('2026-02-20'));
  expect(findings.map(({ reason }) => reason)).toEqual(['no-alternative-name']);
  expect(findings[0]?.summary).toContain('has no subject alternative name, only the CN bbs');
  expect(verdict).toBe(
    'bbs:8889 serves a certificate that has no subject alternative name; the certificate is valid',
  );
});

test('a required client certificate is not a finding, but is shown with other findings', () => {
  const shown = { clientCertificateRequired: true, nameMatches: false };
  const leaf = certificate({ name: 'bbs.service.cf.internal', from: '2025-12-01', until: '2026-12-01' });
  const [finding] = ask(factsOf([live('10.0.0.5:8889', [leaf], shown)]), new Date('2026-02-20')).findings;
  expect(finding?.reason).toBe('name-mismatch');
  expect(JSON.stringify(finding?.evidence)).toContain('client certificate required');
});

test('a weak key that is only stored is information, and signatures of roots are not judged', () => {
  const weak = certificate({ name: 'old', from: '2025-12-01', until: '2026-12-01' });
  const root = certificate({
    name: 'root',
    issuer: 'root',
    from: '2016-01-01',
    until: '2036-01-01',
    authority: true,
  });
  const facts = factsOf([
    { kind: 'seen', place: 'disk:/a.pem', chain: [{ ...weak, key: { type: 'rsa', bits: 1024 } }] },
    { kind: 'seen', place: 'disk:/r.pem', chain: [{ ...root, signature: 'sha1WithRSAEncryption' }] },
  ]);
  expect(ask(facts, new Date('2026-02-20')).findings.map((one) => `${one.severity} ${one.reason}`)).toEqual([
    'info weak-key',
  ]);
});
