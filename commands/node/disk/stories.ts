import type { Story } from '../../kit.ts';
import {
  container,
  earlier,
  events,
  evicted,
  factsOf,
  fileSystem,
  GIB,
  limits,
  node,
  oneDisk,
  pod,
  podsOn,
  socketUser,
  usage,
} from './builders.ts';
import type { Facts } from './facts.ts';

const OLD_LIMITS = limits({
  'nodefs.available': { share: 0.1 },
  'nodefs.inodesFree': { share: 0.05 },
  'imagefs.available': { share: 0.15 },
});

const dindNight = new Date('2018-11-22T08:10:00Z');

const stopped = (image: string, id: string) =>
  `unable to delete ${image} (must be forced) - image is being used by stopped container ${id}`;

/** Builds run their tests with `docker run`, without `--rm`, on the Docker of the node. */
export const hellGotLoose: Story<Facts> = {
  title: 'Stopped containers of builds fill the nodes, and Jenkins is evicted after 113 days',
  source: 'http://qa4code.blogspot.com/2018/11/hell-got-loose-on-k8s-dind.html',
  now: dindNight,
  facts: factsOf([
    node('aks-nodepool1-xxx1', {
      containerRuntime: 'docker://1.13.1',
      config: OLD_LIMITS,
      fileSystems: oneDisk({ capacity: 30, free: 2.8, used: 26.2, images: 17 }),
      diskPressure: { status: 'True', since: new Date('2018-11-22T07:30:00Z') },
      isTainted: true,
      ...events({
        reason: 'ImageGCFailed',
        message: `(combined from similar events): wanted to free 2147483648 bytes, but freed 0 bytes space with errors in image deletion: [${[
          stopped('5d4a891a1320', '3f000cecf70d'),
          stopped('9709113ca29f', '94beaf1d791b'),
          stopped('fca11768a3b7', 'd0984fc5a35e'),
        ].join(', ')}]`,
        count: 37,
        firstAt: new Date('2018-11-22T07:12:00Z'),
        lastAt: new Date('2018-11-22T08:07:00Z'),
      }),
      ...podsOn(
        evicted('jenkins-6486', 'The node was low on resource: nodefs.'),
        socketUser('jenkins-slave-6t97t', '/var/run/docker.sock', { labels: { jenkins: 'slave' } }),
      ),
    }),
    node('aks-nodepool1-xxx2', {
      containerRuntime: 'docker://1.13.1',
      config: OLD_LIMITS,
      fileSystems: oneDisk({ capacity: 30, free: 7, used: 22, images: 14 }),
    }),
    node('aks-nodepool1-xxx3', {
      containerRuntime: 'docker://1.13.1',
      config: OLD_LIMITS,
      fileSystems: oneDisk({ capacity: 30, free: 17, used: 12, images: 6 }),
    }),
  ]),
};

/** What the engine reports about the containers that Kubernetes cannot see. */
export const hellSeenByDocker: Story<Facts> = {
  ...hellGotLoose,
  title: 'The same night, with the Docker of the nodes configured as a source',
  facts: {
    ...hellGotLoose.facts,
    nodes: hellGotLoose.facts.nodes.map((one) => ({
      ...one,
      ...(one.name === 'aks-nodepool1-xxx1' && {
        engines: [
          {
            target: 'builders:aks-nodepool1-xxx1',
            by: 'name' as const,
            answer: { product: 'docker' as const, stopped: 212, running: 31 },
          },
        ],
      }),
    })),
  },
};

/** `df` shows 41% used, and image garbage collection has nothing left to do. Its failures are still listed as events. */
export const cleanedUp: Story<Facts> = {
  title: 'The same nodes after the stopped containers and their images were removed',
  source: 'http://qa4code.blogspot.com/2018/11/hell-got-loose-on-k8s-dind.html, "41%"',
  now: new Date('2018-11-22T08:40:00Z'),
  facts: factsOf([
    node('aks-nodepool1-xxx1', {
      containerRuntime: 'docker://1.13.1',
      config: OLD_LIMITS,
      fileSystems: oneDisk({ capacity: 30, free: 17.1, used: 11.9, images: 5 }),
      ...events({
        reason: 'ImageGCFailed',
        message: stopped('5d4a891a1320', '3f000cecf70d'),
        count: 37,
        lastAt: new Date('2018-11-22T08:12:00Z'),
      }),
      ...podsOn(evicted('jenkins-6486', 'The node was low on resource: nodefs.')),
    }),
    node('aks-nodepool1-xxx2', { fileSystems: oneDisk({ capacity: 30, free: 18, used: 11 }) }),
  ]),
};

/** The node is full, but its kubelet neither sets DiskPressure nor evicts pods. */
export const limitsSwitchedOff: Story<Facts> = {
  title: 'A limit for memory switches off the limits for disks',
  source: 'https://github.com/bottlerocket-os/bottlerocket/issues/3350',
  now: new Date('2023-08-16T10:00:00Z'),
  facts: factsOf([
    node('ip-10-0-1-11', {
      fileSystems: oneDisk({ capacity: 40, free: 0.15, images: 33 }),
      usage: usage({ namespace: 'ml', name: 'infer-0', ephemeral: { bytes: 3.1 * GIB } }),
      config: limits({ 'memory.available': { share: 0.05 } }),
      ...events({
        reason: 'FreeDiskSpaceFailed',
        message:
          'Failed to garbage collect required amount of images. Attempted to free 8418135901 bytes, but only found 0 bytes eligible to free.',
        count: 61,
        lastAt: new Date('2023-08-16T09:57:00Z'),
      }),
    }),
    node('ip-10-0-1-12'),
  ]),
};

