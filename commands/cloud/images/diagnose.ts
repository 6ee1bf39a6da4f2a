import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { agree } from '../../shared/grammar.ts';
import { hostKeyFindings } from '../../shared/host-survey.ts';
import { compareSeverity } from '../../shared/severity.ts';
import type { Facts } from './facts.ts';
import { judge } from './judge.ts';
import { fileName } from './lost.ts';
import { copyOf, lostFinding, type RescueOffer } from './lost-findings.ts';
import {
  corruptFinding,
  disputeFindings,
  type JudgedStorage,
  riskFindings,
  settingsFinding,
} from './other-findings.ts';
import { copyLabel } from './rescue-base.ts';
import { instanceOf } from './storages.ts';

export function diagnose(facts: Facts, _: unknown, now: Date): Diagnosis<RescueOffer> {
  const judged = judge(facts, now);
  const problems: readonly Finding<RescueOffer>[] = [
    ...judged.flatMap(({ lost, cleaning }) => lost.map((one) => lostFinding(facts, one, cleaning, now))),
    ...judged.flatMap((one) => riskFindings(one, now)),
    ...settingsFinding(judged, now),
    ...judged.flatMap(corruptFinding),
    ...judged.flatMap(disputeFindings),
  ];
  const instances = examinedInstances(facts, judged);
  const measures = measuresOf(facts, judged);
  return {
    examined: instances.size > 0 ? instances.size : hostsWithoutInstances(facts),
    verdict: verdictOf(facts, judged, instances.size, problems),
    findings: [...problems, ...hostKeyFindings(facts.rejectedKeys)].toSorted((a, b) => compareSeverity(a, b)),
    ...(measures.length > 0 && { measures }),
  };
}

/** Also those without a disk here, as far as a cloud lists them: they boot from a volume. */
function examinedInstances(
  { instances, hosts }: Facts,
  judged: readonly JudgedStorage[],
): ReadonlySet<string> {
  const byName = new Map(
    instances.flatMap(({ server }) => (server?.instanceName ? [[server.instanceName, server.id]] : [])),
  );
  const onDisks = judged.flatMap(({ storage }) =>
    storage.disks.filter(({ error }) => error === undefined).map(instanceOf),
  );
  const areDisksRead = hosts.some(({ disks }) => disks !== undefined);
  const onVolumes = instances.flatMap(({ server }) =>
    server && server.image === undefined ? [server.id] : [],
  );
  return new Set([...onDisks.map((id) => byName.get(id) ?? id), ...(areDisksRead ? onVolumes : [])]);
}

/** A host without instances is only known to have none if a cloud says so. */
function hostsWithoutInstances({ hosts, listedHosts }: Facts): number {
  return hosts.filter(({ name, disks }) => disks !== undefined && listedHosts.includes(name)).length;
}

function verdictOf(
  { hosts }: Facts,
  judged: readonly JudgedStorage[],
  instances: number,
  problems: readonly Finding<unknown>[],
): string {
  const lost = new Set(
    judged.flatMap(({ lost: bases }) => bases.flatMap(({ disks }) => disks.map((one) => one.instance))),
  );
  if (
    problems.length > 0 &&
    problems.every(({ reason, severity }) => reason === 'base-image-missing' && severity === 'warning')
  )
    return `${wording.count(lost.size, 'resize')} can't be reverted: base images are missing`;
  if (lost.size > 0)
    return `${lost.size} of ${wording.count(Math.max(instances, lost.size), 'instance')} ${agree(lost.size, { one: 'has lost its base image', many: 'have lost their base images' })}`;
  const atRisk = new Set(judged.flatMap((one) => one.atRisk.map(({ base }) => base.path)));
  if (atRisk.size > 0)
    return `${wording.count(atRisk.size, 'base image')} that instances use will be removed`;
  if (problems.some(({ reason }) => reason === 'shared-cache-cleaned'))
    return "Base images of hosts that don't report are removed from shared storage";
  if (problems.some(({ reason }) => reason === 'compute-nodes-corrupt'))
    return "Hosts on shared storage do not count each other's instances: `compute_nodes` is corrupt";
  if (problems.length > 0) return 'Hosts disagree about base images on shared storage';
  const on = wording.count(hosts.length, 'host');
  return instances === 0
    ? `No instances on ${on}`
    : `No base image is missing or about to be removed: ${wording.count(instances, 'instance')} on ${on}`;
}

/** Whether there is a copy of each deleted image that could be saved. */
function measuresOf(facts: Facts, judged: readonly JudgedStorage[]): NonNullable<Diagnosis['measures']> {
  const measures = judged.flatMap(({ lost }) =>
    lost.flatMap(({ base, openFiles }) =>
      openFiles.flatMap((open) => {
        const host = facts.hosts.find(({ name }) => name === open.on);
        const name = fileName(base.path);
        const copy = host && copyOf(facts, host, name);
        if (!host || !copy || copy.isUnknown) return [];
        const isComplete = copy.file !== undefined && copy.file.bytes === open.bytes;
        return [{ label: copyLabel({ host: host.host, name }), value: isComplete ? 1 : 0, unit: 'complete' }];
      }),
    ),
  );
  return [...new Map(measures.map((one) => [one.label, one])).values()];
}
