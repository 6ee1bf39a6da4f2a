import { expect, test } from 'vitest';
import { diagnose } from './diagnose.ts';
import { datesSwapped } from './stories.ts';

test('reports only the certificate whose dates are swapped', () => {
  const { examined, verdict, findings } = diagnose(datesSwapped.facts);

  expect(examined).toBe(2);
  expect(verdict).toBe('1 of 2 certificates end before they begin');
  expect(findings.map(({ severity, target }) => `${severity}: ${target}`)).toEqual([
    'warning: disk:/etc/ssl/swapped.pem',
  ]);
});

test('reports nothing for an empty store', () => {
  expect(diagnose({ certificates: [] }).findings).toEqual([]);
});
