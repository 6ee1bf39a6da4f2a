import { expect, test } from 'vitest';
import { podObject } from '../world/kubernetes/objects.ts';
import { problems } from './ask-case.ts';
import {
  askRestarts,
  before,
  countedBefore,
  DAY,
  HOUR,
  MINUTE,
  mirrorPod,
  podEvent,
  restartedStatus,
  restartingPod,
} from './restarting-pods.ts';

/** Inputs that look like another fault, through the real client. */
const KILLED = 'Container app failed liveness probe, will be restarted';
const probe = { initialDelaySeconds: 5, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 };
const exec = { exec: { command: ['/bin/check'] } };

/** https://github.com/kubernetes/kubernetes/issues/82987 */
test('a command that containerd cut off has run into its timeout: the runtime is not broken', async () => {
  const pod = restartingPod(
    { restarts: 40, startedAgo: 55, endedAgo: 21, exitCode: 0, reason: 'Completed', runningFor: 20 },
    { spec: { livenessProbe: { ...exec, ...probe } } },
  );
  const message =
    'Liveness probe failed: rpc error: code = DeadlineExceeded desc = failed to exec in container: timeout 1s exceeded: context deadline exceeded';
  const verdict = await askRestarts([pod], {
    events: [
      podEvent(pod, 'Unhealthy', message, { lastAgo: 22 }),
      podEvent(pod, 'Killing', KILLED, { lastAgo: 22 }),
    ],
    earlier: countedBefore(pod, 'app', [[HOUR, 25]]),
  });
  expect(verdict.faults).toEqual(['critical shop/web-1-x2lzq']);
  expect(verdict.text).toMatch(/times out after 1 s/);
  expect(verdict.text).not.toMatch(/couldn't run the probe|Check containerd/);
  expect(verdict.offers).toEqual(['raise-limit']);
});

test('more time is not offered to a gRPC probe whose connections are refused', async () => {
  const pod = restartingPod(
    { restarts: 40, startedAgo: 55, endedAgo: 21, exitCode: 143, runningFor: 20 },
    { spec: { livenessProbe: { grpc: { port: 9090 }, ...probe } } },
  );
  const message =
    'Liveness probe failed: timeout: failed to connect service "10.0.0.5:9090" within 1s: connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.5:9090: connect: connection refused"';
  const verdict = await askRestarts([pod], {
    events: [
      podEvent(pod, 'Unhealthy', message, { lastAgo: 22 }),
      podEvent(pod, 'Killing', KILLED, { lastAgo: 22 }),
    ],
    earlier: countedBefore(pod, 'app', [[HOUR, 25]]),
  });
  expect(verdict.faults).toEqual(['critical shop/web-1-x2lzq']);
  expect(verdict.text).toMatch(/connection refused/);
  expect(verdict.offers).toEqual([]);
});

/** https://github.com/kubernetes/kubernetes/issues/110177 */
test('etcd whose pod loses its sandbox does not end by itself, although it exits with 0', async () => {
  const etcd = mirrorPod(
    'etcd',
    { restarts: 24, startedAgo: 340, endedAgo: 50, exitCode: 0, reason: 'Completed', runningFor: 40 },
    { spec: { livenessProbe: { httpGet: { path: '/livez', port: 2381 }, ...probe, failureThreshold: 8 } } },
  );
  const changed = {
    ...podEvent(etcd, 'BackOff', 'Pod sandbox changed, it will be killed and re-created.', {
      count: 24,
      lastAgo: 45,
    }),
    reason: 'SandboxChanged',
  };
  const verdict = await askRestarts([etcd], {
    events: [changed],
    earlier: countedBefore(etcd, 'etcd', [[HOUR, 13]]),
  });
  expect(verdict.report.findings).toMatchObject([{ reason: 'stopped-from-outside', severity: 'critical' }]);
  expect(verdict.text).toMatch(/loses its sandbox/);
  expect(verdict.text).not.toMatch(/Job/);
});

test('a control plane whose etcd is killed every 2 minutes is critical in the first run too', async () => {
  const etcd = mirrorPod(
    'etcd',
    { restarts: 183, startedAgo: 142, endedAgo: 51, exitCode: 0, reason: 'Completed', runningFor: 51 },
    {
      spec: {
        livenessProbe: { ...exec, initialDelaySeconds: 15, timeoutSeconds: 15, failureThreshold: 8 },
      },
    },
  );
  const verdict = await askRestarts([etcd]);
  expect(verdict.faults).toEqual(['critical kube-system/etcd-node-a']);
  expect(verdict.text).toMatch(/183 restarts in all, the last 51 s ago/);
  expect(verdict.text).not.toMatch(/estimated/);
});

test('an API server in the longest back-off is critical in the first run too', async () => {
  const server = mirrorPod('kube-apiserver', {
    restarts: 500,
    startedAgo: 110,
    endedAgo: 100,
    exitCode: 1,
  });
  const verdict = await askRestarts([server]);
  expect(verdict.faults).toEqual(['critical kube-system/kube-apiserver-node-a']);
  expect(verdict.text).toMatch(/500 restarts in all, and it is down now/);
});

test('a container with a restart policy of its own is in a loop, whatever the policy of its pod is', async () => {
  const pod = restartingPod(
    { restarts: 40, startedAgo: 200, endedAgo: 25, exitCode: 1, runningFor: 20 },
    { spec: { restartPolicy: 'Always' }, createdAt: before(3 * HOUR) },
  );
  const never = { ...pod, spec: { ...(pod['spec'] as object), restartPolicy: 'Never' } };
  const verdict = await askRestarts([never]);
  expect(verdict.faults).toEqual(['critical shop/web-1-x2lzq']);
});

test('a container that is killed for memory every 6 hours, for weeks, is a slow loop', async () => {
  const pod = restartingPod(
    {
      restarts: 240,
      startedAgo: 9 * HOUR,
      endedAgo: 3 * HOUR,
      exitCode: 137,
      reason: 'OOMKilled',
      runningFor: 3 * HOUR,
    },
    { spec: { resources: { limits: { memory: '1Gi' } } }, createdAt: before(60 * DAY) },
  );
  const verdict = await askRestarts([pod], { earlier: countedBefore(pod, 'app', [[DAY, 236]]) });
  expect(verdict.report.findings).toMatchObject([{ reason: 'out-of-memory', severity: 'warning' }]);
  expect(verdict.text).toMatch(/240 restarts in the last 60 days/);
});

/** https://github.com/microsoft/dotnet-framework-docker/issues/431 */
test('a Windows container that its probe stops does not crash', async () => {
  const pod = restartingPod(
    { restarts: 40, startedAgo: 55, endedAgo: 21, exitCode: 3_221_225_786, runningFor: 20 },
    { spec: { livenessProbe: { httpGet: { path: '/', port: 80 }, ...probe } } },
  );
  const verdict = await askRestarts([pod], { earlier: countedBefore(pod, 'app', [[HOUR, 25]]) });
  expect(verdict.report.findings).toMatchObject([{ reason: 'killed-by-probe', severity: 'critical' }]);
});

test('the pods of a dead node, which still say CrashLoopBackOff, are not restarting now', async () => {
  const pod = restartingPod(
    { restarts: 150, startedAgo: 5 * HOUR + 100, endedAgo: 5 * HOUR, exitCode: 1 },
    { createdAt: before(20 * HOUR) },
  );
  const verdict = await askRestarts([pod], {
    nodes: [{ name: 'node-a', conditions: { Ready: 'Unknown' } }],
  });
  expect(verdict.faults).toEqual(['warning shop/web-1-x2lzq']);
});

test('nothing restarts in a loop after a node has restarted, whatever was counted before', async () => {
  const pods = Array.from({ length: 20 }, (_, index) =>
    podObject(`web-${index}`, {
      namespace: 'shop',
      node: 'node-a',
      owner: { kind: 'ReplicaSet', name: `web-${index}` },
      containerStatuses: [
        restartedStatus('app', {
          restarts: 1 + index,
          startedAgo: 20 * DAY,
          endedAgo: 5 * MINUTE,
          exitCode: 255,
          reason: 'Unknown',
          runningFor: 150,
        }),
      ],
    }),
  );
  const verdict = await askRestarts(pods);
  expect(problems(verdict)).toEqual([]);
  expect(verdict.status).toBe('clear');
});

test('a container that crashes once in a week is in no loop while the kubelet waits', async () => {
  const pod = restartingPod(
    { restarts: 30, startedAgo: 7 * DAY, endedAgo: 5, exitCode: 1 },
    { createdAt: before(200 * DAY) },
  );
  expect((await askRestarts([pod])).status).toBe('clear');
});

test('a static pod that has just restarted, often before, and whose previous instance is unknown is a gap at first', async () => {
  const lives = { restarts: 500, startedAgo: 100, endedAgo: 40, exitCode: 1, runningFor: 30 };
  const server = mirrorPod('kube-apiserver', lives);
  const [status] = (server['status'] as { readonly containerStatuses: readonly object[] }).containerStatuses;
  const pod = { ...server, status: { phase: 'Running', containerStatuses: [{ ...status, lastState: {} }] } };
  const first = await askRestarts([pod]);
  expect(first.status).toBe('unknown');
  expect(first.report.gaps).toMatchObject([{ what: 'lab: restart counts' }]);
  const next = (count: number) =>
    askRestarts([pod], { earlier: countedBefore(pod, 'kube-apiserver', [[15 * MINUTE, count]]) });
  expect((await next(493)).status).toBe('found');
  expect((await next(499)).status).toBe('clear');
});

test('events that name no container are about the only one of the pod that has a probe', async () => {
  const lives = { restarts: 40, startedAgo: 61, endedAgo: 21, exitCode: 143, runningFor: 20 };
  const pod = restartingPod(lives, {
    containers: [
      { name: 'app', livenessProbe: { httpGet: { path: '/', port: 80 }, ...probe } },
      { name: 'proxy' },
    ],
    containerStatuses: [restartedStatus('app', lives), restartedStatus('proxy', { ...lives, restarts: 0 })],
  });
  const message = 'Liveness probe failed: HTTP probe failed with statuscode: 503';
  const verdict = await askRestarts([pod], {
    events: [
      podEvent(pod, 'Unhealthy', message, { lastAgo: 22 }),
      podEvent(pod, 'Killing', KILLED, { lastAgo: 22 }),
    ],
    earlier: countedBefore(pod, 'app', [[HOUR, 25]]),
  });
  expect(verdict.report.findings).toMatchObject([{ target: 'shop/web-1 (app)', severity: 'critical' }]);
  expect(verdict.text).toMatch(/fails at once \(HTTP status 503\)/);
  expect(verdict.offers).toEqual([]);
});

test('a container without a memory limit may exceed that of its pod', async () => {
  const pod = restartingPod({
    restarts: 40,
    startedAgo: 200,
    endedAgo: 25,
    exitCode: 137,
    reason: 'OOMKilled',
    runningFor: 20,
  });
  const limited = {
    ...pod,
    spec: { ...(pod['spec'] as object), resources: { limits: { memory: '2Gi' } } },
  };
  const earlier = countedBefore(pod, 'app', [[HOUR, 25]]);
  expect((await askRestarts([limited], { earlier })).text).toMatch(/exceeds its memory limit of 2Gi/);
  expect((await askRestarts([pod], { earlier })).text).toMatch(/its node ran out of memory/);
});
