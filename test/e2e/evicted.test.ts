import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import { startCluster, type TestCluster } from '../world/kubernetes/api-server.ts';
import { nodeObject, podObject } from '../world/kubernetes/objects.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, openToAll, setStage, type Stage } from './harness.ts';

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS });

let folder: string;
let cluster: TestCluster;
let stage: Stage;

const at = (hour: number) => `2026-11-26T${String(hour).padStart(2, '0')}:00:00Z`;
const ofWeb = { namespace: 'shop', node: 'node-a', owner: { kind: 'ReplicaSet', name: 'web-6c5d' } };
const evicted = {
  phase: 'Failed',
  reason: 'Evicted',
  message: 'The node was low on resource: ephemeral-storage. ',
};

/** Three evicted pods of a ReplicaSet that runs another one, and an evicted pod that no one recreates. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-evicted-'));
  cluster = await startCluster({
    nodes: [nodeObject('node-a')],
    pods: [
      ...[6, 7, 8].map((hour) =>
        podObject(`web-6c5d-at${hour}`, { ...ofWeb, ...evicted, createdAt: at(hour) }),
      ),
      podObject('web-6c5d-live', { ...ofWeb, createdAt: at(9) }),
      podObject('debug-shell', { namespace: 'shop', node: 'node-a', ...evicted, createdAt: at(6) }),
    ],
    replicasets: [
      {
        metadata: {
          name: 'web-6c5d',
          namespace: 'shop',
          uid: '1f51b0d2-1d62-4d65-aa43-46e48bcdc0f2',
          resourceVersion: '1',
          creationTimestamp: at(5),
        },
        spec: { replicas: 1, template: { spec: { containers: [] } } },
      },
    ],
  });
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig());
  const source = kubernetesConfig.parse({
    kind: 'kubernetes',
    name: 'lab',
    kubeconfig,
    allow: { remove: {} },
  });
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: {
      environments: { prod: { sources: [source] } },
      remediations: {
        ...openToAll.remediations,
        destructive: ['pods/evicted:delete-evicted'],
        approvals: { disruptive: 1, destructive: 1 },
      },
    },
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
});
afterEach(async () => {
  await stage?.close();
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});

const thread = (): readonly Message[] => {
  const [root] = stage.workspace.messages(INCIDENT);
  return root ? stage.workspace.thread(INCIDENT, root.ts) : [];
};
const posted = (words: string) =>
  stage.workspace.waitFor(() => thread().find(({ text }) => text.includes(words)));

async function ask(): Promise<void> {
  await stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/pods', text: 'evicted' });
  await stage.workspace.waitFor(() =>
    stage.workspace.messages(INCIDENT)[0]?.text.includes('4 pods of 2 owners were evicted'),
  );
}

async function press(userId: string, actionId: string): Promise<void> {
  const { ts } = await stage.workspace.waitFor(() =>
    thread().find(({ blocks }) => JSON.stringify(blocks ?? []).includes(`"${actionId}"`)),
  );
  await stage.workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId });
}

const podNames = () =>
  cluster
    .list('pods')
    .map(({ metadata }) => metadata.name)
    .toSorted();

test('two people delete the replaced pods; the newest of the owner and the pod without a controller stay', async () => {
  await ask();
  await press(ADA, 'wrench:request');
  const plan = await posted('PLAN ·');
  expect(plan.text).toContain('Deletes 2 evicted pods of shop/web-6c5d; stops nothing that runs');
  expect(plan.text).toContain('Delete shop/web-6c5d-at6, evicted from node-a, created 2026-11-26 06:00 UTC');
  expect(podNames()).toHaveLength(5);

  await press(GRACE, 'wrench:approve');
  const fixed = await posted('FIXED');
  expect(fixed.text).toContain('evicted pods: 4 -&gt; 2 listed');
  expect(fixed.text).toContain('Remove the cause of the evictions');
  expect(podNames()).toEqual(['debug-shell', 'web-6c5d-at8', 'web-6c5d-live']);
});

test('a pod that is gone before the approval is skipped, and the other one is deleted', async () => {
  await ask();
  await press(ADA, 'wrench:request');
  await posted('PLAN ·');
  cluster.remove('pods', 'web-6c5d-at6', 'shop');

  await press(GRACE, 'wrench:approve');
  await posted('FIXED');
  expect(podNames()).toEqual(['debug-shell', 'web-6c5d-at8', 'web-6c5d-live']);
  const deletions = cluster.asked.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
  expect(deletions.map((path) => path.split('?')[0])).toEqual(['/api/v1/namespaces/shop/pods/web-6c5d-at7']);
});

test('if one deletion fails, the fix ends there, and its card lists what was deleted', async () => {
  cluster.fail({
    path: '/api/v1/namespaces/shop/pods/web-6c5d-at7',
    method: 'DELETE',
    status: 403,
    body: {
      kind: 'Status',
      reason: 'Forbidden',
      message: 'admission webhook "keep.example" denied the request',
    },
  });
  await ask();
  await press(ADA, 'wrench:request');
  await posted('PLAN ·');

  await press(GRACE, 'wrench:approve');
  const failed = await posted('FAILED');
  expect(failed.text).toContain('shop/web-6c5d-at6 deleted');
  expect(failed.text).toContain('pod shop/web-6c5d-at7 (403): admission webhook');
  expect(podNames()).toEqual(['debug-shell', 'web-6c5d-at7', 'web-6c5d-at8', 'web-6c5d-live']);
});

test('nothing is deleted if the ReplicaSet is gone, because nothing replaces its pods then', async () => {
  await ask();
  cluster.remove('replicasets', 'web-6c5d', 'shop');
  await press(ADA, 'wrench:request');
  await stage.workspace.waitFor(() =>
    thread().find(({ blocks, text }) =>
      `${text} ${JSON.stringify(blocks ?? [])}`.includes('ReplicaSet shop/web-6c5d no longer exists'),
    ),
  );
  expect(podNames()).toHaveLength(5);
});