/** The engine of a build agent stores its data on a volume that the kubelet does not measure. */
export const volumeOfAnEngine: Story<Facts> = {
  title: 'A Docker in a pod fills the node from its volume',
  source:
    'https://github.com/kubernetes/kubernetes/issues/71869; the wording of the event is that of issue 132578',
  now: new Date('2026-03-04T11:59:00Z'),
  facts: factsOf([
    node('ci-1', {
      fileSystems: oneDisk({ capacity: 26.4, free: 3.17, used: 22.1, images: 5.2 }),
      diskPressure: { status: 'True', since: new Date('2026-03-04T11:38:00Z') },
      isTainted: true,
      usage: usage({ namespace: 'ci', name: 'agent-7k2mx', ephemeral: { bytes: 0.4 * GIB } }),
      ...events(
        {
          reason: 'FreeDiskSpaceFailed',
          message:
            "Insufficient free disk space on the node's image filesystem (88% of 26.4 GiB used). Failed to free sufficient space by deleting unused images (freed 385820817 bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data.",
          count: 4,
          lastAt: new Date('2026-03-04T11:56:00Z'),
        },
        {
          reason: 'EvictionThresholdMet',
          message: 'Attempting to reclaim ephemeral-storage',
          count: 17,
          lastAt: new Date('2026-03-04T11:58:30Z'),
        },
      ),
      ...podsOn(
        pod('agent-7k2mx', {
          containers: [
            container('dind', {
              image: 'docker:28-dind',
              privileged: true,
              mounts: [{ volume: 'cache', path: '/var/lib/docker' }],
            }),
            container('jnlp', { image: 'jenkins/inbound-agent:3309', dockerHost: 'tcp://localhost:2375' }),
          ],
          volumes: [{ name: 'cache', claim: 'dind-cache' }],
        }),
      ),
    }),
  ]),
};

/** The condition lags behind by the configured period. */
export const pressureKept: Story<Facts> = {
  title: 'DiskPressure is still True although there is space again',
  source: 'https://github.com/kubernetes/kubernetes/issues/115516',
  now: new Date('2023-02-03T12:00:00Z'),
  facts: factsOf([
    node('web-2', {
      fileSystems: oneDisk({ free: 41, images: 22 }),
      config: limits(OLD_LIMITS.evictionHard, { pressureTransitionMs: 900_000 }),
      diskPressure: { status: 'True', since: new Date('2023-02-03T11:41:00Z') },
      isTainted: true,
      ...events({
        reason: 'EvictionThresholdMet',
        message: 'Attempting to reclaim ephemeral-storage',
        count: 28,
        lastAt: new Date('2023-02-03T11:46:10Z'),
      }),
    }),
  ]),
};

/** Windows reports neither inodes nor an image file system, which is normal. */
export const windowsFull: Story<Facts> = {
  title: 'A Windows node with a full drive C: reports no DiskPressure',
  source: 'https://github.com/kubernetes/kubernetes/issues/103032',
  now: new Date('2021-06-19T12:00:00Z'),
  facts: factsOf([
    node('win-0', {
      operatingSystem: 'windows',
      fileSystems: {
        nodeFs: { capacityBytes: 136_912_564_224, availableBytes: 1_371_226_111, usedBytes: 135_541_338_113 },
        imageFs: {},
      },
      config: limits({}),
    }),
    node('lin-0'),
  ]),
};

const logsNow = new Date('2018-09-13T12:00:00Z');

/** The log limits of the kubelet do not apply to logs that Docker writes. */
export const logsGrow: Story<Facts> = {
  title: 'The logs of one container grow, whatever containerLogMaxSize says',
  source: 'https://github.com/kubernetes/kubernetes/issues/68587',
  now: logsNow,
  facts: factsOf(
    [
      node('cp-old', {
        containerRuntime: 'docker://17.3.2',
        config: OLD_LIMITS,
        fileSystems: oneDisk({ capacity: 60, free: 10.5, images: 9.2 }),
        usage: usage({
          namespace: 'edge',
          name: 'gateway-6c-x8',
          ephemeral: { bytes: 14_070_514_458 },
          containers: [{ name: 'gateway', rootfs: { bytes: 90_000_000 }, logs: { bytes: 13_980_514_458 } }],
        }),
      }),
    ],
    earlier(
      logsNow,
      'cp-old',
      [
        [24, 22.5],
        [12, 16.5],
        [6, 13.5],
        [2, 11.5],
      ],
      { capacityBytes: 60 * GIB },
    ),
  ),
};

/** No configured limit is crossed, but no file can be created. */
export const noInodes: Story<Facts> = {
  title: 'Space is left, but no inodes are',
  source:
    'https://github.com/curie-eng/curie/issues/2870; the limits are those of https://github.com/k3s-io/k3s/blob/master/pkg/daemons/agent/agent_linux.go',
  now: new Date('2026-05-11T12:00:00Z'),
  facts: factsOf([
    node('edge-3', {
      fileSystems: {
        nodeFs: fileSystem({ capacity: 200, free: 32, known: { inodes: 13_107_200, inodesFree: 0 } }),
        imageFs: fileSystem({
          capacity: 200,
          free: 32,
          used: 21,
          known: { inodes: 13_107_200, inodesFree: 0 },
        }),
      },
      config: limits({ 'imagefs.available': { share: 0.05 }, 'nodefs.available': { share: 0.05 } }),
      usage: usage({
        namespace: 'data',
        name: 'objects-0',
        ephemeral: { bytes: 96 * GIB, inodes: 11_904_410 },
        volumes: [{ name: 'data', bytes: 95.8 * GIB, inodes: 11_904_333 }],
      }),
    }),
  ]),
};
