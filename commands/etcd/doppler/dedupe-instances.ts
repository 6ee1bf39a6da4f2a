import type { ports } from '../../kit.ts';

/**
 * A director and a monit may both report the same machine: it is recognized by its UUID, or by its group, index and address.
 * Of the two, the one that may restart it is kept, else the first.
 */
export function dedupeInstances(deployments: readonly ports.Deployment[]): readonly ports.Deployment[] {
  const chosen = new Map<string, ports.Instance>();
  const dropped = new Set<ports.Instance>();
  for (const instance of deployments.flatMap(({ instances }) => instances)) {
    const marks = identitiesOf(instance);
    const same = marks.map((mark) => chosen.get(mark)).find((one) => one !== undefined);
    const isBetter = !same || (!same.restart.allowed && instance.restart.allowed);
    if (same) dropped.add(isBetter ? same : instance);
    const stays = isBetter ? instance : same;
    for (const mark of [...marks, ...identitiesOf(stays)]) chosen.set(mark, stays);
  }
  if (dropped.size === 0) return deployments;
  return deployments.map((deployment) => ({
    ...deployment,
    instances: deployment.instances.filter((instance) => !dropped.has(instance)),
  }));
}

/** An index alone is no mark: two deployments may have a `doppler_z1/0` each. */
function identitiesOf({ group, id, index, addresses }: ports.Instance): readonly string[] {
  const byId = /^\d+$/.test(id) ? [] : [`id ${group}/${id}`];
  return [
    ...byId,
    ...(index === undefined ? [] : addresses.map((address) => `at ${group}/${index} ${address}`)),
  ];
}
