import { expect, onTestFinished, test } from 'vitest';
import type { Finding, Offer, Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { ClusterWriter } from '../../src/ports/clusters.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { startCluster, type TestCluster } from '../world/kubernetes/api-server.ts';
import { startDeploymentController } from '../world/kubernetes/deployment-controller.ts';
import { nodeObject } from '../world/kubernetes/objects.ts';
import { openLab } from '../world/kubernetes/open-source.ts';
import { inBursts, type ProbeBehavior, TIMES_OUT } from '../world/kubernetes/probe-worker.ts';
import { startKubelet } from '../world/kubernetes/simulated-kubelet.ts';
import { workloadObject } from '../world/kubernetes/workloads.ts';

const { checks } = await loadCatalogue();
const check = checks.get('pods/restarts')!;

/** Killed after 3 attempts of 2 s that time out. */
const PROBE = {
  exec: { command: ['/opt/check'] },
  periodSeconds: 10,
  timeoutSeconds: 2,
  failureThreshold: 3,
};
/** With a threshold of 9: 8 periods, one attempt, the period in which it may come late, and 30 s to end. */
const KILL_WINDOW_SECONDS = 122;

interface Shop {
  readonly cluster: TestCluster;
  readonly writer: ClusterWriter;
  /** Lets time pass. */
  readonly pass: (seconds: number) => void;
  readonly ask: () => Promise<Report>;
}

/** A Deployment whose only pod has been restarting for half an hour, up to now. */
async function start(behavior: ProbeBehavior): Promise<Shop> {
  const web = workloadObject('web', {
    namespace: 'shop',
    containers: [{ name: 'app', image: 'registry.example/app:1', livenessProbe: PROBE }],
  });
  const cluster = await startCluster({ nodes: [nodeObject('node-a')], deployments: [web] });
  onTestFinished(cluster.close);
  // What Wrench changes has the time of this machine.
  let nowMs = Date.now() - 1_800_000;
  const now = () => new Date(nowMs);
  const kubelet = startKubelet(cluster, { now, behaviorOf: () => behavior });
  startDeploymentController(cluster, { nodes: ['node-a'], now });
  const pass = (seconds: number) => {
    nowMs += seconds * 1_000;
    kubelet.advance();
  };
  pass(1_800);
  const { cluster: source, writer } = await openLab(cluster.kubeconfig(), {
    kubelets: 'none',
    allow: { adjust: {} },
  });
  const ask = () =>
    runCheck(check, {
      check: 'pods/restarts',
      environment: 'prod',
      args: {},
      now: now(),
      read: { clusters: [source] },
      signal: new AbortController().signal,
      deadlineMs: 60_000,
    });
  return { cluster, writer: writer!, pass, ask };
}

const kills = ({ findings }: Report) =>
  findings
    .filter(({ reason }) => reason === 'killed-by-probe')
    .map(({ target, severity }) => `${severity} ${target}`);

/** Raises the threshold as the offer says. */
async function raise({ cluster, writer }: Shop, { findings }: Report): Promise<void> {
  const offers = (findings as readonly Finding<Offer>[]).flatMap(({ offers: some = [] }) => some);
  const { params } = offers.find(({ title }) => title.includes('failureThreshold'))!;
  const { from, to } = params as { readonly from: number; readonly to: number };
  expect([from, to]).toEqual([3, 9]);
  const { uid = '' } = cluster.find('deployments', 'web', 'shop')!.metadata;
  await writer.changeProbe(
    {
      workload: { kind: 'Deployment', namespace: 'shop', name: 'web', uid },
      container: 'app',
      probe: 'liveness',
      field: 'failureThreshold',
      from,
      to,
    },
    { idempotencyKey: 'm0123456789abcdef', signal: new AbortController().signal },
  );
}

test('after its threshold was raised, a finding stays until the new pod has run for a full kill window', async () => {
  const shop = await start(inBursts(TIMES_OUT, { times: 4, after: 6 }));
  const before = await shop.ask();
  expect(kills(before)).toEqual([expect.stringMatching(/^(?:critical|warning) shop\/web \(app\)$/)]);

  await raise(shop, before);

  // The new pod has another name, and has never restarted.
  for (let seconds = 0; seconds < KILL_WINDOW_SECONDS - 10; seconds += 10) {
    expect(kills(await shop.ask())).toEqual(['info shop/web (app)']);
    shop.pass(10);
  }
  shop.pass(20);
  expect(await shop.ask()).toMatchObject({ status: 'clear', findings: [] });
});

test('a container that is killed again stays unproven, although it runs for a full kill window in between', async () => {
  // Bursts that are longer than the new threshold too, five minutes apart.
  const shop = await start(inBursts(TIMES_OUT, { times: 12, after: 30 }));
  const before = await shop.ask();
  expect(kills(before)).toHaveLength(1);

  await raise(shop, before);
  shop.pass(30 * 10 + 8 * 10 + 40);
  for (let seconds = 0; seconds < 1_200; seconds += 60) {
    expect(kills(await shop.ask())).toHaveLength(1);
    shop.pass(60);
  }
});
