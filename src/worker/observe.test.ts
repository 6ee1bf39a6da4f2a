import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type RemediationStage, setRemediationStage } from '../../test/world/remediation-worker.ts';
import { OBSERVATION } from '../../test/world/remediation.ts';
import { useRedis } from '../../test/world/use-redis.ts';
import { defineCheck } from '../check/define-check.ts';
import { observe } from './observe.ts';

const server = useRedis();
let redis: Redis;
let stage: RemediationStage;
beforeEach(async () => {
  redis = server.connect();
  stage = await setRemediationStage(redis);
});
afterEach(() => stage.close());

test('a finding that the check still reports is found', async () => {
  await expect(observe(await stage.job())).resolves.toMatchObject({
    finding: 'found',
    reasons: ['thing-broken'],
    verdict: '1 of 3 things are broken',
    measures: [{ label: 'things', value: 2, of: 3, unit: 'well' }],
  });
});

test('a finding that the check no longer reports is gone', async () => {
  stage.system.broken.clear();

  await expect(observe(await stage.job())).resolves.toMatchObject({ finding: 'gone', reasons: [] });
});

test('a finding is unseen if something was not checked, unless that was so before', async () => {
  stage.system.broken.clear();
  stage.system.unreachable = 'no route to host';
  const job = await stage.job();

  await expect(observe(job)).resolves.toMatchObject({ finding: 'unseen', gaps: ['lab'] });
  await expect(observe(job, { ...OBSERVATION, gaps: ['lab'] })).resolves.toMatchObject({ finding: 'gone' });
});

test('the check gets the arguments and the environment of the run that offered the fix', async () => {
  const asked: unknown[] = [];
  const check = defineCheck({
    title: 'Things',
    why: 'A test needs them.',
    uses: [],
    args: z.object({ size: z.string().prefault('1').meta({ description: 'anything' }) }),
    collect: async ({ saw }) => saw('lab', 1),
    diagnose: (_, args) => {
      asked.push(args);
      return { examined: 1, verdict: 'All is well', findings: [] };
    },
  });
  const { remediations } = stage.deps.catalogue.checks.get('lab/things') ?? {};
  const checks = new Map([['lab/things', { ...check, ...(remediations && { remediations }) }]]);
  const catalogue = { ...stage.deps.catalogue, checks };
  const readersOf = (environment: string) => {
    asked.push(environment);
    return {};
  };
  const job = await stage.job(undefined, { catalogue, readersOf });

  await observe({ ...job, record: { ...job.record, args: { size: '7' } } });

  expect(asked).toEqual(['prod', { size: '7' }]);
});

test('secrets in the verdict are redacted', async () => {
  stage.system.broken.clear();
  stage.system.unreachable = 'refused for hunter2';

  expect(JSON.stringify(await observe(await stage.job()))).not.toContain('hunter2');
});

test('a worker that stops aborts it with the reason', async () => {
  const signal = AbortSignal.abort(new Error('this worker stops'));

  await expect(observe(await stage.job(signal))).rejects.toThrow('this worker stops');
});
