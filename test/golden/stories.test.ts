import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import type { Story } from '../../src/check/story.ts';
import { renderPlainFallback } from '../../src/slack/render/report/fallback.ts';
import { renderReport } from '../../src/slack/render/report/report.ts';
import { renderTerminal } from '../../src/terminal/render.ts';
import { ASKED, problemsOf, messagesOf, showThread } from './inspect-messages.ts';
import { runStory } from './run-story.ts';

const { checks } = await loadCatalogue();

for (const [name, check] of checks) {
  const stories = new URL(`../../commands/${name}/stories.ts`, import.meta.url);
  const all = existsSync(stories) ? ((await import(stories.href)) as Record<string, Story<unknown>>) : {};

  test.each(Object.entries(all))(`/${name.replace('/', ' ')} matches its golden files for the story "%s"`, async (word, story) => {
    const report = await runStory(name, check, story);
    const asked = { ...ASKED, at: story.now.toISOString(), command: `/${name.replace('/', ' ')}` };

    const thread = renderReport(report, asked);

    expect(messagesOf(thread).flatMap(problemsOf)).toEqual([]);
    expect(problemsOf({ text: renderPlainFallback(report).text, blocks: [] })).toEqual([]);
    await expect(showThread(thread)).toMatchFileSnapshot(`${name}/${word}.slack.json`);
    await expect(
      renderTerminal(report, { color: false, columns: 80, command: asked.command }),
    ).toMatchFileSnapshot(`${name}/${word}.terminal.txt`);
  });
}
