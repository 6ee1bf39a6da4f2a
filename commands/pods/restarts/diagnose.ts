import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import { agree, shareOf } from '../../shared/grammar.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { splitNames } from '../../shared/sources.ts';
import { isStatic, nextFor } from './advice.ts';
import { diagnoseEngines, type EngineProblem } from './diagnose-engines.ts';
import { headlineOf, summaryOf } from './describe.ts';
import { evidenceOf } from './evidence.ts';
import type { Facts } from './facts.ts';
import { offersToRaise, type RaiseLimitOffer } from './offers.ts';
import {
  groupsOf,
  isActive,
  namesIn,
  perHour,
  podName,
  type Restarting,
  type RestartingGroup,
  restartingIn,
} from './restarting.ts';
import { severityOf, severityOfGroup } from './severity.ts';
import { unusedProbes } from './unused-probes.ts';

/** How many loops the verdict names. */
const MAX_NAMED = 2;

/** Decides which containers restart in a loop, and why. Pure. */
export function diagnose(
  facts: Facts,
  { pod }: { readonly pod?: string | undefined },
  now: Date,
): Diagnosis<RaiseLimitOffer> {
  const { clusters, engines } = facts;
  const isOne = namesIn(facts).size <= 1;
  const selected = pod === undefined ? undefined : splitNames(pod);
  const onEngines = diagnoseEngines(engines, now, { isOnlyCluster: isOne });
  const all = restartingIn(facts, now);
  const groups = groupsOf(all, { isOne });
  const looping = new Set(all.map(({ container }) => container));
  const others = clusters.flatMap(({ restarted }) => restarted).filter((one) => !looping.has(one));
  const inClusters = [
    ...inOrder(groups).map((group) => findingOf(group, rootCauseOf(group, groups), selected)),
    ...unusedProbes(others, { now, isOne }),
  ];
  const ofClusters = verdictOf(facts, all, groups, inClusters);
  return {
    examined: Math.max(sum(clusters.map(({ containers }) => containers)), all.length) + containersOn(facts),
    verdict: engines.length === 0 ? ofClusters : verdictWithEngines(facts, onEngines, ofClusters),
    findings: [...onEngines.map(({ finding }) => finding), ...inClusters].toSorted(compareSeverity),
    // None of a cluster that could not be read: 0 would prove a fix.
    measures: clusters
      .filter(({ containers }) => containers > 0)
      .map(({ name }) => ({
        label: name,
        value: all.filter((one) => one.container.cluster === name && isActive(one)).length,
        unit: 'containers in a restart loop',
      })),
  };
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

/** The most severe first; what others depend on before them. */
function inOrder(groups: readonly RestartingGroup[]): readonly RestartingGroup[] {
  return groups
    .map((group) => ({
      group,
      severity: severityOfGroup(group),
      isSymptom: rootCauseOf(group, groups) !== undefined,
    }))
    .toSorted(
      (a, b) =>
        compareSeverity(a, b) ||
        Number(a.isSymptom) - Number(b.isSymptom) ||
        b.group.members.length - a.group.members.length ||
        (a.group.target < b.group.target ? -1 : 1),
    )
    .map(({ group }) => group);
}

/** `selected`: what `--pod` names; undefined without it. */
function findingOf(
  group: RestartingGroup,
  rootCause: RestartingGroup | undefined,
  selected: readonly string[] | undefined,
): Finding<RaiseLimitOffer> {
  const { target, lead, members } = group;
  const { offers = [], because } = offersToRaise(lead.container, lead.loop, lead.cause, {
    target,
    ...(selected && { selected }),
  });
  return {
    reason: lead.cause.kind,
    severity: severityOfGroup(group),
    target,
    targets: members.map(({ container }) => podName(container)),
    areTargetsReplaced: true,
    summary: summaryOf(group, rootCause),
    evidence: [...evidenceOf(group), ...optionalField('Not offered', because)],
    ...(offers.length > 0 && { offers }),
    ...(rootCause ? {} : nextFor(lead)),
    ...levelOf(lead),
  };
}

/** Estimates are no measure of whether it got better. */
function levelOf({ loop }: Restarting): Pick<Finding, 'level'> {
  if (loop.isEstimate || loop.pace === 'proving') return {};
  return { level: { value: Math.round(perHour(loop) * 10) / 10, unit: 'restarts an hour' } };
}

/** Static pods of the control plane, each of which needs those before it. */
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/** The loop of a component that this one can't run without, if this one only ends itself. */
function rootCauseOf(
  { lead }: RestartingGroup,
  groups: readonly RestartingGroup[],
): RestartingGroup | undefined {
  const { cause, container } = lead;
  if (cause.kind !== 'crash-loop' && cause.kind !== 'leader-lease-lost') return undefined;
  const at = rankOf(lead);
  if (at === -1 || !isActive(lead)) return undefined;
  const needed = CONTROL_PLANE.slice(0, Math.min(at, 2));
  return groups.find(
    (other) =>
      other.lead.container.cluster === container.cluster &&
      isActive(other.lead) &&
      isStatic(other.lead.container) &&
      needed.includes(other.lead.container.container),
  );
}

function rankOf({ container }: Restarting): number {
  return isStatic(container) ? CONTROL_PLANE.indexOf(container.container) : -1;
}

function containersOn({ engines }: Facts): number {
  return sum(engines.map(({ containers }) => containers.length));
}

/** A cluster without an API server is worse than anything in the others. */
function verdictWithEngines(facts: Facts, problems: readonly EngineProblem[], ofClusters: string): string {
  const named = problems.filter(({ finding }) => finding.severity !== 'info').map(({ headline }) => headline);
  const rest = named.length - MAX_NAMED;
  const found = [...named.slice(0, MAX_NAMED), ...(rest > 0 ? [`and ${rest} more`] : [])];
  if (facts.clusters.some(({ containers }) => containers > 0)) return [...found, ofClusters].join('; ');
  if (found.length > 0) return found.join('; ');
  return `No restart loops in ${wording.count(containersOn(facts), 'container')} on ${wording.count(facts.engines.length, 'container engine')}`;
}

function verdictOf(
  { clusters }: Facts,
  all: readonly Restarting[],
  groups: readonly RestartingGroup[],
  findings: readonly Pick<Finding, 'reason'>[],
): string {
  const total = Math.max(sum(clusters.map(({ containers }) => containers)), all.length);
  const active = all.filter((one) => isActive(one) && severityOf(one) !== 'info');
  const amount = active.length + sum(clusters.map(({ unkept = 0 }) => unkept));
  if (amount === 0) return describeQuiet(total, all, findings);
  const isSlow = active.length > 0 && active.every(({ loop }) => loop.pace === 'slow');
  const named = inOrder(groups)
    .filter((group) => isActive(group.lead) && severityOfGroup(group) !== 'info')
    .map(headlineOf);
  const rest = named.length - MAX_NAMED;
  const more = rest > 0 ? `; and ${rest} more` : '';
  const share = total === 1 ? 'the only container' : shareOf(amount, total, 'container');
  const loops = `${share} ${agree(amount, { one: 'restarts', many: 'restart' })} in a ${isSlow ? 'slow ' : ''}loop`;
  return `${wording.capitalize(loops)}: ${named.slice(0, MAX_NAMED).join('; ')}${more}`;
}

function describeQuiet(
  total: number,
  all: readonly Restarting[],
  findings: readonly Pick<Finding, 'reason'>[],
): string {
  const count = (pace: string) => all.filter(({ loop }) => loop.pace === pace).length;
  const unused = findings.filter(({ reason }) => reason === 'probe-never-runs').length;
  const retries = all.filter(isActive).length;
  const parts = [
    [
      count('proving'),
      (n: number) =>
        `${wording.count(n, 'container')} with a changed probe ${agree(n, { one: "hasn't", many: "haven't" })} run long enough to verify the change`,
    ],
    [count('ended'), (n: number) => `${n} stopped restarting within the last hour`],
    [
      retries,
      (n: number) =>
        `${wording.count(n, 'container')} ${agree(n, { one: 'is', many: 'are' })} retried by a Job`,
    ],
    [unused, (n: number) => `${wording.count(n, 'probe')} can't run`],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, words]) => words(n));
  const quiet = `No restart loops in ${wording.count(total, 'container')}`;
  const [unverified, ...others] = said;
  // What is not verified yet comes first: a fix is not proven by what follows.
  return unverified !== undefined && count('proving') > 0
    ? [unverified, `n${quiet.slice(1)}`, ...others].join('; ')
    : [quiet, ...said].join('; ');
}
