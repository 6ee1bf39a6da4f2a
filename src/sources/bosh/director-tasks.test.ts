import { afterEach, expect, test } from 'vitest';
import { type BoshUnderTest, startBosh } from '../../../test/world/bosh/under-test.ts';

let bosh: BoshUnderTest;
afterEach(() => bosh.close());

const { signal } = new AbortController();

async function tasks() {
  return bosh.open().reads.processes!.tasks!({ signal });
}

test('a running deploy is returned with the instance that it works on', async () => {
  bosh = await startBosh();
  const deploy = bosh.director.hold('cf', 'create deployment');
  deploy.update('diego-cell/0a (0) (canary)', 'started');
  deploy.update('diego-cell/0a (0) (canary)', 'finished');
  deploy.update('diego-cell/1b (1)', 'started');
  const [running] = await tasks();
  expect(running).toMatchObject({
    id: String(deploy.taskId),
    state: 'processing',
    description: 'create deployment',
    deployment: 'cf',
    step: {
      stage: 'Updating instance: diego-cell',
      current: ['diego-cell/1b'],
      finished: ['diego-cell/0a'],
    },
  });
  expect(running!.step!.since).toBeInstanceOf(Date);
  expect(running).not.toHaveProperty('endedAt');
});

test('several instances at once, one of which has failed', async () => {
  bosh = await startBosh();
  const deploy = bosh.director.hold('cf', 'create deployment');
  for (const name of ['cell/a (0)', 'cell/b (1)', 'cell/c (2)']) deploy.update(name, 'started');
  deploy.update('cell/b (1)', 'failed');
  const [{ step } = {}] = await tasks();
  expect(step).toMatchObject({ current: ['cell/a', 'cell/c'], finished: [] });
});

test('only the last stage counts', async () => {
  bosh = await startBosh();
  const deploy = bosh.director.hold('cf', 'create deployment');
  deploy.update('bbs/9d (0)', 'started');
  deploy.update('bbs/9d (0)', 'finished');
  deploy.update('cell/a (0)', 'started');
  const [{ step } = {}] = await tasks();
  expect(step).toMatchObject({ stage: 'Updating instance: cell', current: ['cell/a'], finished: [] });
});

test('a task that has ended is returned with when, after a newer one', async () => {
  bosh = await startBosh();
  bosh.director.hold('cf', 'create deployment').end();
  const second = bosh.director.hold('cf', 'recreate');
  const [newest, ended] = await tasks();
  expect(newest!.id).toBe(String(second.taskId));
  expect(ended).toMatchObject({ state: 'done', description: 'create deployment' });
  expect(ended!.endedAt).toBeInstanceOf(Date);
  expect(ended).not.toHaveProperty('step');
});

test('a running task whose events cannot be read is still returned', async () => {
  bosh = await startBosh();
  const { taskId } = bosh.director.hold('cf', 'create deployment');
  bosh.director.fail({ path: `/tasks/${taskId}/output`, status: 500 });
  const [running] = await tasks();
  expect(running).toMatchObject({ id: String(taskId), state: 'processing' });
});
