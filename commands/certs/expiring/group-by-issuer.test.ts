import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { certificate, factsOf, inVault, live } from './builders.ts';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';

const NOW = new Date('2026-02-20T07:00:00Z');
const ISSUED = { from: '2025-02-20', issuer: 'internal-ca' };

function ask(seen: readonly ports.SeenPlace[]) {
  return diagnose(factsOf(seen, NOW), check.args.parse({}), NOW);
}

/** Renewable certificates that expire at these times. */
function stored(...ends: readonly string[]): readonly ports.SeenPlace[] {
  return ends.map((until, at) =>
    inVault(`app-${at}`, { name: `app-${at}`, ...ISSUED, until, renewable: true }),
  );
}

function targetsOf(seen: readonly ports.SeenPlace[]): readonly string[] {
  return ask(seen).findings.map(({ target, targets }) => (targets ? `${target}: ${targets.length}` : target));
}

test('3 of one issuer that expire within a day are one finding, and the verdict counts each', () => {
  const { verdict, findings } = ask([
    ...stored('2026-02-24T08:00:00Z', '2026-02-25T07:00:00Z', '2026-02-24T09:00:00Z'),
    inVault('later', { name: 'later', from: '2026-01-01', until: '2027-01-01' }),
  ]);
  expect(verdict).toBe('3 of 4 certificates expire within 30 days, the first in 4 days');
  expect(findings).toEqual([
    {
      reason: 'certificate-expiring',
      severity: 'critical',
      target: 'issuer CN=internal-ca, until 2026-02-25',
      targets: [
        'vault:secret/app-0:certificate',
        'vault:secret/app-2:certificate',
        'vault:secret/app-1:certificate',
      ],
      summary:
        '3 certificates issued by internal-ca expire together, the first in 4 days (app-0, app-2 and 1 more)',
      level: { value: 4, unit: 'days left' },
      evidence: [
        {
          kind: 'table',
          columns: ['Certificate', 'Place', 'Expires'],
          rows: [
            ['app-0', 'vault:secret/app-0:certificate', '2026-02-24 08:00 UTC'],
            ['app-2', 'vault:secret/app-2:certificate', '2026-02-24 09:00 UTC'],
            ['app-1', 'vault:secret/app-1:certificate', '2026-02-25 07:00 UTC'],
          ],
        },
      ],
      offers: [
        {
          remediation: 'renew',
          each: [0, 2, 1].map((at) => ({
            target: `vault:secret/app-${at}:certificate`,
            params: { store: 'vault', place: `vault:secret/app-${at}:certificate` },
          })),
        },
        ...[0, 2, 1].map((at) => ({
          remediation: 'renew',
          params: { store: 'vault', place: `vault:secret/app-${at}:certificate` },
          target: `vault:secret/app-${at}:certificate`,
        })),
      ],
    },
  ]);
});

test('2 are two findings', () => {
  expect(ask(stored('2026-02-24', '2026-02-24')).findings.map(({ targets }) => targets)).toEqual([
    undefined,
    undefined,
  ]);
});

test('the day is measured from the first, so that daily certificates are not one endless group', () => {
  const daily = Array.from({ length: 9 }, (_, at) => `2026-02-2${at + 1}T08:00:00Z`);
  expect(targetsOf(stored(...daily, ...daily))).toEqual([
    'issuer CN=internal-ca, until 2026-02-22: 4',
    'issuer CN=internal-ca, until 2026-02-24: 4',
    'issuer CN=internal-ca, until 2026-02-26: 4',
    'issuer CN=internal-ca, until 2026-02-28: 4',
    'vault:secret/app-17:certificate',
    'vault:secret/app-8:certificate',
  ]);
});

test('expired and expiring certificates are separate groups', () => {
  const times = [
    '2026-02-20T06:00:00Z',
    '2026-02-20T05:00:00Z',
    '2026-02-20T08:00:00Z',
    '2026-02-20T09:00:00Z',
  ];
  expect(ask(stored(...times)).findings).toHaveLength(4);
});

test('certificates that expired at different times are not one group, even if they were issued together', () => {
  expect(ask(stored('2026-02-19', '2026-01-19', '2025-12-19')).findings).toHaveLength(3);
});

test('the group is as severe as its worst, and comes after the authority to renew first', () => {
  const [first, ...others] = ask([
    ...stored('2026-02-27T06:00:00Z', '2026-02-27T08:00:00Z', '2026-02-27T09:00:00Z'),
    inVault('ca', { name: 'internal-ca', from: '2016-03-01', until: '2026-03-02', authority: true }),
  ]).findings;
  expect(first?.target).toBe('vault:secret/ca:certificate');
  expect(others.map(({ severity, summary }) => `${severity}: ${summary}`)).toEqual([
    'critical: 3 certificates issued by internal-ca expire together, the first in 6 days (app-0, app-1 and 1 more)',
  ]);
  expect(others[0]?.evidence?.[0]).toEqual({
    kind: 'field',
    label: 'Renew first',
    value: 'internal-ca (vault:secret/ca:certificate)',
  });
});

