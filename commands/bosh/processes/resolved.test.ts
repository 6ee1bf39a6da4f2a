import { expect, test } from 'vitest';
import { factsOf, instance } from './builders.ts';
import { resolved } from './resolved.ts';

const TARGET = 'bosh:cf/doppler_z2/0';
const down = (target = TARGET) => ({ reason: 'processes-not-running', target });
const many = { reason: 'process-not-running-on-many', target: 'bosh:cf metron_agent' };

test('an instance on which everything is running is resolved', () => {
  expect(resolved(factsOf([instance('doppler_z2/0', ['doppler', 'metron_agent'])]), down())).toBe(
    'both of its processes are running',
  );
});

test.each([
  ['no longer exists', instance('doppler_z2/1', ['doppler'])],
  ['does not report', instance('doppler_z2/0', ['doppler'], { state: 'unresponsive' })],
  ['lists no process', instance('doppler_z2/0', [])],
  ['has a process that is down', instance('doppler_z2/0', ['doppler', { metron_agent: 'starting' }])],
  ['is failing though its processes run', instance('doppler_z2/0', ['doppler'], { state: 'failing' })],
])('says nothing about an instance that %s', (_, one) => {
  expect(resolved(factsOf([one]), down())).toBeUndefined();
});

test('an instance that is stopped on purpose or ignored is not reported as repaired', () => {
  const stopped = instance('doppler_z2/0', ['doppler'], { desired: 'stopped', state: 'stopped' });
  const ignored = instance('doppler_z2/0', ['doppler'], { ignored: true });

  expect(resolved(factsOf([stopped]), down())).toBe('no longer meant to run');
  expect(resolved(factsOf([ignored]), down())).toBe('now ignored');
});

test('a process that was down on many instances is running if all of them report it', () => {
  const well = ['a/0', 'b/0', 'c/0'].map((name) => instance(name, ['metron_agent', 'x']));
  const broken = instance('d/0', [{ metron_agent: 'failing' }, 'x']);
  const silent = instance('d/0', [], { state: 'unresponsive' });

  expect(resolved(factsOf(well), many)).toBe('running on all 3 instances');
  expect(resolved(factsOf([...well, broken]), many)).toBeUndefined();
  expect(resolved(factsOf([...well, silent]), many)).toBeUndefined();
});
