import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanText } from '../../src/text/clean-text.ts';
import { renderPlainFallback } from '../../src/slack/render/report/fallback.ts';
import { countBlockChars } from '../../src/slack/render/blocks.ts';
import { renderReport } from '../../src/slack/render/report/report.ts';
import { renderTerminal } from '../../src/terminal/render.ts';
import { arbitraryReport } from './arbitrary-report.ts';
import { allTextOf, ASKED, problemsOf, messagesOf } from './inspect-messages.ts';

test('Slack accepts every message of any report, and none mentions anyone or has a link', () => {
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

test('every target and gap of any report is in the thread or its files', () => {
  fc.assert(
    fc.property(arbitraryReport, (report) => {
      const thread = renderReport(report, ASKED);
      const shown = allTextOf(thread);
      const wanted = [...report.findings.map(({ target }) => target), ...report.gaps.map(({ what }) => what)];

      const lost = wanted.filter((one) => !writtenForms(one).some((written) => shown.includes(written)));
      expect(lost).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('the plain fallback of any report is one harmless message', () => {
  fc.assert(
    fc.property(arbitraryReport, (report) => {
      const { text } = renderPlainFallback(report);

      expect(problemsOf({ text, blocks: [] })).toEqual([]);
      expect(text.length).toBeLessThanOrEqual(3_900);
    }),
    { numRuns: 60 },
  );
});

test('no report has terminal escapes of its own', () => {
  fc.assert(
    fc.property(arbitraryReport, fc.boolean(), fc.integer({ min: 1, max: 200 }), (report, color, columns) => {
      const shown = renderTerminal(report, { color, columns });

      // oxlint-disable-next-line no-control-regex -- Wrench's own colors are allowed here
      expect(color ? shown.replace(/\u001B\[\d+m/g, '') : shown).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    }),
    { numRuns: 60 },
  );
});

/** As JSON in the thread, and as CSV in the file, which keeps line breaks. */
function writtenForms(text: string): readonly string[] {
  const cell = text.split(/\r?\n/).map(cleanText).join('\n');
  return [
    JSON.stringify(cleanText(text)).slice(1, -1),
    ...[cleanText(text), cell].map((one) => one.replaceAll('"', '""')),
  ];
}
