import type { FileState, InstanceDisk } from '../../src/ports/hosts.ts';

interface Incomplete<T> {
  readonly what: string;
  readonly subject: string;
  readonly value: readonly T[];
}

/** Each disk of an instance in turn can't be read. */
export function unreadableDisks(disks: readonly InstanceDisk[]): readonly Incomplete<InstanceDisk>[] {
  return disks.map(({ path, instance }) => ({
    what: `${path} can't be read`,
    subject: path,
    value: disks.map((one) => (one.path === path ? { path, instance, error: 'dropped' } : one)),
  }));
}

/** It isn't known of one file in turn whether it exists. */
export function unreadableFiles(files: readonly FileState[]): readonly Incomplete<FileState>[] {
  return files.map(({ path }) => ({
    what: `${path} is unreadable`,
    subject: path,
    value: files.map((one) => (one.path === path ? { path, state: 'unreadable', error: 'dropped' } : one)),
  }));
}
