import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import { startCluster, type TestCluster } from '../world/kubernetes/api-server.ts';
import { nodeObject } from '../world/kubernetes/objects.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, setStage, type Stage } from './harness.ts';

// Two fixes one after the other.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS });

const OLD = 'v1.30.8-eks-2d5f260';
const NEW = 'v1.31.3-eks-59bf375';

let folder: string;
let cluster: TestCluster;
let version: string;
let stage: Stage;

/** The nodes of pool green were upgraded before the control plane. */
beforeEach(async () => {
  version = OLD;
  folder = await mkdtemp(join(tmpdir(), 'wrench-cordon-'));
  const inPool = (pool: string) => ({ labels: { 'eks.amazonaws.com/nodegroup': pool } });
  cluster = await startCluster({
    nodes: [
      ...['blue-1', 'blue-2'].map((name) => nodeObject(name, { kubeletVersion: OLD, ...inPool('blue') })),
      ...['green-1', 'green-2'].map((name) => nodeObject(name, { kubeletVersion: NEW, ...inPool('green') })),
    ],
    answer: ({ path }) =>
      path === '/version'
        ? { status: 200, body: { major: '1', minor: '30+', gitVersion: version } }
        : undefined,
  });
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig());
  const source = kubernetesConfig.parse({
    kind: 'kubernetes',
    name: 'lab',
    kubeconfig,
    allow: { cordon: {} },
  });
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments: { prod: { sources: [source] } } },
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
});
afterEach(async () => {
  await stage?.close();
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});

const thread = (at: number): readonly Message[] => {
  const root = stage.workspace.messages(INCIDENT)[at];
  return root ? stage.workspace.thread(INCIDENT, root.ts) : [];
};
const posted = (at: number, words: string) =>
  stage.workspace.waitFor(() => thread(at).find(({ text }) => text.includes(words)));

async function ask(at: number, verdict: string): Promise<void> {
  await stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/node', text: 'versions' });
  await stage.workspace.waitFor(() => stage.workspace.messages(INCIDENT)[at]?.text.includes(verdict));
}

/** Clicks the first button of this kind; with several offers, that is the one for all targets. */
async function press(at: number, userId: string, actionId: string): Promise<void> {
  const { ts } = await stage.workspace.waitFor(() =>
    thread(at).find(({ blocks }) => JSON.stringify(blocks ?? []).includes(`"${actionId}"`)),
  );
  await stage.workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId });
}

const isCordoned = (name: string) =>
  (cluster.find('nodes', name)?.['spec'] as { unschedulable?: boolean } | undefined)?.unschedulable === true;

test('a pool that is newer than its API server is cordoned, and uncordoned once the control plane was upgraded', async () => {
  await ask(0, '2 of 4 nodes run kubelet 1.31.3, newer than the API server (1.30.8)');
  await press(0, ADA, 'wrench:request');
  const plan = await posted(0, 'PLAN ·');
  expect(plan.text).toContain(
    'Disruptive: No new pods on green-1 and green-2; the pods on them keep running',
  );
  expect(plan.text).toMatch(/2. Set spec.*unschedulable on green-2/);
  expect(isCordoned('green-1')).toBe(false);

  await press(0, GRACE, 'wrench:approve');
  const mitigated = await posted(0, 'MITIGATED');
  expect(mitigated.text).toContain('green-1 in lab: 1 -&gt; 0 schedulable');
  expect(mitigated.text).toContain('green-2 in lab: 1 -&gt; 0 schedulable');
  expect(['blue-1', 'blue-2', 'green-1', 'green-2'].filter(isCordoned)).toEqual(['green-1', 'green-2']);

  version = NEW;
  await ask(1, '2 of 4 nodes are still cordoned by Wrench, but their kubelets are supported now');
  // Uncordoning is safe, so one click is enough.
  await press(1, ADA, 'wrench:request');
  await posted(1, 'FIXED');
  expect(['blue-1', 'blue-2', 'green-1', 'green-2'].filter(isCordoned)).toEqual([]);

  await ask(2, 'All 4 kubelets of lab are supported by API server 1.31.3');
});

test('a node that someone else cordons before the approval is not changed', async () => {
  await ask(0, '2 of 4 nodes run kubelet 1.31.3');
  await press(0, ADA, 'wrench:request');
  await posted(0, 'PLAN ·');
  const node = cluster.find('nodes', 'green-1')!;
  cluster.put('nodes', { ...node, spec: { ...(node['spec'] as object), unschedulable: true } });

  await press(0, GRACE, 'wrench:approve');

  const mitigated = await posted(0, 'MITIGATED');
  expect(JSON.stringify(mitigated)).toContain('Skipped lab:green-1: green-1 is already cordoned');
  const patches = cluster.asked.filter(({ method }) => method === 'PATCH').map(({ path }) => path);
  expect(patches.length).toBeGreaterThan(0);
  expect(patches.every((path) => path.startsWith('/api/v1/nodes/green-2'))).toBe(true);
});
