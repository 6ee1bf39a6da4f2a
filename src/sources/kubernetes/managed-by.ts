import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

/**
 * The tool that continuously restores a workload from a repository, by what it documents to write into its objects. Not those with which people apply
 * once: Helm, kubectl, Terraform. The label `app.kubernetes.io/instance`, which Argo CD may use, is no proof: Helm charts set it too.
 *
 * - Argo CD: https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
 * - Flux: https://fluxcd.io/flux/components/kustomize/kustomizations/
 * - Config Sync: https://cloud.google.com/kubernetes-engine/config-sync/docs/reference/labels-and-annotations
 * - Fleet: https://fleet.rancher.io
 * - PipeCD: https://pipecd.dev/docs/
 * - the Operator Lifecycle Manager, which owns its Deployments without being their controller: https://olm.operatorframework.io
 * - the addon manager: https://github.com/kubernetes/kubernetes/blob/v1.33.0/cluster/addons/addon-manager/README.md
 * - Amazon EKS add-ons: https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html
 */
export function managedBy(metadata: JsonObject): string | undefined {
  const labels = asObject(metadata['labels']);
  const annotations = asObject(metadata['annotations']);
  for (const { tool, find } of MARKS) {
    const name = find(labels, annotations);
    if (name !== undefined)
      return name === '' ? tool : `${tool} (${printable(name).slice(0, MAX_NAME_LENGTH)})`;
  }
  const managers = listIn(metadata, 'managedFields')
    // Controllers also write the status of what they do not manage.
    .filter(({ subresource }) => subresource === undefined || subresource === '')
    .map(({ manager }) => manager);
  return CONTROLLERS.find(([manager]) => managers.includes(manager))?.[1];
}

/** The annotations that are read here. */
export const GITOPS_ANNOTATIONS = [
  'argocd.argoproj.io/tracking-id',
  'argocd.argoproj.io/instance',
  'configmanagement.gke.io/managed',
  'configmanagement.gke.io/sync-name',
  'pipecd.dev/managed-by',
] as const;

const MAX_NAME_LENGTH = 100;

/** A name in its own marks; empty if the marks have none. Undefined without a mark. */
type FindName = (labels: JsonObject, annotations: JsonObject) => string | undefined;

const MARKS: readonly { readonly tool: string; readonly find: FindName }[] = [
  {
    tool: 'Argo CD',
    // `shop:apps/Deployment:shop/api`
    find: (_, annotations) => textIn(annotations, 'argocd.argoproj.io/tracking-id')?.split(':', 1)[0],
  },
  {
    tool: 'Argo CD',
    find: (labels, annotations) =>
      textIn(labels, 'argocd.argoproj.io/instance') ?? textIn(annotations, 'argocd.argoproj.io/instance'),
  },
  { tool: 'Flux', find: (labels) => textIn(labels, 'kustomize.toolkit.fluxcd.io/name') },
  { tool: 'Flux', find: (labels) => textIn(labels, 'helm.toolkit.fluxcd.io/name') },
  {
    tool: 'Config Sync',
    find: (labels, annotations) =>
      labels['app.kubernetes.io/managed-by'] === 'configmanagement.gke.io' ||
      annotations['configmanagement.gke.io/managed'] === 'enabled'
        ? (textIn(labels, 'configmanagement.gke.io/sync-name') ??
          textIn(annotations, 'configmanagement.gke.io/sync-name') ??
          '')
        : undefined,
  },
  {
    tool: 'PipeCD',
    find: (labels, annotations) =>
      [labels, annotations].some((marks) => marks['pipecd.dev/managed-by'] === 'piped') ? '' : undefined,
  },
  {
    tool: 'the Operator Lifecycle Manager',
    find: (labels) =>
      labels['olm.owner.kind'] === 'ClusterServiceVersion' ? (textIn(labels, 'olm.owner') ?? '') : undefined,
  },
  {
    tool: 'the addon manager',
    find: (labels) => (labels['addonmanager.kubernetes.io/mode'] === 'Reconcile' ? '' : undefined),
  },
];

/** By what they call themselves in `managedFields`. */
const CONTROLLERS: readonly (readonly [manager: string, tool: string])[] = [
  ['argocd-controller', 'Argo CD'],
  ['argocd-application-controller', 'Argo CD'],
  ['kustomize-controller', 'Flux'],
  ['helm-controller', 'Flux'],
  ['configsync', 'Config Sync'],
  ['fleetagent', 'Fleet'],
  ['eks', 'Amazon EKS'],
];
