import type { ports } from '../kit.ts';

type Restarted = Pick<
  ports.Workload,
  'isPaused' | 'isUpdatedOnDelete' | 'partition' | 'managedBy' | 'controller'
>;

const WHERE = {
  restart: 'Restart it there, or set `allow.restart.managed`',
  pin: 'Change the image there, or set `allow.pin.managed`',
} as const;

/**
 * Why a workload must not be restarted, or a restart would not replace all of its pods; undefined if it may. `managed`: whether the configuration allows
 * restarting what other tools manage. Changing its image to a digest restarts it too.
 */
export function obstacleToRestart(
  { isPaused, isUpdatedOnDelete, partition, managedBy, controller }: Restarted,
  { managed }: { readonly managed: boolean },
  allow: keyof typeof WHERE = 'restart',
): string | undefined {
  if (isPaused) return 'its rollout is paused';
  if (isUpdatedOnDelete) return 'it replaces its pods only when someone deletes them (`OnDelete`)';
  if (partition !== undefined && partition > 0)
    return `pods with an ordinal below ${partition} are kept (\`partition\`)`;
  if (managed) return undefined;
  if (managedBy !== undefined) return `${managedBy} manages it. ${WHERE[allow]}`;
  return controller
    ? `it belongs to ${controller.kind} ${controller.name}, whose operator manages it. ${WHERE[allow]}`
    : undefined;
}
