import { describe, expect, test } from 'vitest';
import { askCase, problems } from './ask-case.ts';
import {
  askRestarts,
  before,
  countedBefore,
  DAY,
  HOUR,
  MINUTE,
  mirrorPod,
  podEvent,
  previousLog,
  restartedStatus,
  restartingPod,
} from './restarting-pods.ts';
import { podObject } from '../world/kubernetes/objects.ts';

/** Inputs rebuilt from public reports, and variations of them. */
const KILLED = 'Container app failed liveness probe, will be restarted';

describe('a probe that times out', () => {
  /** https://github.com/airflow-helm/charts/issues/484 */
  test('is recognized by its events if how long the container ran fits both windows', async () => {
    const verdict = await askCase('k14');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['critical airflow/scheduler-6b9d8-kq7ts']);
    const text = verdict.about('airflow/scheduler-6b9d8-kq7ts');
    expect(text).toMatch(
      /liveness probe kills scheduler after 149 s, in its timeout window of 140 to 170 s: it times out after 10 s/,
    );
    expect(text).toMatch(/8 restarts in the last hour/);
    expect(text).toMatch(/130 to 160 s/);
    expect(text).toMatch(/140 to 170 s/);
    expect(text).toMatch(/kubelets before 1\.20/);
    expect(text).not.toMatch(/check_scheduler|memory/);
    expect(verdict.offers).toEqual(['raise-limit']);
    expect(verdict.report.gaps).toEqual([]);
  });

  const httpGet = { path: '/health?token=s3cret', port: 8080 };
  const livenessProbe = {
    httpGet,
    initialDelaySeconds: 0,
    periodSeconds: 20,
    timeoutSeconds: 5,
    failureThreshold: 4,
  };
  const pod = restartingPod(
    { restarts: 12, startedAgo: 110, endedAgo: 40, exitCode: 143, runningFor: 39 },
    { spec: { livenessProbe } },
  );
  const earlier = countedBefore(pod, 'app', [
    [HOUR, 2],
    [30 * MINUTE, 7],
  ]);

  test('of kind HTTP is recognized by the error of the client, without showing the query', async () => {
    const message =
      'Liveness probe failed: Get "http://10.0.0.7:8080/health?token=s3cret": context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
    const events = [
      podEvent(pod, 'Unhealthy', message, { lastAgo: 41 }),
      podEvent(pod, 'Killing', KILLED, { lastAgo: 41 }),
    ];
    const verdict = await askRestarts([pod], { events, earlier });
    expect(verdict.faults).toEqual(['critical shop/web-1-x2lzq']);
    expect(verdict.text).toMatch(/timeout window of 65 to 85 s: it times out after 5 s/);
    expect(verdict.text).not.toMatch(/s3cret/);
    expect(verdict.offers).toEqual(['raise-limit']);
  });

  test('is one of two possibilities if its events are gone', async () => {
    const verdict = await askRestarts([pod], { earlier });
    expect(verdict.faults).toEqual(['critical shop/web-1-x2lzq']);
    expect(verdict.text).toMatch(
      /runs for 70 s between kills, which fits both windows .* fails at once \(60 to 80 s\) or times out \(65 to 85 s\)/,
    );
  });
});

