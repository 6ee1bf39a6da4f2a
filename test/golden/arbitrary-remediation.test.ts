import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanText } from '../../src/text/clean-text.ts';
import { summarizeAudit } from '../../src/slack/render/replies/summarize-audit.ts';
import { renderAudit } from '../../src/slack/render/replies/audit.ts';
import { renderFrozen } from '../../src/slack/render/replies/freeze.ts';
import { renderOffers } from '../../src/slack/render/remediation/offers.ts';
import { countBlockChars } from '../../src/slack/render/blocks.ts';
import { planFile } from '../../src/slack/render/remediation/plan.ts';
import { renderRefusal } from '../../src/slack/render/replies/refusal.ts';
import { renderCard } from '../../src/slack/render/remediation/card.ts';
import type { Message } from '../../src/slack/render/message.ts';
import { arbitraryEntry, arbitraryRemediation, at, who } from './arbitrary-remediation.ts';
import { text } from './arbitrary-report.ts';
import { problemsAllowing } from './inspect-messages.ts';

const PEOPLE = ['U0ADA', 'U0GRACE', 'W0KATE'];
const MANY_APPROVERS = Array.from({ length: 40 }, (_, at) => PEOPLE[at % 3] ?? '');
const OURS = /<@[UW][A-Z0-9]+>|<!date\^\d+\^[^<>]*>/g;

/** What is wrong with a message; empty if nothing is. */
function violationsOf(message: Message): readonly string[] {
  const { text, blocks } = message;
  const cost = countBlockChars(blocks);
  return [
    ...problemsAllowing(PEOPLE, message),
    ...(cost > 9_500 ? [`${cost} characters in blocks`] : []),
    ...(text.length > 3_000 ? [`${text.length} characters of text`] : []),
    ...(/[<>]/.test(text.replaceAll(OURS, '')) ? ['markup of someone else'] : []),
  ];
}

test('Slack accepts the card of any remediation, and it mentions only people who requested or voted', () => {
  fc.assert(
    fc.property(arbitraryRemediation, (remediation) => {
      expect(violationsOf(renderCard(remediation))).toEqual([]);
      expect(violationsOf(renderCard(remediation, { approvers: MANY_APPROVERS }))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

/** Code in a sentence is shown in its style instead of backticks. */
const withoutBackticks = (words: string) => words.replaceAll('`', '');

/** All words of blocks, in their order. */
function wordsOf(blocks: unknown): string {
  const words: string[] = [];
  JSON.stringify(blocks, (key, value: unknown) => {
    if (key === 'text' && typeof value === 'string') words.push(value);
    return value;
  });
  return words.join('');
}

test('every plan is complete on the card or in its file', () => {
  fc.assert(
    fc.property(arbitraryRemediation, (remediation) => {
      const { plan } = remediation;
      fc.pre(plan !== undefined);
      const planned = { ...remediation, state: 'planned' as const, approvalsNeeded: 1 };
      const shown = withoutBackticks(`${wordsOf(renderCard(planned).blocks)}\n${planFile(planned)?.content ?? ''}`);

      const { lines, targets, impact = '', irreversible = [], safety = [], afterwards = [] } = plan;
      const wanted = [...lines, ...targets, impact, ...irreversible, ...safety, ...afterwards];
      expect(wanted.map(cleanText).map(withoutBackticks).filter((one) => !shown.includes(one))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('Slack accepts any list of available and unavailable fixes', () => {
  const withheld = fc.array(fc.record({ title: text, because: text }), { maxLength: 12 });
  const many = fc
    .array(arbitraryRemediation, { minLength: 1, maxLength: 5 })
    .chain((some) => fc.constantFrom(1, 1, 20).map((times) => Array.from({ length: times }, () => some).flat()));
  fc.assert(
    fc.property(many, withheld, (remediations, off) => {
      expect(violationsOf(renderOffers(remediations, { disabled: off }))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('Slack accepts any excerpt of the audit log, which includes the newest entry', () => {
  fc.assert(
    fc.property(fc.array(arbitraryEntry, { maxLength: 80 }), at, fc.boolean(), (entries, since, more) => {
      const message = renderAudit(summarizeAudit(entries), { since, more });

      expect(violationsOf(message)).toEqual([]);
      const { what } = entries.at(-1)?.entry ?? { what: 'Audit' };
      expect(JSON.stringify(message.blocks)).toContain(JSON.stringify(cleanText(what)).slice(1, 40));
    }),
    { numRuns: 100 },
  );
});

test('a refusal and a freeze are harmless messages, whatever the reason', () => {
  fc.assert(
    fc.property(text, who, at, (because, by, when) => {
      expect(violationsOf(renderRefusal({ because, what: because }))).toEqual([]);
      expect(violationsOf(renderFrozen({ by, at: when, because }))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
