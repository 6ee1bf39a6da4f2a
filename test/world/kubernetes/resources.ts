/** An object of the API, as JSON. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** A resource, and how requests name it. */
export interface Resource {
  /** In paths and in RBAC rules: `nodes`. */
  readonly plural: string;
  readonly kind: string;
  /** `''` is the core group. */
  readonly group: string;
  /** Default: `v1`. */
  readonly version?: string;
  readonly namespaced: boolean;
  /** Supported field labels. Absent: only the two that every resource has, with another error message. */
  readonly fieldLabels?: readonly string[];
}

const COMMON_LABELS = ['metadata.name', 'metadata.namespace'];

/** Field labels: the functions AddFieldLabelConversionsFor… in https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/apis/core/v1/conversion.go. */
export const RESOURCES = [
  {
    plural: 'nodes',
    kind: 'Node',
    group: '',
    namespaced: false,
    fieldLabels: ['metadata.name', 'spec.unschedulable'],
  },
  {
    plural: 'pods',
    kind: 'Pod',
    group: '',
    namespaced: true,
    fieldLabels: [
      ...COMMON_LABELS,
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.podIPs',
      'status.nominatedNodeName',
    ],
  },
  {
    plural: 'events',
    kind: 'Event',
    group: '',
    namespaced: true,
    fieldLabels: [
      ...COMMON_LABELS,
      'involvedObject.kind',
      'involvedObject.namespace',
      'involvedObject.name',
      'involvedObject.uid',
      'involvedObject.apiVersion',
      'involvedObject.resourceVersion',
      'involvedObject.fieldPath',
      'reason',
      'reportingComponent',
      'source',
      'type',
    ],
  },
  { plural: 'namespaces', kind: 'Namespace', group: '', namespaced: false },
  { plural: 'daemonsets', kind: 'DaemonSet', group: 'apps', namespaced: true },
  { plural: 'deployments', kind: 'Deployment', group: 'apps', namespaced: true },
  { plural: 'replicasets', kind: 'ReplicaSet', group: 'apps', namespaced: true },
  { plural: 'statefulsets', kind: 'StatefulSet', group: 'apps', namespaced: true },
  { plural: 'controllerrevisions', kind: 'ControllerRevision', group: 'apps', namespaced: true },
  { plural: 'services', kind: 'Service', group: '', namespaced: true },
  { plural: 'endpointslices', kind: 'EndpointSlice', group: 'discovery.k8s.io', namespaced: true },
  { plural: 'rollouts', kind: 'Rollout', group: 'argoproj.io', version: 'v1alpha1', namespaced: true },
  { plural: 'secrets', kind: 'Secret', group: '', namespaced: true, fieldLabels: [...COMMON_LABELS, 'type'] },
  { plural: 'configmaps', kind: 'ConfigMap', group: '', namespaced: true },
  { plural: 'ingresses', kind: 'Ingress', group: 'networking.k8s.io', namespaced: true },
  { plural: 'certificates', kind: 'Certificate', group: 'cert-manager.io', namespaced: true },
  { plural: 'certificaterequests', kind: 'CertificateRequest', group: 'cert-manager.io', namespaced: true },
  { plural: 'issuers', kind: 'Issuer', group: 'cert-manager.io', namespaced: true },
  { plural: 'clusterissuers', kind: 'ClusterIssuer', group: 'cert-manager.io', namespaced: false },
  {
    plural: 'validatingwebhookconfigurations',
    kind: 'ValidatingWebhookConfiguration',
    group: 'admissionregistration.k8s.io',
    namespaced: false,
  },
  {
    plural: 'mutatingwebhookconfigurations',
    kind: 'MutatingWebhookConfiguration',
    group: 'admissionregistration.k8s.io',
    namespaced: false,
  },
  { plural: 'apiservices', kind: 'APIService', group: 'apiregistration.k8s.io', namespaced: false },
  {
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    group: 'apiextensions.k8s.io',
    namespaced: false,
  },
] as const satisfies readonly Resource[];

export type Plural = (typeof RESOURCES)[number]['plural'];

export function resourceOf(plural: Plural): Resource & { readonly plural: Plural } {
  return RESOURCES.find((one) => one.plural === plural)!;
}

/** Its custom resources exist only if it is installed. */
export const CERT_MANAGER = 'cert-manager.io';

/** Whether the API server has no merge keys for its objects. */
export function isCustom({ group }: Resource): boolean {
  return group === CERT_MANAGER || group === 'argoproj.io';
}

/** `v1`, `apps/v1`. */
export function apiVersionOf({ group, version = 'v1' }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** EndpointSlices exist in two versions, of which a cluster serves one. */
const OLD_ENDPOINT_SLICES = { ...resourceOf('endpointslices'), version: 'v1beta1' };

function inVersion<R extends Resource>(
  resource: R,
  version: string,
): R | typeof OLD_ENDPOINT_SLICES | undefined {
  if (resource.plural === 'endpointslices' && version === 'v1beta1') return OLD_ENDPOINT_SLICES;
  return (resource.version ?? 'v1') === version ? resource : undefined;
}

/** The target of a request. */
export interface ObjectPath {
  readonly resource: Resource & { readonly plural: Plural };
  readonly namespace?: string;
  /** Absent: all objects, or all in the namespace. */
  readonly name?: string;
  /** `proxy`, `status`, `log`. */
  readonly subresource?: string;
  /** The path after `proxy/`: `stats/summary`. */
  readonly rest?: string;
}

/** Parses the path of a request; undefined if it names no known resource. */
export function parseObjectPath(path: string): ObjectPath | undefined {
  const match =
    /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>v\d[a-z\d]*)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/[^/]))?\/(?<plural>[a-z]+)(?:\/(?<name>[^/]+)(?:\/(?<subresource>[^/]+)(?:\/(?<rest>.*))?)?)?$/.exec(
      path,
    );
  const { group = '', version = '', namespace, plural, name, subresource, rest } = match?.groups ?? {};
  const known: readonly (Resource & { readonly plural: Plural })[] = RESOURCES;
  const found = known.find((one) => one.plural === plural && one.group === group);
  const resource = found && inVersion(found, version);
  if (!resource || (namespace !== undefined && !resource.namespaced)) return undefined;
  if (resource.namespaced && namespace === undefined && name !== undefined) return undefined;
  return {
    resource,
    ...(namespace !== undefined && { namespace: decodeURIComponent(namespace) }),
    ...(name !== undefined && { name: decodeURIComponent(name) }),
    ...(subresource !== undefined && { subresource }),
    ...(rest !== undefined && { rest: decodeURIComponent(rest) }),
  };
}
