import { expect, test } from 'vitest';
import { certificate, factsOf, inVault, live } from './builders.ts';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';
import { resolved } from './resolved.ts';
import * as stories from './stories.ts';

const NOW = new Date('2026-12-03T10:00:00Z');
const BBS = 'vault:secret/bbs:certificate';
const expired = (target: string) => ({ reason: 'certificate-expired', target });
const expiring = (target: string) => ({ reason: 'certificate-expiring', target });
const bbs = (from: string, until: string) => inVault('bbs', { name: 'bbs', from, until });
const OTHER = inVault('other', { name: 'other', from: '2026-01-01', until: '2030-01-01' });
const group = 'issuer CN=cf-ca, until 2026-12-05';
const ofGroup = (path: string, until: string) =>
  inVault(path, { name: path, from: '2026-01-01', until, issuer: 'cf-ca' });

test('a certificate that expired and is valid now was renewed', () => {
  const facts = factsOf([bbs('2026-12-02', '2027-03-03T09:00:00Z')]);

  expect(resolved(facts, expired(BBS), NOW)).toBe('renewed, now valid until 3 March 2027');
});

test('one that was about to expire was renewed only if it is a new one', () => {
  const renewed = factsOf([bbs('2026-12-02', '2027-03-03')]);
  const same = factsOf([bbs('2026-01-01', '2026-12-06')]);

  expect(resolved(renewed, expiring(BBS), NOW)).toBe('renewed, now valid until 3 March 2027');
  expect(resolved(same, expiring(BBS), NOW)).toBeUndefined();
});

test('one that has since expired was not renewed', () => {
  const facts = factsOf([bbs('2026-01-01', '2026-12-02')]);

  expect(resolved(facts, expiring(BBS), NOW)).toBe('it has expired since');
  expect(resolved(facts, expired(BBS), NOW)).toBeUndefined();
});

test('one whose replacement is also invalid was not renewed', () => {
  for (const replacement of [bbs('2026-12-10', '2027-12-10'), bbs('2027-01-01', '2026-12-31')])
    expect(resolved(factsOf([replacement]), expired(BBS), NOW)).toBeUndefined();
});

test('one that is absent is no longer there, and not renewed', () => {
  expect(resolved(factsOf([OTHER]), expired(BBS), NOW)).toBe('no longer there');
});

test('says nothing about a place in a source that showed nothing', () => {
  const facts = factsOf([
    live('www.example.com:443', [certificate({ name: 'a', from: '2026-01-01', until: '2030-01-01' })]),
  ]);

  expect(resolved(facts, expired(BBS), NOW)).toBeUndefined();
  expect(resolved(factsOf([]), expired(BBS), NOW)).toBeUndefined();
});

test('says nothing if not all places of a certificate are known', () => {
  const shared = (at: number) => ({ ...OTHER, place: `vault:secret/shared/${at}:certificate` });
  const facts = factsOf(Array.from({ length: 60 }, (_, at) => shared(at)));

  expect(resolved(facts, expired(BBS), NOW)).toBeUndefined();
});

test('an intermediate that is no longer served is no longer in the chain', () => {
  const leaf = certificate({ name: 'www', issuer: 'R10', from: '2026-11-01', until: '2027-01-30' });
  const facts = factsOf([live('www.example.com:443', [leaf])]);

  expect(resolved(facts, expired('edge:www.example.com:443 intermediate R3'), NOW)).toBe(
    'no longer in the chain',
  );
});

test('a certificate that was not valid yet is valid now', () => {
  const facts = factsOf([bbs('2026-12-03T09:00:00Z', '2027-03-03')]);

  expect(resolved(facts, { reason: 'certificate-not-yet-valid', target: BBS }, NOW)).toBe(
    'now valid until 3 March 2027',
  );
});

test('a group is renewed when none of its certificates is left', () => {
  const renewed = factsOf([ofGroup('a', '2027-12-05'), ofGroup('b', '2027-12-05')]);
  const one = factsOf([ofGroup('a', '2027-12-05'), ofGroup('b', '2026-12-05T07:00:00Z')]);

  expect(resolved(renewed, expiring(group), NOW)).toBe('all of them renewed or removed');
  expect(resolved(one, expiring(group), NOW)).toBeUndefined();
  expect(resolved(one, expiring(group), new Date('2026-12-06'))).toBe('they have expired since');
});

test('says nothing about findings that are not about dates', () => {
  expect(resolved(factsOf([OTHER]), { reason: 'weak-key', target: BBS }, NOW)).toBeUndefined();
});

test.each(Object.entries(stories))(
  'no problem in "%s" is reported as renewed or gone',
  (_, { facts, now }) => {
    const { findings } = diagnose(facts, check.args.parse({}), now);

    expect(
      findings.map((finding) => resolved(facts, finding, now)).filter((said) => said !== undefined),
    ).toEqual([]);
  },
);

test('a certificate that is found only because of the arguments does not count as renewed because it is valid', () => {
  const facts = factsOf([bbs('2026-01-01', '2027-02-01')]);
  const args = check.args.parse({ within: '365d', warningShare: '1' });
  const [finding] = diagnose(facts, args, NOW).findings;

  expect(finding).toMatchObject(expiring(BBS));
  expect(resolved(facts, expiring(BBS), NOW)).toBeUndefined();
});
