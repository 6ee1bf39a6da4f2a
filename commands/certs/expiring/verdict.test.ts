import { expect, test } from 'vitest';
import { type VerdictInput, type Dated, verdictOf } from './verdict.ts';

const DAY_MS = 86_400_000;
const nothing: VerdictInput = {
  total: 41,
  placeCount: 41,
  dated: [],
  early: [],
  onSchedule: 0,
  unneeded: [],
  trusted: { total: 0, due: [] },
  problems: [],
  withinMs: 30 * DAY_MS,
};

function times(amount: number, is: Dated['is'], severity: Dated['severity'] = 'critical'): readonly Dated[] {
  return Array.from({ length: amount }, () => ({ is, severity, leftMs: 3 * DAY_MS }));
}

function problem(reason: string, severity: Dated['severity'], place: string, count = 1) {
  return { finding: { reason, severity, target: place, summary: 'x' }, at: { first: place, count } };
}

test.each<readonly [Partial<VerdictInput>, string]>([
  [{}, 'All 41 certificates are valid for more than 30 days'],
  [{ total: 1, placeCount: 1 }, '1 certificate is valid for more than 30 days'],
  [{ total: 1, placeCount: 10 }, '1 certificate found in 10 places is valid for more than 30 days'],
  [{ total: 2, placeCount: 2 }, 'Both certificates are valid for more than 30 days'],
  [{ total: 3, placeCount: 120 }, 'All 3 certificates found in 120 places are valid for more than 30 days'],
  [{ onSchedule: 2 }, 'No certificate is due: 2 of 41 expire within 30 days, on schedule'],
  [{ total: 1, onSchedule: 1 }, 'No certificate is due: 1 certificate expires within 30 days, on schedule'],
  [{ dated: times(1, 'expired') }, '1 of 41 certificates has expired'],
  [{ total: 3, dated: times(3, 'expired') }, 'All 3 certificates have expired'],
  [{ total: 2, dated: times(2, 'expired') }, 'Both certificates have expired'],
  [{ total: 1, dated: times(1, 'expired') }, '1 certificate has expired'],
  [
    { dated: [...times(3, 'expired'), ...times(2, 'expiring', 'warning')], onSchedule: 4 },
    '3 of 41 certificates have expired, 2 more expire within 30 days, 4 more on schedule',
  ],
  [{ dated: times(1, 'expiring') }, '1 of 41 certificates expires in 3 days'],
  [
    { dated: [...times(1, 'expiring'), ...times(4, 'expiring', 'warning')] },
    '5 of 41 certificates expire within 30 days, the first in 3 days',
  ],
  [{ dated: times(1, 'never-valid') }, '1 of 41 certificates can never be valid'],
  [
    { problems: [problem('key-mismatch', 'critical', 'disk:/etc/X.pem')] },
    'The private key does not match the certificate at disk:/etc/X.pem; all 41 certificates are valid',
  ],
  [
    { problems: [problem('chain-broken', 'critical', 'edge:Www.Example.com:443', 2)] },
    '2 sites serve a broken chain; all 41 certificates are valid',
  ],
  [
    {
      problems: [
        problem('name-mismatch', 'warning', 'edge:Www.Example.com:443'),
        problem('weak-key', 'info', 'disk:/a.pem'),
      ],
    },
    'Www.Example.com:443 serves a certificate for another name; 1 other problem; all 41 certificates are valid',
  ],
  [
    {
      dated: times(2, 'expiring', 'warning'),
      problems: [
        problem('key-mismatch', 'critical', 'disk:/etc/x.pem'),
        problem('self-signed', 'warning', 'edge:a:443'),
      ],
    },
    'The private key does not match the certificate at disk:/etc/x.pem; 2 of 41 certificates expire within 30 days; 1 other problem',
  ],
  [
    {
      dated: times(1, 'expired'),
      problems: [problem('key-mismatch', 'critical', 'disk:/etc/x.pem')],
    },
    '1 of 41 certificates has expired; the private key does not match the certificate at disk:/etc/x.pem',
  ],
  [
    { trusted: { total: 140, due: [{ is: 'expired', severity: 'critical' }] }, unneeded: ['expired'] },
    'All 41 certificates are valid for more than 30 days; 1 certificate that no chain needs has expired; 1 other problem',
  ],
  [
    { trusted: { total: 140, due: [] } },
    'All 41 certificates and 140 trusted roots are valid for more than 30 days',
  ],
])('%o reads %s', (counted, words) => {
  expect(verdictOf({ ...nothing, ...counted })).toBe(words);
});
