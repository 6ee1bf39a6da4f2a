import { expect, test } from 'vitest';
import { parseMetrics } from './metrics.ts';

test('counts operations above the last bucket below the limit as slow, and parses large numbers as Prometheus writes them', () => {
  const text = [
    '# HELP etcd_disk_wal_fsync_duration_seconds The latency distributions of fsync called by WAL.',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.008"} 90',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.016"} 95',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 100',
    'etcd_disk_wal_fsync_duration_seconds_count 100',
    'etcd_disk_backend_commit_duration_seconds_bucket{le="0.032"} 7',
    'etcd_disk_backend_commit_duration_seconds_count 8',
    'etcd_server_slow_apply_total 3',
    'etcd_server_id{server_id="8e9e05c52164694d"} 1',
    'etcd_server_quota_backend_bytes 2.147483648e+09',
    'etcd_server_has_leader 0',
    'etcd_server_proposals_pending NaN',
    'go_goroutines 12',
  ].join('\n');
  expect(parseMetrics(text)).toEqual({
    id: '8e9e05c52164694d',
    disk: { fsyncs: { slow: 10, total: 100 }, commits: { slow: 1, total: 8 }, slowApplies: 3 },
    quotaBytes: 2_147_483_648,
    hasLeader: false,
  });
});

test.each(['0', '-1'])('a quota of %s means no quota', (quota) => {
  expect(parseMetrics(`etcd_server_quota_backend_bytes ${quota}\n`)).toEqual({});
});

test('returns nothing for text without metrics', () => {
  expect(parseMetrics('<html>404</html>')).toEqual({});
});
