import { expect, test } from 'vitest';
import { saidBefore, unsaid, unsaidClauses } from './unsaid.ts';

const VERDICT =
  'doppler_z2/0 is running but not registered; the other 2 are. metron_agent is down on 12 of 12 VMs';

test.each([
  ['metron_agent is down on 12 of 12 VMs', ''],
  ["doppler_z2/0 is running but not registered: clients can't find it", "Clients can't find it"],
  ['metron_agent is down on 12 of 12 VMs; see its log. Then restart it', 'See its log. Then restart it'],
  ['doppler_z2/0 is running but not registered; the other 2 are. metron_agent waits', 'metron_agent waits'],
  ['Metron_agent is down on 12 of 12 VMs: see its log', 'See its log'],
  ['metron_agent is down on 12 of 12 VMs (api/0 and others): see its log', 'api/0 and others. See its log'],
  ['The other 2 are. metron_agent is down on 12 of 12 VMs (api/0): see its log', 'api/0. See its log'],
  ['metron_agent is down on 12 of 12 VMs (api/0)', 'api/0'],
  ['metron_agent is down on 2 of 12 VMs', 'metron_agent is down on 2 of 12 VMs'],
  ['2 of 12 VMs: too few', '2 of 12 VMs: too few'],
  ['doppler_z2/0: not registered', 'doppler_z2/0: not registered'],
  ['A key in etcd belongs to no doppler', 'A key in etcd belongs to no doppler'],
])('%j adds %j to the verdict', (summary, rest) => {
  expect(unsaid(summary, VERDICT)).toBe(rest);
});

test('the beginning of a summary that the verdict says', () => {
  expect(saidBefore("doppler_z2/0 is running but not registered: clients can't find it", VERDICT)).toBe(
    'doppler_z2/0 is running but not registered',
  );
  expect(saidBefore('metron_agent is down on 12 of 12 VMs', VERDICT)).toBe(
    'metron_agent is down on 12 of 12 VMs',
  );
  expect(saidBefore('A key in etcd: no doppler', VERDICT)).toBe('A key in etcd: no doppler');
});

test('the clauses of a verdict that were not said', () => {
  expect(unsaidClauses(VERDICT, 'metron_agent is down on 12 of 12 VMs')).toBe(
    'doppler_z2/0 is running but not registered; the other 2 are.',
  );
  expect(unsaidClauses('etcd is full; v1.2 is old', 'etcd is full')).toBe('v1.2 is old');
  expect(unsaidClauses(VERDICT, 'etcd is full')).toBe(VERDICT);
  expect(unsaidClauses('etcd is full', 'etcd is full')).toBe('');
});
