import { expect, test } from 'vitest';
import { exactProof, isComplete, proofInWords } from './proof.ts';

const registered = (value: number) => ({ label: 'doppler_z2', value, unit: 'registered' });
const running = (value: number, of = 12) => ({ label: 'metron_agent', value, of, unit: 'running' });

test('shows what changed, and the totals that were reached', () => {
  expect(proofInWords([registered(0), running(0)], [registered(1), running(12)])).toBe(
    'doppler_z2: 0 -> 1 registered; metron_agent running on 12 of 12',
  );
});

test('rounds bytes unless the change would disappear; the exact proof keeps every digit', () => {
  const measured = (bytes: number, megabytes: number) => [
    { label: 'layers', value: bytes, unit: 'bytes' },
    { label: 'etcd database', value: megabytes, unit: 'MB' },
  ];
  const change = [measured(56_623_104, 2_149), measured(0, 210.7)] as const;
  expect(proofInWords(...change)).toBe('layers: 57 MB -> 0 B; etcd database: 2,149 -> 210.7 MB');
  expect(exactProof(...change)).toBe('layers: 56,623,104 -> 0 bytes; etcd database: 2,149 -> 210.7 MB');
  expect(proofInWords(measured(56_623_104, 1), measured(56_623_103, 1))).toBe(
    'layers: 56,623,104 -> 56,623,103 bytes',
  );
});

test('leaves out measures that did not change', () => {
  expect(proofInWords([registered(1), running(12)], [registered(1), running(12)])).toBe('');
});

test('leaves out measures without an earlier value, unless they have a total', () => {
  expect(proofInWords([], [registered(1), running(9)])).toBe('metron_agent running on 9 of 12');
});

test('complete if every measure with a total has reached it', () => {
  expect(isComplete([registered(0), running(12)])).toBe(true);
  expect(isComplete([running(11)])).toBe(false);
  expect(isComplete([])).toBe(true);
});
