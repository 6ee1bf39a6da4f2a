import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import { startCluster, type TestCluster } from '../world/kubernetes/api-server.ts';
import { startDeploymentController } from '../world/kubernetes/deployment-controller.ts';
import { nodeObject } from '../world/kubernetes/objects.ts';
import { inBursts } from '../world/kubernetes/probe-worker.ts';
import type { ApiObject } from '../world/kubernetes/resources.ts';
import { startKubelet } from '../world/kubernetes/simulated-kubelet.ts';
import { type PodTemplate, workloadObject } from '../world/kubernetes/workloads.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, setStage, type Stage } from './harness.ts';

// The proof takes as long as the container needs to be killed.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS });

/** Killed after two attempts that take longer than 1 s, each as often as they come: in bursts of two. */
const PROBE = {
  exec: { command: ['/opt/check'] },
  periodSeconds: 1,
  timeoutSeconds: 1,
  failureThreshold: 2,
};
const SLOW_IN_BURSTS = inBursts({ takesSeconds: 1.5 }, { times: 2, after: 3 });
/** Of `failureThreshold: 6`: five periods, the last attempt, one period in which it may come late, and 1 s to end. */
const KILL_WINDOW_MS = 8_000;
/** The restarts before the test. */
const HISTORY_MS = 600_000;

let folder: string;
let cluster: TestCluster;
let stage: Stage;
let stopKubelet: () => void;

