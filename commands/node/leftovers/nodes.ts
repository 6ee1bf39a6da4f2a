import { setTimeout as sleep } from 'node:timers/promises';
import { type ports, SourceError } from '../../kit.ts';
import type { NodeMatch } from '../../shared/match-engine.ts';
import type { Context, EngineNode } from './facts.ts';

/** A node, and the cluster that it belongs to. */
type NodeOfCluster = Pick<ports.ClusterNode, 'name' | 'addresses' | 'kubeletPort' | 'containerRuntime'> & {
  readonly cluster: ports.Cluster;
};

export interface ClusterNodes {
  readonly nodes: readonly NodeOfCluster[];
}

/** How long to wait for a new measurement of a kubelet, which measures its disks about every 10 seconds. */
export const MEASURED_WITHIN_SECONDS = 30;
const ASK_AGAIN_MS = 2_000;

/** The nodes of all clusters, to find those on which the engines run. Leftovers do not depend on it. */
export async function readNodes({ read, signal, gap }: Context): Promise<ClusterNodes> {
  const nodes: NodeOfCluster[] = [];
  await Promise.all(
    (read.clusters ?? []).map((cluster) =>
      withoutFailing(gap, signal, `${cluster.name}: nodes`, async () => {
        for await (const page of cluster.nodes({ signal }))
          for (const { name, addresses, kubeletPort, containerRuntime, kind } of page)
            if (kind === 'machine')
              nodes.push({
                name,
                addresses,
                kubeletPort,
                cluster,
                ...(containerRuntime !== undefined && { containerRuntime }),
              });
      }),
    ),
  );
  return { nodes };
}

/**
 * The kubelet's measurement of the disk with the images. After a removal, it waits for a newer measurement than the first, which may be
 * from before the removal.
 */
export async function askKubelet(
  context: Context,
  { node, by }: NodeMatch<NodeOfCluster>,
): Promise<EngineNode> {
  const { signal, gap, leftMs, isVerification } = context;
  const { cluster, name, containerRuntime } = node;
  let measured: ports.FileSystem | undefined;
  if (cluster.kubelets !== 'none')
    await withoutFailing(gap, signal, `${cluster.name}: disk of ${name}`, async () => {
      measured = diskOf(await cluster.kubeletStats(node, { signal }));
      const first = measured?.measuredAt?.getTime();
      if (!isVerification || first === undefined) return;
      const until = performance.now() + Math.min(MEASURED_WITHIN_SECONDS * 1_000, leftMs() / 2);
      while (measured?.measuredAt?.getTime() === first && performance.now() < until) {
        await sleep(ASK_AGAIN_MS, undefined, { signal });
        measured = diskOf(await cluster.kubeletStats(node, { signal })) ?? measured;
      }
    });
  return {
    cluster: cluster.name,
    name,
    by,
    ...(containerRuntime !== undefined && { containerRuntime }),
    ...(measured?.availableBytes !== undefined && { availableBytes: measured.availableBytes }),
  };
}

function diskOf({ imageFs, nodeFs }: ports.KubeletStats): ports.FileSystem | undefined {
  return imageFs?.availableBytes === undefined ? nodeFs : imageFs;
}

/** A failure is an unrelated gap: the engine itself reports what is left over. */
async function withoutFailing(
  gap: Context['gap'],
  signal: AbortSignal,
  what: string,
  read: () => Promise<void>,
): Promise<void> {
  try {
    await read();
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error;
    if (!(reason instanceof SourceError)) throw reason;
    gap(what, reason, { unrelated: true });
  }
}
