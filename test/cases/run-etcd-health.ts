import { check } from '../../commands/etcd/health/check.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { etcdConfig } from '../../src/sources/etcd/config.ts';
import { openEtcd } from '../../src/sources/etcd/open.ts';
import { type FakeClusterOptions, serveFakeCluster } from '../world/etcd/fake-cluster.ts';

/** What `/etcd health` reports about one cluster, in a form that tests compare with typed expectations. */
export interface HealthRun {
  readonly status: Report['status'];
  /** `critical no-space`, the most severe first. */
  readonly findings: readonly string[];
  /** What could not be checked, sorted. */
  readonly gapsAt: readonly string[];
  /** The names of the fixes that are offered. */
  readonly offers: readonly string[];
  /** The verdict, each summary, each piece of evidence, note and gap: everything a person reads. */
  readonly text: string;
  readonly report: Report;
}

export interface RunOptions {
  readonly args?: Readonly<Record<string, string>>;
  /** Default 10 s: the verdict must be ready by then, however bad the outage. */
  readonly deadlineMs?: number;
}

/** Runs the check as a worker does, with one source of this configuration. */
export async function runEtcdHealth(
  config: object,
  { args = {}, deadlineMs = 10_000 }: RunOptions = {},
): Promise<HealthRun> {
  const source = openEtcd(etcdConfig.parse({ kind: 'etcd', ...config }));
  try {
    const report = await runCheck(check, {
      check: 'etcd/health',
      environment: 'cases',
      args,
      read: { keyValue: [source.reads.keyValue!] },
      now: new Date(),
      signal: new AbortController().signal,
      deadlineMs,
    });
    const { status, findings, gaps, notes = [], verdict } = report;
    return {
      status,
      findings: findings.map(({ severity, reason }) => `${severity} ${reason}`),
      gapsAt: gaps.map(({ what }) => what).toSorted(),
      offers: findings.flatMap(({ offers = [] }) => offers.map(({ remediation }) => remediation)),
      text: [
        verdict,
        ...findings.flatMap(({ summary, evidence }) => [summary, JSON.stringify(evidence ?? [])]),
        ...notes,
        ...gaps.map(({ what, because }) => `${what}: ${because}`),
      ].join('\n'),
      report,
    };
  } finally {
    await source.close();
  }
}

/** The same with fake members, all of them configured. */
export async function runOnFakes(
  options: FakeClusterOptions,
  config: object = {},
  asking: RunOptions = {},
): Promise<HealthRun> {
  const cluster = await serveFakeCluster(options);
  try {
    return await runEtcdHealth({ endpoints: cluster.endpoints, ...config }, asking);
  } finally {
    await cluster.close();
  }
}

/** The findings that are critical. */
export function criticals({ findings }: HealthRun): readonly string[] {
  return findings.filter((finding) => finding.startsWith('critical '));
}

/** Everything except hints. */
export function faults({ findings }: HealthRun): readonly string[] {
  return findings.filter((finding) => !finding.startsWith('info '));
}

/** The summary of the finding with this reason. */
export function summaryOf({ report }: HealthRun, reason: string): string {
  return report.findings.find((finding) => finding.reason === reason)?.summary ?? '';
}

/** Whether the deadline cut nothing off. */
export function isFinished({ report }: HealthRun): boolean {
  return report.gaps.every(({ kind }) => kind !== 'unfinished');
}
