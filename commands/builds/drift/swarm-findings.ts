import { wording } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import { type BuildFinding, driftFinding, namesOf } from './drift-finding.ts';
import type { Replica, ServiceFacts } from './facts.ts';
import { age, SLOW_MS, whatServes } from './workload-findings.ts';

/** What the update of a Swarm service explains, and the tasks that still have an earlier image because of it. */
interface JudgedUpdate {
  readonly findings: readonly BuildFinding[];
  readonly old: readonly Replica[];
}

/**
 * By the states of the Swarm's updater: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Service/operation/ServiceInspect. A service
 * that was never updated has none.
 */
export function judgeSwarmUpdate(service: ServiceFacts, now: Date): JudgedUpdate {
  const { swarm, replicas } = service;
  if (!swarm) return { findings: [], old: [] };
  const { name, image, update } = swarm;
  const { state = 'completed', startedAt, message } = update ?? {};
  const old = replicas.filter(
    (one) => one.state === 'serving' && one.image !== undefined && one.image !== image,
  );
  const ageMs = startedAt && now.getTime() - startedAt.getTime();
  const ages = ageMs === undefined ? '' : ` for ${age(ageMs)}`;
  const total = replicas.filter((one) => one.state !== 'terminating').length;
  const updated = replicas.filter((one) => one.state === 'serving' && one.image === image).length;
  const running = whatServes(service);
  const waiting = replicas.filter((one) => one.waiting !== undefined);
  const base = {
    service,
    affected: old,
    evidence: [
      ...optionalField('Message', message === undefined || message === '' ? undefined : message),
      ...optionalField(
        'Not running',
        waiting.length === 0 ? undefined : wording.list(waiting.map((one) => `${one.name} (${one.waiting})`)),
      ),
    ],
  };
  const isSlow = ageMs !== undefined && ageMs > SLOW_MS;
  const inProgress = (what: string): BuildFinding =>
    driftFinding({
      ...base,
      reason: 'rollout-in-progress',
      severity: isSlow ? 'warning' : 'info',
      headline: `${service.name}: the ${what} of the Swarm service ${name} has been in progress${ages}, ${updated} of ${total} updated; ${running}`,
      action: isSlow
        ? `Find out what delays it: \`docker service ps ${name}\``
        : 'Check again when it is complete',
    });
  const paused = (what: string): BuildFinding =>
    driftFinding({
      ...base,
      reason: 'rollout-stuck',
      headline: `${service.name}: the ${what} of the Swarm service ${name} has been paused since it failed, ${updated} of ${total} updated; ${running}`,
      action: `Find out why its tasks fail: \`docker service ps ${name}\`. Then correct the service, or roll it back`,
    });
  switch (state) {
    case 'updating':
      return { findings: [inProgress('update')], old };
    case 'rollback_started':
      return { findings: [inProgress('rollback')], old };
    case 'paused':
      return { findings: [paused('update')], old };
    case 'rollback_paused':
      return { findings: [paused('rollback')], old };
    default:
      break;
  }
  const isRolledBack = state === 'rollback_completed' && !service.expected;
  return {
    old,
    findings: [
      ...(old.length > 0
        ? [
            driftFinding({
              ...base,
              reason: 'old-replicas',
              headline: `${service.name}: ${namesOf(old)} still ${old.length === 1 ? 'serves' : 'serve'} with an earlier image than the Swarm service ${name} has now, although no update is in progress; ${running}`,
              action: `Find out why ${old.length === 1 ? 'it was' : 'they were'} not replaced: \`docker service ps ${name}\``,
            }),
          ]
        : []),
      ...(isRolledBack
        ? [
            driftFinding({
              ...base,
              reason: 'rollout-rolled-back',
              severity: 'info',
              headline: `${service.name}: the last update of the Swarm service ${name} was rolled back; ${running}`,
            }),
          ]
        : []),
    ],
  };
}
