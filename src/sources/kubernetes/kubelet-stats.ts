import type { FileSystem, KubeletStats, PodUsage, Usage } from '../../ports/clusters.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { optionalDate } from './json-values.ts';
import type { Malformed } from './kubelet-config.ts';

/**
 * The stats in `/stats/summary`: https://github.com/kubernetes/kubelet/blob/v0.33.0/pkg/apis/stats/v1alpha1/types.go An absent number stays
 * absent; it is never 0.
 * @throws the error of `malformed`, for an unusable response, including an invalid number of a file system of the node.
 */
export function toKubeletStats(body: JsonObject, malformed: Malformed): KubeletStats {
  const { node, pods } = body;
  if (typeof node !== 'object' || node === null || Array.isArray(node)) throw malformed('it has no `node`');
  if (pods !== undefined && pods !== null && !Array.isArray(pods))
    throw malformed('its `pods` are not a list');
  const runtime = asObject((node as JsonObject)['runtime']);
  return {
    ...fileSystemIn(node as JsonObject, 'fs', 'nodeFs', malformed),
    ...fileSystemIn(runtime, 'imageFs', 'imageFs', malformed),
    ...fileSystemIn(runtime, 'containerFs', 'containerFs', malformed),
    pods: listIn(body, 'pods').map(toPodUsage),
  };
}

const FILE_SYSTEM_NUMBERS = [
  'availableBytes',
  'capacityBytes',
  'usedBytes',
  'inodes',
  'inodesFree',
  'inodesUsed',
] as const;

/** `{}` for a file system without numbers, such as the one for images on Windows. */
function fileSystemIn<Name extends string>(
  object: JsonObject,
  key: string,
  name: Name,
  malformed: Malformed,
): { readonly [Key in Name]?: FileSystem } {
  const value = object[key];
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw malformed(`its \`${key}\` is not a file system`);
  const shown = value as JsonObject;
  const numbers = FILE_SYSTEM_NUMBERS.flatMap((number) => {
    const amount = shown[number];
    if (amount === undefined || amount === null) return [];
    if (!isAmount(amount)) throw malformed(`its \`${key}.${number}\` is not a positive number`);
    return [[number, amount] as const];
  });
  if (numbers.length === 0) return {};
  const fileSystem = { ...optionalDate('measuredAt', shown, 'time'), ...Object.fromEntries(numbers) };
  return { [name]: fileSystem } as { readonly [Key in Name]: FileSystem };
}

function toPodUsage(pod: JsonObject): PodUsage {
  const reference = asObject(pod['podRef']);
  return {
    namespace: textIn(reference, 'namespace') ?? '',
    name: textIn(reference, 'name') ?? '',
    uid: textIn(reference, 'uid') ?? '',
    ...usageIn(pod, 'ephemeral-storage', 'ephemeral'),
    containers: listIn(pod, 'containers').map((container) => ({
      name: textIn(container, 'name') ?? '',
      ...usageIn(container, 'rootfs', 'rootfs'),
      ...usageIn(container, 'logs', 'logs'),
    })),
    volumes: listIn(pod, 'volume').map((volume) => {
      const claim = textIn(asObject(volume['pvcRef']), 'name');
      const { capacityBytes } = volume;
      return {
        name: textIn(volume, 'name') ?? '',
        ...toUsage(volume),
        ...(claim !== undefined && { claim }),
        ...(isAmount(capacityBytes) && { capacityBytes }),
      };
    }),
  };
}

function usageIn<Name extends string>(
  object: JsonObject,
  key: string,
  name: Name,
): { readonly [Key in Name]?: Usage } {
  const usage = toUsage(asObject(object[key]));
  if (usage.bytes === undefined && usage.inodes === undefined) return {};
  return { [name]: usage } as { readonly [Key in Name]: Usage };
}

/** Invalid numbers are omitted: usage only explains what fills a disk, and no verdict depends on it. */
function toUsage({ usedBytes, inodesUsed }: JsonObject): Usage {
  return {
    ...(isAmount(usedBytes) && { bytes: usedBytes }),
    ...(isAmount(inodesUsed) && { inodes: inodesUsed }),
  };
}

/** Also rejects an unsigned 64-bit number that underflowed. */
function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
