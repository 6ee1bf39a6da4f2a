import { expect, onTestFinished, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { monitConfig } from '../../src/sources/monit/config.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { startBosh } from '../world/bosh/under-test.ts';
import { makeFakeSystem, makeFixableCheck } from '../world/fake-system.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import { startFakeMonit } from '../world/monit/fake.ts';
import { ADA, GRACE, INCIDENT, setStage } from './harness.ts';

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

test('while a fix settles, its card shows what the last check found and until when it is checked', async () => {
  const system = makeFakeSystem(['pump']);
  system.fixWorks = false;
  const stage = await setStage({
    delivery: 'http',
    catalogue: makeCatalogue({ things: makeFixableCheck(system, 'disruptive', 600) }),
  });
  onTestFinished(stage.close);
  await stage.startWorker();
  await stage.startBot();
  const { workspace } = stage;
  const thread = () => {
    const root = workspace.messages(INCIDENT)[0];
    return root ? workspace.thread(INCIDENT, root.ts) : [];
  };
  const click = async (userId: string, actionId: string) => {
    const { ts } = await workspace.waitFor(() =>
      thread().find(({ blocks }) => JSON.stringify(blocks ?? []).includes(`"${actionId}"`)),
    );
    await workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId });
  };
  await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'things' });
  await click(ADA, 'wrench:request');
  await click(GRACE, 'wrench:approve');

  const card = await workspace.waitFor(() => thread().find(({ text }) => text.includes(' left)')));
  expect(card.text).toMatch(
    /Applied\. The finding is still there: 1 of 3 things are broken\..*\nChecks again every 5 s until <!date\^\d+\^\{time_secs\}\|\d\d:\d\d:\d\d UTC> \(\d+ minutes left\)\./,
  );
  system.broken.clear();
  const fixed = await workspace.waitFor(() => thread().find(({ text }) => text.includes('FIXED')));
  expect(fixed.ts).toBe(card.ts);
  expect(fixed.text).not.toContain('Checks again');
});
