import { wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree, be } from '../../shared/grammar.ts';
import { offersFor } from './cordon-rules.ts';
import { kubeletSkews } from './kubelet-skews.ts';
import { kubeletTable, type Problem } from './problem.ts';
import { type Kubelet, type Survey, targetIn } from './survey.ts';

/**
 * Nodes that Wrench cordoned and whose kubelet is supported now. None if an API server could not be read, because that one may not support the
 * kubelet.
 */
export function uncordonable(survey: Survey): readonly Kubelet[] {
  if (!survey.areApiServersComplete) return [];
  return kubeletSkews(survey).supported.filter(
    ({ node }) => node.unschedulable && node.cordonedBy !== undefined,
  );
}

export function cordonedProblems(survey: Survey): readonly Problem[] {
  const { state } = survey;
  const cordoned = uncordonable(survey);
  if (cordoned.length === 0) return [];
  const ready = cordoned.filter(({ node }) => node.ready === 'yes').map(({ node }) => node);
  const isOne = cordoned.length === 1;
  const names = cordoned.map(({ node }) => node.name);
  const isAllowed = state.cordon?.allowed === true;
  const stillCordoned = `${agree(cordoned.length, be('still cordoned by Wrench'))}, but ${isOne ? 'its kubelet is' : 'their kubelets are'} supported now`;
  return [
    {
      headline: `${cordoned.length} of ${wording.count(survey.kubelets.length, 'node')} ${stillCordoned}`,
      finding: {
        reason: 'still-cordoned',
        severity: 'info',
        target: state.name,
        targets: names.map((name) => targetIn(state, name)),
        summary: `${wording.list(names)} ${stillCordoned}: uncordon ${isOne ? 'it' : 'them'}`,
        evidence: [
          kubeletTable(cordoned),
          ...(state.cordon?.allowed === false
            ? [field('Uncordon', `not offered: ${state.cordon.because}`)]
            : []),
        ],
        ...(isAllowed && ready.length > 0 && { offers: offersFor('uncordon', survey, ready) }),
      },
    },
  ];
}
