import { wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { shareOf } from '../../shared/grammar.ts';
import { type BuildGroup, buildInWords, groupBuilds } from './build.ts';
import { type BuildFinding, driftFinding, namesOf } from './drift-finding.ts';
import { expectationOf } from './expected.ts';
import type { Replica, ServiceFacts, WorkloadFacts } from './facts.ts';
import { progressOf } from './rollout-progress.ts';
import { restartOffer } from './restart-replicas.ts';
import { obstacleToChange } from './restart-rules.ts';
import { buildInTag, hasDigest } from './image-id.ts';
import { judgeSwarmUpdate } from './swarm-findings.ts';
import {
  differentImagesOf,
  explainTemplateDrift,
  isMovable,
  noneExpected,
  suspectsOf,
} from './template-drift.ts';
import {
  oldReplicasFinding,
  orphanFinding,
  rolloutFinding,
  severalWorkloadsFinding,
} from './workload-findings.ts';

/** A replica that started this much before its build was made can't run it: clocks differ by less. */
const CLOCK_TOLERANCE_MS = 300_000;
const NEW_MS = 600_000;
/** Owners of ReplicaSets that are among the workloads if they exist. */
const LISTED_OWNERS: ReadonlySet<string> = new Set(['Deployment']);

/**
 * What is wrong with the builds of one service. Causes come first: what a rollout, an orphaned ReplicaSet or a moved tag explains is not reported again as
 * a difference between replicas.
 */
export function judgeService(service: ServiceFacts, now: Date): readonly BuildFinding[] {
  const serving = service.replicas.filter(({ state, build }) => state === 'serving' && build);
  const explained = new Set<Replica>();
  const explain = (replicas: readonly Replica[]) => {
    for (const one of replicas) explained.add(one);
  };
  const findings: BuildFinding[] = [];
  const incomplete = new Set<string>();
  for (const workload of service.kubernetes?.workloads ?? []) {
    const progress = progressOf(workload, service.replicas, now);
    const old = servingOf(service, workload).filter(({ pod }) => pod?.isCurrent === false);
    if (progress.kind !== 'complete') {
      incomplete.add(workload.uid);
      const late =
        progress.kind === 'partition' ? old.filter((one) => !isBelow(one, progress.partition)) : [];
      const kept = old.filter((one) => !late.includes(one));
      findings.push(rolloutFinding(service, workload, progress, kept, now));
      if (late.length > 0) findings.push(oldReplicasFinding(service, workload, late));
      explain(old);
    } else if (old.length > 0) {
      findings.push(oldReplicasFinding(service, workload, old));
      explain(old);
    }
  }
  const swarm = judgeSwarmUpdate(service, now);
  findings.push(...swarm.findings);
  explain(swarm.old);
  const orphans = orphansOf(service, now);
  if (orphans.length > 0) {
    findings.push(orphanFinding(service, orphans, isAnyDifferent(service, orphans)));
    explain(orphans);
  }
  for (const members of byTemplate(service, serving)) {
    const drift = driftWithin(service, members, incomplete);
    if (!drift) continue;
    const found = explainTemplateDrift(drift);
    findings.push(found);
    const isSaid = found.finding.reason === 'different-builds' && noneExpected(drift) !== '';
    explain(isSaid ? members : suspectsOf(drift));
  }
  findings.push(...olderProcesses(service, serving, now));
  const rest = serving.filter((one) => !explained.has(one));
  const { groups } = groupBuilds(rest, ({ build = {} }) => build);
  if (groups.length > 1) findings.push(betweenTemplates(service, groups));
  else findings.push(...notExpected(service, rest, incomplete));
  return findings;
}

/** Of a StatefulSet, whose pods end in their ordinal: `db-0`. */
function isBelow({ name }: Replica, partition: number): boolean {
  return Number(/-(\d+)$/.exec(name)?.[1] ?? 0) < partition;
}

function servingOf({ replicas }: ServiceFacts, { uid }: WorkloadFacts): readonly Replica[] {
  return replicas.filter(({ state, pod }) => state === 'serving' && pod?.workload === uid);
}

/** Pods that belong to no workload, or to a ReplicaSet of its own, although the Service has pods of a workload. */
function orphansOf({ replicas, kubernetes }: ServiceFacts, now: Date): readonly Replica[] {
  const { workloads = [], areWorkloadsUnread = false } = kubernetes ?? {};
  const isManagedSet = ({ controller, createdAt }: WorkloadFacts): boolean => {
    if (!controller) return false;
    // It names a Deployment that isn't there any more. That of a new one may have been listed before it was created.
    const isNew = createdAt === undefined || now.getTime() - createdAt.getTime() < NEW_MS;
    return areWorkloadsUnread || isNew || !LISTED_OWNERS.has(controller.kind);
  };
  const kinds = new Map(workloads.map((one) => [one.uid, isManagedSet(one) ? 'managed' : one.kind]));
  const isManaged = workloads.some(({ kind }) => kind !== 'ReplicaSet');
  if (!isManaged) return [];
  return replicas.filter(
    ({ state, pod }) =>
      state === 'serving' &&
      pod !== undefined &&
      (pod.controller === undefined || kinds.get(pod.workload ?? '') === 'ReplicaSet'),
  );
}

/** Whether orphans run another build than the others or than the expected one. Unknown counts as different. */
function isAnyDifferent({ replicas, expected }: ServiceFacts, orphans: readonly Replica[]): boolean {
  if (orphans.some(({ build }) => !build)) return true;
  if (expected) return orphans.some((one) => expectationOf(one, expected.value, replicas) !== 'same');
  const known = replicas.filter(({ state, build }) => state === 'serving' && build);
  const { groups, incomparable } = groupBuilds(known, ({ build = {} }) => build);
  return groups.length > 1 || incomparable.length > 0;
}

/** Without a known template, all replicas of what creates them together: those of a ReplicaSet, tasks with one image, or all containers. */
function byTemplate({ swarm }: ServiceFacts, serving: readonly Replica[]): readonly (readonly Replica[])[] {
  const groups = Map.groupBy(serving, ({ pod, image }) =>
    pod
      ? JSON.stringify([pod.workload ?? pod.controller?.uid ?? pod.name, pod.template])
      : swarm
        ? image
        : undefined,
  );
  return [...groups.values()];
}

function driftWithin(service: ServiceFacts, members: readonly Replica[], incomplete: ReadonlySet<string>) {
  const { groups } = groupBuilds(members, ({ build = {} }) => build);
  const [{ pod } = {}] = members;
  // What its workload has now says nothing about an earlier template, and a change of it doesn't help.
  const workload =
    pod?.isCurrent === false
      ? undefined
      : service.kubernetes?.workloads.find(({ uid }) => uid === pod?.workload);
  const base = {
    service,
    ...(workload && { workload }),
    isComplete: workload !== undefined && !incomplete.has(workload.uid),
  };
  if (groups.length > 1) return { ...base, groups };
  const isPinned = hasDigest(workload?.container?.image ?? '');
  const [first, ...others] = isPinned ? [] : differentImagesOf(members);
  const build = groups[0]?.build;
  return first && build && others.length > 0
    ? { ...base, groups: [first, ...others].map((all) => ({ build, members: all })) }
    : undefined;
}

/** Different builds that no template explains: of several workloads, or of replicas whose workload is unknown. */
function betweenTemplates(service: ServiceFacts, groups: readonly BuildGroup<Replica>[]): BuildFinding {
  const suspects = suspectsOf({ service, groups });
  const uids = new Set(groups.flatMap(({ members }) => members.map(({ pod }) => pod?.workload)));
  const workloads = (service.kubernetes?.workloads ?? []).filter(({ uid }) => uids.has(uid));
  return workloads.length > 1
    ? severalWorkloadsFinding(service, workloads, suspects, noneExpected({ service, groups }))
    : explainTemplateDrift({ service, groups, isComplete: false });
}

/** A number that is read from a file at each request says nothing about the code in memory. */
function olderProcesses(
  service: ServiceFacts,
  serving: readonly Replica[],
  now: Date,
): readonly BuildFinding[] {
  const older = serving.filter((one) => {
    const startedAt = startOf(one);
    const { builtAt } = one.build ?? {};
    return startedAt && builtAt && builtAt.getTime() - startedAt.getTime() > CLOCK_TOLERANCE_MS;
  });
  const [first] = older;
  if (!first) return [];
  const { build = {} } = first;
  const aheadMs = (build.builtAt?.getTime() ?? 0) - (startOf(first)?.getTime() ?? 0);
  const workload = service.kubernetes?.workloads.find(({ uid }) => uid === first.pod?.workload);
  const isRestartable =
    workload !== undefined && progressOf(workload, service.replicas, now).kind === 'complete';
  const restart = isRestartable ? restartOffer(service, workload, older) : undefined;
  const obstacle = workload && obstacleToChange(workload, service.kubernetes?.restart, 'restart');
  return [
    driftFinding({
      service,
      reason: 'process-older-than-build',
      headline: `${service.name}: ${namesOf(older)} ${older.length === 1 ? 'says' : 'say'} ${buildInWords(build)}, but ${older.length === 1 ? 'its process' : 'the process of the first'} started ${wording.span(aheadMs)} before that build was made, so it runs an earlier one`,
      action: `Restart ${older.length === 1 ? 'it' : 'them'}; the number is read from what is on disk, not from what runs`,
      affected: older,
      evidence: [
        field(
          'Started',
          wording.list(older.map((one) => `${one.name} at ${wording.utcTime(startOf(one) ?? now)}`)),
        ),
        ...(build.builtAt ? [field('Built', wording.utcTime(build.builtAt))] : []),
        ...(first.build?.startedAt
          ? []
          : [field('Source', 'the start of its container, in which a process may have been restarted')]),
        ...optionalField('Restart', obstacle === undefined ? undefined : `not offered: ${obstacle}`),
      ],
      offers: restart ? [restart] : [],
    }),
  ];
}

/** What the process itself says, or when its container started. */
function startOf({ build, startedAt }: Replica): Date | undefined {
  return build?.startedAt ?? startedAt;
}

/** Replicas that agree with one another, but not with what is expected. */
function notExpected(
  service: ServiceFacts,
  rest: readonly Replica[],
  incomplete: ReadonlySet<string>,
): readonly BuildFinding[] {
  const { expected } = service;
  if (!expected) return [];
  const wrong = rest.filter((one) => expectationOf(one, expected.value, service.replicas) === 'different');
  const [first] = wrong;
  if (!first?.build) return [];
  const workload = service.kubernetes?.workloads.find(({ uid }) => uid === first.pod?.workload);
  const image = workload?.container?.image ?? first.image;
  const isComplete = workload !== undefined && !incomplete.has(workload.uid);
  const isMoved = image !== undefined && isMovable(image);
  const policy = workload?.container?.pullPolicy;
  const isRestartUseful = isMoved && policy === 'Always' && isComplete;
  const restart = isRestartUseful ? restartOffer(service, workload, wrong) : undefined;
  const obstacle = isRestartUseful
    ? obstacleToChange(workload, service.kubernetes?.restart, 'restart')
    : undefined;
  const since = workload?.newest?.createdAt;
  return [
    driftFinding({
      service,
      reason: 'not-expected',
      headline: `${service.name}: ${shareOf(wrong.length, service.replicas.filter(({ state }) => state === 'serving').length, 'replica')} ${wrong.length === 1 ? 'runs' : 'run'} ${buildInWords(first.build)}, not the expected ${expected.value}`,
      action: adviceFor({ image, isMoved, policy, expected: expected.value }),
      affected: wrong,
      evidence: [
        ...optionalField('Image', image),
        ...optionalField('Pull policy', isMoved ? policy : undefined),
        ...optionalField('Template', since && `created ${wording.utcTime(since)}`),
        ...optionalField('Restart', obstacle === undefined ? undefined : `not offered: ${obstacle}`),
      ],
      offers: restart ? [restart] : [],
    }),
  ];
}

function adviceFor({
  image,
  isMoved,
  policy,
  expected,
}: {
  readonly image: string | undefined;
  readonly isMoved: boolean;
  readonly policy: string | undefined;
  readonly expected: string;
}): string {
  if (image === undefined) return `Deploy ${expected}`;
  if (isMoved)
    return `Nothing is rolled out when the tag of ${image} moves: ${policy === 'Always' ? 'restart it to pull the image again, or better, ' : ''}set the image to the digest of ${expected}`;
  return buildInTag(image) === expected
    ? `Its image is ${image}: check how the build number gets into it`
    : `Deploy it: its image is ${image}`;
}
