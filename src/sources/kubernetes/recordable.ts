import type { Recordable, SourceRecorder } from '../../ports/recorder.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { ADJUSTED_AT, ADJUSTED_BY, ADJUSTED_CONTAINER } from './adjustment.ts';
import { PINNED_BY } from './change-image.ts';
import { certificateRecordable } from './certificates/recordable-certificates.ts';
import { CORDON_ANNOTATION } from './cordon-mark.ts';
import { isObject } from './json-values.ts';
import { GITOPS_ANNOTATIONS } from './managed-by.ts';
import { withoutPrivateText } from './private-text.ts';
import { RESTARTED_AT, RESTARTED_BY } from './restart-workload.ts';
import { isOfRuntime } from './to-container-status.ts';
import { probeWithoutArguments } from './to-probe.ts';
import { REVISIONS } from './to-rollout.ts';

/** Annotations that are read. Others may contain secrets, such as entire manifests with passwords. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  CORDON_ANNOTATION,
  ADJUSTED_BY,
  ADJUSTED_AT,
  ADJUSTED_CONTAINER,
  ...GITOPS_ANNOTATIONS,
  'kubernetes.io/config.mirror',
  ...REVISIONS,
  RESTARTED_AT,
  RESTARTED_BY,
  PINNED_BY,
  'kwok.x-k8s.io/node',
  'kubernetes.io/ingress.class',
  'cert-manager.io/certificate-name',
  'cert-manager.io/certificate-revision',
  'cert-manager.io/inject-ca-from',
  'cert-manager.io/inject-ca-from-secret',
  'cert-manager.io/inject-apiserver-ca',
]);
/** An annotation that says which build it is, under any name. A value that looks like anything else isn't recorded. */
const OF_BUILD = /build|version|revision|release|commit|sha\b|tag\b/i;
const BUILD = /^(?:[\w.+-]{1,40}|sha256:[\da-f]{64})$/;
const PATH_OF_CONFIG = 'kubeletconfig';

/** Members that are not read and may contain secrets: in commands, headers and options. */
const DROPPED = new Set(['lifecycle', 'readinessProbe', 'volumeAttributes', 'options']);

/** Settings of the kubelet that are read. */
const CONFIG_KEYS = new Set([
  'evictionHard',
  'evictionSoft',
  'evictionMinimumReclaim',
  'evictionPressureTransitionPeriod',
  'mergeDefaultEvictionSettings',
  'imageGCHighThresholdPercent',
  'imageGCLowThresholdPercent',
  'staticPodPath',
  'podManifestPath',
  'containerLogMaxSize',
  'containerLogMaxFiles',
]);

/**
 * A recorder that omits everything in the responses of a cluster that Wrench doesn't read and that may be private: environment variables
 * except DOCKER_HOST and the names of Secrets, values of Secrets and ConfigMaps except certificates, annotations, the arguments and queries of probes, what containers wrote when they ended, options of volumes, and settings of kubelets.
 * The lines of logs that were read are recorded; the recording redacts them like any other text.
 */
export function withoutPrivateParts(recorder: SourceRecorder): SourceRecorder {
  return {
    ...recorder,
    http: (question, send, recordable = (body) => body) =>
      recorder.http(question, send, (body) => {
        const ofCertificates = certificateRecordable(question.url);
        return recordable(recordablePart(ofCertificates ? ofCertificates(body) : body));
      }),
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
      return [[key, PARTS[key]?.(value) ?? recordablePart(value)]];
    }),
  );
};

/** What is recorded of members with these names; undefined if there is nothing private in them. */
const PARTS: Readonly<Record<string, (value: unknown) => unknown>> = {
  env: recordableEnvironment,
  envFrom: secretReferencesOnly,
  annotations: recordableAnnotations,
  [PATH_OF_CONFIG]: (value) => only(value, CONFIG_KEYS),
  livenessProbe: (value) => (isObject(value) ? probeWithoutArguments(value) : undefined),
  startupProbe: (value) => (isObject(value) ? probeWithoutArguments(value) : undefined),
  // Argo has arguments of analyses in it. That of a conversion is a word.
  strategy: (value) => (isObject(value) ? {} : undefined),
  message: (value) => (typeof value === 'string' ? withoutPrivateText(value) : undefined),
  terminated: (value) => {
    if (!isObject(value) || isOfRuntime(value['reason'])) return undefined;
    const { message: _written, ...rest } = value;
    return rest;
  },
};

/** DOCKER_HOST, and which Secrets others come from. */
function recordableEnvironment(value: unknown): unknown {
  const variables = Array.isArray(value) ? (value as readonly unknown[]).map(asObject) : [];
  return variables.flatMap((variable): readonly JsonObject[] => {
    if (variable['name'] === 'DOCKER_HOST') return [variable];
    const { name } = asObject(asObject(variable['valueFrom'])['secretKeyRef']);
    return name === undefined ? [] : [{ valueFrom: { secretKeyRef: { name } } }];
  });
}

function recordableAnnotations(value: unknown): JsonObject {
  const isBuild = (name: string, text: unknown) =>
    OF_BUILD.test(name) && typeof text === 'string' && BUILD.test(text);
  return Object.fromEntries(
    Object.entries(asObject(value)).filter(([name, text]) => ANNOTATIONS.has(name) || isBuild(name, text)),
  );
}

function secretReferencesOnly(value: unknown): unknown {
  const sources = Array.isArray(value) ? (value as readonly unknown[]).map(asObject) : [];
  return sources.flatMap(({ secretRef }) => {
    const { name } = asObject(secretRef);
    return name === undefined ? [] : [{ secretRef: { name } }];
  });
}

function only(value: unknown, keys: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(asObject(value)).filter(([key]) => keys.has(key)));
}
