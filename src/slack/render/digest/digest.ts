import type { DigestChanges, DigestFinding } from '../../../check/compare-digest.ts';
import type { DigestRun } from '../../../check/digest-run.ts';
import { chartsOfParts, digestSections, endOf, questionInWords } from '../../../check/digest-in-words.ts';
import { findingIdOf } from '../../../check/finding-id.ts';
import { type Finding, fingerprint, type Gap, type Offer } from '../../../check/finding.ts';
import { listedGaps } from '../../../check/report-in-words.ts';
import { cleanText } from '../../../text/clean-text.ts';
import { context, plainTextObject } from '../blocks.ts';
import { truncate } from '../escape-untrusted.ts';
import type { Attachment, Message, ThreadContent } from '../message.ts';
import { renderCharts } from '../report/charts.ts';
import { toCsv } from '../report/csv.ts';
import { renderFinding, type Unit } from '../report/finding.ts';
import { renderGaps } from '../report/gaps.ts';
import { evidenceCells, gapsFile, renderRest } from '../report/overview.ts';
import { nextQuestions } from '../report/next-checks.ts';
import { packUnits } from '../report/pack.ts';
import { renderDigestRoot } from './root.ts';

/** More findings are shown as a list and a file. */
const MAX_FULL_FINDINGS = 30;
/** Slack accepts one post per second and channel. */
const MAX_REPLIES = 10;
/** The others are taken and silenced by command. */
const MAX_WITH_BUTTONS = 10;
const MAX_WHERE_CHARS = 300;
const MAX_CELL_CHARS = 32_000;
const DIGEST_FILE = 'digest.csv';

/**
 * A run of a digest as a thread. The root shows what has changed; the replies show what is new, worse or flapping with its evidence, then what
 * couldn't be checked. Stays within Slack's limits for any run; what doesn't fit is in the attached CSV. A run without news has no thread.
 */
export function renderDigest(run: DigestRun, changes: DigestChanges): ThreadContent {
  const { message: root, isCut } = renderDigestRoot(run, changes);
  const thread = changes.hasNews ? renderThread(run, changes, isCut) : { replies: [], attachments: [] };
  return { root, ...thread };
}

function renderThread(
  run: DigestRun,
  changes: DigestChanges,
  isRootCut: boolean,
): Pick<ThreadContent, 'replies' | 'attachments'> {
  const { isFirst, appeared, worse, flapping, steady } = changes;
  const detailed = [...appeared, ...worse, ...flapping, ...(isFirst ? steady : [])];
  const units = unitsOf(run, detailed.slice(0, MAX_FULL_FINDINGS));
  const charts = renderCharts(chartsOfParts(run));
  const missing = renderMissing(run, changes);
  const most = MAX_REPLIES - (charts ? 1 : 0) - (missing ? 1 : 0);
  const whole = packUnits(units, most);
  const isWhole = whole.placed === detailed.length;
  const { messages, placed } = isWhole ? whole : packUnits(units, most - 1);
  const isListed = !isWhole || isRootCut || units.some((unit) => unit.isCut);
  return {
    replies: [
      ...messages,
      ...(isWhole ? [] : [restOf(detailed, placed)]),
      ...(charts ? [charts] : []),
      ...(missing ? [missing.message] : []),
    ],
    attachments: [
      ...(isListed ? [digestCsv(run, changes)] : []),
      ...(missing?.isCut ? [gapsFile(missing.gaps, `the digest ${nameOf(run)}`)] : []),
    ],
  };
}

/** The findings after the first `placed`. */
function restOf(findings: readonly DigestFinding[], placed: number): Message {
  const rest = findings.slice(placed).map(({ finding, question }) => ({
    severity: finding.severity,
    target: finding.target,
    summary: finding.summary,
    check: questionInWords(question),
  }));
  return renderRest(rest, findings.length, DIGEST_FILE);
}