describe('a probe that fails at once', () => {
  /** https://github.com/kubernetes/kubernetes/issues/140716 */
  test('is not an OOM kill, although the runtime says OOMKilled', async () => {
    const verdict = await askCase('k15');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['critical zk/cluster-2']);
    const [finding] = verdict.report.findings;
    expect(finding?.summary).toMatch(/liveness probe kills zookeeper .*fails at once \(connection refused\)/);
    expect(finding?.summary).toMatch(
      /window of 50 to 60 s: it fails at once \(connection refused\)\. 7 restarts in the last hour/,
    );
    expect(finding?.summary).not.toMatch(/memory/);
    expect(verdict.text).toMatch(/143 \(SIGTERM\), OOMKilled, .*not an OOM kill/);
    expect(verdict.offers).toEqual([]);
  });

  const livenessProbe = { tcpSocket: { port: 6379 }, initialDelaySeconds: 5, failureThreshold: 3 };
  const killed = (exitCode: number, life: number, reason = 'Error') =>
    restartingPod(
      { restarts: 20, startedAgo: life + 40, endedAgo: 40, exitCode, reason, runningFor: 39 },
      { spec: { livenessProbe, resources: { limits: { memory: '256Mi' } } } },
    );
  const count = (pod: ReturnType<typeof killed>) => countedBefore(pod, 'app', [[HOUR, 4]]);

  test('kills with SIGKILL after the grace period', async () => {
    const pod = killed(137, 60, 'OOMKilled');
    const events = [podEvent(pod, 'Killing', KILLED, { lastAgo: 70 })];
    const verdict = await askRestarts([pod], { events, earlier: count(pod) });
    expect(verdict.report.findings).toMatchObject([{ reason: 'killed-by-probe' }]);
  });

  test('is not the cause of an OOM kill', async () => {
    const pod = killed(137, 600, 'OOMKilled');
    const verdict = await askRestarts([pod], { earlier: count(pod) });
    expect(verdict.report.findings).toMatchObject([{ reason: 'out-of-memory' }]);
    expect(verdict.text).toMatch(/memory limit of 256Mi/);
    expect(verdict.offers).toEqual([]);
  });
});

describe('etcd of kubeadm 1.12', () => {
  const spec = {
    livenessProbe: {
      exec: {
        command: [
          '/bin/sh',
          '-ec',
          'ETCDCTL_API=3 etcdctl --key=/etc/kubernetes/pki/etcd/healthcheck-client.key get foo',
        ],
      },
      initialDelaySeconds: 15,
      timeoutSeconds: 15,
      failureThreshold: 8,
    },
  };
  const etcd = mirrorPod(
    'etcd',
    { restarts: 183, startedAgo: 142, endedAgo: 51, exitCode: 0, reason: 'Completed', runningFor: 51 },
    { spec },
  );
  const nodes = [
    {
      name: 'node-a',
      kubeletVersion: 'v1.12.3',
      containerRuntime: 'docker://1.13.1',
      osImage: 'CentOS Linux 7 (Core)',
    },
  ];
  const earlier = countedBefore(etcd, 'etcd', [[15 * MINUTE, 175]]);

  /** https://github.com/kubernetes/kubeadm/issues/1299 */
  test('is killed because the runtime cannot run the command of its probe', async () => {
    const events = [
      podEvent(
        etcd,
        'Unhealthy',
        'Liveness probe failed: rpc error: code = 2 desc = oci runtime error: exec failed: container_linux.go:247: starting container process caused "process_linux.go:110: decoding init error from pipe caused \\"read parent: connection reset by peer\\""',
        { count: 64, lastAgo: 52 },
      ),
      podEvent(
        etcd,
        'Killing',
        'Killing container with id docker://etcd:Container failed liveness probe.. Container will be killed and recreated.',
        { lastAgo: 51 },
      ),
    ];
    const verdict = await askRestarts([etcd], { nodes, events, earlier });
    expect(verdict.faults).toEqual(['critical kube-system/etcd-node-a']);
    expect(verdict.text).toMatch(
      /etcd runs for 91 s .* 85 to 95 s: the probe fails at once \(exec failed\), it does not time out/,
    );
    expect(verdict.text).toMatch(/docker-1\.13\.1-84 .* docker-1\.13\.1-88/);
    expect(verdict.text).not.toMatch(/remove the probe|healthcheck-client/);
    expect(verdict.text).toMatch(/\/etc\/kubernetes\/manifests\/etcd\.yaml on node-a/);
    expect(verdict.offers).toEqual([]);
  });

  test('is killed by the probe at 137 s because the probe times out, also without events', async () => {
    const slow = mirrorPod(
      'etcd',
      { restarts: 90, startedAgo: 188, endedAgo: 51, exitCode: 0, reason: 'Completed', runningFor: 51 },
      { spec },
    );
    const verdict = await askRestarts([slow], { earlier: countedBefore(slow, 'etcd', [[15 * MINUTE, 85]]) });
    expect(verdict.text).toMatch(/137 s .* timeout window .* 135 to 145 s/);
    expect(verdict.text).not.toMatch(/docker/);
  });
});

