/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Chart } from '../../../src/check/finding.ts';
import { renderCharts } from '../../../src/slack/render/report/charts.ts';
import { MAX_WAIT_MS } from '../../timeouts.ts';
import { BROWSER } from '../../world/browser.ts';
import { openWithBolt } from '../open-with-bolt.ts';

const LABELS = Array.from({ length: 20 }, (_, at) => new Date(Date.UTC(2026, 10, 1 + at)).toISOString());
const CHARTS: readonly Chart[] = [
  {
    kind: 'bars',
    title: 'Certificates by time left',
    unit: 'certificates',
    labels: ['expired', 'under 7 days', 'under 30 days', 'under 90 days', 'longer'],
    series: [{ name: 'certificates', values: [1, 0, 4, 9, 27] }],
  },
  {
    kind: 'lines',
    title: 'Disk used by node',
    unit: '%',
    labels: LABELS,
    series: ['node-a', 'node-b'].map((name, of) => ({
      name,
      values: LABELS.map((_, at) => 40 + 20 * of + at),
    })),
  },
];

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch(BROWSER);
});
afterAll(() => browser.close());

test.each([
  ['a desktop', 1280],
  ['a phone', 390],
])('bars and lines fit the width of %s, with their labels', async (_, width) => {
  const { workspace, app } = await openWithBolt('http', () => {});
  const message = renderCharts(CHARTS);
  await app.client.chat.postMessage({
    channel: 'C0123INCIDENT',
    text: message?.text ?? '',
    blocks: message?.blocks.map((block) => structuredClone(block)) ?? [],
  });
  const context = await browser.newContext({ viewport: { width, height: 900 } });
  onTestFinished(() => context.close());
  context.setDefaultTimeout(MAX_WAIT_MS);
  const page = await context.newPage();
  await page.goto(workspace.pageUrl);

  const bars = page.getByRole('img', { name: 'Certificates by time left' });
  const lines = page.getByRole('img', { name: 'Disk used by node' });
  await bars.waitFor();
  expect(await bars.locator('rect').count()).toBe(5);
  expect(await lines.locator('polyline').count()).toBe(2);
  expect(await page.locator('.chart-legend').innerText()).toMatch(/node-a\s+node-b/);
  for (const chart of [bars, lines]) {
    const box = await chart.boundingBox();
    expect(box?.width).toBeGreaterThan(250);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
  }
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
});
