import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { aboutTime } from './amounts.ts';
import { assess, type Assessment } from './assess.ts';
import { type Cause, causesOf } from './causes.ts';
import { describe, describeKept, describeUnexplained, shortly } from './describe.ts';
import { evidenceOf } from './details.ts';
import type { Facts } from './facts.ts';
import { compareRooms } from './room.ts';

/** Judges each node by the measurements and limits of its own kubelet. A node without enough data is not counted as examined. */
export function diagnose({ nodes, earlier }: Facts, _: unknown, now: Date): Diagnosis {
  const byNode = Map.groupBy(earlier, ({ node }) => node);
  const clusters = new Set(nodes.map(({ cluster }) => cluster));
  const assessed = nodes.map((node) => assess(node, byNode.get(node.name) ?? [], now));
  const labelOf = ({ cluster, name }: { readonly cluster: string; readonly name: string }) =>
    clusters.size > 1 ? `${cluster}:${name}` : name;
  const problems = assessed
    .flatMap((assessment) => {
      const problem = problemOf(assessment, labelOf(assessment.node));
      return problem ? [{ ...problem, assessment }] : [];
    })
    .toSorted(
      (a, b) =>
        compareSeverity(a.finding, b.finding) ||
        compareWorst(a.assessment, b.assessment) ||
        (a.finding.target < b.finding.target ? -1 : 1),
    );
  const examined = assessed.filter(({ isChecked, severity }) => isChecked || severity !== undefined).length;
  return {
    examined,
    verdict: verdictOf(problems, assessed, examined),
    findings: problems.map(({ finding }) => finding),
    measures: [...clusters].toSorted().map((cluster) => ({
      label: cluster,
      value: problems.filter(
        ({ finding, assessment }) => finding.reason === 'disk-short' && assessment.node.cluster === cluster,
      ).length,
      unit: 'short of disk',
    })),
  };
}

type WithRooms = Pick<Assessment, 'rooms'>;

function compareWorst({ rooms: [a] }: WithRooms, { rooms: [b] }: WithRooms): number {
  return a && b ? compareRooms(a, b) : Number(a !== undefined) - Number(b !== undefined);
}

/** A forecast alone is a finding if at most this much time is left. */
const SOON_MS = 86_400_000;

/** One finding, and its text in the verdict. */
interface Problem {
  readonly finding: Finding;
  readonly label: string;
  /** For `disk-short` the text in parentheses after the name of the node, otherwise a clause. */
  readonly headline: string;
}

/** At most one per node: the worst. `label` is the name of the node, with that of its cluster if there are several. */
function problemOf(assessment: Assessment, label: string): Problem | undefined {
  const { node, severity, forecast, imageGc, pressure } = assessment;
  const problem = (
    reason: string,
    how: Finding['severity'],
    summary: string,
    headline: string,
    named: readonly Cause[] = [],
  ): Problem => ({
    label,
    headline,
    finding: {
      reason,
      severity: how,
      target: `${node.cluster}:${node.name}`,
      summary,
      evidence: evidenceOf(assessment, named),
    },
  });
  const causes = causesOf(assessment);
  const withCauses = (reason: string, how: Finding['severity'], headline: string) =>
    problem(reason, how, describe(assessment, label, causes), headline, causes);
  if (severity) return withCauses('disk-short', severity, shortly(assessment));
  if (forecast?.limitInMs !== undefined && forecast.limitInMs <= SOON_MS)
    return withCauses(
      'disk-filling',
      'warning',
      `${label} ${forecast.room.limit ? 'reaches its limit' : 'is full'} in ${aboutTime(forecast.limitInMs)}`,
    );
  if (imageGc && imageGc.containers.length > 0 && causes.length > 0)
    return withCauses('image-gc-blocked', 'warning', `image garbage collection is blocked on ${label}`);
  if (pressure?.kind === 'kept')
    return problem(
      'disk-pressure-kept',
      pressure.progress === 'overdue' ? 'warning' : 'info',
      describeKept(assessment, label),
      `${label} still has DiskPressure`,
    );
  if (pressure?.kind === 'without-limit')
    return problem(
      'disk-pressure-kept',
      'warning',
      describeUnexplained(assessment, label),
      `${label} has DiskPressure, although its kubelet has no disk limit`,
    );
  if (node.isTainted && node.diskPressure?.status === 'False')
    return problem(
      'disk-pressure-taint-left',
      'info',
      `${label}: DiskPressure is False, but the taint node.kubernetes.io/disk-pressure is still on the node and blocks new pods. The control plane removes it within seconds; if it stays, check kube-controller-manager`,
      `${label} still has the disk-pressure taint`,
    );
  return undefined;
}

/** `2 of 41 nodes are short of disk: node-b (8.0% free) and node-c (DiskPressure)`. Faults come first, then information. */
function verdictOf(problems: readonly Problem[], assessed: readonly Assessment[], examined: number): string {
  const isShort = ({ finding }: Problem) => finding.reason === 'disk-short';
  const short = problems.filter(isShort);
  const warnings = problems.filter((one) => !isShort(one) && one.finding.severity !== 'info');
  const hints = problems.filter(({ finding }) => finding.severity === 'info');
  const clauses = (some: readonly Problem[]) =>
    some.length === 0 ? [] : [wording.list(some.map(({ headline }) => headline))];
  const parts = [
    ...shortNodes(short, examined),
    ...clauses(warnings),
    ...(short.length === 0 && examined > 0 ? [noneShort(assessed, examined, problems.length === 0)] : []),
    ...clauses(hints),
  ];
  return wording.capitalize(
    parts.join('; '),
    problems.map(({ label }) => label),
  );
}

function shortNodes(short: readonly Problem[], examined: number): readonly string[] {
  const [first] = short;
  if (!first) return [];
  if (examined === 1) return [`${first.label} is short of disk: ${first.headline}`];
  const named = wording.list(short.map(({ label, headline }) => `${label} (${headline})`));
  return [
    `${short.length} of ${examined} nodes ${short.length === 1 ? 'is' : 'are'} short of disk: ${named}`,
  ];
}

function noneShort(assessed: readonly Assessment[], examined: number, isClear: boolean): string {
  const none = examined === 1 ? 'the node is not' : `none of ${wording.count(examined, 'node')} is`;
  return `${none} short of disk${isClear ? leastFree(assessed) : ''}`;
}

function leastFree(assessed: readonly Assessment[]): string {
  const [least] = assessed
    .flatMap(({ node, rooms, isChecked }) =>
      isChecked ? rooms.filter(({ resource }) => resource === 'bytes').map((room) => ({ node, room })) : [],
    )
    .toSorted((a, b) => a.room.share - b.room.share || (a.node.name < b.node.name ? -1 : 1));
  if (!least) return '';
  const percent = `${wording.percent(least.room.share)} free`;
  return assessed.length === 1 ? `: ${percent}` : `; least space: ${least.node.name}, ${percent}`;
}
