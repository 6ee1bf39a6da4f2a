import { defineRemediation, SourceError } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { obstacleToCordon, schedulableLabel } from './cordon-rules.ts';
import { nodeParams, readNode } from './find-node.ts';
import type { NodeParams } from './problem.ts';

const AFTERWARDS = [
  'Running pods are not moved (drain the node to move them), and new pods that fit on no other node stay Pending',
  'When the versions are supported, Wrench offers to uncordon the nodes that it cordoned',
];

/** Keeps new pods off a node with an unsupported kubelet. */
export const cordon = defineRemediation({
  about: 'Cordons a node with an unsupported kubelet: no new pods are scheduled to it',
  title: ({ node }) => fitTitle(`Cordon ${node}`),
  risk: 'disruptive',
  allow: 'cordon',
  uses: ['clusters'],
  params: nodeParams,
  plan: async (context, asked) => {
    const { node, all } = await readNode(context, asked);
    // `missing`: a plan for several nodes skips this one and cordons the others.
    if (node.unschedulable)
      throw new SourceError(asked.cluster, 'missing', `${asked.node} is already cordoned`);
    const obstacle = obstacleToCordon(node, all);
    if (obstacle !== undefined)
      throw new SourceError(asked.cluster, 'refused', `cannot cordon ${asked.node}: ${obstacle}`);
    return {
      lines: [lineOf(asked)],
      targets: [`${asked.cluster}:${asked.node}`],
      precondition: { uid: node.uid, kubelet: node.kubeletVersion ?? 'unknown', schedulable: 'yes' },
      afterwards: AFTERWARDS,
    };
  },
  apply: async ({ write, applyContext, recordStep }, { cluster, node, uid }) => {
    await write.clusters(cluster).cordon({ name: node, uid }, applyContext);
    await recordStep(`${node} cordoned`);
  },
  settlesWithinSeconds: 30,
  many: {
    title: (all) => (all.length === 2 ? 'Cordon both' : `Cordon all ${all.length}`),
    line: (params) => lineOf(params),
    precondition: ({ precondition }) => precondition,
    afterwards: () => AFTERWARDS,
  },
  provenBy: (params) => ({ label: schedulableLabel(params), value: 0 }),
});

function lineOf({ node }: NodeParams): string {
  return `Cordon ${node}: no new pods are scheduled to it, and the pods on it keep running`;
}
