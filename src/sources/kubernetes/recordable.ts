import type { Recordable, SourceRecorder } from '../../ports/recorder.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';

/** Annotations that are read. Others may contain secrets, such as entire manifests with passwords. */
const ANNOTATIONS = new Set(['wrench/cordoned-by', 'kubernetes.io/config.mirror', 'kwok.x-k8s.io/node']);
const PATH_OF_CONFIG = 'kubeletconfig';

/** Members that are not read and may contain secrets: in commands, headers and options, and in the termination messages of containers. */
const DROPPED = new Set([
  'envFrom',
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'volumeAttributes',
  'options',
  'containerStatuses',
  'initContainerStatuses',
  'ephemeralContainerStatuses',
]);

/** Settings of the kubelet that are read. */
const CONFIG_KEYS = new Set([
  'evictionHard',
  'evictionSoft',
  'evictionMinimumReclaim',
  'evictionPressureTransitionPeriod',
  'mergeDefaultEvictionSettings',
  'imageGCHighThresholdPercent',
  'imageGCLowThresholdPercent',
  'containerLogMaxSize',
  'containerLogMaxFiles',
]);

/**
 * A recorder that omits everything in the responses of a cluster that Wrench doesn't read and that may be private: environment variables
 * except DOCKER_HOST, annotations, probes, options of volumes, container statuses, and settings of kubelets.
 */
export function withoutPrivateParts(recorder: SourceRecorder): SourceRecorder {
  return {
    ...recorder,
    http: (question, send, recordable = (body) => body) =>
      recorder.http(question, send, (body) => recordable(recordablePart(body))),
  };
}

const recordablePart: Recordable = (body) => {
  if (Array.isArray(body)) return body.map(recordablePart);
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body as JsonObject).flatMap(([key, value]) => {
      // People choose the names of labels, so `lifecycle` or `env` has no special meaning here.
      if (key === 'labels') return [[key, value]];
      if (DROPPED.has(key)) return [];
      if (key === 'env') return [[key, dockerHostOnly(value)]];
      if (key === 'annotations') return [[key, only(value, ANNOTATIONS)]];
      if (key === PATH_OF_CONFIG) return [[key, only(value, CONFIG_KEYS)]];
      return [[key, recordablePart(value)]];
    }),
  );
};

function dockerHostOnly(value: unknown): unknown {
  return Array.isArray(value) ? value.filter((one) => asObject(one)['name'] === 'DOCKER_HOST') : [];
}

function only(value: unknown, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(asObject(value)).filter(([key]) => keys.has(key)));
}