describe('a lost leader lease', () => {
  /** https://github.com/kubernetes/kubernetes/issues/74340 */
  test('is a slow loop of three pods, and the API servers are fine', async () => {
    const verdict = await askCase('k16');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(
      [1, 2, 3].map((n) => `warning kube-system/kube-controller-manager-cp-${n}`),
    );
    const text = verdict.about('kube-system/kube-controller-manager-cp-1');
    expect(text).toMatch(/leader lease/);
    expect(text).toMatch(/13 to 14 restarts in the last day/);
    expect(text).toMatch(/API server and of etcd/);
    expect(verdict.text).not.toMatch(/kube-apiserver|OOM|memory/);
    expect(verdict.report.findings[0]?.next).toEqual([{ check: 'etcd/health', args: {} }]);
    expect(verdict.offers).toEqual([]);
  });

  const lives = {
    restarts: 90,
    startedAgo: 2 * HOUR,
    endedAgo: 30 * MINUTE,
    exitCode: 255,
    runningFor: 30 * MINUTE,
  };

  test('is recognized in the log of a controller in a Deployment', async () => {
    const pod = restartingPod(lives, { createdAt: before(9 * DAY) });
    const log = [
      'I1126 11:29:58 leaderelection.go:278] stopped leading',
      'E1126 "problem running manager" err="leader election lost"',
    ];
    const verdict = await askRestarts([pod], {
      answers: previousLog(pod, log),
      earlier: countedBefore(pod, 'app', [[DAY, 78]]),
    });
    expect(verdict.faults).toEqual(['warning shop/web-1-x2lzq']);
    expect(verdict.report.findings).toMatchObject([{ reason: 'leader-lease-lost' }]);
  });

  test('is not assumed of a controller that crashes', async () => {
    const pod = restartingPod(lives, { createdAt: before(9 * DAY) });
    const verdict = await askRestarts([pod], {
      answers: previousLog(pod, ['panic: runtime error: invalid memory address']),
      earlier: countedBefore(pod, 'app', [[DAY, 78]]),
    });
    expect(verdict.report.findings).toMatchObject([{ reason: 'crash-loop', severity: 'warning' }]);
  });

  test('once in a while is no loop', async () => {
    const pod = mirrorPod('kube-scheduler', {
      ...lives,
      restarts: 9,
      startedAgo: 12 * DAY,
      endedAgo: 6 * DAY,
      runningFor: 6 * DAY,
    });
    const verdict = await askRestarts([pod], { earlier: countedBefore(pod, 'kube-scheduler', [[DAY, 9]]) });
    expect(verdict.status).toBe('clear');
  });
});

