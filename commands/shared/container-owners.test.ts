import { describe, expect, test } from 'vitest';
import { isOwnedByName, type Owner, containerOwner } from './container-owners.ts';

const container = (labels: Labels, name = 'elastic_morse') => ({
  name,
  image: 'registry.example/app:1',
  labels,
});

type Labels = Readonly<Record<string, string>>;

const UID = '878eee7f-d5b6-48f1-a97f-9c0d4719238c';

const OWNED: readonly (readonly [Owner, Labels, name?: string])[] = [
  ['kubernetes', { 'io.kubernetes.pod.name': 'web-1' }],
  ['kubernetes', { 'io.kubernetes.docker.type': 'podsandbox' }],
  ['kubernetes', { 'annotation.io.kubernetes.container.hash': '1' }],
  ['kubernetes', {}, `k8s_web_web-1_shop_${UID}_0`],
  ['kubernetes', {}, `k8s_POD_etcd-node-1_kube-system_${UID.replaceAll('-', '')}_12`],
  ['kubernetes', {}, `k8s_web_web-1_shop_${UID}_1_0a1b2c3d`],
  ['minikube', { 'created_by.minikube.sigs.k8s.io': 'true' }],
  ['minikube', { 'name.minikube.sigs.k8s.io': 'minikube' }],
  ['kind', { 'io.x-k8s.kind.cluster': 'kind' }],
  ['k3d', { app: 'k3d', 'k3d.role': 'server' }],
  ['k3d', { 'k3d.cluster': 'dev' }],
  ['talos', { 'talos.owned': 'true', 'talos.cluster.name': 'talos-default' }],
  ['rke', { 'io.rancher.rke.container.name': 'service-sidekick' }],
  ['rancher', { 'io.rancher.container.uuid': UID }],
  ['swarm', { 'com.docker.swarm.service.id': 'x1' }],
  ['swarm', { 'com.docker.swarm.task': '' }],
  ['swarm', { 'com.docker.stack.namespace': 'shop' }],
  ['compose', { 'com.docker.compose.project': 'blog', 'com.docker.compose.oneoff': 'False' }],
  ['compose', { 'com.docker.compose.project': 'blog' }],
  ['compose', { 'io.podman.compose.project': 'blog' }],
  ['compose-runs', { 'com.docker.compose.project': 'ci', 'com.docker.compose.oneoff': 'True' }],
  ['gitlab-cache', { 'com.gitlab.gitlab-runner.type': 'cache' }],
  ['gitlab-cache', {}, 'runner-8CnrqbEt-project-304-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70'],
  [
    'gitlab-cache',
    {},
    'runner-t1-project-7-concurrent-3-5ea1ab-cache-c33bcaa1fd2c77edfc3893b41966cea8-protected',
  ],
  ['testcontainers', { 'org.testcontainers': 'true', 'org.testcontainers.sessionId': UID }],
  ['devcontainers', { 'devcontainer.local_folder': '/home/ada/app' }],
  ['devcontainers', { 'vsch.local.repository': 'https://git.example/app' }],
  ['buildx', {}, 'buildx_buildkit_mybuilder0'],
  ['portainer', { 'io.portainer.server': 'true' }],
  ['portainer', { 'io.portainer.accesscontrol.teams': 'infra' }],
  ['nomad', { 'com.hashicorp.nomad.alloc_id': UID }],
  ['ecs', { 'com.amazonaws.ecs.task-arn': 'arn:aws:ecs:eu-1:1:task/default/1' }],
  ['jenkins', { 'com.nirima.jenkins.plugins.docker.JenkinsId': '1' }],
  ['systemd', { PODMAN_SYSTEMD_UNIT: 'web.service' }],
  ['toolbox', { 'com.github.containers.toolbox': 'true' }],
  ['distrobox', { manager: 'distrobox' }],
  ['balena', { 'io.balena.supervised': 'true' }],
  ['home-assistant', { supervisor_managed: '' }],
  ['keep', { keep: 'true' }],
  ['keep', { keep: '' }],
  ['keep', { 'com.example.keep': 'until the audit' }],
  ['keep', { 'example.com/keep': 'true' }],
  ['keep', { Keep: 'yes' }],
];

describe('a container belongs to', () => {
  test.each(OWNED.map(([owner, labels, name]) => ({ owner, labels, name })))(
    '$owner by $labels $name',
    ({ owner, labels, name }) => {
      expect(containerOwner(container(labels, name))).toBe(owner);
    },
  );
});

const UNOWNED: readonly (readonly [Labels, name?: string])[] = [
  [{}],
  [{ keep: 'false' }],
  [{ keep: 'False ' }],
  [{ 'com.example.keep': 'false' }],
  [{ 'com.example.keeper': 'ada' }],
  [{ 'com.example.housekeep': 'yes' }],
  [{ 'org.opencontainers.image.source': 'https://git.example/it' }],
  [{ 'io.k8s.display-name': 'an image that was built for OpenShift' }],
  [{ 'com.docker.compose': 'of an extension' }],
  [{ 'com.gitlab.gitlab-runner.type': 'build' }],
  [{ 'devcontainer.metadata': 'a label of the image' }],
  [{ 'io.portainer.container.http.port': '5000' }],
  [{ app: 'shop', manager: 'ada', type: 'cache' }],
  [{}, 'k8s-debug'],
  [{}, 'k8s_debug'],
  [{}, 'k8s_web_web-1_shop'],
  [{}, `k8s_web_web_1_shop_${UID}_0`],
  [{}, `k8s_web_web-1_shop_${UID}_latest`],
  [{}, 'runner-8CnrqbEt-project-304-concurrent-0-build'],
  [{}, 'runner-with-cache-of-ada'],
  [{}, 'kind-control-plane'],
  [{}, 'minikube'],
  [{}, 'my_buildx_buildkit_x'],
];

describe('a container has no owner', () => {
  test.each(UNOWNED.map(([labels, name]) => ({ labels, name })))('by $labels $name', ({ labels, name }) => {
    expect(containerOwner(container(labels, name))).toBeUndefined();
  });
});

test('a container is recognized by name only if no label names the same owner', () => {
  const name = `k8s_web_web-1_shop_${UID}_0`;
  expect(isOwnedByName(container({}, name))).toBe(true);
  expect(isOwnedByName(container({ 'io.kubernetes.pod.name': 'web-1' }, name))).toBe(false);
  expect(isOwnedByName(container({}))).toBe(false);
});
