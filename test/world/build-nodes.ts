import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { z } from 'zod';
import type { dockerConfig } from '../../src/sources/docker/config.ts';
import type { kubernetesConfig } from '../../src/sources/kubernetes/config.ts';
import {
  BUILD_NODE,
  type DiskSpace,
  type ImageInUse,
  measureDisk,
  startBuildCluster,
} from './build-cluster.ts';
import { expectSuccess } from './docker/ask.ts';
import { findStaticBusybox } from './docker/busybox.ts';
import type { ContainerPlan } from './docker/containers.ts';
import { startEngine, type TestEngine } from './docker/engine.ts';

/**
 * Two build nodes of a cluster. One of them runs a real Docker Engine with its own disk, small enough to be
 * filled in seconds.
 */
export interface BuildNodes {
  readonly engine: TestEngine;
  /** As configured for one environment in `wrench.yaml`. Removals are allowed on the engine. */
  readonly sources: readonly [z.input<typeof kubernetesConfig>, z.input<typeof dockerConfig>];
  /** The outage: builds that start containers without `--rm`, until the kubelet's limit is crossed. */
  readonly fill: () => Promise<FilledDisk>;
  /** Removes what `fill` has left, like a manual cleanup. Returns the number of containers. */
  readonly clean: () => Promise<number>;
  readonly disk: () => DiskSpace;
  /** Stops everything started here and removes all files and mounts; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface FilledDisk {
  /** The containers that were added. */
  readonly containers: readonly string[];
  /** The free share of the disk. */
  readonly availableShare: number;
}

const MIB = 1_024 ** 2;
const DISK_BYTES = 128 * MIB;
/** The bytes that each container of a build writes. */
const WRITES_BYTES = 6 * MIB;
/** Below the kubelet's limit of 15%, with enough space left for the engine. */
const FULL_SHARE = 0.13;

const REPOSITORY = 'https://git.example/shop/web';
const JOBS = ['unit-tests', 'browser-tests', 'lint'] as const;
const JOB_LABEL = 'com.example.ci.job';
const FIRST_BUILD = 209;
/** How long ago the last build ended, and how much earlier each previous one. */
const LAST_ENDED_SECONDS_AGO = 2 * 3_600;
const BETWEEN_SECONDS = 3 * 3_600;
const REBUILT_DAYS_AGO = 3;

/** Always present on the node. */
const OTHERS: readonly ContainerPlan[] = [
  { name: 'npm-cache', state: 'running', labels: { 'com.example.team': 'ci' } },
  { name: 'release-2026-10', labels: { 'com.example.keep': 'true' }, writes: 200_000 },
  {
    name: 'shop-db-1',
    labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'db' },
  },
  {
    name: 'k8s_wait-for-db_shop-5c7b4_default_0b5b1d0c-7f0e-4c8e-9c55-6a1e4c2f9d11_0',
    labels: {
      'io.kubernetes.pod.name': 'shop-5c7b4',
      'io.kubernetes.pod.namespace': 'default',
      'io.kubernetes.container.name': 'wait-for-db',
    },
  },
];

const PROGRAMS = ['dockerd', 'containerd', 'runc', 'mount'];

/**
 * Why an engine with its own disk cannot run here, as far as is known without starting it: one line, with
 * the fix.
 */
