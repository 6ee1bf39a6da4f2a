import { defineRemediation, SourceError, wording } from '../../kit.ts';
import { fitTitle } from '../../shared/title.ts';
import { obstacleToCordon, schedulableLabel } from './cordon-rules.ts';
import { nodeParams, readNode } from './find-node.ts';
import type { NodeParams } from './problem.ts';

const MAX_NAMES = 3;
const SAFETY = ['At least half of the ready nodes that could run the same pods stay schedulable'];
const AFTERWARDS = [
  'New pods that fit on no other node stay Pending. To move running pods too, drain the node.',
  'When the versions are supported, Wrench offers to uncordon what it cordoned.',
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
      impact: impactOn([asked]),
      safety: SAFETY,
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
    impact: impactOn,
  },
  provenBy: (params) => ({ label: schedulableLabel(params), value: 0 }),
});

function lineOf({ node }: NodeParams): string {
  return `Set spec.unschedulable on ${node}, and annotate it with the id of this fix`;
}

function impactOn(all: readonly NodeParams[]): string {
  const names = wording.list(
    all.map(({ node }) => node),
    MAX_NAMES,
  );
  return `No new pods on ${names}; the pods on ${all.length === 1 ? 'it' : 'them'} keep running`;
}
