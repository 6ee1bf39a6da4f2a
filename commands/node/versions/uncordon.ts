import { defineRemediation, SourceError } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { nodeParams, readNode } from './find-node.ts';
import type { NodeParams } from './problem.ts';

/** Undoes `cordon`. Refuses nodes that someone else cordoned. */
export const uncordon = defineRemediation({
  about: 'Uncordons a node that Wrench cordoned, once its kubelet is supported',
  title: ({ node }) => fitTitle(`Uncordon ${node}`),
  risk: 'safe',
  allow: 'cordon',
  uses: ['clusters'],
  params: nodeParams,
  plan: async (context, asked) => {
    const { node } = await readNode(context, asked);
    const { unschedulable, cordonedBy } = node;
    if (!unschedulable) throw missing(asked, 'it is no longer cordoned');
    if (cordonedBy === undefined) throw missing(asked, 'Wrench did not cordon it');
    if (!node.isReady)
      throw new SourceError(asked.cluster, 'refused', `cannot uncordon ${asked.node}: it is NotReady`);
    return {
      lines: [lineOf(asked)],
      targets: [`${asked.cluster}:${asked.node}`],
      precondition: { uid: node.uid, kubelet: node.kubeletVersion ?? 'unknown', 'cordoned by': cordonedBy },
    };
  },
  apply: async ({ write, applyContext, recordStep }, { cluster, node, uid }) => {
    await write.clusters(cluster).uncordon({ name: node, uid }, applyContext);
    await recordStep(`${node} uncordoned`);
  },
  settlesWithinSeconds: 30,
  many: {
    title: (all) => (all.length === 2 ? 'Uncordon both' : `Uncordon all ${all.length}`),
    line: (params) => lineOf(params),
    precondition: ({ precondition }) => precondition,
  },
});

function lineOf({ node }: NodeParams): string {
  return `Uncordon ${node}: new pods may be scheduled to it again`;
}

function missing({ cluster, node }: NodeParams, because: string): SourceError {
  return new SourceError(cluster, 'missing', `cannot uncordon ${node}: ${because}`);
}
