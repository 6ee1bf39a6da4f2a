import type { Finding, Offer, Report } from '../../src/check/finding.ts';
import { type CaseFile, checksOf, readCaseFile } from './case-file.ts';
import { runCase, type RunCaseOptions } from './run-case.ts';

/** The result of a check on a case, in a form that tests compare with typed expectations. */
export interface CaseVerdict {
  readonly status: Report['status'];
  /** Severity and name of each affected object, without its cluster, sorted: `critical br-a1`. */
  readonly faults: readonly string[];
  /** The names of the offered fixes, without duplicates. */
  readonly offers: readonly string[];
  /** The text of the findings about this object; empty if there are none. */
  readonly about: (object: string) => string;
  /** The text of the whole report. */
  readonly text: string;
  readonly report: Report;
}

/**
 * Runs one check on a case: a file in `kubernetes/` by name, another file as `docker/name`, or a case built
 * by a test.
 */
export async function askCase(
  input: string | CaseFile,
  { check, ...options }: RunCaseOptions & { readonly check?: string } = {},
): Promise<CaseVerdict> {
  const file = typeof input === 'string' ? await readCase(input) : input;
  const [name = ''] = check === undefined ? checksOf(file) : [check];
  const [result] = await runCase({ ...file, check: name }, options);
  if (!result || 'error' in result) throw new Error(`${name}: ${result?.error ?? 'no result'}`);
  return toVerdict(result.report);
}

async function readCase(name: string): Promise<CaseFile> {
  const { pathname } = new URL(`${name.includes('/') ? name : `kubernetes/${name}`}.json`, import.meta.url);
  return readCaseFile(pathname);
}

function toVerdict(report: Report): CaseVerdict {
  const { status, findings, gaps, notes = [], verdict } = report;
  return {
    status,
    faults: findings
      .flatMap((one) => objectsOf(one).map((object) => `${one.severity} ${object}`))
      .toSorted(compare),
    offers: [...new Set(findings.flatMap(({ offers = [] }) => offers.map(({ remediation }) => remediation)))],
    about: (object) =>
      findings
        .filter((one) => objectsOf(one).includes(object))
        .map(textOf)
        .join('\n'),
    text: [
      verdict,
      ...findings.map(textOf),
      ...notes,
      ...gaps.map(({ what, because }) => `${what}: ${because}`),
    ].join('\n'),
    report,
  };
}

const compare = (one: string, other: string) => one.localeCompare(other);

/** Each affected object, without its cluster's name. */
function objectsOf({ target, targets = [target] }: Finding<Offer>): readonly string[] {
  return targets.map((one) => one.replace(/^lab[:/]/, ''));
}

function textOf({ summary, evidence = [] }: Finding<Offer>): string {
  return [summary, ...evidence.map((one) => JSON.stringify(one))].join('\n');
}

/** The findings that are not hints. */
export function problems({ faults }: CaseVerdict): readonly string[] {
  return faults.filter((fault) => !fault.startsWith('info '));
}