export function whyNoBuildNodes(): string | undefined {
  const { PATH: path = '', WRENCH_TEST_DOCKER: given } = process.env;
  // Debian installs dockerd in a folder that is only in root's PATH.
  const folders = [...path.split(delimiter), '/usr/sbin'];
  const isThere = (program: string): boolean => folders.some((folder) => existsSync(join(folder, program)));
  const packages = [
    ...(PROGRAMS.every(isThere) ? [] : ['docker.io']),
    ...(findStaticBusybox(path) === undefined ? ['busybox-static'] : []),
  ];
  if (packages.length > 0) return `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (given) return 'the engine of WRENCH_TEST_DOCKER does not have its own disk: unset it';
  return process.getuid?.() === 0 ? undefined : 'only root can start a Docker Engine: sudo npm run demo';
}

export async function startBuildNodes(): Promise<BuildNodes> {
  const started: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of started.splice(0).toReversed()) await end();
  };
  try {
    const engine = await startEngine({ diskBytes: DISK_BYTES });
    started.push(engine.close);
    await Promise.all(OTHERS.map(engine.run));
    const { DockerRootDir: diskPath, ServerVersion } = await infoOf(engine);
    const disk = (): DiskSpace => measureDisk(diskPath);
    let imageBytes = await imageBytesOf(engine);
    const { cluster, evict } = await startBuildCluster({
      diskPath,
      dockerVersion: ServerVersion.split('+')[0] ?? '',
      imageBytes: () => imageBytes,
    });
    started.push(cluster.close);
    const folder = await mkdtemp(join(tmpdir(), 'wrench-builds-'));
    started.push(() => rm(folder, { recursive: true, force: true }));
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, cluster.kubeconfig(), { mode: 0o600 });
    let build = FIRST_BUILD;
    return {
      engine,
      sources: [
        { kind: 'kubernetes', name: 'ci', kubeconfig, kubelets: 'direct' },
        { kind: 'docker', name: 'builders', url: engine.url, node: BUILD_NODE, allow: { remove: {} } },
      ],
      fill: async () => {
        const { containers, images, next } = await runBuilds(engine, disk, build);
        build = next;
        imageBytes = await imageBytesOf(engine);
        if (containers.length > 0) evict(images);
        return { containers, availableShare: availableShare(disk()) };
      },
      clean: async () => {
        const removed = await removeBuilds(engine);
        imageBytes = await imageBytesOf(engine);
        return removed;
      },
      disk,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function availableShare({ availableBytes, capacityBytes }: DiskSpace): number {
  return availableBytes / capacityBytes;
}

interface Builds {
  readonly containers: readonly string[];
  /** Of each image, with one of its containers. */
  readonly images: readonly ImageInUse[];
  /** The number of the next build. */
  readonly next: number;
}

/**
 * Runs builds until the disk is full: each makes an image, and runs its jobs in containers of it. They end
 * now, but must be hours old to be offered, so the engine's records are backdated.
 */
async function runBuilds(engine: TestEngine, disk: () => DiskSpace, first: number): Promise<Builds> {
  if (availableShare(disk()) < FULL_SHARE) return { containers: [], images: [], next: first };
  // An earlier attempt at the first build, whose tag has moved on.
  await engine.addImage({ bytes: MIB, createdAt: daysAgo(REBUILT_DAYS_AGO + 1) });
  const builds: (readonly string[])[] = [];
  const images: ImageInUse[] = [];
  let build = first;
  for (; availableShare(disk()) >= FULL_SHARE; build++) {
    const tag = `shop-web:${build}`;
    const image = await engine.addImage({ tag, createdAt: daysAgo(REBUILT_DAYS_AGO) });
    const jobs = JOBS.slice(0, containersUntilFull(disk())).map((job) => `shop-web-${build}-${job}`);
    const [container = ''] = await Promise.all(jobs.map((name) => runJob(engine, name, tag)));
    images.push({ image, container });
    builds.push(jobs);
  }
  const endedSecondsAgo = builds.toReversed().map((_, at) => LAST_ENDED_SECONDS_AGO + at * BETWEEN_SECONDS);
  await engine.backdate(
    builds.flat(),
    builds.flatMap((jobs, at) => jobs.map(() => endedSecondsAgo[builds.length - 1 - at]!)),
  );
  return { containers: builds.flat(), images, next: build };
}

function runJob(engine: TestEngine, name: string, image: string): Promise<string> {
  return engine.run({
    name,
    image,
    writes: WRITES_BYTES,
    labels: { [JOB_LABEL]: name, 'org.opencontainers.image.source': REPOSITORY },
  });
}

/** The storage driver vfs copies the image for each container, twice. */
const COPIED_BYTES = 4 * MIB;

function containersUntilFull({ availableBytes, capacityBytes }: DiskSpace): number {
  return Math.max(
    1,
    Math.floor((availableBytes - FULL_SHARE * capacityBytes) / (WRITES_BYTES + COPIED_BYTES)),
  );
}

async function removeBuilds({ ask }: TestEngine): Promise<number> {
  const withLabel = encodeURIComponent(JSON.stringify({ label: [JOB_LABEL] }));
  const found = await ask('GET', `/containers/json?all=1&filters=${withLabel}`);
  const containers = expectSuccess('list', found) as readonly { readonly Id: string }[];
  for (const { Id: id } of containers) expectSuccess('remove', await ask('DELETE', `/containers/${id}`));
  const images = expectSuccess('images', await ask('GET', '/images/json')) as readonly {
    readonly Id: string;
    readonly RepoTags: readonly string[] | null;
  }[];
  const isOfBuild = (tags: readonly string[] | null) =>
    tags === null || tags.every((tag) => /^(?:shop-web|<none>):/.test(tag));
  for (const { Id: id, RepoTags } of images)
    if (isOfBuild(RepoTags)) expectSuccess('remove image', await ask('DELETE', `/images/${id}`));
  return containers.length;
}

async function imageBytesOf({ ask }: TestEngine): Promise<number> {
  const usage = expectSuccess('df', await ask('GET', '/system/df')) as { readonly LayersSize: number };
  return usage.LayersSize;
}

async function infoOf({ ask }: TestEngine) {
  return expectSuccess('info', await ask('GET', '/info')) as {
    readonly DockerRootDir: string;
    readonly ServerVersion: string;
  };
}

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * 86_400_000);
}
