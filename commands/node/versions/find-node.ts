import { z } from 'zod';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import type { NodeParams } from './problem.ts';

export const nodeParams = z.strictObject({
  cluster: z.string(),
  node: z.string(),
  /** Distinguishes this node from a later one with the same name. */
  uid: z.string(),
}) satisfies z.ZodType<NodeParams>;

type FoundNode = ports.ClusterNode & { readonly isReady: boolean };

type Context = Pick<ReadContext<'clusters'>, 'read' | 'signal'>;

/** The nodes of each cluster that were read for a plan, by context. */
const planned = new WeakMap<Context, Map<string, Promise<readonly FoundNode[]>>>();

/**
 * Reads a node, and all nodes of its cluster. All lines of a plan share one list. When they are applied, each line reads the list again, because
 * earlier lines have changed nodes.
 * @throws {SourceError} `missing` if the node no longer exists, `refused` if nodes may not be cordoned.
 */
export async function readNode(
  context: Context,
  { cluster, node: wanted, uid }: NodeParams,
): Promise<{ readonly node: FoundNode; readonly all: readonly FoundNode[] }> {
  const all = await ('write' in context ? readNodes(context, cluster) : readOnce(context, cluster));
  const node = all.find((one) => one.name === wanted && one.uid === uid);
  if (!node) throw new SourceError(cluster, 'missing', `${wanted} no longer exists, or was replaced`);
  return { node, all };
}

function readOnce(context: Context, cluster: string): Promise<readonly FoundNode[]> {
  const lists = planned.get(context) ?? new Map<string, Promise<readonly FoundNode[]>>();
  planned.set(context, lists);
  const reading = lists.get(cluster) ?? readNodes(context, cluster);
  lists.set(cluster, reading);
  return reading;
}

async function readNodes({ read, signal }: Context, name: string): Promise<readonly FoundNode[]> {
  const cluster = sourceNamed(read.clusters, name);
  const permission = await cluster.cordonPermission({ signal });
  if (!permission.allowed) throw new SourceError(name, 'refused', permission.because);
  const all: FoundNode[] = [];
  for await (const page of cluster.nodes({ signal }))
    all.push(...page.map((node) => ({ ...node, isReady: isReady(node) })));
  return all;
}

function isReady({ conditions }: Pick<ports.ClusterNode, 'conditions'>): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}
