import { wording } from '../../kit.ts';
import type { KeptReason } from './facts.ts';

/** `812 MB (812,345,678 bytes)`: rounded for people, and exactly. */
export function bytesInFull(bytes: number): string {
  return bytes < 1_000 ? wording.count(bytes, 'byte') : `${wording.bytes(bytes)} (${digits(bytes)} bytes)`;
}

/** `812,345,678` */
export function digits(amount: number): string {
  return Math.round(amount).toLocaleString('en-US');
}

/** `2026-11-17 12:00 UTC`, from the nanoseconds of an engine. A time in another time zone is kept as it is. */
export function momentOf(text: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]+Z$/.test(text)
    ? `${text.slice(0, 16).replace('T', ' ')} UTC`
    : text;
}

/** `3 owned by Kubernetes`, `2 with a restart policy`. */
export const KEPT_WORDS: Readonly<Record<KeptReason, string>> = {
  kubernetes: 'owned by Kubernetes',
  compose: 'owned by Compose services',
  'compose-runs': 'from one-off runs of Compose',
  swarm: 'from swarm tasks',
  kind: 'in kind clusters',
  minikube: 'in minikube clusters',
  k3d: 'in k3d clusters',
  talos: 'in Talos clusters',
  rke: 'owned by RKE',
  rancher: 'owned by Rancher',
  'gitlab-cache': 'for GitLab Runner caches',
  testcontainers: 'from Testcontainers',
  devcontainers: 'used as dev containers',
  buildx: 'used as buildx builders',
  portainer: 'owned by Portainer',
  nomad: 'owned by Nomad',
  ecs: 'owned by Amazon ECS',
  jenkins: 'owned by the Jenkins Docker plugin',
  systemd: 'owned by systemd units',
  toolbox: 'used by Toolbox',
  distrobox: 'used by Distrobox',
  balena: 'owned by the balena supervisor',
  'home-assistant': 'owned by the Home Assistant supervisor',
  keep: 'with a keep label',
  'never-started': 'never started',
  'restart-policy': 'with a restart policy',
  'auto-remove': 'with `--rm`, removed by the engine',
  'being-removed': 'being removed',
  'too-recent': 'finished too recently',
  'lends-volumes': 'whose volumes another container uses (`--volumes-from`)',
  'shares-volumes': 'that share volumes with containers that stay',
  needed: 'without which another container cannot start',
  'unknown-volume-users': 'with volumes whose users are unknown',
};
