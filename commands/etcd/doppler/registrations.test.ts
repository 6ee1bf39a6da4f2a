import { expect, test } from 'vitest';
import { check } from './check.ts';
import type { Facts } from './collect.ts';
import { diagnose } from './diagnose.ts';
import { announced, deployment, doppler, etcd, factsOf, legacy, SERVER_TIME } from './builders.ts';
import * as stories from './stories.ts';

function ask(facts: Facts, args: Record<string, string> = {}) {
  return diagnose(facts, check.args.parse(args), SERVER_TIME);
}

const lines = ({ findings }: ReturnType<typeof ask>) =>
  findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);

const ONE = { name: 'doppler_z1/0', id: 'id-1', address: '10.0.1.1' };
const TWO = { name: 'doppler_z2/0', id: 'id-2', address: '10.0.2.1' };

test('stopped and ignored dopplers are not missing, and their keys are no orphans', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1'), announced('z2/doppler_z2/id-2', '10.0.2.1')])],
    [
      deployment([
        doppler(ONE),
        doppler({ ...TWO, desired: 'stopped' }),
        doppler({ name: 'doppler_z3/0', id: 'id-3', ignored: true }),
      ]),
    ],
  );
  expect(ask(facts)).toMatchObject({ examined: 1, verdict: 'doppler_z1/0 is registered', findings: [] });
});

test('old dopplers announce their index, and older ones only their zone and index', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/0', '10.0.1.1'), legacy('z2/0', '10.0.2.1')])],
    [deployment([doppler(ONE), doppler(TWO)])],
  );
  expect(lines(ask(facts))).toEqual(['info legacy-only doppler_z2/0']);
});

test('two deployments that each have a doppler_z1/0 are distinguished by its address', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/0', '10.0.1.1')])],
    [
      deployment([doppler(ONE)]),
      deployment([doppler({ ...ONE, id: 'x', address: '10.9.1.1' })], { name: 'cf-old' }),
    ],
  );
  const report = ask(facts);
  expect(lines(report)).toEqual(['critical registration-stuck cf-old doppler_z1/0']);
  expect(report.measures).toContainEqual({ label: 'cf-old doppler_z1', value: 0, unit: 'registered' });
});

test('dopplers with another name are recognized by their process, or by their group if the agent does not respond', () => {
  const silent = { ...doppler({ name: 'doppler/1', id: 'id-2', state: 'unresponsive' }), processes: [] };
  const facts = factsOf(
    [etcd([announced('z1/loggregator/id-1', '10.0.1.1')])],
    [deployment([doppler({ ...ONE, name: 'loggregator/0' }), silent])],
  );
  expect(lines(ask(facts))).toEqual(['critical instance-unresponsive doppler/1']);
});

test('without a director the dopplers that are configured are expected', () => {
  const facts = factsOf([etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])], [], 'no-source');
  const report = ask(facts, { expected: 'doppler_z1/0, doppler_z2/0' });
  expect(report.verdict).toBe('doppler_z2/0 is not registered; the other one is');
  expect(lines(report)).toEqual(['critical not-registered doppler_z2/0']);
});

test('if the expected instances are unknown, an empty directory still shows which instance registered before', () => {
  const { stores } = stories.everyVmBroken.facts;
  const report = ask(factsOf(stores, [], 'no-source'));
  expect(lines(report)).toEqual(['critical not-registered doppler_z2']);
  expect(report.examined).toBe(3);
});

test('a doppler that is configured and listed is expected once', () => {
  const facts = factsOf([etcd([announced('z1/doppler_z1/id-1', '10.0.1.1')])], [deployment([doppler(ONE)])]);
  const report = ask(facts, { expected: 'doppler_z1/0 doppler_z1/id-1' });
  expect(report).toMatchObject({ examined: 1, findings: [] });
});

test('the key of a renamed doppler is recognized by the address it announces', () => {
  const facts = factsOf(
    [etcd([announced('z1/doppler/0', '10.0.1.1'), announced('z2/doppler_z2/other-id', '10.0.2.1')])],
    [deployment([doppler(ONE), doppler(TWO)])],
  );
  expect(ask(facts)).toMatchObject({ verdict: 'Both dopplers are registered', findings: [] });
});

const BY_MONIT = {
  source: 'monit',
  name: 'monit',
  restart: { allowed: true, scope: 'process', processes: ['doppler'], sideEffects: [] },
} as const;
const FORBIDDEN = { allowed: false, because: 'the source bosh may only read' } as const;

test.each([
  ['by its UUID', { ...ONE, address: '10.0.9.9' }],
  ['by its group, index and address', { ...ONE, id: '0' }],
])('a machine that a director and monit report is one machine, recognized %s', (_, again) => {
  const { restart, ...monit } = BY_MONIT;
  const facts = factsOf(
    [etcd([announced('z1/doppler_z1/id-1', '10.0.1.1'), announced('z2/doppler_z2/id-2', '10.0.2.1')])],
    [deployment([doppler(ONE), doppler(TWO)]), deployment([doppler({ ...again, restart })], monit)],
  );
  const report = ask(facts);
  expect(report).toMatchObject({ verdict: 'Both dopplers are registered', findings: [] });
  expect(report.measures).toContainEqual({ label: 'metron_agent', value: 2, of: 2, unit: 'running' });
});

test('a machine that two sources report is restarted through the one that may', () => {
  const { restart, ...monit } = BY_MONIT;
  const facts = factsOf(
    [etcd([announced('z2/doppler_z2/id-2', '10.0.2.1')])],
    [
      deployment([doppler({ ...ONE, restart: FORBIDDEN }), doppler(TWO)]),
      deployment([doppler({ ...ONE, restart })], monit),
    ],
  );
  const { findings } = ask(facts);
  expect(findings.map(({ reason, target }) => `${reason} ${target}`)).toEqual([
    'registration-stuck doppler_z1/0',
  ]);
  expect(findings[0]?.offers).toMatchObject([{ params: { source: 'monit', name: 'doppler_z1/0' } }]);
});
