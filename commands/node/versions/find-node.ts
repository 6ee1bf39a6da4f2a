import { z } from 'zod';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import type { NodeParams } from './problem.ts';

export const nodeParams = z.strictObject({
  cluster: z.string(),
  node: z.string(),
  /** Of the object: a node of the same name that joined later is another one. */
  uid: z.string(),
}) satisfies z.ZodType<NodeParams>;

type FoundNode = ports.ClusterNode & { readonly isReady: boolean };

type Context = Pick<ReadContext<'clusters'>, 'read' | 'signal'>;

/** The nodes of each cluster, read while planning in this context. */
const planned = new WeakMap<Context, Map<string, Promise<readonly FoundNode[]>>>();

/**
 * Reads a node, and all nodes of its cluster. One list serves all lines of a plan; while they are applied, each reads the list again, because the
 * lines before it have changed nodes.
 * @throws {SourceError} `missing` where it is gone, `refused` where nodes may not be cordoned there.
 */
export async function readNode(
  context: Context,
  { cluster, node: wanted, uid }: NodeParams,
): Promise<{ readonly node: FoundNode; readonly all: readonly FoundNode[] }> {
  const all = await ('write' in context ? readNodes(context, cluster) : readOnce(context, cluster));
  const node = all.find((one) => one.name === wanted && one.uid === uid);
  if (!node) throw new SourceError(cluster, 'missing', `${wanted} is not there any more, or was replaced`);
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
  const cluster = read.clusters.find((one) => one.name === name);
  if (!cluster) throw new SourceError(name, 'refused', `source ${name} does not exist any more`);
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
