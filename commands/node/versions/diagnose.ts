import type { Diagnosis } from '../../kit.ts';
import type { ClusterState, Facts } from './cluster-state.ts';
import { schedulableLabel } from './cordon-rules.ts';
import { controlPlaneProblems } from './control-plane.ts';
import { cordonedProblems } from './cordoned.ts';
import { driftProblems } from './drift.ts';
import { kubeletProblems } from './kubelets.ts';
import { kubeletSkews } from './kubelet-skews.ts';
import { kubeProxyProblems } from './kube-proxy.ts';
import type { NodeOffer } from './problem.ts';
import { type Survey, surveyOf } from './survey.ts';
import { type Judged, verdictOf, worstFirst } from './verdict.ts';

export function diagnose({ clusters }: Facts): Diagnosis<NodeOffer> {
  const judged = clusters.map(judge);
  return {
    examined: judged.reduce((sum, { survey }) => sum + survey.kubelets.length, 0),
    verdict: verdictOf(judged),
    findings: worstFirst(judged.flatMap(({ problems }) => problems)).map(({ finding }) => finding),
    measures: judged.flatMap(({ survey }) => measuresOf(survey)),
  };
}

function judge(state: ClusterState): Judged {
  const survey = surveyOf(state);
  return {
    survey,
    problems: [
      ...kubeletProblems(survey),
      ...kubeProxyProblems(survey),
      ...(state.asked ? [] : controlPlaneProblems(survey)),
      ...driftProblems(survey),
      ...cordonedProblems(survey),
    ],
  };
}

/** Whether new pods can be scheduled to the nodes with an unsupported kubelet. These measures prove a cordon. */
function measuresOf(survey: Survey): NonNullable<Diagnosis['measures']> {
  const { newer, tooOld } = kubeletSkews(survey);
  return [...newer, ...tooOld].map(({ node }) => ({
    label: schedulableLabel({ cluster: survey.state.name, node: node.name }),
    value: node.unschedulable ? 0 : 1,
    unit: 'schedulable',
  }));
}
