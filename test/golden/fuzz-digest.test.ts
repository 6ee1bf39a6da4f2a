import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareDigest, snapshotOf } from '../../src/check/compare-digest.ts';
import type { DigestRun } from '../../src/check/digest-run.ts';
import type { Report } from '../../src/check/finding.ts';
import type { TrackedFinding } from '../../src/check/tracked-finding.ts';
import { renderDigestNotPosted } from '../../src/slack/render/digest/digest-not-posted.ts';
import { renderDigest } from '../../src/slack/render/digest/digest.ts';
import { withOutcomes } from '../../src/slack/render/remediation/outcome-lines.ts';
import type { Message } from '../../src/slack/render/message.ts';
import { withoutMentions } from '../../src/slack/render/without-mentions.ts';
import { renderDigestTerminal } from '../../src/terminal/digest.ts';
import { FUZZ_SEED } from '../random-inputs.ts';
import { validateMessage } from '../workspace/validate-blocks.ts';
import { hostileRemediation, hostileReport, hostileText } from './hostile-input.ts';
import { messagesOf, problemsAllowing } from './inspect-messages.ts';

/** The limit of an edit, in UTF-8 bytes; any message may be edited. */
const MOST_BYTES = 4_000;
const PERSON = 'U0ADA';

/** Why Slack would reject a message, and which unwanted effects it would have; empty if there are none. */
function problems(message: Message): readonly string[] {
  const bytes = Buffer.byteLength(message.text);
  return [
    ...validateMessage(message).map(({ code, message: said, pointer }) => `${code} ${pointer}: ${said}`),
    ...problemsAllowing([PERSON], message),
    ...problemsAllowing([], withoutMentions(message)),
    ...(bytes > MOST_BYTES ? [`${bytes} bytes of text`] : []),
    ...(message.text.isWellFormed() ? [] : ['half of a surrogate pair in the text']),
  ];
}

const visible = hostileText.map((value) => value || ' ');
const at = fc.constantFrom('1970-01-01T00:00:00Z', '2026-11-20T14:03:00.000Z', '9999-12-31T23:59:59.999Z');

const knownOf = (report: Report): fc.Arbitrary<TrackedFinding[]> =>
  fc
    .array(
      fc.record({
        state: fc.constantFrom('found' as const, 'gone' as const, 'unseen' as const),
        severity: fc.constantFrom('critical' as const, 'warning' as const, 'info' as const),
        since: at,
        lastFound: at,
        flappingSince: fc.option(at, { nil: undefined }),
        goneAt: fc.option(at, { nil: undefined }),
        resolution: fc.option(visible, { nil: undefined }),
        targets: fc.option(fc.array(visible, { minLength: 1, maxLength: 3 }), { nil: undefined }),
        comment: fc.option(visible, { nil: undefined }),
        isTaken: fc.boolean(),
        isSilenced: fc.constantFrom(false, false, false, true),
        target: visible,
        summary: visible,
      }),
      { maxLength: 3 },
    )
    .map((all) =>
      [...all, ...report.findings.slice(0, 30).map((finding, n) => ({ ...all[n % Math.max(1, all.length)], ...finding }))].map(
        (one, n): TrackedFinding => {
          const { comment, isTaken, isSilenced, goneAt, resolution, flappingSince, targets } = {
            ...all[0],
            ...one,
          };
          return {
            reason: `r${n}`,
            target: one.target,
            summary: one.summary,
            severity: one.severity,
            state: ('state' in one && one.state) || 'found',
            since: ('since' in one && one.since) || '2026-11-20T14:03:00.000Z',
            lastFound: ('lastFound' in one && one.lastFound) || '2026-11-20T14:03:00.000Z',
            ...(goneAt && { goneAt }),
            ...(resolution !== undefined && { resolution }),
            ...(flappingSince && { flappingSince }),
            ...(targets && { targets: [...targets] }),
            ...(isTaken && {
              claim: { by: PERSON, at: '2026-11-20T14:03:00Z', ...(comment !== undefined && { comment }) },
            }),
            ...(isSilenced && {
              silence: {
                id: 's1',
                by: PERSON,
                at: '2026-11-20T14:03:00Z',
                until: '9999-12-31T00:00:00Z',
                because: one.summary,
              },
            }),
          };
        },
      ),
    );

const part = hostileReport.chain((report) =>
  fc
    .record({ tracked: knownOf(report), isFailed: fc.constantFrom(false, false, true), failure: visible })
    .map(({ tracked, isFailed, failure }): DigestRun['parts'][number] => ({
      check: report.check,
      environment: report.environment,
      args: { ...report.args },
      tracked,
      ...(isFailed ? { failure } : { report }),
    })),
);

const run: fc.Arbitrary<DigestRun> = fc
  .record({
    name: visible,
    due: at,
    at,
    parts: fc.tuple(fc.array(part, { minLength: 1, maxLength: 2 }), fc.constantFrom(1, 1, 30)),
    ended: fc.tuple(visible, fc.constantFrom(0, 1, 40)),
  })
  .map(({ parts: [parts, times], ended: [about, ends], ...rest }) => ({
    ...rest,
    durationMs: 1,
    isQuiet: false,
    parts: Array.from({ length: times }, (_, n) => parts.map((one) => ({ ...one, environment: `${one.environment}${n}` }))).flat(),
    endedSilences: Array.from({ length: ends }, (_, n) => ({
      id: `s${n}`,
      about,
      by: PERSON,
      at: rest.at,
      because: 'worse' as const,
    })),
  }));

const runs = fc.tuple(fc.option(run, { nil: undefined }), run, fc.boolean());

describe('Slack accepts the messages of any two runs of a digest, and they notify no one', () => {
  test.each([1, 2, 3, 4])('150 pairs of runs, shard %i of 4', (shard) => {
    fc.assert(
      fc.property(runs, fc.array(hostileRemediation, { maxLength: 8 }), ([before, now, isSame], fixes) => {
        const first = before && snapshotOf(before, undefined);
        const changes = compareDigest(isSame ? snapshotOf(now, first) : first, now);
        const thread = renderDigest(now, changes);
        const ended = fixes.map((one) => ({ ...one, state: 'fixed' as const }));

        const edited = changes.hasNews ? [withOutcomes(thread.root, ended, 3)] : [];

        expect([...messagesOf(thread), ...edited].flatMap(problems)).toEqual([]);
        expect(thread.replies.length).toBeLessThanOrEqual(10);
        // The text of the root always says that something couldn't be checked.
        const isSaid = changes.unchecked.length === 0 || /couldn't check/i.test(thread.root.text);
        expect(isSaid).toBe(true);
      }),
      { numRuns: 150, seed: FUZZ_SEED + shard },
    );
  });

  test('the notice that a digest was not posted', () => {
    fc.assert(
      fc.property(hostileText, hostileText, hostileText, (name, channel, code) => {
        expect(problemsAllowing([], renderDigestNotPosted(name, channel, code))).toEqual([]);
      }),
    );
  });
});

test('no digest has terminal escapes', () => {
  fc.assert(
    fc.property(runs, ([before, now]) => {
      const shown = renderDigestTerminal(now, compareDigest(before && snapshotOf(before, undefined), now), {
        color: false,
        columns: 80,
      });

      expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }),
    { numRuns: 150 },
  );
});
