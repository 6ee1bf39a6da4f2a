import type { DaemonSet, Pod, PodContainer, PodVolume } from '../../ports/clusters.ts';
import { asObject, type JsonObject, listIn, numberIn, textIn } from '../../wire/json-object.ts';
import { adjustmentIn } from './adjustment.ts';
import { toOwner } from './owner.ts';
import { wholeNumberIn, optionalDate, optionalText, textListIn, textsIn } from './json-values.ts';
import { statusFinder, type StatusFinder } from './to-container-status.ts';
import { probeIn } from './to-probe.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** Maps a `Pod` that has a name. */
export function toPod(item: JsonObject): Pod {
  const metadata = asObject(item['metadata']);
  const spec = asObject(item['spec']);
  const status = asObject(item['status']);
  const name = textIn(metadata, 'name') ?? '';
  const owners = listIn(metadata, 'ownerReferences');
  // From 1.17, a mirror pod names its node as controller, but the node does not recreate it.
  const isOfNode = owners.some(({ kind }) => kind === 'Node');
  const controller = owners.find((owner) => owner['controller'] === true && owner['kind'] !== 'Node');
  const annotations = asObject(metadata['annotations']);
  const graceSeconds = wholeNumberIn(spec, 'terminationGracePeriodSeconds');
  return {
    namespace: textIn(metadata, 'namespace') ?? '',
    name,
    uid: textIn(metadata, 'uid') ?? '',
    ...optionalDate('createdAt', metadata, 'creationTimestamp'),
    labels: textsIn(metadata, 'labels'),
    ...optionalText('node', spec, 'nodeName'),
    phase: textIn(status, 'phase') ?? 'Unknown',
    ...optionalText('reason', status),
    ...optionalText('message', status),
    ...optionalDate('startedAt', status, 'startTime'),
    ...(controller && { controller: toOwner(controller) }),
    isMirror: isOfNode || Object.hasOwn(annotations, MIRROR_ANNOTATION),
    ...optionalDate('deletingSince', metadata, 'deletionTimestamp'),
    ...optionalText('restartPolicy', spec),
    ...(graceSeconds !== undefined && { graceSeconds }),
    ...adjustmentIn(annotations),
    ...addressesIn(status),
    containers: containersIn(spec, status),
    volumes: listIn(spec, 'volumes').map((volume) => toVolume(volume, name)),
  };
}

/** `podIPs` has all, of which `podIP` is the first. */
function addressesIn(status: JsonObject): Pick<Pod, 'addresses'> {
  const all = listIn(status, 'podIPs').flatMap((one) => textIn(one, 'ip') ?? []);
  const first = textIn(status, 'podIP');
  const addresses = all.length > 0 || first === undefined ? all : [first];
  return addresses.length > 0 ? { addresses } : {};
}

const CONTAINERS = [
  ['init', 'initContainers', 'initContainerStatuses'],
  ['main', 'containers', 'containerStatuses'],
  ['ephemeral', 'ephemeralContainers', 'ephemeralContainerStatuses'],
] as const;

/**
 * The containers of the spec, and then those that only have a status: a static pod may have been replaced by one with other containers, and its mirror
 * shows the new spec first.
 */
function containersIn(spec: JsonObject, status: JsonObject): readonly PodContainer[] {
  const containers: PodContainer[] = [];
  const podLimit = memoryLimitIn(spec);
  for (const [kind, key, statusKey] of CONTAINERS) {
    const [inSpec, statuses] = [spec[key], status[statusKey]];
    const statusOf = statusFinder(statuses);
    const from = containers.length;
    if (Array.isArray(inSpec))
      for (const container of inSpec as readonly unknown[])
        containers.push(toContainer(asObject(container), kind, statusOf, podLimit));
    if (!Array.isArray(statuses) || statuses.length === 0) continue;
    const known = new Set(containers.slice(from).map(({ name }) => name));
    for (const one of statuses as readonly unknown[]) {
      const { name, image } = asObject(one);
      if (typeof name !== 'string' || name === '' || known.has(name)) continue;
      known.add(name);
      containers.push(toContainer({ name, image }, kind, statusOf, podLimit));
    }
  }
  // An array that grew has room for more, which takes as much memory as a container.
  return containers.slice();
}