test('those that cannot be renewed are a group of their own, without an offer', () => {
  const fixed = [0, 1, 2].map((at) =>
    inVault(`fixed-${at}`, { name: `fixed-${at}`, ...ISSUED, until: '2026-02-24' }),
  );
  expect(ask(fixed).findings[0]).not.toHaveProperty('offers');
  expect(targetsOf(fixed)).toEqual(['issuer CN=internal-ca, until 2026-02-24, not renewable here: 3']);
  expect(targetsOf([...stored('2026-02-24', '2026-02-24'), ...fixed])).toEqual([
    'issuer CN=internal-ca, until 2026-02-24, not renewable here: 3',
    'vault:secret/app-0:certificate',
    'vault:secret/app-1:certificate',
  ]);
  expect(targetsOf([...stored('2026-02-24', '2026-02-24', '2026-02-24'), ...fixed])).toEqual([
    'issuer CN=internal-ca, until 2026-02-24: 3',
    'issuer CN=internal-ca, until 2026-02-24, not renewable here: 3',
  ]);
});

test('sites, authorities, and certificates that can be renewed in several places are findings of their own', () => {
  const until = '2026-02-24';
  const sites = [0, 1, 2].map((at) =>
    live(`site-${at}.example.com:443`, [certificate({ name: `site-${at}`, ...ISSUED, until })]),
  );
  const authorities = [0, 1, 2].map((at) =>
    inVault(`ca-${at}`, { name: `ca-${at}`, ...ISSUED, until, authority: true, renewable: true }),
  );
  const copies = stored(until, until, until).flatMap((seen) => [
    seen,
    { ...seen, place: seen.place.replace('app', 'copy') },
  ]);
  for (const alike of [sites, authorities, copies]) {
    const { findings } = ask(alike);
    expect(findings).toHaveLength(3);
    expect(findings.filter(({ targets }) => targets)).toEqual([]);
  }
});

test('a renewed one leaves its group, and the others keep their targets', () => {
  const three = ask(stored('2026-02-24', '2026-02-24', '2026-02-24', '2026-02-24')).findings[0];
  const later = stored('2027-02-24', '2026-02-24', '2026-02-24', '2026-02-24');
  const [left] = ask(later).findings;
  expect(left?.target).toBe(three?.target);
  expect(left?.targets).toEqual(three?.targets?.slice(1));
  expect(targetsOf(stored('2027-02-24', '2027-02-24', '2026-02-24', '2026-02-24'))).toEqual(
    three?.targets?.slice(2),
  );
});

test('a group that ends after midnight keeps its target while those before midnight are renewed or expire', () => {
  const ends = ['T23:30:00Z', 'T23:50:00Z'].map((time) => `2026-02-24${time}`);
  const after = ['T00:10:00Z', 'T00:20:00Z', 'T00:30:00Z'].map((time) => `2026-02-25${time}`);
  const later = ends.map((end) => end.replace('2026', '2027'));
  const renewed = targetsOf(stored(...later, ...after));
  const expired = diagnose(
    factsOf(stored(...ends, ...after), NOW),
    check.args.parse({}),
    new Date('2026-02-25T00:00:00Z'),
  ).findings.map(({ target }) => target);
  expect(targetsOf(stored(...ends, ...after))).toEqual(['issuer CN=internal-ca, until 2026-02-25: 5']);
  expect(renewed).toEqual(['issuer CN=internal-ca, until 2026-02-25: 3']);
  expect(expired).toContain('issuer CN=internal-ca, until 2026-02-25');
});

test('those that cannot be renewed keep their target when the others of their issuer are', () => {
  const fixed = [0, 1, 2].map((at) =>
    inVault(`fixed-${at}`, { name: `fixed-${at}`, ...ISSUED, until: '2026-02-24' }),
  );
  const before = targetsOf([...stored('2026-02-24', '2026-02-24', '2026-02-24'), ...fixed]);
  const after = targetsOf([...stored('2027-02-24', '2027-02-24', '2027-02-24'), ...fixed]);
  expect(after).toEqual(before.slice(1));
});

test('a group also names the other places of its certificates', () => {
  const [first, ...others] = stored('2026-02-24', '2026-02-24', '2026-02-24');
  const served = live('app.example.com:443', first!.chain);
  const [finding] = ask([first!, ...others, served]).findings;
  expect(finding?.targets?.[0]).toBe('vault:secret/app-0:certificate');
  expect(finding?.evidence?.at(-1)).toMatchObject({
    columns: ['Certificate', 'Place', 'Other places'],
    rows: [
      ['app-0', 'vault:secret/app-0:certificate', 'edge:app.example.com:443'],
      ['app-1', expect.any(String), ''],
      ['app-2', expect.any(String), ''],
    ],
  });
});

test('renewing all of them in the store leaves no target of the group, although one is still served', () => {
  const before = stored('2026-02-24', '2026-02-24', '2026-02-24');
  const served = live('app.example.com:443', before[0]!.chain);
  const [group] = ask([...before, served]).findings;
  const after = ask([...stored('2027-02-24', '2027-02-24', '2027-02-24'), served]).findings;
  expect(group?.targets).toHaveLength(3);
  expect(after.map(({ target }) => target)).toEqual(['edge:app.example.com:443']);
  expect(after[0]).toMatchObject({
    summary: expect.stringContaining('vault:secret/app-0:certificate has a newer one'),
    next: [{ check: 'certs/drift', args: {} }],
  });
  expect(after[0]).not.toHaveProperty('offers');
});
