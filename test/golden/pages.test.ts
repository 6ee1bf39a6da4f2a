import { expect, test } from 'vitest';
import { renderPlainFallback } from '../../src/slack/render/report/fallback.ts';
import { renderReport } from '../../src/slack/render/report/report.ts';
import { renderTerminal } from '../../src/terminal/render.ts';
import * as reports from './reports.ts';
import { ASKED, problemsOf, messagesOf, showBeginning, showThread } from './inspect-messages.ts';

test.each(Object.entries(reports))('%s matches its golden file for Slack', async (name, report) => {
  const thread = renderReport(report, ASKED);

  expect(messagesOf(thread).flatMap(problemsOf)).toEqual([]);
  expect(thread.replies.length).toBeLessThanOrEqual(10);
  await expect(showThread(thread)).toMatchFileSnapshot(`pages/${name}.slack.json`);
});

test.each(Object.entries(reports))('%s fits into one plain message', (_, report) => {
  const { text } = renderPlainFallback(report);

  expect(problemsOf({ text, blocks: [] })).toEqual([]);
  expect(text.length).toBeLessThanOrEqual(3_900);
  expect(text).toContain('checked');
});

test.each(Object.entries(reports))('%s matches its golden file for a terminal', async (name, report) => {
  await expect(showBeginning(renderTerminal(report, { color: false, columns: 80 }))).toMatchFileSnapshot(
    `pages/${name}.terminal.txt`,
  );
});