describe('a process that exits', () => {
  /** https://github.com/kubernetes/kubernetes/issues/53125 */
  test('with success is a task, not a crash', async () => {
    const verdict = await askCase('k17');
    expect(verdict.status).toBe('found');
    expect(verdict.faults).toEqual(['warning default/demo-5d4f-8x2kp', 'warning ops/tainter-7c9b-m4n5q']);
    for (const pod of ['default/demo-5d4f-8x2kp', 'ops/tainter-7c9b-m4n5q']) {
      const text = verdict.about(pod);
      expect(text).toMatch(/exits with code 0 \(success\)/);
      expect(text).toMatch(/Job or CronJob/);
      expect(text).not.toMatch(/crash|probe|memory/i);
    }
    expect(verdict.offers).toEqual([]);
  });

  const livenessProbe = {
    httpGet: { path: '/', port: 80 },
    initialDelaySeconds: 0,
    periodSeconds: 10,
    failureThreshold: 3,
  };
  const task = restartingPod(
    { restarts: 40, startedAgo: 140, endedAgo: 100, exitCode: 0, reason: 'Completed' },
    { spec: { livenessProbe }, createdAt: before(4 * HOUR) },
  );

  test('is not accused of a probe if its events show none', async () => {
    const message = 'Back-off restarting failed container app in pod web-1-x2lzq_shop';
    const events = [podEvent(task, 'BackOff', message, { count: 200 })];
    const verdict = await askRestarts([task], { events });
    expect(verdict.report.findings).toMatchObject([{ reason: 'exits-with-success', severity: 'warning' }]);
    expect(verdict.offers).toEqual([]);
  });

  test('with a failure is a crash', async () => {
    const pod = restartingPod(
      { restarts: 40, startedAgo: 102, endedAgo: 100, exitCode: 139 },
      { createdAt: before(4 * HOUR) },
    );
    const verdict = await askRestarts([pod], { earlier: countedBefore(pod, 'app', [[HOUR, 28]]) });
    expect(verdict.report.findings).toMatchObject([{ reason: 'crash-loop', severity: 'critical' }]);
    expect(verdict.text).toMatch(/exit code 139 \(SIGSEGV\)/);
  });
});

describe('no loop', () => {
  /** https://github.com/kubernetes/kubernetes/issues/54476 */
  test('is a static pod whose counter is older than its mirror, or a probe that could not run', async () => {
    const verdict = await askCase('k18');
    expect(problems(verdict)).toEqual([]);
    expect(verdict.faults).toEqual(['info default/test-exec']);
    expect(verdict.about('default/test-exec')).toMatch(
      /doesn't count as a failure, so the probe can't restart test/,
    );
    expect(verdict.text).not.toMatch(/kube-apilb|mail/);
    expect(verdict.offers).toEqual([]);
    expect(verdict.report.gaps).toEqual([]);
  });

  const livenessProbe = { exec: { command: ['check'] }, periodSeconds: 10, failureThreshold: 3 };
  const healthy = podObject('web-1-x2lzq', {
    uid: 'uid-of-web',
    namespace: 'shop',
    node: 'node-a',
    owner: { kind: 'ReplicaSet', name: 'web-1' },
    containers: [{ name: 'app', image: 'registry.example/app:1', livenessProbe }],
    containerStatuses: [
      restartedStatus('app', {
        restarts: 2,
        startedAgo: 9 * DAY,
        endedAgo: 8 * DAY,
        exitCode: 1,
        runningFor: 8 * DAY,
      }),
    ],
  });

  test('is a probe that could not run in the wording of older kubelets', async () => {
    const events = [
      podEvent(
        healthy,
        'Unhealthy',
        'Liveness probe errored: rpc error: code = Unknown desc = container not running',
        { count: 300 },
      ),
    ];
    const verdict = await askRestarts([healthy], { events });
    expect(problems(verdict)).toEqual([]);
    expect(verdict.text).not.toMatch(/kills/);
  });

  test('is a probe that fails less often than its threshold', async () => {
    const events = [podEvent(healthy, 'Unhealthy', 'Liveness probe failed: too slow', { count: 12 })];
    const verdict = await askRestarts([healthy], { events });
    expect(verdict.status).toBe('clear');
  });

  test('is a mirror that was created a minute ago', async () => {
    const pod = mirrorPod('kube-proxy', {
      restarts: 240,
      startedAgo: 30 * DAY,
      endedAgo: 29 * DAY,
      exitCode: 2,
      runningFor: 29 * DAY,
    });
    const verdict = await askRestarts([pod]);
    expect(verdict.status).toBe('clear');
  });
});
