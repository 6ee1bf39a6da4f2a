import { expect, test } from 'vitest';
import { diagnose } from './diagnose.ts';
import { deployment, factsOf, instance } from './builders.ts';
import * as stories from './stories.ts';

test('measures show the fix: metron_agent was running on 0 of 12, then on 12 of 12', () => {
  const metron = ({ facts }: typeof stories.metronFellOver) =>
    diagnose(facts).measures?.find(({ label }) => label === 'metron_agent');
  expect(metron(stories.metronFellOver)).toEqual({
    label: 'metron_agent',
    value: 0,
    of: 12,
    unit: 'running',
  });
  expect(metron(stories.allRuns)).toEqual({ label: 'metron_agent', value: 12, of: 12, unit: 'running' });
});

test('the measures are the same before and after, so that only changes are reported', () => {
  const labels = ({ facts }: typeof stories.metronFellOver) =>
    diagnose(facts).measures?.map(({ label }) => label);
  expect(labels(stories.metronFellOver)).toEqual(labels(stories.allRuns));
});

test('two deployments are measured separately', () => {
  const { findings, measures } = diagnose({
    deployments: [
      deployment([instance('router/0', [{ gorouter: 'failing' }, 'x'])]),
      deployment([instance('router/0', ['gorouter', 'x'])], { name: 'cf-dev' }),
    ],
  });
  expect(findings.map(({ target }) => target)).toEqual(['bosh:cf/router/0']);
  expect(measures?.map(({ label }) => label)).toContain('cf-dev gorouter');
});

test('an unresponsive VM counts as one where the processes of its group should run', () => {
  const { measures } = diagnose(
    factsOf([
      instance('router/0', ['gorouter']),
      instance('router/1', ['gorouter']),
      instance('router/2', [], { state: 'unresponsive' }),
    ]),
  );
  expect(measures).toEqual([
    { label: 'agent', value: 2, of: 3, unit: 'answering' },
    { label: 'gorouter', value: 2, of: 3, unit: 'running' },
  ]);
});

test('findings and measures are limited for a thousand VMs', () => {
  const many = Array.from({ length: 1_000 }, (_, at) =>
    instance(
      `cell/${at}`,
      Array.from(
        { length: 40 },
        (_, process) => ({ [`p${process}`]: process === 0 ? 'unmonitored' : 'running' }) as const,
      ),
    ),
  );
  const { findings, measures } = diagnose(factsOf(many));
  expect(findings).toHaveLength(1);
  expect(JSON.stringify(findings).length).toBeLessThan(6_000);
  expect(measures?.length).toBeLessThanOrEqual(41);
});
