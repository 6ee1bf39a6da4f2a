import type { Locator, Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { actAs, channelMessages, injectFault, openThread, typeCommand } from '../demo/walk.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { findOverflows } from './read-page.ts';
import { openPage, startDemo } from './start-demo.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const ENV = { PATH: process.env['PATH'] ?? '' };

/** Types a command, and waits for its report with this verdict. */
async function ask(page: Page, command: string, verdict: RegExp): Promise<Locator> {
  const reports = channelMessages(page, verdict).filter({ hasText: command });
  const earlier = await reports.count();
  await typeCommand(page, command);
  const report = reports.nth(earlier);
  await report.getByRole('button', { name: 'Run again' }).waitFor();
  return report;
}

/** Ada requests the plan of the only fix, and Grace approves it. Returns the thread. */
async function approve(page: Page, report: Locator, title: RegExp): Promise<Locator> {
  await actAs(page, 'ada');
  const thread = await openThread(page, report);
  await thread.getByRole('button', { name: title }).first().click();
  const approveButton = thread.getByRole('button', { name: /^Approve/ });
  await approveButton.waitFor();
  expect.soft(await findOverflows(page)).toEqual([]);
  await actAs(page, 'grace');
  await approveButton.click();
  return thread;
}

/** https://qa4code.blogspot.com/2018/11/qc-your-whale.html */
test('a build that never reached one of three replicas is found, and its image pinned until the next deploy', async () => {
  const demo = await startDemo(ENV);
  expect(demo.said).toContain('type /builds drift');
  const page = await openPage(demo.address);

  const old = /WARNING · shop\/api: 1 of 3 replicas runs 209, not the expected 210/;
  const report = await ask(page, '/builds drift', old);
  expect(await report.innerText()).toMatch(/Nodes\s+shop-2/);
  const thread = await approve(page, report, /Pin shop\/api to build 210/);
  await thread
    .getByText(/FIXED · All 3 replicas of shop\/api run 210, as expected/)
    .first()
    .waitFor();
  await ask(page, '/builds drift api --expect 210', /CLEAR · All 3 replicas of shop\/api run 210/);
  await ask(page, '/builds drift api --expect 209', /replicas run 210, not the expected 209/);

  await injectFault(page, 'Deploy api again from its chart');
  await ask(page, '/builds drift shop/api', old);
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});

/** https://qa4code.blogspot.com/2018/11/hell-got-loose-on-k8s-dind.html */
test('two pipelines that leave containers behind are corrected by a pull request, which a person merges', async () => {
  const demo = await startDemo(ENV);
  expect(demo.said).toContain('type /ci docker-run');
  const page = await openPage(demo.address);

  const leaks = /WARNING · 3 of 3 pipeline commands leave containers behind/;
  const report = await ask(page, '/ci docker-run', leaks);
  const text = await report.innerText();
  expect(text).toContain('shop/web:Jenkinsfile');
  expect(text).toContain('shop/web:ci/lint.sh');
  const thread = await approve(page, report, /Propose changes to shop\/web/);
  await thread
    .getByText(/MITIGATED/)
    .first()
    .waitFor();
  const opened = thread.getByText(/shop\/web: opened #1 http/).first();
  await opened.waitFor();
  const [url = ''] = /http:\/\/\S+/.exec(await opened.innerText()) ?? [];
  const pull = await (await fetch(url)).text();
  expect(pull).toMatch(/^shop\/web #1, open: /);

  // Until it is merged, containers stay.
  await ask(page, '/ci docker-run', leaks);
  await injectFault(page, "Merge Wrench's pull request in shop/web");
  await ask(page, '/ci docker-run', /CLEAR · /);
  await injectFault(page, 'Remove --rm from the pipelines of shop/web again');
  await ask(page, '/ci docker-run web', leaks);
  expect(await demo.stop()).toEqual({ exitCode: 0, left: [] });
});
