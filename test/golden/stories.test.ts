import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import type { Report } from '../../src/check/finding.ts';
import type { Story } from '../../src/check/story.ts';
import type { ReportRequest } from '../../src/slack/render/message.ts';
import { renderPlainFallback } from '../../src/slack/render/report/fallback.ts';
import { mostSevereFirst, renderOffers } from '../../src/slack/render/remediation/offers.ts';
import { isOneMessage } from '../../src/slack/render/report/one-finding.ts';
import { renderReport } from '../../src/slack/render/report/report.ts';
import { renderRoot } from '../../src/slack/render/report/root.ts';
import { renderTerminal } from '../../src/terminal/render.ts';
import { makeOfferRecords } from '../../src/worker/offer-records.ts';
import { ASKED, problemsOf, messagesOf, type ShownThread, showThread } from './inspect-messages.ts';
import { runStory } from './run-story.ts';

const catalogue = await loadCatalogue();
const { checks } = catalogue;

/** The thread with its fixes as they are offered: in the root, or in the first reply. */
function withFixes(report: Report, asked: ReportRequest): ShownThread {
  const now = new Date(report.at);
  const origin = { by: asked.by, at: asked.at, teamId: 'T1', channelId: 'C1', as: asked.command ?? '' };
  const offered = makeOfferRecords(report, { runId: asked.runId, asked: origin }, catalogue, { idScope: 'story' });
  const remediations = mostSevereFirst(offered, report.findings);
  const isInRoot = isOneMessage(report) || remediations.length === 0;
  return {
    ...renderReport(report, asked),
    root: renderRoot({ report, asked }, { remediations, now }),
    ...(!isInRoot && { fixes: renderOffers(remediations, { now }) }),
  };
}

for (const [name, check] of checks) {
  const stories = new URL(`../../commands/${name}/stories.ts`, import.meta.url);
  const all = existsSync(stories) ? ((await import(stories.href)) as Record<string, Story<unknown>>) : {};

  test.each(Object.entries(all))(`/${name.replace('/', ' ')} matches its golden files for the story "%s"`, async (word, story) => {
    const report = await runStory(name, check, story);
    const asked = { ...ASKED, at: story.now.toISOString(), command: `/${name.replace('/', ' ')}` };

    const thread = withFixes(report, asked);

    expect(messagesOf(thread).flatMap(problemsOf)).toEqual([]);
    expect(problemsOf({ text: renderPlainFallback(report).text, blocks: [] })).toEqual([]);
    await expect(showThread(thread)).toMatchFileSnapshot(`${name}/${word}.slack.json`);
    await expect(
      renderTerminal(report, { color: false, columns: 80, command: asked.command }),
    ).toMatchFileSnapshot(`${name}/${word}.terminal.txt`);
  });
}
