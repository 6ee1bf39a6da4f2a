import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanText } from '../../src/check/clean-text.ts';
import { renderOffers } from '../../src/slack/render/offers.ts';
import { costOf } from '../../src/slack/render/pieces.ts';
import { planFile } from '../../src/slack/render/remediation-plan.ts';
import { renderRemediation } from '../../src/slack/render/remediation.ts';
import type { Message } from '../../src/slack/render/message.ts';
import { anyRemediation } from './any-remediation.ts';
import { text } from './any-report.ts';
import { faultsAmong } from './sight.ts';

const PEOPLE = ['U0ADA', 'U0GRACE', 'W0KATE'];
const OURS = /<@[UW][A-Z0-9]+>|<!date\^\d+\^[^<>]*>/g;

function holdsLimits(message: Message): void {
  expect(faultsAmong(PEOPLE, message)).toEqual([]);
  expect(costOf(message.blocks)).toBeLessThanOrEqual(9_500);
  expect(message.text.length).toBeLessThanOrEqual(3_200);
  expect(message.text.replaceAll(OURS, '')).not.toMatch(/[<>]/);
}

test('whatever a remediation holds, Slack takes its card, and it calls nobody but those who asked and voted', () => {
  fc.assert(
    fc.property(anyRemediation, (remediation) => holdsLimits(renderRemediation(remediation))),
    { numRuns: 300 },
  );
});

test('whatever a plan holds, all of it can be read on the card or in its file', () => {
  fc.assert(
    fc.property(anyRemediation, (remediation) => {
      const { plan } = remediation;
      fc.pre(plan !== undefined);
      const planned = { ...remediation, state: 'planned' as const };
      const shown = JSON.stringify(renderRemediation(planned)) + JSON.stringify(planFile(planned)?.content ?? '');

      const wanted = [...plan.lines, ...plan.targets, ...(plan.afterwards ?? [])].map(cleanText);
      expect(wanted.filter((one) => !shown.includes(JSON.stringify(one).slice(1, -1)))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('whatever is offered and withheld, Slack takes the message', () => {
  const withheld = fc.array(fc.record({ title: text, because: text }), { maxLength: 12 });
  const many = fc
    .array(anyRemediation, { minLength: 1, maxLength: 5 })
    .chain((some) => fc.constantFrom(1, 1, 20).map((times) => Array.from({ length: times }, () => some).flat()));
  fc.assert(
    fc.property(many, withheld, (remediations, off) => holdsLimits(renderOffers(remediations, { withheld: off }))),
    { numRuns: 150 },
  );
});
