import type { Cluster } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { KubernetesConfig } from './config.ts';
import type { ClusterConnection } from './connection.ts';
import { readCordonPermission } from './cordon.ts';
import { errorOfAnswer, objectIn } from './explain-answer.ts';
import { readKubeletConfig, readKubeletStats } from './kubelets.ts';
import { listPages } from './list-pages.ts';
import { accessRules, type ReadMethod } from './permissions.ts';
import { toEvent } from './to-event.ts';
import { toNode } from './to-node.ts';
import { toDaemonSet, toPod } from './to-pod.ts';

/** A node lists up to 50 images, so it takes several times the memory of a pod. */
const NODES_PER_PAGE = 100;

/** Reads a cluster. `acting` is the connection that would cordon; its permission is reported. */
export function openKubernetesCluster(
  config: KubernetesConfig,
  connection: ClusterConnection,
  acting: ClusterConnection | undefined,
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
    kubeletStats: (node, { signal }) => readKubeletStats([config, connection], node, signal),
    kubeletConfig: (node, { signal }) => readKubeletConfig([config, connection], node, signal),
    cordonPermission: ({ signal }) => readCordonPermission(name, acting, signal),
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
