import { describe, expect, test } from 'vitest';
import type { FakeMetrics } from '../world/etcd/fake-cluster.ts';
import { faults, runOnFakes, summaryOf } from './run-etcd-health.ts';

const GOOD: FakeMetrics = { fsyncs: [100_000, 100_010], commits: [100_000, 100_010] };

/** Three members, the last of which reports these counters, one reading after the other. */
const counting = (...metrics: readonly FakeMetrics[]) =>
  runOnFakes({ version: '3.4.23', members: [{ metrics: [GOOD] }, { metrics: [GOOD] }, { metrics }] });

describe.concurrent('slow backend commits', () => {
  // https://github.com/etcd-io/etcd/issues/7044 https://github.com/etcd-io/etcd/issues/10860
  test('are reported if 60% were slow since the start of 3.3.10, whose gateway is at /v3beta', async () => {
    const report = await runOnFakes({
      version: '3.3.10',
      prefix: '/v3beta',
      members: [{}, {}, {}],
      metrics: [{ fsyncs: [100_000, 100_010], commits: [40_000, 100_000], slowApplies: 31_415 }],
    });
    expect(report.findings).toEqual(['warning slow-disk']);
    expect(summaryOf(report, 'slow-disk')).toMatch(/60% of the backend commits/);
  });

  test('are reported if they are slow during the check, after months without a slow one', async () => {
    const report = await counting(
      { fsyncs: [900_000, 900_000], commits: [900_000, 900_000] },
      { fsyncs: [900_300, 900_300], commits: [900_040, 900_100] },
    );
    expect(report.findings).toEqual(['warning slow-disk']);
    expect(summaryOf(report, 'slow-disk')).toMatch(/60% of the backend commits in the last/);
  });

  test('are reported if the metrics have no histogram of fsyncs', async () => {
    const report = await counting({ commits: [40_000, 100_000] });
    expect(report.findings).toEqual(['warning slow-disk']);
  });
});

describe.concurrent('disk latency', () => {
  test('is fine if it was slow last month and is fast during the check', async () => {
    const report = await counting(
      { fsyncs: [40_000, 100_000], commits: [40_000, 100_000] },
      { fsyncs: [40_500, 100_500], commits: [40_500, 100_500] },
    );
    expect(report).toMatchObject({ status: 'clear', findings: [] });
  });

  test('is judged since the start if nothing was written during the check', async () => {
    const report = await counting({ fsyncs: [40_000, 100_000] }, { fsyncs: [40_000, 100_000] });
    expect(report.findings).toEqual(['warning slow-disk']);
    expect(summaryOf(report, 'slow-disk')).toContain('since it started');
  });

  test('is not slow because of one slow fsync of five', async () => {
    const report = await counting(GOOD, { fsyncs: [100_004, 100_015], commits: [100_005, 100_015] });
    expect(report).toMatchObject({ status: 'clear', findings: [] });
  });

  test('is judged since the restart if the counters were reset between the readings', async () => {
    const report = await counting(GOOD, { fsyncs: [3, 5], commits: [2, 4] });
    expect(faults(report)).toEqual([]);
    expect(report.text).not.toMatch(/-\d+ of|NaN/);
  });

  test('is still slow if the counters were reset and have passed their old values', async () => {
    const report = await counting(
      { fsyncs: [100, 100], commits: [100, 100] },
      { fsyncs: [60, 150], commits: [60, 150] },
    );
    // The number of fast ones went down, so the member restarted: 90 of 150 were slow since then, not 90 of
    // 50.
    expect(report.text).not.toMatch(/90 of 50|1\d\d ?%|-\d+ of|NaN/);
  });

  test('is judged since the start if the second reading fails', async () => {
    let asked = 0;
    const text = [
      'etcd_server_has_leader 1',
      'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.008"} 40000',
      'etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 100000',
      'etcd_disk_wal_fsync_duration_seconds_count 100000',
      '',
    ].join('\n');
    const report = await runOnFakes({
      members: [
        {},
        {},
        {
          answers: {
            metrics: (_, response) => {
              asked += 1;
              if (asked === 1) response.writeHead(200, { 'content-type': 'text/plain' }).end(text);
            },
          },
        },
      ],
    });
    expect(report.findings).toEqual(['warning slow-disk']);
  });
});

describe.concurrent('slow requests', () => {
  test('are a hint if there are many during the check and disks are fast', async () => {
    const report = await counting(
      { ...GOOD, slowApplies: 10 },
      { fsyncs: [100_400, 100_410], commits: [100_100, 100_110], slowApplies: 40 },
    );
    expect(report.findings).toEqual(['info slow-disk']);
    expect(summaryOf(report, 'slow-disk')).toContain('30 requests');
  });

  test('are no finding if there are many since the start and none during the check', async () => {
    const report = await counting(
      { ...GOOD, slowApplies: 31_415 },
      { fsyncs: [100_400, 100_410], commits: [100_100, 100_110], slowApplies: 31_415 },
    );
    expect(report).toMatchObject({ status: 'clear', findings: [] });
  });

  test('are no finding if the metrics do not count them', async () => {
    const report = await counting(GOOD);
    expect(report).toMatchObject({ status: 'clear', findings: [] });
  });
});

describe.concurrent('metrics that are not numbers', () => {
  test.each(['NaN', '+Inf', '-1', 'many'])('are ignored: %s slow fsyncs', async (value) => {
    const text = [
      'etcd_server_has_leader 1',
      `etcd_disk_wal_fsync_duration_seconds_bucket{le="0.008"} ${value}`,
      'etcd_disk_wal_fsync_duration_seconds_count 100000',
      '',
    ].join('\n');
    const report = await runOnFakes({ members: [{}, {}, { answers: { metrics: { text } } }] });
    expect(faults(report)).toEqual([]);
    expect(report.text).not.toContain('NaN');
  });
});
