import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  renderApprovalRequest,
  renderApproved,
  renderDirectNotice,
  renderDirectRequest,
  renderOutcome,
  renderReminder,
} from '../../src/slack/render/remediation/notices.ts';
import { line, mention, mentionElement, rich } from '../../src/slack/render/blocks.ts';
import { withoutMentions } from '../../src/slack/render/without-mentions.ts';
import { readEffects } from '../workspace/read-effects.ts';
import { FUZZ_SEED } from '../random-inputs.ts';
import { hostileRemediation } from './hostile-input.ts';
import { problemsAllowing, showMessage } from './inspect-messages.ts';
import { approved, expired, planned, refused, rejected, skipped } from './remediations.ts';

const [ADA, GRACE, KATE, LEADS] = ['U0123ADA', 'U0123GRACE', 'U0123KATE', 'S0123LEADS'] as const;
const at = '2026-11-20T14:05:02.000Z';
const nowMs = Date.parse('2026-11-20T14:29:12.000Z');
const forTwo = { ...planned, approvalsNeeded: 2, approvals: [{ by: GRACE, at }] };
const link = 'https://acme.slack.com/archives/C0123INCIDENT/p1795183450000100?thread_ts=1795183440.000100&cid=C0123INCIDENT';

test.each([
  ['approval-request', renderApprovalRequest(planned, [LEADS, KATE])],
  ['approval-request-to-no-one', renderApprovalRequest(planned, [])],
  ['direct-request', renderDirectNotice(renderDirectRequest(planned), { channelId: 'C0123INCIDENT' })],
  ['reminder', renderReminder(planned, { asked: [LEADS], nowMs })],
  ['reminder-of-two', renderReminder(forTwo, { asked: [LEADS, KATE], nowMs })],
  ['approved', renderApproved(approved)],
  ['approved-by-two', renderApproved({ ...approved, approvals: [{ by: GRACE, at }, { by: KATE, at }] })],
  ['rejected', renderOutcome(rejected)],
  ['expired', renderOutcome(expired)],
  ['skipped', renderOutcome(skipped)],
  ['refused', renderOutcome(refused)],
])('the notice %s matches its golden file', async (name, message) => {
  expect(problemsAllowing([ADA, GRACE, KATE, LEADS], message)).toEqual([]);
  expect(message.text).not.toContain('\n');
  await expect(showMessage(message)).toMatchFileSnapshot(`notices/${name}.slack.json`);
});

test('a direct message links to the thread if its address is known', () => {
  const { text } = renderDirectNotice(renderOutcome(expired), { channelId: 'C0123INCIDENT', link });

  expect(readEffects({ text, blocks: undefined, attachments: undefined, linksNames: false }).links).toEqual([link]);
});

test('user groups are mentioned like people, and hidden like them', () => {
  const message = {
    text: `${mention(LEADS)} ${mention(ADA)} ${mention('S0 <!here>')}`,
    blocks: [rich(line(mentionElement(LEADS), mentionElement(ADA)))],
  };

  expect(message.text).toMatch(/^<!subteam\^S0123LEADS> <@U0123ADA> S0 &lt;!here&gt;$/);
  expect(problemsAllowing([], message)).toEqual([`notifies ${LEADS}`, `notifies ${ADA}`]);
  expect(problemsAllowing([], withoutMentions(message, [LEADS]))).toEqual([`notifies ${LEADS}`]);
  expect(problemsAllowing([], withoutMentions(message))).toEqual([]);
});

test('whatever a remediation contains, its notices mention only ids of the configuration and of clicks', () => {
  fc.assert(
    fc.property(hostileRemediation, (remediation) => {
      const { requested, approvals, rejected: no, pause } = remediation;
      const clicked = [requested, ...approvals, no, pause].flatMap((vote) => vote?.by ?? []);
      const messages = [
        renderApprovalRequest(remediation, [LEADS]),
        renderReminder(remediation, { asked: [LEADS], nowMs }),
        renderApproved(remediation),
        renderDirectNotice(renderDirectRequest(remediation), { channelId: 'C0123INCIDENT' }),
        renderOutcome(remediation),
      ];
      for (const message of messages) {
        expect(problemsAllowing([LEADS, ...clicked], message)).toEqual([]);
        expect(problemsAllowing([], withoutMentions(message))).toEqual([]);
      }
    }),
    { numRuns: 300, seed: FUZZ_SEED },
  );
});
