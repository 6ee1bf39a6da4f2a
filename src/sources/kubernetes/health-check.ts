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

/** Whether the API server answers, what it is, and how many nodes it lists, if that is permitted: the doctor lists missing permissions. Throws only for our own bugs. */
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
          ? ['; disk usage is unknown because kubelets are not asked (`kubelets: none`)']
          : []),
      ].join(''),
    };
  } catch (error) {
    if (signal.aborted) return { ok: false, summary: 'it did not finish in time', hint: hintFor(config) };
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, summary: error.message, hint: hintFor(config, error) };
  }
}

/** Nothing where it may not list them. */
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
  if (error?.message.includes('exec plugin')) return 'run the plugin where the worker runs';
  if (error?.message.includes('service account'))
    return 'set `kubeconfig`, or add the component deploy/kubernetes/in-cluster to the worker';
  if (/kubeconfig|cannot be read/.test(error?.message ?? '')) return 'correct `kubeconfig` and `context`';
  if (error?.kind === 'refused') return 'give the source a valid credential';
  return kubeconfig === undefined
    ? 'check that the pod can reach the API server'
    : `check that the server in ${kubeconfig} is correct and reachable from here`;
}
