import { expect, onTestFinished, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { monitConfig } from '../../src/sources/monit/config.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { startBosh } from '../world/bosh/under-test.ts';
import { startFakeMonit } from '../world/monit/fake.ts';
import { ADA, INCIDENT, setStage } from './harness.ts';

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

test('while a director works on a task, the channel shows which one, and what the other source returned', async () => {
  const halves = Promise.withResolvers<void>();
  const bosh = await startBosh({ betweenHalves: () => halves.promise });
  onTestFinished(bosh.close);
  const monit = await startFakeMonit({
    processes: [{ name: 'rep', status: 0, monitor: 1, pendingAction: 0 }],
  });
  onTestFinished(monit.close);
  const cells = monitConfig.parse({
    kind: 'monit',
    name: 'cells',
    auth: { username: 'vcap', password: 'secret' },
    hosts: [{ url: monit.url, instance: 'cell/0' }],
  });
  const stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments: { prod: { sources: [bosh.configure(), cells] } } },
  });
  onTestFinished(stage.close);
  await stage.startWorker();
  await stage.startBot();
  const { workspace } = stage;

  await workspace.command({
    userId: ADA,
    channelId: INCIDENT,
    command: '/bosh',
    text: 'processes --env prod',
  });

  const seen = () => workspace.messages(INCIDENT)[0]?.text ?? '';
  await workspace.waitFor(() => seen().includes('task'));
  expect(seen().split('\n')).toEqual([
    'Checking prod… `/bosh processes`',
    'bosh: 0 of 1 deployment, waiting for task 1180',
    'cells: 1 of 1 host',
  ]);
  halves.resolve();
  await workspace.waitFor(() => !seen().startsWith('Checking '));
  expect(workspace.messages(INCIDENT)).toHaveLength(1);
});
