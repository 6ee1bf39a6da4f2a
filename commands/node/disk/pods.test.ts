import { expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { container, pod, podsOn, socketUser } from './builders.ts';
import { withoutOtherDisks } from './pods.ts';

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
  expect(engine({ image })).toMatchObject({ kind: 'inner', isUncounted: false });
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
  const { pods } = podsOn(pod('agent', { containers: [container('dind', { image, mounts })], volumes }));
  expect(pods && withoutOtherDisks(pods, ['ci/other cache']).builders[0]?.isUncounted).toBe(true);
  expect(pods && withoutOtherDisks(pods, ['ci/agent cache']).builders[0]).toMatchObject({
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

test('data of an engine in its pod is deleted with the pod; data on the node or a volume is not', () => {
  const phase = 'Succeeded';
  const image = 'docker:dind';
  expect(engine({ image }, { phase })).toBeUndefined();
  expect(first(socketUser('agent', '/var/run/docker.sock', { phase }))?.kind).toBe('outer');
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
