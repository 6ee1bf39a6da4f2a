import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { agree } from '../../shared/grammar.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { detailsOf } from './details.ts';
import type { Facts } from './facts.ts';
import { type Group, groupsOf, isCertain, nameIn, nodeNamesOf } from './groups.ts';
import { offerDeletion, type OfferOfEvicted } from './offers.ts';
import { loopInWords, newestMs, placeOf, resourceOf, staticInWords, summaryOf } from './summary.ts';
import { conditionsOf, pressureNow, type RefusalLoop, refusalLoopOf, severityOf } from './urgency.ts';

/** Slack shows at most this many. */
const MAX_NEXT = 3;

/** One finding for each owner and cause. */
export function diagnose(facts: Facts, _args: unknown, now: Date): Diagnosis<OfferOfEvicted> {
  const judged = facts.clusters
    .flatMap(groupsOf)
    .map((group) => {
      const loop = refusalLoopOf(group, now);
      return { group, loop, severity: severityOf(group, loop, now) };
    })
    .toSorted(
      (one, other) =>
        compareSeverity(one, other) ||
        rankOf(one) - rankOf(other) ||
        other.group.pods.length - one.group.pods.length ||
        newestMs(other.group) - newestMs(one.group) ||
        (one.group.target + one.group.reason < other.group.target + other.group.reason ? -1 : 1),
    );
  const examined = facts.clusters.reduce((sum, { pods }) => sum + pods, 0);
  const evicted = facts.clusters.reduce((sum, { evicted: all }) => sum + all.length, 0);
  return {
    examined,
    verdict: verdictOf(judged, examined),
    findings: judged.map(toFinding),
    measures: [{ label: 'evicted pods', value: evicted, unit: 'listed' }],
  };
}

interface Judged {
  readonly group: Group;
  readonly loop: RefusalLoop | undefined;
  readonly severity: Finding['severity'];
}

function rankOf({ group, loop }: Judged): number {
  return group.reason === 'static-pod-down' ? 0 : loop?.isOngoing ? 1 : 2;
}

function toFinding({ group, loop, severity }: Judged): Finding<OfferOfEvicted> {
  const { cluster, reason, target, pods } = group;
  const { offers, words } = offerDeletion(group, loop?.isOngoing === true);
  const next = severity === 'info' ? [] : diskChecks(group);
  return {
    reason,
    severity,
    target,
    targets: pods.map(({ namespace, name }) => nameIn(cluster, `${namespace}/${name}`)),
    summary: summaryOf(group, loop),
    evidence: [...detailsOf(group, words)],
    ...(offers.length > 0 && { offers }),
    ...(next.length > 0 && { next }),
  };
}

/** What to run about a node that is short of disk: at first those that still have DiskPressure. */
function diskChecks(group: Group): NonNullable<Finding['next']> {
  if (!conditionsOf(group).includes('DiskPressure')) return [];
  const { cluster } = group;
  const known = nodeNamesOf(group).filter((name) => cluster.nodes.some((node) => node.name === name));
  const hasPressure = (name: string) => Number(pressureNow(group, name).includes('DiskPressure'));
  return known
    .toSorted((one, other) => hasPressure(other) - hasPressure(one))
    .slice(0, MAX_NEXT)
    .map((node) => ({
      check: 'node/disk',
      args: { node, ...(!cluster.isOnly && { source: cluster.name }) },
    }));
}

function verdictOf(judged: readonly Judged[], examined: number): string {
  const [worst] = judged;
  if (!worst) return `No evicted pods among ${wording.count(examined, 'pod')}`;
  const urgent = judged.filter(({ severity }) => severity !== 'info');
  if (urgent.length === 0)
    return `${evictedPods(judged)} more than a day ago, and ${agree(countPods(judged), { one: 'has', many: 'have' })} been replaced`;
  const { group, loop } = worst;
  const rest = judged.slice(1);
  if (worst.severity === 'critical' || loop?.isOngoing) {
    const first = loop ? loopInWords(group, loop) : staticInWords(group);
    const others = rest.length === 0 ? '' : `; ${evictedPods(rest, 'other ')}`;
    return first + others;
  }
  const causes = causesOf(judged);
  const [only] = causes;
  if (causes.length === 1 && only) {
    if (only.verb !== undefined) return `${subjectOf(judged)} ${were(judged)} ${only.words}`;
    const isOne = only.words === OWN_LIMITS && countPods(judged) === 1;
    return `${evictedPods(judged)} ${isOne ? 'for exceeding its own limit' : only.words}`;
  }
  return `${evictedPods(judged)}: ${wording.list(
    causes.map(({ pods, words }) => `${pods} ${words}`),
    4,
  )}`;
}

function countPods(judged: readonly Judged[]): number {
  return judged.reduce((sum, { group }) => sum + group.pods.length, 0);
}

/** `10 pods of 5 owners were evicted` */
function evictedPods(judged: readonly Judged[], other = ''): string {
  return `${subjectOf(judged, other)} ${were(judged)} evicted`;
}

function were(judged: readonly Judged[]): string {
  return agree(countPods(judged), { one: 'was', many: 'were' });
}

function subjectOf(judged: readonly Judged[], other = ''): string {
  const pods = countPods(judged);
  const owners = new Set(judged.map(({ group }) => group.target));
  const [only = ''] = owners;
  const of = owners.size > 1 ? ` of ${owners.size} owners` : other === '' ? ` of ${only}` : '';
  return `${pods} ${other}${pods === 1 ? 'pod' : 'pods'}${of}`;
}

interface CausePods {
  readonly words: string;
  readonly verb?: true;
  readonly pods: number;
}

/** `for exceeding their own limits`, `because w-3 was low on disk`, `refused by gpu-1`: that of most pods first. */
function causesOf(judged: readonly Judged[]): readonly CausePods[] {
  const byCause = Map.groupBy(judged, ({ group }) => causeInWords(group));
  return [...byCause]
    .map(([words, some]) => ({
      words,
      pods: countPods(some),
      ...(some[0]?.group.reason === 'refused-by-node' && { verb: true as const }),
    }))
    .toSorted((one, other) => other.pods - one.pods);
}

const OWN_LIMITS = 'for exceeding their own limits';

function causeInWords(group: Group): string {
  const { reason, causes } = group;
  const nodes = nodeNamesOf(group);
  const where = placeOf(group);
  const [cause] = causes;
  if (reason === 'static-pod-down')
    return group.pods.some(isCertain) ? 'with a node that is gone' : 'with an inconsistent status';
  if (reason === 'refused-by-node') return `refused by ${where}`;
  if (reason === 'evicted-for-unknown-reason') return 'for an unknown reason';
  if (cause?.kind !== 'pressure') return OWN_LIMITS;
  return `because ${where} ${nodes.length > 1 ? 'were' : 'was'} low on ${resourceOf(cause)}`;
}
