import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { container, pod, podsOn, podsOnNode, socketUser } from './builders.ts';

const first = (...all: readonly ports.Pod[]) => podsOn(...all).pods?.builders[0];
const engine = (known: Partial<ports.PodContainer>, ofPod: Partial<ports.Pod> = {}) =>
  first(pod('agent', { containers: [container('dind', { privileged: true, ...known })], ...ofPod }));

test.each([
  '/var/run/docker.sock',
  '/run/docker.sock',
  '/run/podman/podman.sock',
  String.raw`\\.\pipe\docker_engine`,
])('a pod that mounts %s uses the engine of the node', (path) => {
  expect(first(socketUser('agent', path))).toMatchObject({ pod: 'ci/agent', kind: 'outer', path, rank: 0 });
});

test.each(['/', '/run', '/var/run/', '/run/containerd/containerd.sock'])(
  '%s is only a hint, and none if a DaemonSet mounts it',
  (path) => {
    expect(first(socketUser('agent', path))).toMatchObject({ rank: 3 });
    const controller = { kind: 'DaemonSet', name: 'node-exporter' };
    expect(podsOn(socketUser('agent', path, { controller }))).toEqual({});
  },
);

test.each([
  'docker:28-dind',
  'docker:dind',
  'docker:20.10.24-dind-rootless',
  'registry.example.com:5000/library/docker:28.1-dind@sha256:0123',
  'ghcr.io/actions/gitlab-dind:latest',
  'moby/buildkit:v0.20',
])('%s runs its own engine', (image) => {
  expect(engine({ image })).toMatchObject({ kind: 'inner' });
});

test.each([
  ['docker:28-dind', '/var/lib/docker'],
  ['docker:28', '/var/lib/docker'],
  ['docker:28.1-dind-rootless@sha256:0123', '/home/rootless/.local/share/docker'],
  ['ghcr.io/actions/gitlab-dind:latest', '/var/lib/docker'],
  ['moby/buildkit:v0.20', '/var/lib/buildkit'],
  ['moby/buildkit:v0.20-rootless', '/home/user/.local/share/buildkit'],
  ['quay.io/podman/stable:v5', '/var/lib/containers'],
  ['quay.io/buildah/stable', '/var/lib/containers'],
])(
  '%s declares a volume at %s, which the kubelet does not count if nothing is mounted there',
  (image, path) => {
    const emptyDir = { name: 'data', emptyDir: 'disk' } as const;
    const mounted = (at: string) =>
      engine({ image, mounts: [{ volume: 'data', path: at }] }, { volumes: [emptyDir] });
    expect(engine({ image })).toMatchObject({
      keeps: `an anonymous volume at ${path}`,
      unmounted: path,
      isUncounted: true,
      rank: 0,
    });
    expect(mounted(path)).toMatchObject({ keeps: 'volume data', isUncounted: false, rank: 2 });
    expect(mounted(`${path}/`)).toMatchObject({ isUncounted: false });
    expect(mounted('/cache')).toMatchObject({ isUncounted: true, unmounted: path });
    // The runtime replaces a declared volume only by a mount at the same path.
    expect(mounted(path.slice(0, path.lastIndexOf('/')))).toMatchObject({
      keeps: `an anonymous volume at ${path} (volume data at ${path.slice(0, path.lastIndexOf('/'))} does not replace it)`,
      isUncounted: true,
    });
  },
);

test('a rootless engine does not store its data where the other one does', () => {
  const mounts = [{ volume: 'data', path: '/var/lib/docker' }];
  const known = { image: 'docker:dind-rootless', mounts };
  expect(engine(known, { volumes: [{ name: 'data', emptyDir: 'disk' }] })?.isUncounted).toBe(true);
});

test.each([
  [['dockerd', '--data-root=/cache/docker'], '/cache', { isUncounted: false, keeps: 'volume data' }],
  [['dockerd', '--data-root', '/cache'], '/cache', { isUncounted: false }],
  [
    ['dockerd', '--data-root', '/cache'],
    '/var/lib/docker',
    { isUncounted: true, rank: 1, unmounted: '/cache' },
  ],
  [['sh', '-c', 'dockerd --data-root="/cache" & make'], '/cache', { isUncounted: false }],
])('an engine started with %o and a volume at %s', (command, path, expected) => {
  const known = { image: 'docker:28-dind', command, mounts: [{ volume: 'data', path }] };
  expect(engine(known, { volumes: [{ name: 'data', emptyDir: 'disk' }] })).toMatchObject(expected);
});

