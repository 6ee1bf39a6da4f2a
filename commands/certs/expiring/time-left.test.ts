import { expect, test } from 'vitest';
import { factsOf, inVault } from './builders.ts';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';

const NOW = new Date('2026-12-03T10:00:00Z');
const ofGroup = (path: string, until: string) =>
  inVault(path, { name: path, from: '2026-01-01', until, issuer: 'cf-ca' });
const ask = (...places: Parameters<typeof factsOf>[0]) =>
  diagnose(factsOf(places), check.args.parse({}), NOW);
const ending = (path: string, until: string) => inVault(path, { name: path, from: '2025-12-04', until });

test('the level of a finding is the number of days left, negative after it has expired', () => {
  const { findings } = ask(ending('a', '2026-12-06T11:00:00Z'), ending('b', '2026-12-01T11:00:00Z'));

  expect(findings.map(({ level }) => level)).toEqual([
    { value: -2, unit: 'days left' },
    { value: 3, unit: 'days left' },
  ]);
});

test('the level of a group is that of its first certificate', () => {
  const { findings } = ask(
    ofGroup('a', '2026-12-05T03:00:00Z'),
    ofGroup('b', '2026-12-05T10:00:00Z'),
    ofGroup('c', '2026-12-04T11:00:00Z'),
  );

  expect(findings).toMatchObject([{ level: { value: 1, unit: 'days left' } }]);
});

test('a chart counts certificates by time left', () => {
  const { charts } = ask(
    ending('a', '2026-12-01'),
    ending('b', '2026-12-06'),
    ending('c', '2026-12-20'),
    ending('d', '2027-02-20'),
    ending('e', '2030-01-01'),
    inVault('f', { name: 'f', from: '2027-01-01', until: '2030-01-01' }),
  );

  expect(charts).toMatchObject([
    {
      labels: ['expired', 'under 7 days', 'under 30 days', 'under 90 days', 'longer', 'not valid yet'],
      series: [{ values: [1, 1, 1, 1, 1, 1] }],
    },
  ]);
});

test('a few certificates, or many of one or two kinds, need no chart', () => {
  const alike = ['a', 'b', 'c', 'd', 'e', 'f'].map((path) => ending(path, '2030-01-01'));

  expect(ask(...alike.slice(0, 3), ending('x', '2026-12-01')).charts).toEqual([]);
  expect(ask(...alike).charts).toEqual([]);
  expect(ask(...alike, ending('x', '2026-12-01')).charts).toEqual([]);
});
