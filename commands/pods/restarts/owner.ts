import type { Owner, RestartedContainer } from './facts.ts';

/** `shop Deployment/web app`: what a container has in common with those of other pods of its owner. */
export function loopName({
  namespace,
  owner: { kind, name },
  container,
}: Pick<RestartedContainer, 'namespace' | 'owner' | 'container'>): string {
  return `${namespace} ${kind}/${name} ${container}`;
}

export function isOfJob({ owner: { kind } }: Pick<RestartedContainer, 'owner'>): boolean {
  return kind === 'Job' || kind === 'CronJob';
}

/** The names under which people ask for the pods of a workload. */
export function workloadNames(namespace: string, { kind, name }: Owner): readonly string[] {
  // Without the label of its pods, the Deployment of a ReplicaSet is known from the name of that.
  const deployment = kind === 'ReplicaSet' ? name.replace(/-[a-z0-9]+$/, '') : name;
  return [...new Set([name, deployment])].flatMap((one) => [one, `${namespace}/${one}`]);
}