test('an image of another name may declare a volume or not, so its engine is less likely', () => {
  const builder = { image: 'builder:1', command: ['dockerd'] };
  expect(engine(builder)).toMatchObject({
    keeps: 'its writable layer or an anonymous volume at /var/lib/docker',
    isUncounted: true,
    rank: 1,
  });
  const mounts = [{ volume: 'data', path: '/var/lib' }];
  expect(engine({ ...builder, mounts }, { volumes: [{ name: 'data', claim: 'libs' }] })).toMatchObject({
    keeps: 'PersistentVolumeClaim libs',
    rank: 0,
  });
});

test('CRI-O makes a folder in the writable layer of a declared volume, and counts it', () => {
  const image = 'docker:28-dind';
  const agent = pod('agent', { containers: [container('dind', { image, privileged: true })] });
  const on = (containerRuntime: string) => podsOnNode({ containerRuntime }, agent).pods?.builders[0];
  expect(on('cri-o://1.31.0')).toMatchObject({
    keeps: 'the writable layer of its container',
    isUncounted: false,
    rank: 2,
  });
  expect(on('containerd://2.1.4')).toMatchObject({ isUncounted: true });
  expect(on('docker://20.10.24')).toMatchObject({ isUncounted: true });
});

test.each(['/run', '/var/run/'])('on a Docker node, %s is as good as the socket in it', (path) => {
  const on = (containerRuntime: string, known: Partial<ports.Pod> = {}) =>
    podsOnNode({ containerRuntime }, socketUser('agent', path, known)).pods?.builders[0];
  expect(on('docker://20.10.24')).toMatchObject({ rank: 0, isIndirect: true });
  expect(on('containerd://2.1.4')).toMatchObject({ rank: 3, isIndirect: true });
  expect(on('docker://20.10.24', { controller: { kind: 'DaemonSet', name: 'agent' } })).toBeUndefined();
});

test('many other pods do not hide one that mounts the folder of the Docker socket', () => {
  const others = Array.from({ length: 6 }, (_, at) =>
    socketUser(`a-${at}`, '/run/docker.sock', { controller: { kind: 'DaemonSet', name: 'a' } }),
  );
  const { pods } = podsOnNode({ containerRuntime: 'docker://20' }, ...others, socketUser('z', '/run'));
  expect(pods?.builders[0]).toMatchObject({ pod: 'ci/z', rank: 0 });
  expect(pods?.builders).toHaveLength(4);
});

test.each([
  ['docker:28-cli', []],
  ['docker:28-dind', ['cat']],
  ['jenkins/inbound-agent:3309', []],
  ['registry.example.com/dinding-room:1', []],
])('%s with %o runs no engine', (image, command) => {
  expect(engine({ image, command })).toBeUndefined();
});

test('with the right command, any image runs an engine', () => {
  expect(engine({ image: 'builder:1', command: ['sh', '-c', 'dockerd & sleep 5'] })?.kind).toBe('inner');
});

test.each([
  ['docker@sha256:0123', {}, {}],
  ['registry.example.com/build/engine:7', { claim: 'cache' }, {}],
  ['registry.example.com/build/engine:7', { hostPath: '/data/dind' }, {}],
  ['registry.example.com/build/engine@sha256:0123', {}, { dockerHost: 'tcp://localhost:2375' }],
  ['rancher/k3s:v1.33', { claim: 'cache' }, { mountPath: '/var/lib/rancher/k3s' }],
])(
  'an engine in an image of any name: %s with %o and %o',
  (image, volume, { dockerHost, mountPath }: { dockerHost?: string; mountPath?: string }) => {
    const mounts = [{ volume: 'data', path: mountPath ?? '/var/lib/docker' }];
    const client = container('client', { ...(dockerHost !== undefined && { dockerHost }) });
    const dind = container('dind', { image, privileged: true, mounts });
    const known = { containers: [dind, client], volumes: [{ name: 'data', ...volume }] };
    expect(first(pod('agent', known))).toMatchObject({ pod: 'ci/agent', kind: 'inner' });
  },
);

