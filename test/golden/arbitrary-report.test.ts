import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanText } from '../../src/text/clean-text.ts';
import { renderPlainFallback } from '../../src/slack/render/report/fallback.ts';
import { countBlockChars } from '../../src/slack/render/blocks.ts';
import { renderReport } from '../../src/slack/render/report/report.ts';
import { renderTerminal } from '../../src/terminal/render.ts';
import { arbitraryReport } from './arbitrary-report.ts';
import { allTextOf, ASKED, problemsOf, messagesOf } from './inspect-messages.ts';

test('whatever a report holds, Slack takes every message of it, and none calls or leads anybody anywhere', () => {
  fc.assert(
    fc.property(arbitraryReport, (report) => {
      const thread = renderReport(report, ASKED);

      expect(messagesOf(thread).flatMap(problemsOf)).toEqual([]);
      expect(thread.replies.length).toBeLessThanOrEqual(10);
      for (const { text, blocks } of messagesOf(thread)) {
        expect(countBlockChars(blocks)).toBeLessThanOrEqual(9_500);
        expect(text.length).toBeLessThanOrEqual(4_000);
        expect(text).not.toMatch(/[<>]/);
      }
    }),
    { numRuns: 60 },
  );
});

test('whatever a report holds, each of its targets and gaps can be found in the thread or its files', () => {
  fc.assert(
    fc.property(arbitraryReport, (report) => {
      const thread = renderReport(report, ASKED);
      const shown = allTextOf(thread);
      const wanted = [...report.findings.map(({ target }) => target), ...report.gaps.map(({ what }) => what)];

      const lost = wanted.map(cleanText).filter((one) => !inAnyWriting(one).some((way) => shown.includes(way)));
      expect(lost).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('whatever a report holds, its plain fallback is one harmless message', () => {
  fc.assert(
    fc.property(arbitraryReport, (report) => {
      const { text } = renderPlainFallback(report);

      expect(problemsOf({ text, blocks: [] })).toEqual([]);
      expect(text.length).toBeLessThanOrEqual(3_900);
    }),
    { numRuns: 60 },
  );
});

test('whatever a report holds, it controls no terminal', () => {
  fc.assert(
    fc.property(arbitraryReport, fc.boolean(), fc.integer({ min: 1, max: 200 }), (report, color, columns) => {
      const shown = renderTerminal(report, { color, columns });

      // oxlint-disable-next-line no-control-regex -- the escapes of our own colours are what is told apart here
      expect(color ? shown.replace(/\u001B\[\d+m/g, '') : shown).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    }),
    { numRuns: 60 },
  );
});

/** As JSON writes it, and as CSV does. */
function inAnyWriting(text: string): readonly string[] {
  return [JSON.stringify(text).slice(1, -1), text.replaceAll('"', '""')];
}
