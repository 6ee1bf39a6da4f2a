import { type Diagnosis, type Finding, type Level, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { aboutTime } from './amounts.ts';
import { assess, type Assessment } from './assess.ts';
import { asksLeftovers, type Cause, causesOf } from './causes.ts';
import { describe, describeKept, describeUnexplained, shortly } from './describe.ts';
import { evidenceOf } from './details.ts';
import type { Facts } from './facts.ts';
import { percentUsed, usageCharts } from './history.ts';
import { compareRooms } from './room.ts';

/** Judges each node by the measurements and limits of its own kubelet. A node without enough data is not counted as examined. */
export function diagnose({ nodes, earlier }: Facts, _: unknown, now: Date): Diagnosis {
  const byNode = Map.groupBy(earlier, ({ node }) => node);
  const clusters = new Set(nodes.map(({ cluster }) => cluster));
  const labelOf = ({ cluster, name }: { readonly cluster: string; readonly name: string }) =>
    clusters.size > 1 ? `${cluster}:${name}` : name;
  const found: (Problem & { readonly assessment: Assessment })[] = [];
  let examined = 0;
  let least: LeastSpace | undefined;
  // One node at a time: of thousands, only those with a problem are kept.
  for (const node of nodes) {
    const assessment = assess(node, byNode.get(node.name) ?? [], now);
    if (assessment.isChecked || assessment.severity !== undefined) examined += 1;
    if (assessment.isChecked) least = lessSpace(least, assessment);
    const problem = problemOf(assessment, labelOf(node));
    if (problem) found.push({ ...problem, assessment });
  }
  const problems = found.toSorted(
    (a, b) =>
      compareSeverity(a.finding, b.finding) ||
      compareWorst(a.assessment, b.assessment) ||
      (a.finding.target < b.finding.target ? -1 : 1),
  );
  return {
    examined,
    verdict: verdictOf(problems, { examined, nodes: nodes.length, least }),
    findings: problems.map(({ finding }) => finding),
    measures: [...clusters].toSorted().map((cluster) => ({
      label: cluster,
      value: problems.filter(
        ({ finding, assessment }) => finding.reason === 'disk-short' && assessment.node.cluster === cluster,
      ).length,
      unit: 'short of disk',
    })),
    charts: usageCharts(nodes, ({ name }) => byNode.get(name) ?? [], labelOf, now),
  };
}

/** The node with the smallest share of free space. */
interface LeastSpace {
  readonly name: string;
  readonly share: number;
}

/** What the verdict says about all nodes. */
interface Overview {
  readonly examined: number;
  readonly nodes: number;
  readonly least: LeastSpace | undefined;
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
      ...levelOf(assessment),
      evidence: evidenceOf(assessment, named),
    },
  });
  const causes = causesOf(assessment);
  const withCauses = (reason: string, how: Finding['severity'], headline: string): Problem => {
    const described = problem(reason, how, describe(assessment, label, causes), headline, causes);
    if (!asksLeftovers(node, causes)) return described;
    const next = [{ check: 'node/leftovers', args: { node: node.name } }];
    return { ...described, finding: { ...described.finding, next } };
  };
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

/** Absent if inodes are short, or the measurements are old. */
function levelOf({ rooms: [room], staleSince }: Assessment): { readonly level?: Level } {
  if (room?.resource !== 'bytes' || staleSince) return {};
  return { level: { value: percentUsed(room.disk), unit: '% used' } };
}

/** `2 of 41 nodes are short of disk: node-b (8.0% free) and node-c (DiskPressure)`. Faults come first, then information. */
function verdictOf(problems: readonly Problem[], overview: Overview): string {
  const { examined } = overview;
  const isShort = ({ finding }: Problem) => finding.reason === 'disk-short';
  const short = problems.filter(isShort);
  const warnings = problems.filter((one) => !isShort(one) && one.finding.severity !== 'info');
  const hints = problems.filter(({ finding }) => finding.severity === 'info');
  const clauses = (some: readonly Problem[]) =>
    some.length === 0 ? [] : [wording.list(some.map(({ headline }) => headline))];
  const parts = [
    ...shortNodes(short, examined),
    ...clauses(warnings),
    ...(short.length === 0 && examined > 0 ? [noneShort(overview, problems.length === 0)] : []),
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

const NONE: Readonly<Record<number, string>> = { 1: 'the node is not', 2: 'neither node is' };

function noneShort({ examined, nodes, least }: Overview, isClear: boolean): string {
  const none = `${NONE[examined] ?? `none of the ${examined} nodes is`} short of disk`;
  if (!isClear || !least) return none;
  const percent = `${wording.percent(least.share)} free`;
  return nodes === 1 ? `${none}: ${percent}` : `${none}; least space: ${least.name}, ${percent}`;
}

function lessSpace(least: LeastSpace | undefined, { node, rooms }: Assessment): LeastSpace | undefined {
  const { name } = node;
  return rooms
    .filter(({ resource }) => resource === 'bytes')
    .map(({ share }) => ({ name, share }))
    .reduce<LeastSpace | undefined>((so, one) => (so && compareSpace(so, one) <= 0 ? so : one), least);
}

function compareSpace(a: LeastSpace, b: LeastSpace): number {
  return a.share - b.share || (a.name < b.name ? -1 : 1);
}