function toContainer(
  container: JsonObject,
  kind: PodContainer['kind'],
  statusOf: StatusFinder,
  podLimit: string | undefined,
): PodContainer {
  const name = textIn(container, 'name') ?? '';
  const liveness = probeIn(container, 'livenessProbe');
  const startup = probeIn(container, 'startupProbe');
  const status = statusOf(name);
  const memoryLimit = memoryLimitIn(container) ?? podLimit;
  const dockerHost = listIn(container, 'env').find((variable) => variable['name'] === 'DOCKER_HOST');
  return {
    name,
    kind,
    image: textIn(container, 'image') ?? '',
    ...(kind === 'init' && container['restartPolicy'] === 'Always' && { isSidecar: true as const }),
    ...(liveness && { liveness }),
    ...(startup && { startup }),
    ...(memoryLimit !== undefined && { memoryLimit }),
    ...(status && { status }),
    privileged: asObject(container['securityContext'])['privileged'] === true,
    command: [...textListIn(container, 'command'), ...textListIn(container, 'args')],
    ...(dockerHost && optionalText('dockerHost', dockerHost, 'value')),
    mounts: listIn(container, 'volumeMounts').map((mount) => {
      const subPath = textIn(mount, 'subPath') || textIn(mount, 'subPathExpr');
      return {
        volume: textIn(mount, 'name') ?? '',
        path: textIn(mount, 'mountPath') ?? '',
        ...(subPath && { subPath }),
      };
    }),
    ...environmentSecretsIn(container),
    ...optionalText('pullPolicy', container, 'imagePullPolicy'),
    ...portsIn(container),
  };
}

function portsIn(container: JsonObject): Pick<PodContainer, 'ports'> {
  const ports = listIn(container, 'ports').flatMap((one) => {
    const port = wholeNumberIn(one, 'containerPort');
    return port === undefined ? [] : [{ port, ...optionalText('name', one) }];
  });
  return ports.length > 0 ? { ports } : {};
}

function environmentSecretsIn(container: JsonObject): Pick<PodContainer, 'environmentSecrets'> {
  const single = listIn(container, 'env').map((one) => asObject(asObject(one['valueFrom'])['secretKeyRef']));
  const whole = listIn(container, 'envFrom').map((one) => asObject(one['secretRef']));
  const names = new Set([...single, ...whole].flatMap((reference) => textIn(reference, 'name') || []));
  return names.size > 0 ? { environmentSecrets: [...names] } : {};
}

/** Of a container, or of a pod: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#pod-level-resource-specification */
function memoryLimitIn(spec: JsonObject): string | undefined {
  return textIn(asObject(asObject(spec['resources'])['limits']), 'memory');
}

function toVolume(volume: JsonObject, pod: string): PodVolume {
  const name = textIn(volume, 'name') ?? '';
  const { emptyDir, ephemeral } = volume;
  const medium = textIn(asObject(emptyDir), 'medium');
  // A generic ephemeral volume has its own claim, named after the pod and the volume: https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/
  const claim =
    typeof ephemeral === 'object' && ephemeral !== null
      ? `${pod}-${name}`
      : textIn(asObject(volume['persistentVolumeClaim']), 'claimName');
  return {
    name,
    ...optionalText('hostPath', asObject(volume['hostPath']), 'path'),
    ...(typeof emptyDir === 'object' &&
      emptyDir !== null && { emptyDir: medium === undefined ? 'disk' : 'memory' }),
    ...(claim !== undefined && { claim }),
    ...secretsIn(volume),
  };
}

function secretsIn(volume: JsonObject): Pick<PodVolume, 'secrets'> {
  const projected = listIn(asObject(volume['projected']), 'sources');
  const names = [
    textIn(asObject(volume['secret']), 'secretName'),
    ...projected.map((one) => textIn(asObject(one['secret']), 'name')),
  ].filter((name) => name !== undefined && name !== '');
  return names.length > 0 ? { secrets: [...new Set(names as readonly string[])] } : {};
}

/** Maps a `DaemonSet` that has a name. */
export function toDaemonSet(item: JsonObject): DaemonSet {
  const metadata = asObject(item['metadata']);
  const template = asObject(asObject(item['spec'])['template']);
  const desired = numberIn(asObject(item['status']), 'desiredNumberScheduled');
  return {
    namespace: textIn(metadata, 'namespace') ?? '',
    name: textIn(metadata, 'name') ?? '',
    containers: listIn(asObject(template['spec']), 'containers').map((container) => ({
      name: textIn(container, 'name') ?? '',
      image: textIn(container, 'image') ?? '',
    })),
    ...(desired !== undefined && desired >= 0 && { desired }),
  };
}
