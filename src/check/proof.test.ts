import { expect, test } from 'vitest';
import { isComplete, proofInWords } from './proof.ts';

const registered = (value: number) => ({ label: 'doppler_z2', value, unit: 'registered' });
const running = (value: number, of = 12) => ({ label: 'metron_agent', value, of, unit: 'running' });

test('the proof says what changed, and what became whole', () => {
  expect(proofInWords([registered(0), running(0)], [registered(1), running(12)])).toBe(
    'doppler_z2: 0 -> 1 registered; metron_agent running on 12 of 12',
  );
});

test('what is as it was is not proof of anything', () => {
  expect(proofInWords([registered(1), running(12)], [registered(1), running(12)])).toBe('');
});

test('what was not measured before proves nothing by itself, but what should be whole is told', () => {
  expect(proofInWords([], [registered(1), running(9)])).toBe('metron_agent running on 9 of 12');
});

test('whole is every measure that has something to reach', () => {
  expect(isComplete([registered(0), running(12)])).toBe(true);
  expect(isComplete([running(11)])).toBe(false);
  expect(isComplete([])).toBe(true);
});
