import type { DiskCounters, Operations } from '../../ports/key-value.ts';

/** The metrics in `/metrics` that are used, in the Prometheus text format. Absent if missing. */
export interface EtcdMetrics {
  /** Hexadecimal. Since etcd 3.3. */
  readonly id?: string;
  readonly hasLeader?: boolean;
  readonly isLeader?: boolean;
  readonly isLearner?: boolean;
  readonly leaderChanges?: number;
  readonly proposalsFailed?: number;
  readonly proposalsPending?: number;
  readonly proposalsCommitted?: number;
  readonly proposalsApplied?: number;
  readonly quotaBytes?: number;
  readonly dbSizeBytes?: number;
  readonly dbInUseBytes?: number;
  readonly disk?: DiskCounters;
}

export function parseMetrics(text: string): EtcdMetrics {
  const values = new Map<string, number>();
  for (const [, name, value] of text.matchAll(/^(etcd_\w+(?:\{[^}\n]*\})?)[ \t]+(\S+)/gm))
    if (name !== undefined) values.set(name, Number(value));
  const count = (name: string): number | undefined => {
    const value = values.get(name);
    return value !== undefined && Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const flag = (name: string): boolean | undefined => (values.has(name) ? values.get(name) === 1 : undefined);
  /** The buckets double from 1 ms, so none matches the limits in etcd's guide exactly. */
  const operations = (histogram: string, quickBelow: string): Operations | undefined => {
    const total = count(`${histogram}_count`);
    const quick = count(`${histogram}_bucket{le="${quickBelow}"}`);
    if (total === undefined || quick === undefined) return undefined;
    return { slow: Math.max(0, total - quick), total };
  };
  const disk = reported({
    fsyncs: operations('etcd_disk_wal_fsync_duration_seconds', '0.008'),
    commits: operations('etcd_disk_backend_commit_duration_seconds', '0.032'),
    slowApplies: count('etcd_server_slow_apply_total'),
  });
  return reported({
    id: /^etcd_server_id\{server_id="(?<id>[0-9a-f]{1,16})"\} 1$/m.exec(text)?.groups?.['id'],
    hasLeader: flag('etcd_server_has_leader'),
    isLeader: flag('etcd_server_is_leader'),
    isLearner: flag('etcd_server_is_learner'),
    leaderChanges: count('etcd_server_leader_changes_seen_total'),
    proposalsFailed: count('etcd_server_proposals_failed_total'),
    proposalsPending: count('etcd_server_proposals_pending'),
    proposalsCommitted: count('etcd_server_proposals_committed_total'),
    proposalsApplied: count('etcd_server_proposals_applied_total'),
    // 0 if there is none.
    quotaBytes: count('etcd_server_quota_backend_bytes') || undefined,
    dbSizeBytes:
      count('etcd_mvcc_db_total_size_in_bytes') ?? count('etcd_debugging_mvcc_db_total_size_in_bytes'),
    dbInUseBytes: count('etcd_mvcc_db_total_size_in_use_in_bytes'),
    disk: Object.keys(disk).length > 0 ? disk : undefined,
  });
}

type Reported<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Omits undefined values. */
export function reported<T extends object>(facts: T): Reported<T> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Reported<T>;
}
