import { defineRemediation, SourceError } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { obstacleToCordon, schedulableLabel } from './cordon-rules.ts';
import { nodeParams, readNode } from './find-node.ts';
import type { NodeParams } from './problem.ts';

const AFTERWARDS = [
  'Pods that fit on no other node stay Pending, and pods that already run are not moved: drain the node to move them',
  'Once the versions are supported, Wrench offers to uncordon what it cordoned',
];

/** Keeps new pods away from a node whose kubelet is not supported. */
export const cordon = defineRemediation({
  about: 'Cordons a node with an unsupported kubelet: no new pods are scheduled to it',
  title: ({ node }) => fitTitle(`Cordon ${node}`),
  risk: 'disruptive',
  allow: 'cordon',
  uses: ['clusters'],
  params: nodeParams,
  plan: async (context, asked) => {
    const { node, all } = await readNode(context, asked);
    // As with a target that is gone: of a plan for many, the others are still cordoned.
    if (node.unschedulable)
      throw new SourceError(asked.cluster, 'missing', `${asked.node} is cordoned already`);
    const obstacle = obstacleToCordon(node, all);
    if (obstacle !== undefined)
      throw new SourceError(asked.cluster, 'refused', `${asked.node} is not cordoned: ${obstacle}`);
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
    title: (all) => `Cordon all ${all.length}`,
    line: (params) => lineOf(params),
    precondition: ({ precondition }) => precondition,
    afterwards: () => AFTERWARDS,
  },
  provenBy: (params) => ({ label: schedulableLabel(params), value: 0 }),
});

function lineOf({ node }: NodeParams): string {
  return `Cordon ${node}: no new pods are scheduled to it, and the pods on it keep running`;
}
