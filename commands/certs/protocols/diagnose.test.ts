import { expect, test } from 'vitest';
import type { Negotiated } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { firefox74, noTls13 } from './stories.ts';

const www: Negotiated = {
  place: 'edge:www.example.com:443',
  servername: 'www.example.com',
  address: '203.0.113.7:443',
  protocol: 'TLSv1.3',
  legacyOnly: false,
};

function report(...handshakes: readonly Negotiated[]) {
  const { verdict, findings } = diagnose({ handshakes });
  return [verdict, ...findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`)];
}

test.each([
  [
    firefox74,
    [
      '1 of 3 live sites needs outdated TLS, 1 more is limited to TLS 1.2',
      'warning outdated-tls edge:health.example.gov:443',
      'info no-tls-13 edge:forms.example.gov:443',
    ],
  ],
  [noTls13, ['1 live site is limited to TLS 1.2', 'info no-tls-13 edge:ccrma.stanford.edu:443']],
])('$title', ({ facts }, expected) => {
  expect(report(...facts.handshakes)).toEqual(expected);
});

test('a site that negotiates TLS 1.3 is no finding', () => {
  expect(report(www)).toEqual(['1 live site negotiates TLS 1.3']);
});

test.each(['SSLv3', 'TLSv1', 'TLSv1.1'] as const)('%s is outdated', (protocol) => {
  expect(report({ ...www, protocol })[1]).toBe(`warning outdated-tls ${www.place}`);
});

test('a site that needs outdated algorithms is reported, whatever the protocol', () => {
  expect(report({ ...www, legacyOnly: true })[1]).toBe(`warning outdated-tls ${www.place}`);
});

test('reports the one of several addresses that has no TLS 1.3', () => {
  const old = {
    ...www,
    place: `${www.place} (203.0.113.8)`,
    address: '203.0.113.8:443',
    protocol: 'TLSv1.2',
  } as const;

  expect(report(www, old)).toEqual([
    '1 of 2 live sites is limited to TLS 1.2',
    `info no-tls-13 ${old.place}`,
  ]);
});

test('a site with two certificates is one site, judged by its worse handshake', () => {
  const rsa = { ...www, place: `${www.place} (RSA)`, protocol: 'TLSv1.2' } as const;

  expect(report(www, rsa)).toEqual(['1 live site is limited to TLS 1.2', `info no-tls-13 ${rsa.place}`]);
});