/** Each below the name of its check. */
function unitsOf(run: DigestRun, findings: readonly DigestFinding[]): readonly Unit[] {
  const questions = new Map(
    run.parts.flatMap(({ report }) => {
      if (!report) return [];
      const mine = findings.flatMap(({ reported }) =>
        reported && report.findings.includes(reported) ? [reported] : [],
      );
      const next = nextQuestions({ ...report, findings: mine });
      return mine.map((finding, at) => [finding, next[at] ?? []] as const);
    }),
  );
  const now = endOf(run);
  return findings.map((one, at) => {
    const known = { id: idOf(one), tracked: one.finding, now, hasButtons: at < MAX_WITH_BUTTONS };
    const unit = renderFinding(fullFinding(one), one.reported && questions.get(one.reported), known);
    const where = plainTextObject(questionInWords(one.question), MAX_WHERE_CHARS);
    return { ...unit, blocks: [context(where), ...unit.blocks] };
  });
}

/** Findings of other runs have no evidence here. */
function fullFinding({ finding, reported }: DigestFinding): Finding<Offer> {
  const { reason, severity, target, targets, summary } = finding;
  return reported ?? { reason, severity, target, summary, ...(targets && { targets }) };
}

function renderMissing(
  run: DigestRun,
  { unchecked }: DigestChanges,
): { readonly message: Message; readonly isCut: boolean; readonly gaps: readonly Gap[] } | undefined {
  const gaps: readonly Gap[] = [
    ...unchecked.flatMap(({ question, because }) =>
      because === undefined
        ? []
        : [{ what: questionInWords(question), because, kind: 'unfinished' as const }],
    ),
    ...run.parts.flatMap((part) =>
      (part.report ? listedGaps(part.report) : []).map((gap) => ({
        ...gap,
        what: `${gap.what} (${questionInWords(part)})`,
      })),
    ),
  ];
  if (gaps.length === 0) return undefined;
  const incomplete = run.parts.filter(({ report }) => report && listedGaps(report).length > 0);
  const [only] = incomplete;
  const isOne = incomplete.length === 1 && unchecked.every(({ because }) => because === undefined);
  // Gaps of a single check name it once, in the title.
  const rendered =
    isOne && only?.report ? renderGaps(listedGaps(only.report), questionInWords(only)) : renderGaps(gaps);
  return { ...rendered, gaps };
}

/** Everything that the digest lists, with the evidence of what this run has found. */
function digestCsv(run: DigestRun, changes: DigestChanges): Attachment {
  const rows = digestSections(run, changes).flatMap(({ title, lines }) =>
    lines.flatMap(({ text: words, about }) =>
      about
        ? evidenceCells(about.reported?.evidence ?? []).map((evidence, part) => [
            title.toLowerCase(),
            about.finding.severity,
            about.question.check,
            about.question.environment,
            idOf(about),
            about.finding.reason,
            about.finding.target,
            truncate(((about.reported ?? about.finding).targets ?? []).join('\n'), MAX_CELL_CHARS),
            about.finding.summary,
            about.finding.since,
            part > 0 ? 'continued' : truncate(words, MAX_CELL_CHARS),
            evidence,
          ])
        : [[title.toLowerCase(), '', '', '', '', '', '', '', '', '', truncate(words, MAX_CELL_CHARS), '']],
    ),
  );
  const columns = [
    'change',
    'severity',
    'check',
    'environment',
    'id',
    'reason',
    'target',
    'targets',
    'summary',
  ];
  return {
    filename: DIGEST_FILE,
    title: `All findings of the digest ${nameOf(run)}`,
    content: toCsv([[...columns, 'since', 'description', 'evidence'], ...rows]),
  };
}

function nameOf({ name }: DigestRun): string {
  return truncate(cleanText(name), 100);
}

function idOf({ question, finding }: DigestFinding): string {
  return findingIdOf(fingerprint(question, finding));
}
