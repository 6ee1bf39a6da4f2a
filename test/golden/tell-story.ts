import { readArguments } from '../../src/check/arguments.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Story } from '../../src/check/story.ts';

/** A story as the report somebody would have got on that day. */
export async function tellStory(name: string, check: AnyCheck, story: Story<unknown>): Promise<Report> {
  const told: AnyCheck = { ...check, uses: [], collect: () => Promise.resolve(story.facts) };
  const report = await runCheck(told, {
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
