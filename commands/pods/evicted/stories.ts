import type { Story } from '../../kit.ts';
import { clusterFacts, controllerPods, evictedPod, factsOf, mirrorPod, nodeState } from './builders.ts';
import type { Facts } from './facts.ts';

const dindDay = new Date('2018-11-22T08:10:00Z');
const hours = (before: Date, count: number) => new Date(before.getTime() - count * 3_600_000);

const jenkins = evictedPod(
  'jenkins/jenkins-6486d6b8b9-q2xwn',
  'The node was low on resource: nodefs.',
  hours(dindDay, 115 * 24),
  { node: 'aks-nodepool1-xxx1' },
);

/** A Jenkins that had run for 113 days is evicted. Its replacement takes ages to start, and pipelines hang. */
export const hellGotLoose: Story<Facts> = {
  title: 'Jenkins is evicted after 113 days, because builds have filled the disk of its node',
  source: 'http://qa4code.blogspot.com/2018/11/hell-got-loose-on-k8s-dind.html',
  now: dindDay,
  facts: factsOf(
    clusterFacts([jenkins], {
      name: 'ci',
      pods: 61,
      nodes: [
        nodeState('aks-nodepool1-xxx1', {
          kubeletVersion: 'v1.9.11',
          pressure: { DiskPressure: 'True', MemoryPressure: 'False', PIDPressure: 'False' },
        }),
      ],
      controllers: [
        controllerPods(jenkins, hours(dindDay, 1), { running: 1, newestLiveAt: hours(dindDay, 1) }),
      ],
      removal: { jenkins: { allowed: true } },
    }),
  ),
};

const now = new Date('2026-11-26T12:00:00Z');

const SCRATCH = 'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". ';
const transcodes = ['zk2dq', 'x9k4m', 'h7r5c'].map((suffix, at) =>
  evictedPod(`media/transcode-66d9f7b5c8-${suffix}`, SCRATCH, hours(now, 4 - at), { node: 'w-1' }),
);
const [transcode] = transcodes;

/** Each replacement writes more than the volume may have, and is evicted too. */
export const ownLimit: Story<Facts> = {
  title: 'Pods are evicted one after the other, because a volume is smaller than what they write',
  source: 'https://github.com/kubernetes/kubernetes/issues/122160',
  now,
  facts: factsOf(
    clusterFacts(transcodes, {
      controllers: transcode
        ? [
            controllerPods(transcode, hours(now, 1), {
              running: 1,
              newestLiveAt: hours(now, 1),
            }),
          ]
        : [],
      removal: { media: { allowed: true } },
    }),
  ),
};

const REFUSED = 'Pod was rejected: The node had condition: [DiskPressure]. ';
const trainers = Array.from({ length: 24 }, (_, at) =>
  evictedPod(
    `ml/trainer-84f7c6d5b9-${['b', 'd', 'h', 'k'][at % 4]}${['2x', '4z', '6m', '8q', '9w', '5v'][Math.floor(at / 4)]}7t`,
    REFUSED,
    new Date(now.getTime() - (48 - at * 2) * 1_000),
    { node: 'gpu-1' },
  ),
);
const trainer = trainers.at(-1);
const pinned = {
  namespace: 'ml',
  name: 'trainer-84f7c6d5b9',
  owner: { kind: 'Deployment', name: 'trainer' },
  templateNode: 'gpu-1',
};

/** A node refuses what names it in its template, and its controller tries again at once. */
export const refusedForever: Story<Facts> = {
  title: 'A node with DiskPressure refuses a pod every 2 seconds, because its template names the node',
  source: 'https://github.com/kubernetes/kubernetes/issues/94245',
  now,
  facts: factsOf(
    clusterFacts(trainers, {
      nodes: [
        nodeState('gpu-1', {
          pressure: { DiskPressure: 'True', MemoryPressure: 'False', PIDPressure: 'False' },
        }),
      ],
      controllers: trainer?.createdAt ? [controllerPods(trainer, trainer.createdAt)] : [],
      replicaSets: [pinned],
      removal: { ml: { allowed: true } },
    }),
  ),
};

const LOW = 'The node was low on resource: ephemeral-storage. ';
const proxy = mirrorPod(
  'kube-system/kube-proxy',
  'worker-7',
  `${LOW}Container kube-proxy was using 73712Ki, which exceeds its request of 0. `,
  hours(now, 40 * 24),
);
const agent = evictedPod('obs/log-agent-7d9f6c4b8d-x7k2p', LOW, hours(now, 3), { node: 'worker-7' });

/** A node without kube-proxy cannot route to services, and nothing else says so. */
export const staticPodDown: Story<Facts> = {
  title: 'An old kubelet evicts the static pod kube-proxy, and never starts it again',
  source: 'https://github.com/kubernetes/kubernetes/issues/76598',
  now,
  facts: factsOf(
    clusterFacts([proxy, agent], {
      nodes: [nodeState('worker-7', { kubeletVersion: 'v1.13.12' })],
      controllers: [controllerPods(agent, hours(now, 2), { running: 1, newestLiveAt: hours(now, 2) })],
    }),
  ),
};