/** A Deployment whose two pods have been restarted for ten minutes. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-raise-limit-'));
  const scheduler = workloadObject('scheduler', {
    namespace: 'airflow',
    replicas: 2,
    graceSeconds: 1,
    containers: [{ name: 'scheduler', image: 'registry.example/airflow:2', livenessProbe: PROBE }],
  });
  cluster = await startCluster({ nodes: [nodeObject('node-a')], deployments: [scheduler] });
  let aheadMs = -HISTORY_MS;
  const now = () => new Date(Date.now() + aheadMs);
  const kubelet = startKubelet(cluster, { now, behaviorOf: () => SLOW_IN_BURSTS, maxBackOffSeconds: 1 });
  startDeploymentController(cluster, { nodes: ['node-a'], now });
  kubelet.advance();
  aheadMs = 0;
  kubelet.advance();
  stopKubelet = kubelet.run(100).stop;
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig());
  const source = kubernetesConfig.parse({
    kind: 'kubernetes',
    name: 'lab',
    kubeconfig,
    kubelets: 'none',
    allow: { adjust: {} },
  });
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: { environments: { prod: { sources: [source] } } },
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
});
afterEach(async () => {
  stopKubelet?.();
  await stage?.close();
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});

const thread = (): readonly Message[] => {
  const root = stage.workspace.messages(INCIDENT)[0];
  return root ? stage.workspace.thread(INCIDENT, root.ts) : [];
};
const posted = (words: string) =>
  stage.workspace.waitFor(() => thread().find(({ text }) => text.includes(words)));

async function ask(): Promise<void> {
  await stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/pods', text: 'restarts' });
  await stage.workspace.waitFor(() => stage.workspace.messages(INCIDENT)[0]);
}

/** Clicks the button of the block that contains these words. */
async function press(userId: string, actionId: string, words: string): Promise<void> {
  const { message, value } = await stage.workspace.waitFor(
    () =>
      thread()
        .flatMap((one) => (one.blocks ?? []).map((block) => ({ message: one, json: JSON.stringify(block) })))
        .filter(({ json }) => json.includes(`"${actionId}"`) && json.includes(words))
        .map(({ message: one, json }) => ({ message: one, value: /"value":"([^"]+)"/.exec(json)?.[1] }))[0],
  );
  await stage.workspace.click({
    userId,
    channelId: INCIDENT,
    messageTs: message.ts,
    actionId,
    value: value!,
  });
}

interface PodStatus {
  readonly containerStatuses?: readonly {
    readonly restartCount: number;
    readonly state: { readonly running?: { readonly startedAt: string } };
  }[];
}

const statusesOf = (pods: readonly ApiObject[]) =>
  pods.map((pod) => (pod['status'] as PodStatus).containerStatuses?.[0]);

const scheduler = () => cluster.find('deployments', 'scheduler', 'airflow')!;
const namesOf = (pods: readonly ApiObject[]) => pods.map(({ metadata }) => metadata.name);

/** The paths of the changes that were stored. */
const patches = () =>
  cluster.asked
    .filter(({ method, path }) => method === 'PATCH' && !path.includes('dryRun'))
    .map(({ path }) => path.split('?')[0]);

function setInSpec(fields: object): void {
  const deployment = scheduler();
  cluster.save('deployments', { ...deployment, spec: { ...(deployment['spec'] as object), ...fields } });
}

function setThreshold(failureThreshold: number): void {
  const { template } = scheduler()['spec'] as { readonly template: PodTemplate };
  const containers = template.spec.containers.map((one) => ({
    ...one,
    livenessProbe: { ...one.livenessProbe, failureThreshold },
  }));
  setInSpec({ template: { ...template, spec: { ...template.spec, containers } } });
}

/** The evidence of the only finding. */
async function evidence(): Promise<string> {
  const [root] = stage.workspace.messages(INCIDENT);
  await stage.workspace.click({
    userId: ADA,
    channelId: INCIDENT,
    messageTs: root!.ts,
    actionId: 'wrench:evidence',
  });
  const { view } = await stage.workspace.waitFor(() => stage.workspace.views(ADA)[0]);
  return JSON.stringify(view);
}

test('a higher threshold ends the loop, and counts as fixed once all new pods have run for long enough', async () => {
  await ask();
  await press(ADA, 'wrench:request', 'failureThreshold');
  const plan = await posted('PLAN ·');
  expect(plan.text).toContain('Starts a rollout of Deployment airflow/scheduler, which replaces both pods');
  expect(plan.text).toMatch(/once scheduler has run for 1\d seconds in each new pod without being killed/);
  expect(patches()).toEqual([]);
  const before = namesOf(cluster.list('pods'));

  await press(GRACE, 'wrench:approve', 'wrench:approve');
  // The new pods have not restarted, which proves nothing yet.
  const verifying = await posted(
    "2 containers with a changed probe haven't run long enough to verify the change",
  );
  expect(verifying.text).toContain('VERIFYING');
  const fixed = await posted('FIXED');
  const atMs = Date.now();

  expect(fixed.text).toContain('lab: 2 -&gt; 0 containers in a restart loop');
  const pods = cluster.list('pods');
  expect(pods).toHaveLength(2);
  expect(namesOf(pods).filter((name) => before.includes(name))).toEqual([]);
  for (const status of statusesOf(pods)) {
    expect(status).toMatchObject({ restartCount: 0 });
    expect(atMs - Date.parse(status?.state.running?.startedAt ?? '')).toBeGreaterThan(KILL_WINDOW_MS);
  }
  expect(patches()).toEqual(['/apis/apps/v1/namespaces/airflow/deployments/scheduler']);
  await stage.workspace.waitFor(() => stage.workspace.messages(INCIDENT)[0]?.text.includes('FIXED'));
});

test('nothing is offered for what a GitOps tool manages, and the report says why', async () => {
  const { metadata, ...rest } = scheduler();
  const annotations = { 'argocd.argoproj.io/tracking-id': 'airflow:apps/Deployment:airflow/scheduler' };
  cluster.save('deployments', { ...rest, metadata: { ...metadata, annotations } });
  await ask();

  await stage.workspace.waitFor(() => stage.workspace.messages(INCIDENT)[0]);
  await posted('restart in a loop');
  const all = thread().map(({ text, blocks = [] }) => text + JSON.stringify(blocks));
  expect(all.join('\n')).not.toContain('wrench:request');
  expect(await evidence()).toContain('Argo CD (airflow) manages Deployment airflow/scheduler');
});

test('a rollout that was paused since the report is refused, and the plan says what to do first', async () => {
  await ask();
  await posted('Raise failureThreshold');
  setInSpec({ paused: true });

  await press(ADA, 'wrench:request', 'failureThreshold');

  const refused = await posted('REFUSED');
  expect(refused.text).toContain('Resume it first');
  expect(refused.text).toContain('kubectl rollout resume deployment/scheduler -n airflow');
  expect(patches()).toEqual([]);
});

test('a threshold that someone else changes before the approval is not changed', async () => {
  await ask();
  await press(ADA, 'wrench:request', 'failureThreshold');
  await posted('PLAN ·');
  // Paused, so that the pods and their loop stay.
  setInSpec({ paused: true });
  setThreshold(4);

  await press(GRACE, 'wrench:approve', 'wrench:approve');

  const skipped = await posted('SKIPPED');
  expect(skipped.text).toContain('in Deployment airflow/scheduler is 4 now, not 2');
  expect(patches()).toEqual([]);
});
