import type { CertificateWriter } from '../../ports/certificates.ts';
import type { Cluster, ClusterWriter } from '../../ports/clusters.ts';

/** An RBAC permission: a verb on a resource of an API group, or on a path of the API server. */
export type AccessRule =
  | {
      readonly verb: 'get' | 'list' | 'patch' | 'create' | 'delete';
      /** Empty for the core group. */
      readonly group:
        | ''
        | 'apps'
        | 'networking.k8s.io'
        | 'discovery.k8s.io'
        | 'argoproj.io'
        | 'cert-manager.io'
        | 'admissionregistration.k8s.io'
        | 'apiregistration.k8s.io'
        | 'apiextensions.k8s.io'
        | 'authorization.k8s.io';
      readonly resource:
        | 'nodes'
        | 'pods'
        | 'events'
        | 'daemonsets'
        | 'deployments'
        | 'replicasets'
        | 'statefulsets'
        | 'ingresses'
        | 'services'
        | 'endpointslices'
        | 'rollouts'
        | 'secrets'
        | 'configmaps'
        | 'certificates'
        | 'certificaterequests'
        | 'issuers'
        | 'clusterissuers'
        | 'validatingwebhookconfigurations'
        | 'mutatingwebhookconfigurations'
        | 'apiservices'
        | 'customresourcedefinitions'
        | 'selfsubjectaccessreviews';
      readonly subresource?: 'stats' | 'configz' | 'proxy' | 'log' | 'status';
      /** A single object. */
      readonly name?: string;
    }
  | { readonly verb: 'get'; readonly path: '/version' };

/** A method of the port that uses the credential for reading. */
export type ReadMethod = Exclude<
  keyof Cluster,
  | 'name'
  | 'kubelets'
  | 'cordonPermission'
  | 'removePermission'
  | 'adjustPermission'
  | 'restartPermission'
  | 'pinPermission'
  | 'tryProbeChange'
  | 'tryImageChange'
>;
/** A method of a port that changes something. */
export type WriteMethod = keyof ClusterWriter | keyof CertificateWriter;

type Kubelets = Cluster['kubelets'];

/**
 * The permissions that a method needs in the cluster.
 *
 * The API server authorizes every request that it proxies to a kubelet as `nodes/proxy`. A kubelet that is queried directly authorizes
 * `/stats/*` as `nodes/stats` and, from 1.33, `/configz` as `nodes/configz`; older kubelets require `nodes/proxy` for it:
 * https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
 */
export function accessRules(method: ReadMethod | WriteMethod, kubelets: Kubelets): readonly AccessRule[] {
  return RULES[method](kubelets);
}

const list = (resource: 'nodes' | 'pods' | 'events' | 'services'): AccessRule => ({
  verb: 'list',
  group: '',
  resource,
});
const ofNodes = (verb: 'get' | 'patch', subresource?: 'stats' | 'configz' | 'proxy'): AccessRule => ({
  verb,
  group: '',
  resource: 'nodes',
  ...(subresource && { subresource }),
});

const ofPods = (verb: 'get' | 'delete'): AccessRule => ({ verb, group: '', resource: 'pods' });
const CHANGEABLE = ['deployments', 'statefulsets', 'daemonsets'] as const;
const WORKLOADS = [...CHANGEABLE, 'replicasets'] as const;
const ofApps = (verb: 'get' | 'list' | 'patch', resource: (typeof WORKLOADS)[number]): AccessRule => ({
  verb,
  group: 'apps',
  resource,
});

const changeTemplates = (): readonly AccessRule[] =>
  CHANGEABLE.flatMap((resource) => [ofApps('get', resource), ofApps('patch', resource)]);

const ofCertificates = (verb: 'get' | 'patch', subresource?: 'status'): AccessRule => ({
  verb,
  group: 'cert-manager.io',
  resource: 'certificates',
  ...(subresource && { subresource }),
});

const ofKubelets =
  (direct: 'stats' | 'configz') =>
  (kubelets: Kubelets): readonly AccessRule[] =>
    kubelets === 'none' ? [] : [ofNodes('get', kubelets === 'proxy' ? 'proxy' : direct)];

const RULES: {
  readonly [Method in ReadMethod | WriteMethod]: (kubelets: Kubelets) => readonly AccessRule[];
} = {
  version: () => [{ verb: 'get', path: '/version' }],
  nodes: () => [list('nodes')],
  pods: () => [list('pods')],
  events: () => [list('events')],
  daemonSets: () => [{ verb: 'list', group: 'apps', resource: 'daemonsets' }],
  replicaSets: () => [ofApps('list', 'replicasets')],
  workload: () => WORKLOADS.map((resource) => ofApps('get', resource)),
  previousLog: () => [{ verb: 'get', group: '', resource: 'pods', subresource: 'log' }],
  ingresses: () => [{ verb: 'list', group: 'networking.k8s.io', resource: 'ingresses' }],
  services: () => [list('services')],
  endpoints: () => [{ verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices' }],
  rollouts: () => [
    ...WORKLOADS.map((resource) => ofApps('list', resource)),
    { verb: 'list', group: 'argoproj.io', resource: 'rollouts' },
  ],
  kubeletStats: ofKubelets('stats'),
  kubeletConfig: ofKubelets('configz'),
  cordon: () => [ofNodes('get'), ofNodes('patch')],
  uncordon: () => [ofNodes('get'), ofNodes('patch')],
  deletePod: () => [ofPods('get'), ofPods('delete')],
  deleteRunningPod: () => [ofPods('get'), ofPods('delete')],
  changeProbe: changeTemplates,
  restartWorkload: changeTemplates,
  changeImage: changeTemplates,
  renew: () => [ofCertificates('get'), ofCertificates('patch', 'status')],
};

/** All methods that need a permission for reading. */
export const READ_METHODS = [
  'version',
  'nodes',
  'pods',
  'events',
  'daemonSets',
  'replicaSets',
  'workload',
  'previousLog',
  'ingresses',
  'services',
  'endpoints',
  'rollouts',
  'kubeletStats',
  'kubeletConfig',
] as const satisfies readonly ReadMethod[];
export const WRITE_METHODS = [
  'cordon',
  'uncordon',
  'deletePod',
  'deleteRunningPod',
  'changeProbe',
  'restartWorkload',
  'changeImage',
  'renew',
] as const satisfies readonly WriteMethod[];

/** For messages: `list nodes`, `get nodes/proxy`, `list daemonsets.apps`, `get /version`. */
export function ruleInWords(rule: AccessRule): string {
  if ('path' in rule) return `${rule.verb} ${rule.path}`;
  const { verb, group, resource, subresource, name } = rule;
  const type = `${resource}${group === '' ? '' : `.${group}`}${subresource ? `/${subresource}` : ''}`;
  return name === undefined ? `${verb} ${type}` : `${verb} ${type} ${name}`;
}
