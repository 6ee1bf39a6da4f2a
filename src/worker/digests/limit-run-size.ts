import type { DigestPart, DigestRun } from '../../check/digest-run.ts';
import { SEVERITIES } from '../../check/finding.ts';
import { count } from '../../text/wording.ts';

/** Well below the limit of a job. */
const MAX_RUN_BYTES = 8 * 1024 * 1024;

/**
 * Makes a run fit into a job: a worse outage never keeps a digest from being posted. It leaves out the evidence and the charts of the largest
 * reports, and each of them says so. If that is not enough, the least severe findings are left out too, and their number is a gap.
 */
export function limitRunSize(run: DigestRun, maxBytes = MAX_RUN_BYTES): DigestRun {
  const shorter = shorten(run, maxBytes, (part) => withoutEvidence(part));
  if (bytesOf(shorter) <= maxBytes) return shorter;
  const partBytes = Math.floor((maxBytes * 0.9) / run.parts.length);
  return shorten(shorter, maxBytes, (part) => withWorstFindings(part, partBytes));
}

function shorten(run: DigestRun, maxBytes: number, shorterOf: (part: DigestPart) => DigestPart): DigestRun {
  const parts = [...run.parts];
  const sizes = parts.map((part) => bytesOf(part));
  let total = bytesOf(run);
  const largestFirst = [...parts.keys()].toSorted((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
  for (const at of largestFirst) {
    const part = parts[at];
    if (total <= maxBytes || !part) break;
    const shorter = shorterOf(part);
    total += bytesOf(shorter) - (sizes[at] ?? 0);
    parts[at] = shorter;
  }
  return { ...run, parts };
}

function withoutEvidence(part: DigestPart): DigestPart {
  if (!part.report) return part;
  const { charts: _, ...report } = part.report;
  return {
    ...part,
    report: {
      ...report,
      findings: report.findings.map(({ evidence: __, next: ___, ...finding }) => finding),
      notes: [...(report.notes ?? []), 'the evidence was left out because it is too large for a digest'],
    },
  };
}

/** As many of the most severe findings as fit: first those found, then those unseen, then those gone. */
function withWorstFindings({ report, tracked, ...part }: DigestPart, maxBytes: number): DigestPart {
  const reported = new Map((report?.findings ?? []).map((one) => [keyOf(one), one]));
  const known = new Map(tracked.map((one) => [keyOf(one), one]));
  const keys = [...new Set([...reported.keys(), ...known.keys()])];
  const rank = new Map(keys.map((key) => [key, rankOf(known.get(key), reported.get(key))]));
  const fits = fitInto(maxBytes * 0.7);
  const kept = new Set(
    keys
      .toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0))
      .filter((key) => fits([reported.get(key), known.get(key)])),
  );
  const isKept = (one: Identified) => kept.has(keyOf(one));
  const limited = { ...part, tracked: tracked.filter(isKept) };
  if (!report) return limited;
  const { resolved: _, measures: __, ...rest } = report;
  const gaps = withFewerGaps(report.gaps, maxBytes * 0.2);
  const omitted = keys.length - kept.size;
  if (omitted > 0) gaps.push({ what: count(omitted, 'finding'), ...TOO_MANY, places: omitted });
  return { ...limited, report: { ...rest, findings: report.findings.filter(isKept), gaps } };
}

type Reported = NonNullable<DigestPart['report']>;
type Tracked = DigestPart['tracked'][number];
type Identified = Pick<Tracked, 'reason' | 'target'>;

/** `unfinished`: a finding that was left out doesn't count as gone. */
const TOO_MANY = {
  because: 'there are too many for a digest; run the check itself to see them all',
  kind: 'unfinished',
} as const;

function withFewerGaps(gaps: Reported['gaps'], maxBytes: number): Reported['gaps'][number][] {
  const fits = fitInto(maxBytes);
  const { kept = [], omitted = [] } = Object.groupBy(gaps, (gap) => (fits([gap]) ? 'kept' : 'omitted'));
  const places = omitted.reduce((sum, gap) => sum + (gap.places ?? 1), 0);
  return places === 0 ? kept : [...kept, { what: count(places, 'more place'), ...TOO_MANY, places }];
}

/** Accepts what fits in addition to what it has accepted before. */
function fitInto(maxBytes: number): (values: readonly (object | undefined)[]) => boolean {
  let left = maxBytes;
  return (values) => {
    const size = values.reduce((sum, value) => sum + (value ? bytesOf(value) + 1 : 0), 0);
    if (size > left) return false;
    left -= size;
    return true;
  };
}

function keyOf({ reason, target }: Identified): string {
  return `${reason} ${target}`;
}

const STATES: readonly Tracked['state'][] = ['found', 'unseen', 'gone'];

function rankOf(tracked: Tracked | undefined, reported: Reported['findings'][number] | undefined): number {
  const severity = reported?.severity ?? tracked?.severity ?? 'info';
  const state = reported ? 'found' : (tracked?.state ?? 'gone');
  return STATES.indexOf(state) * SEVERITIES.length + SEVERITIES.indexOf(severity);
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
