import { readArguments } from '../../src/check/arguments.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Story } from '../../src/check/story.ts';

/** The report of the check on the facts of a story. */
export async function runStory(name: string, check: AnyCheck, story: Story<unknown>): Promise<Report> {
  const storyCheck: AnyCheck = { ...check, uses: [], collect: () => Promise.resolve(story.facts) };
  const report = await runCheck(storyCheck, {
    check: name,
    environment: 'prod',
    args: { ...readArguments(check, { bare: [], flags: new Map(Object.entries(story.args ?? {})) }) },
    read: {},
    now: story.now,
    signal: new AbortController().signal,
    deadlineMs: 10_000,
  });
  return { ...report, durationMs: 1_240 };
}
