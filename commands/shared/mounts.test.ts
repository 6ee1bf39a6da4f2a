import { expect, test } from 'vitest';
import { isSharedMount, mountOf } from './mounts.ts';

const mount = (path: string, type = 'ext4', device = `/dev/${path}`) => ({ path, type, device });

test('a path is on the longest mount above it, and on the last of several at one path', () => {
  const covering = mount('/var/lib', 'xfs', '/dev/sdc');
  const mounts = [
    mount('/'),
    mount('/var/lib'),
    covering,
    mount('/var/lib/nova/instances'),
    mount('/var/lib/no'),
  ];
  expect(mountOf(mounts, '/var/lib/nova/instances/a/disk')?.path).toBe('/var/lib/nova/instances');
  expect(mountOf(mounts, '/var/lib/nova')).toBe(covering);
  expect(mountOf(mounts, '/etc')?.path).toBe('/');
  expect(mountOf(undefined, '/etc')).toBeUndefined();
});

test.each([
  ['nfs4', true],
  ['fuse.glusterfs', true],
  ['ceph', true],
  ['smb3', true],
  ['ext4', false],
  ['xfs', false],
  ['fuseblk', false],
])('%s', (type, isShared) => {
  expect(isSharedMount(mount('/', type))).toBe(isShared);
});
