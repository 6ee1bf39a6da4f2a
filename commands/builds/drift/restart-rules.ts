import type { ports } from '../../kit.ts';
import { obstacleToRestart } from '../../shared/restart-obstacle.ts';

/** Why the template of a workload must not be changed, or a change would not reach its pods. undefined if it may. */
export function obstacleToChange(
  workload: Pick<
    ports.Rollout,
    'kind' | 'isPaused' | 'isUpdatedOnDelete' | 'partition' | 'managedBy' | 'controller'
  >,
  permission: ports.WorkloadPermission | undefined,
  allow: 'restart' | 'pin',
): string | undefined {
  const { kind } = workload;
  if (kind === 'ReplicaSet' || kind === 'Rollout') return `Wrench doesn't change a ${kind}`;
  if (!permission) return "it isn't known whether the configuration allows it";
  return permission.allowed ? obstacleToRestart(workload, permission, allow) : permission.because;
}
