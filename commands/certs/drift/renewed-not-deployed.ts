import { type Evidence, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { worstSeverity } from '../../shared/severity.ts';
import { withoutSource } from '../../shared/sources.ts';
import type { Facts } from './collect.ts';
import { type NamespaceRestart, restartOf } from './stale-pods.ts';
import { type DriftFinding, endOf, validUntil } from './finding-words.ts';
import { describeRunning, taskAhead, taskOn } from './director-tasks.ts';
import { type Advice, adviceForHost } from './host-advice.ts';
import type { StoredVersion } from './match.ts';
import { loadingOf, type PodLoading, workloadOf } from './pod-loading.ts';
import { severityOfStale, type StaleSite, storedSince } from './stale-sites.ts';
import { staticPodOf } from './static-pods.ts';

const MINUTE_MS = 60_000;
/** A Secret reaches a pod within about two minutes, and many processes look for a new file every few minutes. */
const PATIENCE_MS = 10 * MINUTE_MS;

export interface StaleReport {
  readonly findings: readonly DriftFinding[];
  /** Sites whose certificate was renewed minutes ago, and that something updates by itself. */
  readonly waiting: readonly StaleSite[];
}

type StaleFacts = Pick<Facts, 'restarts' | 'survey' | 'processTimes'>;

/** One finding for each stored certificate and what should have loaded it. */
export function reportStale(stale: readonly StaleSite[], facts: StaleFacts, now: Date): StaleReport {
  const waiting = stale.filter((one) => isWaiting(one, now));
  const groups = Map.groupBy(stale, groupKeyOf);
  return {
    waiting,
    findings: [...groups.values()].flatMap((sites) => {
      const [first] = sites;
      return first && !sites.every((one) => isQuiet(one, waiting, now))
        ? [findingFor(first, sites, facts, now)]
        : [];
    }),
  };
}

function isQuiet(one: StaleSite, waiting: readonly StaleSite[], now: Date): boolean {
  return waiting.includes(one) && severityOfStale(one, now) !== 'critical';
}

/** Whether the new certificate is minutes old and something delivers it: a kubelet, or a process that reads its file again. */
function isWaiting(one: StaleSite, now: Date): boolean {
  const since = storedSince(one);
  if (!since || now.getTime() - since.getTime() > PATIENCE_MS) return false;
  if (one.origin.at.host !== undefined) return true;
  const loading = podLoading(one);
  if (one.origin.at.secret === undefined) return false;
  return loading === undefined || loading.by === 'volume';
}

function podLoading({ pod, origin: { at } }: StaleSite): PodLoading | undefined {
  return pod && loadingOf(pod.pod, at.secret);
}

function groupKeyOf({ pod, host, origin: { at } }: StaleSite): string {
  const workload = pod && workloadOf(pod.pod);
  const consumer = workload ? `${workload.kind} ${workload.name}` : (pod?.pod.name ?? '');
  return JSON.stringify([at.place, at.host === undefined ? '' : host, consumer]);
}

function findingFor(
  first: StaleSite,
  sites: readonly StaleSite[],
  facts: StaleFacts,
  now: Date,
): DriftFinding {
  const { origin } = first;
  const isYoung = sites.every((one) => isWaiting(one, now));
  const worst = worstSeverity(sites.map((one) => severityOfStale(one, now))) ?? 'warning';
  const advice = deliveryOf(sites, facts, now) ?? adviceFor(first, facts, now);
  const target = targetOf(first, sites);
  const targets = [...new Set(sites.map(nameOfSite))].toSorted();
  return {
    reason: 'renewed-not-deployed',
    severity: isYoung ? 'info' : worst,
    target,
    ...((targets.length > 1 || !target.includes(targets[0] ?? '')) && { targets }),
    ...(workloadTarget(first) === target && { areTargetsReplaced: true as const }),
    summary: isYoung
      ? `${describeServed(first, sites, now)}; ${describeAge(first, now)}, and it is loaded within minutes. Check again`
      : `${describeServed(first, sites, now)}; ${describeAge(first, now)}. ${advice.says}`,
    evidence: [
      ...(isYoung ? [] : [...steps(advice.steps), ...(advice.evidence ?? [])]),
      ...optionalField('Running task', describeRunning(facts.survey, targets, now)),
      field('Stored', describeStored(origin.at, now)),
      ...(origin.proof === 'end'
        ? [field('Match', 'by the end of the served certificate: the content of that version is unknown')]
        : []),
      ...(origin.proof === 'names' ? [field('Match', 'by names and issuer')] : []),
      ...(origin.proof === 'key' ? [field('Match', 'by the key')] : []),
      ...servedEvidence(sites),
    ],
    ...(advice.offer && !isYoung && { offers: [{ ...advice.offer, target }] }),
  };
}

function nameOfSite({ pod, host, process, site }: StaleSite): string {
  if (pod) return `${pod.pod.namespace}/${pod.pod.name}`;
  if (host === undefined) return site.place;
  return process === undefined ? host : `${host} ${process}`;
}

function workloadTarget({ pod }: StaleSite): string | undefined {
  const workload = pod && workloadOf(pod.pod);
  return workload && `${workload.namespace}/${workload.name} (${workload.kind})`;
}

/** A pod of a StatefulSet keeps its name when it is replaced; others are named after their workload. */
function targetOf(first: StaleSite, sites: readonly StaleSite[]): string {
  const { origin, pod } = first;
  if (pod) {
    const isStable = sites.every((one) => nameOfSite(one) === nameOfSite(first));
    const kind = workloadOf(pod.pod)?.kind;
    return isStable && kind !== 'Deployment' && kind !== 'DaemonSet'
      ? nameOfSite(first)
      : (workloadTarget(first) ?? nameOfSite(first));
  }
  if (origin.at.host !== undefined) {
    const component = staticPodOf(origin.at.place);
    return component === undefined ? nameOfSite(first) : `${origin.at.host} ${component}`;
  }
  return origin.at.place;
}

function describeServed(first: StaleSite, sites: readonly StaleSite[], now: Date): string {
  const { leaf, origin } = first;
  const component = staticPodOf(origin.at.place);
  const name =
    component !== undefined && origin.at.host !== undefined
      ? `${component} on ${origin.at.host}`
      : wording.list([...new Set(sites.map(nameOfSite))].toSorted());
  const behind =
    origin.behind === undefined || origin.behind === 1
      ? 'the former'
      : `a former (${origin.behind} versions behind)`;
  const verb = new Set(sites.map(nameOfSite)).size > 1 ? 'serve' : 'serves';
  return origin.isGuess === true
    ? `${name} ${verb} another certificate of ${leaf.name}, which ${endOf(leaf, now)}: the former one, unless something else manages it, such as a CDN`
    : `${name} still ${verb} ${behind} certificate of ${leaf.name}, which ${endOf(leaf, now)}`;
}

function describeAge(one: StaleSite, now: Date): string {
  const since = storedSince(one);
  const where = nameOfPlace(one.origin.at);
  return since
    ? `${where} has had the new one since ${wording.utcTime(since)} (${wording.span(now.getTime() - since.getTime())})`
    : `${where} has a newer one`;
}

function nameOfPlace({ place, secret }: StoredVersion): string {
  return secret === undefined ? withoutSource(place) : `Secret ${secret}`;
}

function describeStored({ place, version, notAfter }: StoredVersion, now: Date): string {
  return `${place}${version === undefined ? '' : `, version ${version}`}, ${validUntil(notAfter, now)}`;
}

function servedEvidence(sites: readonly StaleSite[]): readonly Evidence[] {
  if (sites.length === 1) {
    const [one] = sites;
    return one ? [field('Served at', one.site.place), field('SHA-256 served', one.leaf.fingerprint)] : [];
  }
  return [
    {
      kind: 'table',
      columns: ['Site', 'Serves until', 'SHA-256'],
      rows: sites.map(({ site, leaf }) => [
        site.place,
        wording.utcTime(leaf.notAfter),
        leaf.fingerprint.slice(0, 16),
      ]),
    },
  ];
}

const STANDING_MS = 30 * MINUTE_MS;

/** A running task delivers what a director deploys. Without news for half an hour it may have stopped. */
function deliveryOf(
  sites: readonly StaleSite[],
  { survey }: Pick<Facts, 'survey'>,
  now: Date,
): Advice | undefined {
  const [first] = sites;
  if (!first || first.pod || first.origin.at.host !== undefined) return undefined;
  const hosts = sites.flatMap(({ host }) => host ?? []);
  const task = taskOn(survey, hosts) ?? taskAhead(survey, hosts);
  if (!task) return undefined;
  const since = task.step?.since;
  const isStanding = since !== undefined && now.getTime() - since.getTime() > STANDING_MS;
  return {
    says: isStanding
      ? `Task ${task.id} is to deliver it, but has been at ${wording.list(task.step?.current ?? [])} for ${wording.span(now.getTime() - since.getTime())}: find out what it waits for`
      : `Task ${task.id} is delivering it: wait for it, and check again`,
    steps: [`\`bosh task ${task.id}\``, 'Run `/certs drift` again: the sites must serve the new certificate'],
  };
}

function adviceFor(one: StaleSite, facts: StaleFacts, now: Date): Advice {
  const { pod, origin } = one;
  const { at } = origin;
  if (at.host !== undefined) return adviceForHost(one, at.host, facts, now);
  if (pod) return adviceForPod(one, pod, facts.restarts, now);
  if (at.secret !== undefined)
    return {
      says: 'Find the pods that serve it: a mount with `subPath` and environment variables are never refreshed',
      steps: [],
    };
  return {
    says: 'It needs a deploy',
    steps: [
      'Deploy what uses it. A restart or a recreate of BOSH keeps the former version',
      'Run `/certs drift` again: the sites must serve the new certificate',
    ],
  };
}

const WHY = {
  volume: 'but its process has not loaded it',
  subPath: 'but it is mounted with `subPath`, which is never refreshed',
  environment: 'but it is in an environment variable, which is set only at the start',
  init: 'but an init container copies it, only when the pod starts',
} as const;

function adviceForPod(
  { leaf, origin: { at } }: StaleSite,
  { cluster, pod }: NonNullable<StaleSite['pod']>,
  restarts: readonly NamespaceRestart[],
  now: Date,
): Advice {
  const loading = loadingOf(pod, at.secret);
  if (!loading)
    return {
      says: `Pod ${pod.namespace}/${pod.name} doesn't use that Secret: find out where it reads its certificate`,
      steps: [],
    };
  const workload = workloadOf(pod);
  const lasting = {
    volume: 'To prevent this, let the process reload its certificate when the file changes',
    subPath: 'To prevent this, mount the Secret without `subPath`',
    environment: 'To prevent this, mount the Secret as a volume',
    init: 'To prevent this, mount the Secret in the container that serves it',
  }[loading.by];
  const since = at.since ?? at.leaf?.notBefore;
  const isOlder = loading.startedAt !== undefined && since !== undefined && loading.startedAt < since;
  const isUsable =
    at.leaf !== undefined &&
    at.leaf.notAfter > now &&
    at.keyMatches !== false &&
    at.leaf.fingerprint !== leaf.fingerprint;
  if (!isOlder || !isUsable)
    return {
      says: isUsable
        ? `Container ${loading.container} has started since, so it reads its certificate elsewhere: check its configuration`
        : 'The stored certificate is not usable either: replace it first',
      steps: [],
    };
  const named = workload
    ? `${workload.kind} ${workload.namespace}/${workload.name}`
    : `pod ${pod.namespace}/${pod.name}`;
  const permission = restartOf(restarts, cluster, { namespace: pod.namespace, workload });
  const isOffered = workload !== undefined && permission?.allowed === true;
  return {
    says: `${wording.capitalize(WHY[loading.by].replace(/^but /, ''))}: restart ${named}`,
    steps: [
      isOffered
        ? undefined
        : workload
          ? `\`kubectl -n ${workload.namespace} rollout restart ${workload.kind.toLowerCase()}/${workload.name}\``
          : undefined,
      lasting,
      permission?.allowed === false ? `To restart it from here: ${permission.because}` : undefined,
    ],
    ...(isOffered && {
      offer: {
        remediation: 'restart-workload',
        params: {
          cluster,
          namespace: workload.namespace,
          kind: workload.kind,
          name: workload.name,
          secret: (at.secret ?? '').slice(pod.namespace.length + 1),
          pod: pod.name,
          podUid: pod.uid,
        },
      } as const,
    }),
  };
}
