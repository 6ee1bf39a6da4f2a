import type { Finding, Offer, Report } from '../../src/check/finding.ts';
import { type CaseFile, checksOf, readCaseFile } from './case-file.ts';
import { runCase, type RunCaseOptions } from './run-case.ts';

/** What a check says about a case, in a form that is compared with what is typed beside an input. */
export interface CaseVerdict {
  readonly status: Report['status'];
  /** `critical br-a1`, sorted: each affected object, without its cluster. */
  readonly faults: readonly string[];
  /** The names of the fixes that are offered, each once. */
  readonly offers: readonly string[];
  /** All that a person reads of a finding about this object; of none, an empty string. */
  readonly about: (object: string) => string;
  /** All that a person reads. */
  readonly text: string;
  readonly report: Report;
}

/** Asks one check about a case: one of the files in this folder by name, or one that a test made. */
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
  const { pathname } = new URL(`kubernetes/${name}.json`, import.meta.url);
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

/** Each affected object, without the name of its cluster. */
function objectsOf({ target, targets = [target] }: Finding<Offer>): readonly string[] {
  return targets.map((one) => one.replace(/^lab[:/]/, ''));
}

function textOf({ summary, evidence = [] }: Finding<Offer>): string {
  return [summary, ...evidence.map((one) => JSON.stringify(one))].join('\n');
}

/** All but hints. */
export function problems({ faults }: CaseVerdict): readonly string[] {
  return faults.filter((fault) => !fault.startsWith('info '));
}
