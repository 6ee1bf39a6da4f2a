import type { ports } from '../../kit.ts';

/** When a host removes base images, and which: https://docs.openstack.org/nova/latest/configuration/config.html#image-cache */
export interface CacheSettings {
  readonly instancesPath: string;
  /** The only folder that it cleans. Absent if its name can't be expanded. */
  readonly folder?: string;
  /** The name of the folder depends on the host. */
  readonly isPerHost: boolean;
  /** Absent if the value is invalid. */
  readonly removes?: boolean;
  /** `manager_interval` is -1: it removes nothing, and doesn't report that its instances use base images. */
  readonly isOff: boolean;
  /** `remove_unused_base_images` is not set. */
  readonly isDefault: boolean;
  readonly intervalMs: number;
  readonly originalAgeMs: number;
  readonly resizedAgeMs: number;
  /** How disks are stored, if set: `rbd`, `lvm`, `qcow2`. */
  readonly imagesType?: string;
}

type Lookup = (...names: readonly (readonly [section: string, key: string])[]) => string | undefined;

const DEFAULT_INTERVAL_SECONDS = 2_400;
const TRUE_WORDS = /^(true|1|yes|on)$/i;
const FALSE_WORDS = /^(false|0|no|off)$/i;
const OF_THE_HOST = /my_ip|host/;

/** With the defaults and the older names of each option. The later of two equal lines wins. */
export function cacheSettings(settings: readonly ports.HostSetting[], host: string): CacheSettings {
  const values = new Map(
    settings.map(({ section = 'DEFAULT', key, value }) => [`${section} ${key}`, value.trim()]),
  );
  const find: Lookup = (...names) =>
    names.map(([section, key]) => values.get(`${section} ${key}`)).find((value) => value !== undefined);
  const expand = (text: string): string | undefined => expanded(text, find, host);

  const statePath = expand(find(['DEFAULT', 'state_path']) ?? '/var/lib/nova') ?? '/var/lib/nova';
  const instancesPath =
    expand(find(['DEFAULT', 'instances_path']) ?? `${statePath}/instances`) ?? `${statePath}/instances`;
  const subfolder =
    find(
      ['image_cache', 'subdirectory_name'],
      ['DEFAULT', 'image_cache_subdirectory_name'],
      ['DEFAULT', 'base_dir_name'],
    ) ?? '_base';
  const name = expand(subfolder);
  const removal = find(
    ['image_cache', 'remove_unused_base_images'],
    ['DEFAULT', 'remove_unused_base_images'],
  );
  const intervalSeconds = numberOr(
    DEFAULT_INTERVAL_SECONDS,
    find(['image_cache', 'manager_interval'], ['DEFAULT', 'image_cache_manager_interval']),
  );
  const isOff = intervalSeconds < 0;
  const removes = isOff ? false : removal === undefined ? true : booleanOf(removal);
  const imagesType = find(['libvirt', 'images_type'], ['DEFAULT', 'libvirt_images_type']);
  return {
    instancesPath: withoutSlash(instancesPath),
    ...(name !== undefined && { folder: `${withoutSlash(instancesPath)}/${name}` }),
    isPerHost:
      subfolder
        .replaceAll('$$', '')
        .match(/\$\{?\w+|%\(\w+\)s/g)
        ?.some((one) => OF_THE_HOST.test(one)) ?? false,
    ...(removes !== undefined && { removes }),
    isOff,
    isDefault: removal === undefined,
    // 0 is once a minute.
    intervalMs: (intervalSeconds > 0 ? intervalSeconds : 60) * 1_000,
    originalAgeMs: 1_000 * numberOr(86_400, find(...both('remove_unused_original_minimum_age_seconds'))),
    resizedAgeMs: 1_000 * numberOr(3_600, find(...both('remove_unused_resized_minimum_age_seconds'))),
    ...(imagesType !== undefined && { imagesType: imagesType.toLowerCase() }),
  };
}

function both(key: string): readonly (readonly [string, string])[] {
  return [
    ['image_cache', key],
    ['DEFAULT', key],
    ['libvirt', key],
  ];
}

function booleanOf(value: string): boolean | undefined {
  return TRUE_WORDS.test(value) ? true : FALSE_WORDS.test(value) ? false : undefined;
}

function numberOr(fallback: number, value: string | undefined): number {
  return value !== undefined && /^-?\d+$/.test(value) ? Number(value) : fallback;
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '');
}

/** `$my_ip`, `${my_ip}` and `%(my_ip)s`. undefined if a value isn't in the settings. */
function expanded(text: string, find: Lookup, host: string): string | undefined {
  let isComplete = true;
  const result = text.replaceAll(
    /\$\$|\$\{(\w+)\}|\$(\w+)|%\((\w+)\)s/g,
    (match, braced?: string, plain?: string, percent?: string) => {
      if (match === '$$') return '$';
      const key = braced ?? plain ?? percent ?? '';
      const value =
        find(['DEFAULT', key]) ??
        (key === 'host' ? host : key === 'state_path' ? '/var/lib/nova' : undefined);
      if (value === undefined || value.includes('$')) isComplete = false;
      return value ?? match;
    },
  );
  return isComplete ? result : undefined;
}
