import { check } from '../../commands/certs/expiring/check.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Report } from '../../src/check/finding.ts';
import type { Source } from '../../src/ports/source.ts';

/**
 * What `/certs expiring` reports about one source, in a form that tests compare with typed expectations.
 */
export interface ExpiringRun {
  readonly status: Report['status'];
  /** `critical certificate-expired`, the most severe first. */
  readonly findings: readonly string[];
  /** Where the expired certificates are, without the source's name, sorted. */
  readonly expiredAt: readonly string[];
  /** The places that could not be read, without the source's name, sorted. */
  readonly gapsAt: readonly string[];
  readonly report: Report;
}

/** Runs the check as a worker does. @param root is removed from the places */
export async function runExpiring(
  source: Source,
  root: string,
  { args = {}, deadlineMs = 600_000 }: { args?: Readonly<Record<string, string>>; deadlineMs?: number } = {},
): Promise<ExpiringRun> {
  const { certificates } = source.reads;
  if (!certificates) throw new Error(`${source.name} keeps no certificates`);
  const report = await runCheck(check, {
    check: 'certs/expiring',
    environment: 'cases',
    args,
    read: { certificates: [certificates] },
    now: new Date(),
    signal: new AbortController().signal,
    deadlineMs,
  });
  const below = (place: string) => place.replace(`${source.name}:${root}/`, '');
  return {
    status: report.status,
    findings: report.findings.map(({ severity, reason }) => `${severity} ${reason}`),
    expiredAt: report.findings
      .filter(({ reason }) => reason === 'certificate-expired')
      .flatMap(placesOf)
      .map(below)
      .toSorted(),
    gapsAt: report.gaps.map(({ what }) => below(what)).toSorted(),
    report,
  };
}

/** A finding about many places has them in a table, at most fifty of them. */
function placesOf({ target, evidence = [] }: Report['findings'][number]): readonly string[] {
  const table = evidence.find((one) => one.kind === 'table' && one.columns[0] === 'Place');
  return table?.kind === 'table'
    ? table.rows.flatMap(([place]) => (place === undefined ? [] : [place]))
    : [target];
}
