import { describe, expect, test } from 'vitest';
import { settings } from './builders.ts';
import { cacheSettings } from './cache-settings.ts';

type Line = readonly [section: string, key: string, value: string];

const of = (...lines: readonly Line[]) => cacheSettings(settings(...lines), 'cmp-1');

describe('the settings of the image cache', () => {
  test('have the defaults of Nova, which remove', () => {
    expect(of()).toEqual({
      instancesPath: '/var/lib/nova/instances',
      folder: '/var/lib/nova/instances/_base',
      isPerHost: false,
      removes: true,
      isOff: false,
      isDefault: true,
      intervalMs: 2_400_000,
      originalAgeMs: 86_400_000,
      resizedAgeMs: 3_600_000,
    });
  });

  test.each(['False', 'false', '0', 'no', 'Off'])('%s keeps base images', (value) => {
    expect(of(['image_cache', 'remove_unused_base_images', value]).removes).toBe(false);
  });

  test.each(['True', '1', 'YES', 'on'])('%s removes them', (value) => {
    expect(of(['image_cache', 'remove_unused_base_images', value])).toMatchObject({
      removes: true,
      isDefault: false,
    });
  });

  test('a value that is no boolean says nothing', () => {
    expect(of(['image_cache', 'remove_unused_base_images', '"False"']).removes).toBeUndefined();
  });

  test('the later of two equal lines wins', () => {
    const twice: readonly Line[] = [
      ['image_cache', 'remove_unused_base_images', 'False'],
      ['image_cache', 'remove_unused_base_images', 'True'],
    ];
    expect(of(...twice).removes).toBe(true);
    expect(of(...twice.toReversed()).removes).toBe(false);
  });

  test('the older names count, and the new ones win', () => {
    expect(of(['DEFAULT', 'remove_unused_base_images', 'False']).removes).toBe(false);
    expect(of(['DEFAULT', 'image_cache_manager_interval', '600']).intervalMs).toBe(600_000);
    expect(of(['libvirt', 'remove_unused_resized_minimum_age_seconds', '7200']).resizedAgeMs).toBe(7_200_000);
    expect(of(['DEFAULT', 'base_dir_name', '_cache']).folder).toBe('/var/lib/nova/instances/_cache');
    expect(
      of(
        ['image_cache', 'remove_unused_base_images', 'True'],
        ['DEFAULT', 'remove_unused_base_images', 'False'],
      ).removes,
    ).toBe(true);
  });

  test('an option in the wrong section has no effect', () => {
    expect(of(['compute', 'remove_unused_base_images', 'False']).removes).toBe(true);
  });

  test('an interval of -1 switches the cache manager off', () => {
    expect(of(['image_cache', 'manager_interval', '-1'])).toMatchObject({ removes: false, isOff: true });
    expect(of(['image_cache', 'manager_interval', '0'])).toMatchObject({ removes: true, intervalMs: 60_000 });
  });

  test.each([
    ['_base_$my_ip', '_base_10.20.0.11'],
    ['_base_${my_ip}', '_base_10.20.0.11'],
    ['_base_%(my_ip)s', '_base_10.20.0.11'],
    ['_base_$host', '_base_cmp-1'],
  ])('%s is a folder of one host', (name, folder) => {
    const set = of(['DEFAULT', 'my_ip', '10.20.0.11'], ['image_cache', 'subdirectory_name', name]);
    expect(set).toMatchObject({ isPerHost: true, folder: `/var/lib/nova/instances/${folder}` });
  });

  test('a folder with an address that is not configured is of one host too, but its name is unknown', () => {
    const set = of(['image_cache', 'subdirectory_name', '_base_$my_ip']);
    expect(set.isPerHost).toBe(true);
    expect(set.folder).toBeUndefined();
  });

  test('a name without a variable is shared, also if it looks like a host', () => {
    expect(of(['image_cache', 'subdirectory_name', '_base_host_my_ip']).isPerHost).toBe(false);
    expect(of(['image_cache', 'subdirectory_name', '_base_$$my_ip'])).toMatchObject({
      isPerHost: false,
      folder: '/var/lib/nova/instances/_base_$my_ip',
    });
  });

  test('instances may be elsewhere', () => {
    expect(of(['DEFAULT', 'instances_path', '/srv/nova/']).folder).toBe('/srv/nova/_base');
    expect(
      of(['DEFAULT', 'state_path', '/data'], ['DEFAULT', 'instances_path', '$state_path/vms']),
    ).toMatchObject({
      instancesPath: '/data/vms',
    });
  });
});
