import { expect, test } from 'vitest';
import { readMetrics } from './metrics.ts';

test('fsyncs are slow from the bucket below 10 ms on, and large numbers are read as Prometheus writes them', () => {
  const text = [
    '# HELP etcd_disk_wal_fsync_duration_seconds The latency distributions of fsync called by WAL.',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.008"} 90',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.016"} 95',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 100',
    'etcd_disk_wal_fsync_duration_seconds_count 100',
    'etcd_server_quota_backend_bytes 2.147483648e+09',
    'etcd_server_has_leader 0',
    'etcd_server_proposals_pending NaN',
    'go_goroutines 12',
  ].join('\n');
  expect(readMetrics(text)).toEqual({
    slowFsyncs: { share: 0.1, total: 100 },
    quotaBytes: 2_147_483_648,
    hasLeader: false,
  });
});

test('what is no metrics tells nothing', () => {
  expect(readMetrics('<html>404</html>')).toEqual({});
});
