import { defineRemediation, SourceError, wording } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { nodeParams, readNode } from './find-node.ts';
import type { NodeParams } from './problem.ts';

const MAX_NAMES = 3;
const NO_PODS_MOVE = 'New pods may be scheduled there again; no pod is moved.';

/** Undoes `cordon`. Refuses nodes that someone else cordoned. */
export const uncordon = defineRemediation({
  about: 'Uncordons a node that Wrench cordoned, once its kubelet is supported',
  title: ({ node }) => fitTitle(`Uncordon ${node}`),
  risk: 'safe',
  allow: 'cordon',
  uses: ['clusters'],
  params: nodeParams,
  effect: ({ node, cluster }) => `Clears spec.unschedulable on ${node} in ${cluster}. ${NO_PODS_MOVE}`,
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
      impact: impactOn([asked]),
    };
  },
  apply: async ({ write, applyContext, recordStep }, { cluster, node, uid }) => {
    await write.clusters(cluster).uncordon({ name: node, uid }, applyContext);
    await recordStep(`${node} uncordoned`);
  },
  settlesWithinSeconds: 30,
  many: {
    title: (all) => (all.length === 2 ? 'Uncordon both' : `Uncordon all ${all.length}`),
    effect: (all) =>
      `Clears spec.unschedulable on ${namesOf(all)} in ${wording.list([...new Set(all.map(({ cluster }) => cluster))])}. ${NO_PODS_MOVE}`,
    impact: impactOn,
    line: (params) => lineOf(params),
    precondition: ({ precondition }) => precondition,
  },
});

function lineOf({ node }: NodeParams): string {
  return `Clear spec.unschedulable on ${node}`;
}

function namesOf(all: readonly NodeParams[]): string {
  return wording.list(
    all.map(({ node }) => node),
    MAX_NAMES,
  );
}

function impactOn(all: readonly NodeParams[]): string {
  return `New pods may be scheduled to ${namesOf(all)} again`;
}

function missing({ cluster, node }: NodeParams, because: string): SourceError {
  return new SourceError(cluster, 'missing', `cannot uncordon ${node}: ${because}`);
}
