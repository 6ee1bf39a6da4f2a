import type { DaemonSet, Pod, PodContainer, PodVolume } from '../../ports/clusters.ts';
import { asObject, type JsonObject, listIn, numberIn, textIn } from '../../wire/json-object.ts';
import { optionalDate, optionalText, textListIn, textsIn } from './json-values.ts';

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
    ...(controller && {
      controller: { kind: textIn(controller, 'kind') ?? '', name: textIn(controller, 'name') ?? '' },
    }),
    isMirror: isOfNode || Object.hasOwn(textsIn(metadata, 'annotations'), MIRROR_ANNOTATION),
    containers: [
      ...listIn(spec, 'initContainers').map((container) => toContainer(container, 'init')),
      ...listIn(spec, 'containers').map((container) => toContainer(container, 'main')),
      ...listIn(spec, 'ephemeralContainers').map((container) => toContainer(container, 'ephemeral')),
    ],
    volumes: listIn(spec, 'volumes').map((volume) => toVolume(volume, name)),
  };
}

function toContainer(container: JsonObject, kind: PodContainer['kind']): PodContainer {
  const dockerHost = listIn(container, 'env').find((variable) => variable['name'] === 'DOCKER_HOST');
  return {
    name: textIn(container, 'name') ?? '',
    kind,
    image: textIn(container, 'image') ?? '',
    privileged: asObject(container['securityContext'])['privileged'] === true,
    command: [...textListIn(container, 'command'), ...textListIn(container, 'args')],
    ...(dockerHost && optionalText('dockerHost', dockerHost, 'value')),
    mounts: listIn(container, 'volumeMounts').map((mount) => ({
      volume: textIn(mount, 'name') ?? '',
      path: textIn(mount, 'mountPath') ?? '',
    })),
  };
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
  };
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
