import type { Cluster } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { openImageWriter } from './change-image.ts';
import { openProbeWriter } from './change-probe.ts';
import { readActPermission } from './act-permission.ts';
import type { ActingConnections } from './acting.ts';
import type { Act, KubernetesConfig } from './config.ts';
import type { ClusterConnection } from './connection.ts';
import { errorOfAnswer, objectIn } from './explain-answer.ts';
import { readKubeletConfig, readKubeletStats } from './kubelets.ts';
import { listPages } from './list-pages.ts';
import { accessRules, type ReadMethod } from './permissions.ts';
import { readEndpoints } from './read-endpoints.ts';
import { readPreviousLog } from './previous-log.ts';
import { readRollouts } from './read-rollouts.ts';
import { readWorkload } from './read-workload.ts';
import { toEvent } from './to-event.ts';
import { toIngress } from './to-ingress.ts';
import { toNode } from './to-node.ts';
import { toDaemonSet, toPod } from './to-pod.ts';
import { toService } from './to-service.ts';
import { toWorkload } from './to-workload.ts';

/** A node lists up to 50 images, so it takes several times the memory of a pod. */
const NODES_PER_PAGE = 100;

/** Reads a cluster. `acting` are the connections that would change it; their permissions are reported, and they send dry runs. */
export function openKubernetesCluster(
  config: KubernetesConfig,
  connection: ClusterConnection,
  acting: ActingConnections,
): Cluster {
  const { name, kubelets } = config;
  const ruleOf = (method: ReadMethod) => accessRules(method, kubelets)[0]!;
  return {
    name,
    kubelets,
    version: ({ signal }) => readVersion(name, connection, signal),
    nodes: (options) =>
      listPages({
        connection,
        rule: ruleOf('nodes'),
        items: 'nodes',
        kind: 'NodeList',
        pageSize: NODES_PER_PAGE,
        make: ({ core }, { limit, continueToken }) =>
          core.listNode(undefined, undefined, continueToken, undefined, undefined, limit),
        map: toNode,
        ...options,
      }),
    pods: ({ namespace, ...options }) =>
      listPages({
        connection,
        rule: ruleOf('pods'),
        items: 'pods',
        kind: 'PodList',
        make: ({ core }, { limit, continueToken }) =>
          namespace === undefined
            ? core.listPodForAllNamespaces(undefined, continueToken, undefined, undefined, limit)
            : core.listNamespacedPod(
                namespace,
                undefined,
                undefined,
                continueToken,
                undefined,
                undefined,
                limit,
              ),
        map: toPod,
        ...options,
      }),
    events: ({ about, ...options }) =>
      listPages({
        connection,
        rule: ruleOf('events'),
        items: 'events',
        kind: 'EventList',
        make: ({ core }, { limit, continueToken }) =>
          core.listEventForAllNamespaces(
            undefined,
            continueToken,
            `involvedObject.kind=${about}`,
            undefined,
            limit,
          ),
        map: (item) => {
          const event = toEvent(item);
          return event.about.kind === about ? event : undefined;
        },
        ...options,
      }),
    daemonSets: (options) =>
      listPages({
        connection,
        rule: ruleOf('daemonSets'),
        items: 'daemonsets',
        kind: 'DaemonSetList',
        make: ({ apps }, { limit, continueToken }) =>
          apps.listDaemonSetForAllNamespaces(undefined, continueToken, undefined, undefined, limit),
        map: toDaemonSet,
        ...options,
      }),
    replicaSets: (options) =>
      listPages({
        connection,
        rule: ruleOf('replicaSets'),
        items: 'replicasets',
        kind: 'ReplicaSetList',
        make: ({ apps }, { limit, continueToken }) =>
          apps.listReplicaSetForAllNamespaces(undefined, continueToken, undefined, undefined, limit),
        map: (item) => toWorkload('ReplicaSet', item),
        ...options,
      }),
    workload: (workload, { signal }) => readWorkload(name, connection, workload, signal),
    previousLog: (container, { lines, signal }) =>
      readPreviousLog({ source: name, connection, container, lines, signal }),
    kubeletStats: (node, { signal }) => readKubeletStats([config, connection], node, signal),
    kubeletConfig: (node, { signal }) => readKubeletConfig([config, connection], node, signal),
    ingresses: (options) =>
      listPages({
        connection,
        rule: ruleOf('ingresses'),
        items: 'ingresses',
        kind: 'IngressList',
        make: ({ custom }, { limit, continueToken }) =>
          custom.listClusterCustomObject(
            'networking.k8s.io',
            'v1',
            'ingresses',
            undefined,
            undefined,
            continueToken,
            undefined,
            undefined,
            limit,
          ),
        map: toIngress,
        ...options,
      }),
    services: ({ namespace, ...options }) =>
      listPages({
        connection,
        rule: ruleOf('services'),
        items: 'services',
        kind: 'ServiceList',
        make: ({ core }, { limit, continueToken }) =>
          core.listNamespacedService(
            namespace,
            undefined,
            undefined,
            continueToken,
            undefined,
            undefined,
            limit,
          ),
        map: toService,
        ...options,
      }),
    endpoints: (options) => readEndpoints(name, connection, options),
    rollouts: (options) => readRollouts(name, connection, options),
    ...openPermissions(config, acting),
    tryProbeChange: async (change, { signal }) => {
      await openProbeWriter(name, required(name, 'adjust', acting.adjust)).tryChange(change, { signal });
    },
    tryImageChange: async (change, { signal }) => {
      await openImageWriter(name, required(name, 'pin', acting.pin)).tryChange(change, { signal });
    },
  };
}

/** @throws {SourceError} if the configuration does not allow it. */
function required(source: string, act: Act, connection: ClusterConnection | undefined): ClusterConnection {
  if (connection) return connection;
  throw new SourceError(source, 'refused', `\`allow.${act}\` is not configured for the source ${source}`);
}

/** What may be changed: the configuration and RBAC decide together. */
function openPermissions(
  { name, allow }: KubernetesConfig,
  acting: ActingConnections,
): Pick<
  Cluster,
  'cordonPermission' | 'removePermission' | 'restartPermission' | 'pinPermission' | 'adjustPermission'
> {
  const permissionFor =
    (act: 'restart' | 'pin' | 'adjust'): Cluster['pinPermission'] =>
    async ({ signal, namespace }) => {
      const permission = await readActPermission(name, act, acting[act], { signal, namespace });
      return permission.allowed ? { allowed: true, managed: allow[act]?.managed ?? false } : permission;
    };
  return {
    cordonPermission: ({ signal }) => readActPermission(name, 'cordon', acting.cordon, { signal }),
    removePermission: async ({ signal, namespace }) => {
      const permission = await readActPermission(name, 'remove', acting.remove, { signal, namespace });
      return permission.allowed ? { allowed: true, running: allow.remove?.running ?? false } : permission;
    },
    restartPermission: permissionFor('restart'),
    pinPermission: permissionFor('pin'),
    adjustPermission: permissionFor('adjust'),
  };
}

async function readVersion(
  source: string,
  connection: ClusterConnection,
  signal: AbortSignal,
): Promise<string> {
  const { answer, context } = await connection.send({
    make: ({ version }) => version.getCode(),
    rule: accessRules('version', 'none')[0]!,
    what: 'its version',
    signal,
  });
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  const version = textIn(objectIn(context, answer), 'gitVersion');
  if (version === undefined)
    throw new SourceError(source, 'malformed', `${context.host} did not return a Kubernetes version`);
  return printable(version);
}
