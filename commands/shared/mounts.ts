import type { ports } from '../kit.ts';

/** File systems that several hosts can write to. */
const SHARED_TYPES =
  /^(nfs\d*|ceph|glusterfs|gfs2?|ocfs2|lustre|beegfs|gpfs|cifs|smb3?|fuse|fuse\..+|fuseblk\..+)$/;

/** The mount that holds a path: the longest that is a prefix, and of equal ones the last, which covers the others. */
export function mountOf(
  mounts: readonly ports.HostMount[] | undefined,
  path: string,
): ports.HostMount | undefined {
  return mounts
    ?.filter((one) => path === one.path || path.startsWith(`${one.path.replace(/\/$/, '')}/`))
    .reduce<ports.HostMount | undefined>(
      (best, one) => (best && best.path.length > one.path.length ? best : one),
      undefined,
    );
}

export function isSharedMount({ type }: ports.HostMount): boolean {
  return SHARED_TYPES.test(type);
}
