import { expect, test } from 'vitest';
import { renderDigest } from '../../src/slack/render/digest/digest.ts';
import { withoutMentions } from '../../src/slack/render/without-mentions.ts';
import { renderDigestTerminal } from '../../src/terminal/digest.ts';
import { playDigest, type Step } from './digests.ts';
import { messagesOf, problemsAllowing, showThread } from './inspect-messages.ts';

const steps = playDigest();

/** The first line of the message, if it is posted. */
function lineOf({ run, changes }: Step): string {
  if (!changes.isWorthPosting) return '(not posted)';
  return renderDigest(run, changes).root.text.split('\n')[0] ?? '';
}

test('reports each step of a platform that breaks', () => {
  expect(Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, lineOf(step)]))).toMatchInlineSnapshot(`
    {
      "allClear": ":white_check_mark: CLEAR: nightly: 3 gone, both checks are clear",
      "appeared": ":red_circle: CRITICAL: nightly: 1 new, 3 persist (warning)",
      "first": ":large_yellow_circle: WARNING: nightly: 3 findings",
      "flapping": ":red_circle: CRITICAL: nightly: 1 flapping (warning), 2 persist (1 critical, 1 warning)",
      "goneAndBetter": ":red_circle: CRITICAL: nightly: 1 better (warning), 1 gone, 2 persist (1 critical, 1 warning)",
      "late": ":red_circle: CRITICAL: nightly: nothing new since <!date^1796023800^{date_short_pretty} {time}|Monday 07:30 UTC>, 3 findings persist (1 critical, 2 warning) · was due <!date^1796110200^{date_short_pretty} {time}|2026-12-01 07:30 UTC>",
      "many": ":red_circle: CRITICAL: nightly: 400 new (3 critical, 397 warning)",
      "noLongerChecked": ":red_circle: CRITICAL: nightly: 1 finding no longer checked, 3 persist (1 critical, 2 warning)",
      "nothingNew": ":large_yellow_circle: WARNING: nightly: nothing new since <!date^1795419000^{date_short_pretty} {time}|Monday 07:30 UTC>, 3 findings persist",
      "nothingNewAndClear": ":white_check_mark: CLEAR: nightly: nothing new since <!date^1796283000^{date_short_pretty} {time}|Thursday 07:30 UTC>, both checks are clear",
      "quietNothingNew": "(not posted)",
      "silenceEnded": ":red_circle: CRITICAL: nightly: 1 worse, 1 persists, couldn't check everything (1 finding may persist)",
      "silenced": ":red_circle: CRITICAL: nightly: nothing new since <!date^1795678200^{date_short_pretty} {time}|Thursday 07:30 UTC>, 4 findings persist (2 critical, 2 warning), 1 of them taken, 1 silenced",
      "stillFlapping": ":red_circle: CRITICAL: nightly: nothing new since <!date^1795807800^{date_short_pretty} {time}|Friday 19:30 UTC>, 2 findings persist (1 critical, 1 warning), 1 still flapping, 1 silenced",
      "stillUnchecked": ":red_circle: CRITICAL: nightly: nothing new since <!date^1795894200^{date_short_pretty} {time}|Saturday 19:30 UTC>, 1 finding persists, 1 finding may persist, 1 still flapping, 1 silenced, still couldn't check all of /certs expiring in prod and /node disk in prod",
      "taken": ":red_circle: CRITICAL: nightly: 1 new (warning), 4 persist (2 critical, 2 warning)",
      "unchecked": ":red_circle: CRITICAL: nightly: couldn't check all of /certs expiring in prod and /node disk in prod (1 finding may persist), 1 persists",
      "worseAndSpread": ":red_circle: CRITICAL: nightly: 2 worse (1 critical, 1 warning), 2 persist (1 critical, 1 warning)",
    }
  `);
});

test.each(Object.entries(steps))('%s matches its golden file for Slack, and notifies no one', async (name, { run, changes }) => {
  const thread = renderDigest(run, changes);

  expect(messagesOf(thread).flatMap((message) => problemsAllowing(['U0ADA'], message))).toEqual([]);
  expect(messagesOf(thread).flatMap((message) => problemsAllowing([], withoutMentions(message)))).toEqual([]);
  expect(thread.replies.length).toBeLessThanOrEqual(10);
  await expect(showThread(thread)).toMatchFileSnapshot(`digests/${name}.slack.json`);
});

test.each(Object.entries(steps))('%s matches its golden file for a terminal', async (name, { run, changes }) => {
  await expect(renderDigestTerminal(run, changes, { color: false, columns: 80 })).toMatchFileSnapshot(
    `digests/${name}.terminal.txt`,
  );
});
