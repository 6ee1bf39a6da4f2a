import type { Cluster } from '../../ports/clusters.ts';
import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { count } from '../../text/wording.ts';
import type { KubernetesConfig } from './config.ts';

interface HealthCheckInput {
  readonly config: KubernetesConfig;
  readonly cluster: Cluster;
  readonly signal: AbortSignal;
}

/**
 * Checks whether the API server responds, its version, and the number of nodes if the credential can list them; `wrench doctor` lists
 * missing permissions separately. Throws only on a bug in Wrench.
 */
export async function checkClusterHealth({
  config,
  cluster,
  signal,
}: HealthCheckInput): Promise<SourceHealth> {
  try {
    const version = await cluster.version({ signal });
    const nodes = await countNodes(cluster, signal);
    return {
      ok: true,
      summary: [
        `Kubernetes ${version}`,
        ...(nodes === undefined ? [] : [`, ${count(nodes, 'node')}`]),
        ...(config.kubelets === 'none'
          ? ['; disk usage is unknown because kubelets are not queried (`kubelets: none`)']
          : []),
      ].join(''),
    };
  } catch (error) {
    if (signal.aborted) return { ok: false, summary: 'timed out', hint: hintFor(config) };
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, summary: error.message, hint: hintFor(config, error) };
  }
}

/** Undefined if listing them is forbidden. */
async function countNodes(cluster: Cluster, signal: AbortSignal): Promise<number | undefined> {
  let total = 0;
  try {
    for await (const page of cluster.nodes({ signal })) total += page.length;
  } catch (error) {
    if (error instanceof SourceError && error.kind === 'refused') return undefined;
    throw error;
  }
  return total;
}

function hintFor({ kubeconfig }: KubernetesConfig, error?: SourceError): string {
  const message = error?.message ?? '';
  if (message.includes('exec plugin'))
    return 'run the plugin as the worker would: on its host or in its container, as the same user';
  if (message.includes('not encrypted')) return 'use a server with https:// in the kubeconfig';
  if (error?.kind === 'refused')
    return 'replace the credential of this source: deploy/kubernetes/README.md shows how to create one';
  if (message.includes('service account'))
    return 'set `kubeconfig`, or add the component deploy/kubernetes/in-cluster to the worker';
  if (/kubeconfig|can't be read|cannot be read|couldn't read/.test(message))
    return 'correct `kubeconfig` or `context` of this source';
  return kubeconfig === undefined
    ? 'check that the pod can reach the API server'
    : `check that the server in ${kubeconfig} is correct and reachable from here`;
}
