import type { Workload, WorkloadRollout } from '../../ports/clusters.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { adjustmentIn } from './adjustment.ts';
import { fieldManagersIn } from './field-managers.ts';
import { wholeNumberIn, optionalText } from './json-values.ts';
import { managedBy } from './managed-by.ts';
import { probeIn } from './to-probe.ts';
import { updateStrategyIn } from './update-strategy.ts';

/** Maps a Deployment, StatefulSet, DaemonSet or ReplicaSet that has a name. */
export function toWorkload(kind: Workload['kind'], item: JsonObject): Workload {
  const metadata = asObject(item['metadata']);
  const spec = asObject(item['spec']);
  const template = asObject(spec['template']);
  const pod = asObject(template['spec']);
  const controller = listIn(metadata, 'ownerReferences').find((owner) => owner['controller'] === true);
  const replicas = kind === 'DaemonSet' ? undefined : wholeNumberIn(spec, 'replicas');
  const tool = managedBy(metadata);
  const graceSeconds = wholeNumberIn(pod, 'terminationGracePeriodSeconds');
  const rollout = rolloutIn(kind, item);
  return {
    kind,
    namespace: textIn(metadata, 'namespace') ?? '',
    name: textIn(metadata, 'name') ?? '',
    uid: textIn(metadata, 'uid') ?? '',
    ...(controller && {
      controller: { kind: textIn(controller, 'kind') ?? '', name: textIn(controller, 'name') ?? '' },
    }),
    ...(replicas !== undefined && { replicas }),
    ...updateStrategyIn(kind, spec),
    ...(rollout && { rollout }),
    ...(tool !== undefined && { managedBy: tool }),
    ...optionalText('templateNode', pod, 'nodeName'),
    ...(graceSeconds !== undefined && { graceSeconds }),
    containers: [...containersIn(pod, 'initContainers', 'init'), ...containersIn(pod, 'containers', 'main')],
    fieldManagers: fieldManagersIn(metadata),
    ...adjustmentIn(asObject(asObject(template['metadata'])['annotations'])),
  };
}

/** As `kubectl rollout status` reads it: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_status/ */
function rolloutIn(kind: Workload['kind'], item: JsonObject): WorkloadRollout | undefined {
  const [metadata, spec, status] = [
    asObject(item['metadata']),
    asObject(item['spec']),
    asObject(item['status']),
  ];
  const observed = wholeNumberIn(status, 'observedGeneration');
  const generation = wholeNumberIn(metadata, 'generation');
  if (observed === undefined || generation === undefined || observed < generation) return undefined;
  const counted = (name: string) => wholeNumberIn(status, name) ?? 0;
  if (kind === 'DaemonSet')
    return {
      desired: counted('desiredNumberScheduled'),
      updated: counted('updatedNumberScheduled'),
      total: counted('currentNumberScheduled'),
    };
  return {
    // The default of the API server.
    desired: wholeNumberIn(spec, 'replicas') ?? 1,
    updated: counted('updatedReplicas'),
    total: counted('replicas'),
  };
}

type TemplateContainer = Workload['containers'][number];

function containersIn(pod: JsonObject, key: string, kind: TemplateContainer['kind']): TemplateContainer[] {
  return listIn(pod, key).map((container) => {
    const liveness = probeIn(container, 'livenessProbe');
    const startup = probeIn(container, 'startupProbe');
    return {
      name: textIn(container, 'name') ?? '',
      kind,
      ...(liveness && { liveness }),
      ...(startup && { startup }),
    };
  });
}
