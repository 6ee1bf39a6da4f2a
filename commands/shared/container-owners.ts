import type { ports } from '../kit.ts';
import { hasKubeletName } from './kubelet-container.ts';

/** Possible owners of a stopped container. A container with an owner is not a leftover. */
export type Owner =
  | 'kubernetes'
  | 'compose'
  | 'compose-runs'
  | 'swarm'
  | 'kind'
  | 'minikube'
  | 'k3d'
  | 'talos'
  | 'rke'
  | 'rancher'
  | 'gitlab-cache'
  | 'testcontainers'
  | 'devcontainers'
  | 'buildx'
  | 'portainer'
  | 'nomad'
  | 'ecs'
  | 'jenkins'
  | 'systemd'
  | 'toolbox'
  | 'distrobox'
  | 'balena'
  | 'home-assistant'
  | 'keep';

/** Owners whose stopped containers are probably leftovers: `--include` treats them as such. */
export const INCLUDABLE = ['compose-runs', 'testcontainers'] as const satisfies readonly Owner[];

export type Includable = (typeof INCLUDABLE)[number];

export function isIncludable(owner: Owner): owner is Includable {
  return (INCLUDABLE as readonly Owner[]).includes(owner);
}

interface OwnerRule {
  readonly owner: Owner;
  readonly matches: (container: Evidence) => boolean;
}

type Evidence = Pick<ports.EngineContainer, 'name' | 'image' | 'labels'>;

/** The first match is the owner. */
const RULES: readonly OwnerRule[] = [
  // The kubelet collects its own, and runs an init container again if its container is removed: https://github.com/kubernetes/kubernetes/issues/86531
  { owner: 'kubernetes', matches: hasPrefix('io.kubernetes.', 'annotation.io.kubernetes.') },
  // Labels may be lost in a restore.
  { owner: 'kubernetes', matches: ({ name }) => hasKubeletName(name) },
  // Set by a person.
  { owner: 'keep', matches: ({ labels }) => Object.entries(labels).some(isKeepLabel) },
  // `docker system prune` has deleted clusters that were only stopped: https://github.com/kubernetes/minikube/issues/10773
  { owner: 'minikube', matches: hasPrefix('created_by.minikube.sigs.k8s.io', 'name.minikube.sigs.k8s.io') },
  // https://github.com/kubernetes-sigs/kind/blob/main/pkg/cluster/internal/providers/docker/constants.go
  { owner: 'kind', matches: hasPrefix('io.x-k8s.kind.') },
  // https://github.com/k3d-io/k3d/blob/main/pkg/types/types.go
  { owner: 'k3d', matches: ({ labels }) => labels['app'] === 'k3d' || 'k3d.cluster' in labels },
  // https://github.com/siderolabs/talos/blob/main/pkg/provision/providers/docker/node.go
  { owner: 'talos', matches: hasPrefix('talos.owned', 'talos.cluster.') },
  // https://github.com/rancher/rke/blob/master/services/services.go
  { owner: 'rke', matches: hasPrefix('io.rancher.rke.') },
  { owner: 'rancher', matches: hasPrefix('io.rancher.') },
  // Swarm keeps ended tasks as its history: https://docs.docker.com/reference/cli/docker/swarm/update/ (--task-history-limit)
  { owner: 'swarm', matches: hasPrefix('com.docker.swarm.', 'com.docker.stack.') },
  // `docker compose down` does not remove what `docker compose run` has left: https://github.com/docker/compose/issues/10806
  {
    owner: 'compose-runs',
    matches: ({ labels }) =>
      'com.docker.compose.project' in labels && isTrue(labels['com.docker.compose.oneoff']),
  },
  // Stopped by `docker compose stop`, to be started again.
  { owner: 'compose', matches: hasPrefix('com.docker.compose.', 'io.podman.compose.') },
  // https://docs.gitlab.com/runner/executors/docker/#clear-the-docker-cache
  {
    owner: 'gitlab-cache',
    matches: isGitlabCache,
  },
  // Removed by the resource reaper, which CI often disables; reused containers stay: https://java.testcontainers.org/features/reuse/
  { owner: 'testcontainers', matches: hasPrefix('org.testcontainers') },
  // https://github.com/devcontainers/cli/blob/main/src/spec-node/singleContainer.ts
  {
    owner: 'devcontainers',
    matches: hasPrefix('devcontainer.local_folder', 'devcontainer.config_file', 'vsch.local.'),
  },
  // Builders have no label: https://docs.docker.com/build/builders/drivers/docker-container/
  { owner: 'buildx', matches: ({ name }) => /^buildx_buildkit_.+/.test(name) },
  // https://docs.portainer.io/advanced/access-control
  {
    owner: 'portainer',
    matches: hasPrefix('io.portainer.accesscontrol.', 'io.portainer.server', 'io.portainer.agent'),
  },
  // https://github.com/hashicorp/nomad/blob/main/drivers/docker/driver.go
  { owner: 'nomad', matches: hasPrefix('com.hashicorp.nomad.') },
  // The agent removes them after ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-config.html
  { owner: 'ecs', matches: hasPrefix('com.amazonaws.ecs.') },
  // https://github.com/jenkinsci/docker-plugin: its watchdog removes agents that it no longer knows.
  { owner: 'jenkins', matches: hasPrefix('com.nirima.jenkins.plugins.docker.') },
  // https://docs.podman.io/en/latest/markdown/podman-auto-update.1.html
  { owner: 'systemd', matches: hasPrefix('PODMAN_SYSTEMD_UNIT') },
  // https://github.com/containers/toolbox: started again each time someone enters it.
  { owner: 'toolbox', matches: hasPrefix('com.github.containers.toolbox', 'com.github.debarshiray.toolbox') },
  // https://github.com/89luca89/distrobox
  { owner: 'distrobox', matches: ({ labels }) => labels['manager'] === 'distrobox' },
  // Supervisors start and remove their own: https://github.com/balena-os/balena-supervisor, https://github.com/home-assistant/supervisor
  { owner: 'balena', matches: hasPrefix('io.balena.supervised', 'io.resin.supervised') },
  { owner: 'home-assistant', matches: hasPrefix('supervisor_managed') },
];

/** The owner of a container by its labels or its name. undefined if there is none. */
export function containerOwner(container: Evidence): Owner | undefined {
  return RULES.find(({ matches }) => matches(container))?.owner;
}

/** Whether the only evidence is the form of its name. */
export function isOwnedByName(container: Evidence): boolean {
  const owner = containerOwner(container);
  return owner !== undefined && containerOwner({ ...container, name: '' }) !== owner;
}

/**
 * A cache of GitLab Runner: a volume, or a container of an older runner. Volumes have had labels only since
 * https://gitlab.com/gitlab-org/gitlab-runner/-/merge_requests/2334; the form of the name is as old as the caches.
 */
export function isGitlabCache({ name, labels }: Pick<Evidence, 'name' | 'labels'>): boolean {
  return (
    labels['com.gitlab.gitlab-runner.type'] === 'cache' ||
    /^runner-.+-cache-[0-9a-f]{32}(?:-protected)?$/.test(name)
  );
}

/** `keep`, or a label of an organization that ends with it: `com.example.keep`, `example.com/keep`. */
function isKeepLabel([label, value]: readonly [string, string]): boolean {
  return /(?:^|[./])keep$/i.test(label) && value.trim().toLowerCase() !== 'false';
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

function hasPrefix(...prefixes: readonly string[]): OwnerRule['matches'] {
  return ({ labels }) =>
    Object.keys(labels).some((label) => prefixes.some((prefix) => label.startsWith(prefix)));
}