test.each(['/', '/var/lib/docker', '/var/lib/docker/', '/var/lib/docker/overlay2', '/var/lib/containerd'])(
  'an agent that mounts %s of the node is not an engine',
  (hostPath) => {
    const mounts = [{ volume: 'data', path: '/var/lib/docker' }];
    const known = { image: 'cadvisor:1', mounts };
    expect(engine(known, { volumes: [{ name: 'data', hostPath }] })?.kind).not.toBe('inner');
  },
);

test.each([{ jenkins: 'slave' }, { 'jenkins/label': 'build' }, { 'job.runner.gitlab.com/id': '7' }])(
  'pods that can reach an engine are suspects if they run builds (%o)',
  (labels) => {
    expect(first(socketUser('agent', '/run', { labels }))).toMatchObject({ rank: 1, isIndirect: true });
    expect(first(socketUser('agent', '/run/containerd/containerd.sock', { labels }))?.rank).toBe(1);
  },
);

test('a claim on another disk cannot fill the disk of the node', () => {
  const image = 'docker:dind';
  const mounts = [{ volume: 'data', path: '/var/lib/docker' }];
  const volumes = [{ name: 'data', claim: 'cache' }];
  const agent = pod('agent', { containers: [container('dind', { image, mounts })], volumes });
  const elsewhere = (claim: string) => podsOnNode({ claimsElsewhere: [claim] }, agent).pods?.builders[0];
  expect(elsewhere('ci/other cache')?.isUncounted).toBe(true);
  expect(elsewhere('ci/agent cache')).toMatchObject({
    isUncounted: false,
    keeps: 'PersistentVolumeClaim cache, which is on another disk',
  });
});

test('whether the kubelet counts the data of an engine depends on where it is stored', () => {
  const image = 'docker:dind';
  const mounts = [{ volume: 'data', path: '/var/lib/docker/' }];
  expect(engine({ image, mounts }, { volumes: [{ name: 'data', claim: 'cache' }] })).toMatchObject({
    keeps: 'PersistentVolumeClaim cache',
    isUncounted: true,
    rank: 0,
  });
  expect(engine({ image, mounts }, { volumes: [{ name: 'data', hostPath: '/srv/docker' }] })).toMatchObject({
    keeps: '/srv/docker of the node',
    isUncounted: true,
  });
  expect(engine({ image, mounts }, { volumes: [{ name: 'data', emptyDir: 'disk' }] })?.isUncounted).toBe(
    false,
  );
});

test('an emptyDir is deleted when its pod ends; an anonymous volume, data on the node or on a claim is not', () => {
  const phase = 'Succeeded';
  const image = 'docker:dind';
  const mounts = [{ volume: 'data', path: '/var/lib/docker' }];
  const volumes = [{ name: 'data', emptyDir: 'disk' as const }];
  expect(engine({ image, mounts }, { phase, volumes })).toBeUndefined();
  expect(engine({ image }, { phase })).toMatchObject({ isOver: true, rank: 1 });
  expect(first(socketUser('agent', '/var/run/docker.sock', { phase }))).toMatchObject({
    kind: 'outer',
    isOver: true,
  });
});

test('a pod that runs is more likely than one that has ended', () => {
  const sock = '/var/run/docker.sock';
  expect(first(socketUser('a', sock, { phase: 'Failed' }), socketUser('z', sock))?.pod).toBe('ci/z');
});

test('of many pods only the most likely are kept, but all are counted', () => {
  const all = Array.from({ length: 20 }, (_, at) => socketUser(`agent-${at + 10}`, '/var/run'));
  const { pods } = podsOn(
    ...all,
    socketUser('zz'),
    socketUser('watcher', '/run/docker.sock', { controller: { kind: 'DaemonSet', name: 'w' } }),
  );
  expect(pods?.builders.map((one) => one.pod)).toEqual(['ci/zz', 'ci/watcher', 'ci/agent-10', 'ci/agent-11']);
  expect(pods?.builderCount).toBe(22);
});
