import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { configSchema } from '../../src/config/schema.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { startEngine, type TestEngine } from '../world/docker/engine.ts';
import { startCluster } from '../world/kubernetes/api-server.ts';

/** A real Docker Engine with containers as a kubelet creates them, and an API server that refuses connections. */

let engine: TestEngine;
let folder: string;

beforeAll(async () => {
  engine = await startEngine();
  folder = await mkdtemp(join(tmpdir(), 'wrench-engine-'));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const UID = '9a8ab44e28b43ed1203b49f15201573e';
const nameOf = (container: string, attempt: number) =>
  `k8s_${container}_etcd-cp-1_kube-system_${UID}_${attempt}`;
const labelsOf = (type: string, attempt: number) => ({
  'io.kubernetes.pod.name': 'etcd-cp-1',
  'io.kubernetes.pod.namespace': 'kube-system',
  'io.kubernetes.pod.uid': UID,
  'io.kubernetes.docker.type': type,
  ...(type === 'container' && {
    'io.kubernetes.container.name': 'etcd',
    'annotation.io.kubernetes.container.restartCount': String(attempt),
  }),
});

test('reports the container that the kubelet stopped after 90 s and started again', async () => {
  await engine.run({ name: nameOf('etcd', 0), labels: labelsOf('container', 0) });
  await engine.backdate([nameOf('etcd', 0)], 51);
  await engine.run({ name: nameOf('POD', 0), labels: labelsOf('podsandbox', 0), state: 'running' });
  await engine.run({ name: nameOf('etcd', 1), labels: labelsOf('container', 1), state: 'running' });
  await engine.run({ name: 'elastic_morse' });

  const report = await ask();

  expect(report.status).toBe('found');
  expect(report.findings).toHaveLength(1);
  expect(report.findings[0]).toMatchObject({
    severity: 'critical',
    reason: 'stopped-from-outside',
    target: 'kube-system/etcd (etcd)',
    summary: expect.stringMatching(
      /^etcd on cp-1 was stopped after 90 s with exit code 0 and started again \d+ s ago\./,
    ) as string,
  });
  expect(report.gaps).toEqual([expect.objectContaining({ what: 'lab', kind: 'unreachable' })]);
});

async function ask() {
  const cluster = await startCluster();
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig({ context: 'lab' }), { mode: 0o600 });
  await cluster.close();
  const sources = [
    { kind: 'kubernetes', name: 'lab', kubeconfig },
    { kind: 'docker', name: 'cp-1', url: engine.url, node: 'cp-1' },
  ];
  const environments = await openEnvironments(
    configSchema.parse({ environments: { lab: { sources } } }).environments,
  );
  const { checks } = await loadCatalogue();
  try {
    return await runCheck(checks.get('pods/restarts')!, {
      check: 'pods/restarts',
      environment: 'lab',
      args: {},
      now: new Date(),
      read: environments.get('lab')?.readers ?? {},
      signal: new AbortController().signal,
      deadlineMs: 60_000,
    });
  } finally {
    await closeEnvironments(environments);
  }
}
