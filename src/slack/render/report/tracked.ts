import type { ContextBlock, RichTextSection } from '@slack/types';
import { findingIdOf } from '../../../check/finding-id.ts';
import { type Finding, fingerprint, type Report, SEVERITIES } from '../../../check/finding.ts';
import type { TrackedFinding } from '../../../check/tracked-finding.ts';
import { type StatusFact, trackedFacts } from '../../../check/tracked-in-words.ts';
import { context, dateTimeElement, dateToken, mention, mentionElement, plain, text } from '../blocks.ts';
import { escapeMrkdwn, escapeUntrusted } from '../escape-untrusted.ts';

/** The status of a finding from earlier runs, with the id that people use for it. */
export interface KnownStatus {
  readonly id: string;
  readonly tracked: TrackedFinding;
  /** When the report was made. */
  readonly now: Date;
  /** Whether it gets buttons: the number of buttons is limited. */
  readonly hasButtons: boolean;
}

/** The other findings are silenced and taken by command, with the ids that are shown. */
const MAX_WITH_BUTTONS = 10;
const MAX_TYPED_CHARS = 200;

/** The status of each finding of a report; the most severe have buttons. Undefined for a finding that wasn't recorded. */
export function knownStatuses(
  report: Pick<Report, 'check' | 'environment' | 'at' | 'findings'>,
  tracked: readonly TrackedFinding[],
): readonly (KnownStatus | undefined)[] {
  const now = new Date(report.at);
  const byFinding = new Map(tracked.map((one) => [fingerprint(report, one), one]));
  const known = report.findings.map((finding) => byFinding.get(fingerprint(report, finding)));
  const withButtons = new Set(
    SEVERITIES.flatMap((severity) =>
      report.findings.flatMap((finding, at) => (finding.severity === severity && known[at] ? [at] : [])),
    ).slice(0, MAX_WITH_BUTTONS),
  );
  return report.findings.map((finding, at) => {
    const one = known[at];
    if (!one) return undefined;
    const id = findingIdOf(fingerprint(report, finding));
    return { id, tracked: one, now, hasButtons: withButtons.has(at) };
  });
}

/** Small, below the finding: its id and its status. */
export function statusContext({ id, tracked, now }: KnownStatus, level: Finding['level']): ContextBlock {
  const facts = trackedFacts(tracked, { now, ...(level && { level }) });
  return context({ type: 'mrkdwn', text: [id, ...facts.map(factInMrkdwn)].join('  ·  '), verbatim: true });
}

/** The same in one line of top-level text. */
export function statusLine({ id, tracked, now }: KnownStatus, level: Finding['level']): string {
  const facts = trackedFacts(tracked, { now, ...(level && { level }) });
  return `  ${[id, ...facts.map(factInMrkdwn)].join(' · ')}`;
}

/** In the root, after the summary: since when it exists, who is on it and who silenced it. */
export function briefStatus({ tracked, now }: KnownStatus): RichTextSection['elements'] {
  return factElements(trackedFacts(tracked, { now, isBrief: true }));
}

/** Facts in a `rich_text` block, each after a dot, with times in the reader's zone. */
export function factElements(facts: readonly StatusFact[]): RichTextSection['elements'] {
  return facts.flatMap((fact) => [
    plain(' · '),
    ...fact.map((piece) => {
      if (piece.kind === 'person') return mentionElement(piece.id);
      if (piece.kind === 'typed') return text(piece.text, MAX_TYPED_CHARS);
      return piece.kind === 'time' ? dateTimeElement(piece.iso, piece.words) : plain(piece.words);
    }),
  ]);
}

/** The same in top-level text. */
export function briefStatusText({ tracked, now }: KnownStatus): string {
  const facts = trackedFacts(tracked, { now, isBrief: true });
  return facts.map((fact) => ` · ${factInMrkdwn(fact)}`).join('');
}

/** A fact in mrkdwn, with times in the reader's zone. */
export function factInMrkdwn(fact: StatusFact): string {
  return fact
    .map((piece) => {
      if (piece.kind === 'person') return mention(piece.id);
      if (piece.kind === 'typed') return escapeUntrusted(piece.text, MAX_TYPED_CHARS);
      return piece.kind === 'time' ? dateToken(piece.iso, piece.words) : escapeMrkdwn(piece.words);
    })
    .join('');
}
