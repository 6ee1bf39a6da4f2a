import { expect, test } from 'vitest';
import type { Finding } from '../../kit.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { certificate } from './builders.ts';
import { severalMatch, siteWithItsChain, suspectedLocket } from './stories.ts';

function fieldsOf(finding: Finding | undefined): Record<string, string> {
  const fields = (finding?.evidence ?? []).filter((one) => one.kind === 'field');
  return Object.fromEntries(fields.map(({ label, value }) => [label, value]));
}

test('shows a suspect in full, what is wrong with it first', () => {
  const { facts, now } = suspectedLocket;
  const { examined, verdict, findings } = diagnose(facts, {}, now);
  expect(examined).toBe(1);
  expect(verdict).toBe('The certificate locket.service.cf.internal expired 10 hours ago');
  expect(findings.map(({ severity, summary }) => `${severity}: ${summary}`)).toEqual([
    'critical: locket.service.cf.internal expired 10 hours ago',
    'info: locket.service.cf.internal expired 10 hours ago (vault:secret/bbs/locket/tls/cert:certificate and 1 other place)',
  ]);
  expect(fieldsOf(findings[1])).toMatchObject({
    Issuer: 'CN=cf-internal-ca',
    Valid: '2018-07-13 22:25 UTC to 2019-07-12 22:25 UTC',
    Key: 'rsa 4096 bits',
    Names: 'DNS:locket.service.cf.internal',
    'Private key beside it': 'belongs to it',
    Places: '2',
  });
});

test('shows a site with its handshake and the chain as served', () => {
  const { facts, now } = siteWithItsChain;
  const { verdict, findings } = diagnose(facts, {}, now);
  expect(verdict).toBe('The certificate www.example.com is good for 53 days, until 2021-11-18 00:00 UTC');
  expect(findings.map(({ reason }) => reason)).toEqual(['issuer-expires-first', 'certificate-shown']);
  expect(findings[0]?.summary).toBe(
    'www.example.com ends later than what signs it: R3, until 2021-09-29 19:21 UTC',
  );
  expect(fieldsOf(findings[1])).toMatchObject({
    Protocol: 'TLSv1.3',
    'OCSP answer': 'stapled',
    Name: 'matches',
  });
  const table = findings[1]?.evidence?.find((one) => one.kind === 'table');
  expect(table?.rows.map((row) => row.slice(0, 4))).toEqual([
    ['leaf', 'www.example.com', 'CN=R3', '2021-11-18 00:00 UTC'],
    ['1', 'R3', 'CN=DST Root CA X3', '2021-09-29 19:21 UTC'],
  ]);
});

test('where several match there is a list to choose from', () => {
  const { facts, now } = severalMatch;
  const { verdict, findings } = diagnose(facts, {}, now);
  expect(verdict).toBe('2 certificates match “cf-internal”: say which one');
  expect(findings).toHaveLength(1);
  expect(findings[0]?.evidence?.[0]).toMatchObject({
    kind: 'table',
    rows: [
      [
        'locket.service.cf.internal',
        'expired 10 hours ago',
        expect.any(String),
        'rsa 4096 bits',
        expect.any(String),
      ],
      [
        'cf-internal-ca',
        expect.stringMatching(/^is good for /),
        expect.any(String),
        'rsa 4096 bits',
        expect.any(String),
      ],
    ],
  });
});

test('nothing found is nothing examined: never all clear', () => {
  const facts: Facts = { what: 'x', exact: false, shown: [], matching: 0 };
  expect(diagnose(facts, {}, new Date('2026-01-01'))).toEqual({ examined: 0, verdict: '', findings: [] });
});

test('a certificate without an end never expires', () => {
  const device = certificate('device', 'ca', '2020-01-01', '9999-12-31T23:59:59Z');
  const seen = { kind: 'seen', place: 'disk:/d.pem', chain: [device] } as const;
  const facts: Facts = {
    what: 'device',
    exact: true,
    shown: [{ certificate: device, seen, places: [seen.place], placeCount: 1 }],
    matching: 1,
  };
  expect(diagnose(facts, {}, new Date('2026-01-01')).verdict).toBe('The certificate device never expires');
});
