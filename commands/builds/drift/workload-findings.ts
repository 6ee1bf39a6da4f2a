import { wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { shareOf } from '../../shared/grammar.ts';
import { buildInWords, groupBuilds } from './build.ts';
import { deleteOffer } from './delete-stale-pod.ts';
import { type BuildFinding, driftFinding, namesOf } from './drift-finding.ts';
import type { Replica, ServiceFacts, WorkloadFacts } from './facts.ts';
import { desiredOf, type Progress } from './rollout-progress.ts';

/** A rollout that is slower than this is worth a look, even while it makes progress. */
export const SLOW_MS = 3_600_000;
/** A rollout that has been paused for longer may have been forgotten. */
const FORGOTTEN_MS = 86_400_000;

/** A rollout that isn't complete, and the replicas that still have the earlier template because of it. */
export function rolloutFinding(
  service: ServiceFacts,
  workload: WorkloadFacts,
  progress: Exclude<Progress, { readonly kind: 'complete' }>,
  old: readonly Replica[],
  now: Date,
): BuildFinding {
  const name = nameOf(service, workload);
  const { updated } = workload.status;
  const desired = desiredOf(workload);
  const counts = `${updated} of ${desired} updated`;
  const running = whatServes(service);
  const base = { service, affected: old };
  const commandFor = (verb: string) =>
    workload.kind === 'Rollout'
      ? `\`kubectl argo rollouts -n ${workload.namespace} ${verb} ${workload.name}\``
      : `\`kubectl -n ${workload.namespace} rollout ${verb} ${workload.kind.toLowerCase()}/${workload.name}\``;
  switch (progress.kind) {
    case 'stuck': {
      const { since, because } = progress;
      const revision = workload.revision === undefined ? '' : `, revision ${workload.revision},`;
      return driftFinding({
        ...base,
        reason: 'rollout-stuck',
        affected: service.replicas.filter(({ state, build }) => state === 'serving' && build),
        headline: `${service.name}: the rollout of ${name}${revision} has been stuck${since ? ` for ${age(now.getTime() - since.getTime())}` : ''}${because === undefined ? '' : ` (${because})`}; ${running}`,
        action: adviceFor(because, commandFor('undo')),
        evidence: [field('Rollout', counts), ...notServing(service, workload)],
      });
    }
    case 'progressing': {
      const { since, progressAt, deadlineMs } = progress;
      const ageMs = since && now.getTime() - since.getTime();
      const isSlow = ageMs !== undefined && ageMs > SLOW_MS;
      const until =
        progressAt &&
        wording
          .isoTimestamp(progressAt.getTime() + deadlineMs)
          .slice(0, 16)
          .replace('T', ' ');
      return driftFinding({
        ...base,
        reason: 'rollout-in-progress',
        severity: isSlow ? 'warning' : 'info',
        headline: `${service.name}: the rollout of ${name} has been in progress${ageMs === undefined ? '' : ` for ${age(ageMs)}`}, ${counts}; ${running}`,
        action: until ? `Check again after ${until} UTC` : 'Check again when it is complete',
        evidence: notServing(service, workload),
      });
    }
    case 'paused': {
      const { since, because } = progress;
      const ageMs = since && now.getTime() - since.getTime();
      const isForgotten = ageMs !== undefined && ageMs > FORGOTTEN_MS;
      return driftFinding({
        ...base,
        reason: 'rollout-paused',
        severity: isForgotten || because !== undefined ? 'warning' : 'info',
        headline: `${service.name}: the rollout of ${name} is paused${isForgotten ? `, for ${wording.span(ageMs)}` : ''}${because === undefined ? '' : ` and its new pods don't start (${because})`}, ${counts}; ${running}`,
        action:
          because === undefined
            ? `Resume it when you are ready: ${commandFor('resume')}`
            : `Correct the template, then resume it: ${commandFor('resume')}`,
        evidence: notServing(service, workload),
      });
    }
    case 'partition':
      return driftFinding({
        ...base,
        reason: 'rollout-partitioned',
        severity: 'info',
        headline: `${service.name}: ${name} keeps the earlier template for pods with an ordinal below ${progress.partition} (\`partition\`); ${running}`,
      });
    case 'on-delete': {
      const offer = deleteOffer(service, old);
      return driftFinding({
        ...base,
        reason: 'rollout-on-delete',
        severity: 'info',
        headline: `${service.name}: ${name} replaces its pods only when someone deletes them (\`OnDelete\`), ${counts}; ${running}`,
        offers: offer ? [offer] : [],
      });
    }
    case 'canary':
      return driftFinding({
        ...base,
        reason: 'rollout-canary',
        severity: 'info',
        headline: `${service.name}: the rollout of ${name} is ${progress.isPaused ? 'paused at a step' : 'in progress'}, ${counts}; ${running}`,
      });
    case 'aborted':
      return driftFinding({
        ...base,
        reason: 'rollout-aborted',
        headline: `${service.name}: the rollout of ${name} was aborted; ${running}`,
        action: 'Fix the new version, and deploy it again',
      });
  }
}

function adviceFor(because: string | undefined, undo: string): string {
  if (because !== undefined && /ImagePull|InvalidImageName|ErrImageNeverPull/.test(because))
    return `Push the image, or roll back: ${undo}. A restart starts the same image again`;
  return `Fix what keeps its new pods from becoming ready, or roll back: ${undo}`;
}

/** `all 3 replicas run 209 (expected: 210)` */
export function whatServes({ replicas, expected }: ServiceFacts): string {
  const serving = replicas.filter(({ state }) => state === 'serving');
  const { groups } = groupBuilds(
    serving.filter(({ build }) => build),
    ({ build = {} }) => build,
  );
  if (groups.length === 0) return serving.length === 0 ? 'none is ready' : 'which builds run is unknown';
  const total = groups.reduce((sum, { members }) => sum + members.length, 0);
  const words =
    groups.length === 1
      ? `${shareOf(total, serving.length, 'replica')} ${total === 1 ? 'runs' : 'run'} ${buildInWords(groups[0]!.build)}`
      : wording.list(
          groups.map(
            ({ build, members }) =>
              `${members.length} ${members.length === 1 ? 'replica runs' : 'replicas run'} ${buildInWords(build)}`,
          ),
          3,
        );
  return expected ? `${words} (expected: ${expected.value})` : words;
}

/** A few seconds or minutes matter for what has just begun: `80 s`, `95 minutes`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? wording.count(Math.round(seconds / 60), 'minute') : wording.span(ms);
}

/** `its Deployment` if it has the name of the service, otherwise `Deployment shop/api`. */
function nameOf(
  { name: service }: ServiceFacts,
  { kind, namespace, name }: Pick<WorkloadFacts, 'kind' | 'namespace' | 'name'>,
): string {
  return service === `${namespace}/${name}` ? `its ${kind}` : `${kind} ${namespace}/${name}`;
}

/** Pods of the workload that don't run, which say nothing about builds. */
function notServing({ replicas }: ServiceFacts, { uid }: WorkloadFacts) {
  const waiting = replicas.filter(
    ({ pod, waiting: reason }) => pod?.workload === uid && reason !== undefined,
  );
  return optionalField(
    'Not running',
    waiting.length === 0
      ? undefined
      : wording.list(waiting.map(({ name, waiting: reason }) => `${name} (${reason})`)),
  );
}

/** Replicas that no workload manages, although the Service has pods of one: nothing will ever update them. */
export function orphanFinding(
  service: ServiceFacts,
  orphans: readonly Replica[],
  isDifferent: boolean,
): BuildFinding {
  const { replicas } = service;
  const serving = replicas.filter(({ state }) => state === 'serving').length;
  const owners = [...new Set(orphans.map(ownerOf))].toSorted();
  const builds = [
    ...new Set(orphans.flatMap(({ build }) => (build ? [buildInWords(build)] : []))),
  ].toSorted();
  const first = orphans[0]?.pod;
  const ofSets = owners.every((one) => one.startsWith('ReplicaSet '));
  return driftFinding({
    service,
    reason: 'orphaned-replicas',
    severity: isDifferent ? 'warning' : 'info',
    headline:
      `${service.name}: ${orphans.length} of ${serving} serving replicas ${builds.length > 0 ? `run ${wording.list(builds)} and ` : ''}belong to ${wording.list(owners)}, which ${owners.length === 1 ? 'has' : 'have'} no Deployment but matches the selector of the Service`.replace(
        'matches',
        owners.length === 1 ? 'matches' : 'match',
      ),
    action: ofSets
      ? `Scale it to 0, then delete it: \`kubectl -n ${first?.namespace} scale replicaset/${first?.controller?.name} --replicas=0\``
      : 'Delete them if no one needs them, or change their labels',
    affected: orphans,
  });
}

function ownerOf({ pod, name }: Replica): string {
  return pod?.controller ? `${pod.controller.kind} ${pod.controller.name}` : `pod ${name}`;
}

/** Pods with an earlier template, although the rollout is complete. */
export function oldReplicasFinding(
  service: ServiceFacts,
  workload: WorkloadFacts,
  old: readonly Replica[],
): BuildFinding {
  const offer = deleteOffer(service, old);
  const { newest } = workload;
  const { remove } = service.kubernetes ?? {};
  return driftFinding({
    service,
    reason: 'old-replicas',
    headline: `${service.name}: ${namesOf(old)} still ${old.length === 1 ? 'serves' : 'serve'} with an earlier template of ${nameOf(service, workload)}, whose rollout is complete; ${whatServes(service)}`,
    action: `Find out why ${old.length === 1 ? 'it was' : 'they were'} not replaced: ${newest ? `the current ReplicaSet is ${newest.name}` : 'its controller may be down'}`,
    affected: old,
    evidence: optionalField(
      'Delete',
      offer ? undefined : remove?.allowed === false ? `not offered: ${remove.because}` : undefined,
    ),
    offers: offer ? [offer] : [],
  });
}

/** Replicas of several workloads behind one Service, with different builds. */
export function severalWorkloadsFinding(
  service: ServiceFacts,
  workloads: readonly WorkloadFacts[],
  affected: readonly Replica[],
  noneExpected: string,
): BuildFinding {
  const isCanary = workloads.some(
    ({ name, template }) =>
      /canary/i.test(name) || Object.values(template.labels).some((one) => /^canary$/i.test(one)),
  );
  const builds = workloads.map((workload) => {
    const own = service.replicas.filter(({ pod, build }) => pod?.workload === workload.uid && build);
    const words = [...new Set(own.map(({ build = {} }) => buildInWords(build)))];
    return `${workload.kind} ${workload.name} (${wording.list(words) || 'unknown'})`;
  });
  return driftFinding({
    service,
    reason: 'several-workloads',
    // A canary of what nobody expects isn't the one that was meant.
    severity: isCanary && noneExpected === '' ? 'info' : 'warning',
    headline: `${service.name} selects pods of ${wording.count(workloads.length, 'workload')} with different builds: ${wording.list(builds.toSorted(), 4)}${noneExpected}`,
    action: isCanary
      ? 'Their names say that this is a canary'
      : "Scale down the one that shouldn't serve, or narrow the selector of the Service",
    affected,
  });
}
