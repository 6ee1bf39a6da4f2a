import { wording } from '../../kit.ts';
import { agree, have } from '../../shared/grammar.ts';
import type { Kubelet } from './survey.ts';

/** How to upgrade these nodes: `to` is `to 1.28` or `to 1.28 or later`. Advises a drain only for nodes that can be drained. */
export function upgradeText(kubelets: readonly Kubelet[], to: string): string {
  const fargate = kubelets.filter(({ node }) => node.isServerless);
  const machines = kubelets.filter((one) => !fargate.includes(one));
  // The kubelet ends the pods of a drained node, so without it a drain does not finish. One that reports NotReady still does.
  const lost = machines.filter(({ node }) => node.ready === 'unknown');
  const drainable = machines.filter((one) => !lost.includes(one));
  const objectOf = (some: readonly Kubelet[]) =>
    some.length < kubelets.length ? namesOf(some) : agree(some.length, { one: 'it', many: 'them' });
  const sentences: readonly (readonly [readonly Kubelet[], (what: string) => string])[] = [
    [drainable, (what) => `Drain ${what}${drainable.length === 1 ? '' : ' one by one'} and upgrade ${to}`],
    [
      lost,
      (what) =>
        `Repair ${what} and upgrade ${to}, or remove ${agree(lost.length, { one: 'it', many: 'them' })} from the cluster: ${agree(lost.length, { one: 'its kubelet', many: 'their kubelets' })} ${agree(lost.length, have('stopped reporting'))}, so a drain would not finish`,
    ],
    [
      fargate,
      (what) =>
        `Restart the ${agree(fargate.length, { one: 'pod', many: 'pods' })} on ${what}: a Fargate node is never upgraded, and the new one gets the kubelet version of the control plane`,
    ],
  ];
  return sentences.flatMap(([some, say]) => (some.length === 0 ? [] : [say(objectOf(some))])).join('. ');
}

function namesOf(kubelets: readonly Kubelet[]): string {
  return wording.list(kubelets.map(({ node }) => node.name));
}
