import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { certificate, factsOf, inVault, live } from './builders.ts';
import { check } from './check.ts';
import { diagnose } from './diagnose.ts';

const NOW = new Date('2026-02-20T07:00:00Z');

function order(...seen: readonly ports.SeenPlace[]): readonly string[] {
  return diagnose(factsOf(seen, NOW), check.args.parse({}), NOW).findings.map(({ target }) => target);
}

function site(name: string, until: string): ports.SeenPlace {
  return live(`${name}:443`, [certificate({ name, from: '2020-01-01', until, issuer: 'public' })]);
}

function secret(name: string, until: string): ports.SeenPlace {
  return inVault(name, { name, from: '2025-01-01', until, issuer: 'internal-ca', renewable: true });
}

test('one cause with many targets comes before sites that expired earlier', () => {
  expect(
    order(
      site('expired.test', '2021-01-01'),
      ...['a', 'b', 'c'].map((name) => secret(name, '2026-02-20T06:00:00Z')),
    ),
  ).toEqual(['issuer CN=internal-ca, until 2026-02-20', 'edge:expired.test:443']);
});

test('a stored certificate of a known component comes before sites and unknown ones that expired earlier', () => {
  expect(
    order(
      site('expired.test', '2021-01-01'),
      secret('other', '2026-02-19'),
      secret('bbs', '2026-02-20T06:00:00Z'),
    ),
  ).toEqual(['vault:secret/bbs:certificate', 'edge:expired.test:443', 'vault:secret/other:certificate']);
});

test('what has expired comes before what will expire, however much that affects', () => {
  expect(
    order(
      site('www.example.com', '2026-02-20T06:00:00Z'),
      ...['a', 'b', 'c'].map((name) => secret(name, '2026-02-21')),
    ),
  ).toEqual(['edge:www.example.com:443', 'issuer CN=internal-ca, until 2026-02-21']);
});

test('the most severe comes first, however little it affects', () => {
  expect(
    order(
      site('www.example.com', '2026-02-21'),
      ...['a', 'b', 'c'].map((name) => secret(name, '2026-03-10')),
    ),
  ).toEqual(['edge:www.example.com:443', 'issuer CN=internal-ca, until 2026-03-10']);
});
