import { type Evidence, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree, shareOf } from '../../shared/grammar.ts';
import { offersToCordon } from './cordon-rules.ts';
import { driftedKubelets } from './drift.ts';
import { type KubeVersion, minorText } from './kube-version.ts';
import {
  apiServersField,
  groupByMinor,
  kubeletsText,
  kubeletTable,
  limitText,
  minorsText,
  policyField,
  type Problem,
  runsText,
} from './problem.ts';
import { kubeletSkews } from './kubelet-skews.ts';
import { type ApiServerRange, nodeMostBehind, oldestSupportedMinor } from './skew.ts';
import { type Kubelet, type Survey, targetIn } from './survey.ts';
import { upgradeText } from './upgrade.ts';

/** How many nodes a summary names. */
const MAX_NAMED = 3;

const ORDER: Evidence = field(
  'Order',
  'API servers, one minor version at a time; then kube-controller-manager and kube-scheduler; then each node: drain, upgrade the kubelet, uncordon',
);

/** Violations of the skew policy by kubelets: one finding per cause. */
export function kubeletProblems(survey: Survey): readonly Problem[] {
  const { range } = survey;
  if (!range) return [];
  const { newer, ahead, tooOld, blocking: all } = kubeletSkews(survey);
  // Their drift is a finding, which also says that they block the upgrade.
  const drifted = driftedKubelets(survey);
  const blocking = all.filter((one) => !drifted.has(one));
  return [
    ...(newer.length > 0 ? [newerProblem(survey, range, newer)] : []),
    ...(tooOld.length > 0 ? [tooOldProblem(survey, range, tooOld)] : []),
    ...(ahead.length > 0 ? [aheadProblem(survey, range, ahead)] : []),
    ...(blocking.length > 0 ? [blockingProblem(survey, range, blocking)] : []),
  ];
}

function newerProblem(survey: Survey, range: ApiServerRange, newer: readonly Kubelet[]): Problem {
  const { oldest } = range;
  const isOne = newer.length === 1;
  const newestMinor = Math.max(...newer.map(({ version }) => version.minor));
  const upgrade = `Upgrade the control plane to ${minorText(newestMinor)}`;
  const fix = newer.every(({ node }) => node.ready === 'unknown')
    ? `${upgrade} before ${isOne ? 'it returns' : 'they return'}, or remove the ${isOne ? 'node' : 'nodes'}`
    : `${upgrade}, or downgrade ${isOne ? 'this node' : 'these nodes'} to ${minorText(oldest.minor)}`;
  return {
    headline: `${ofAll(survey, newer)} ${runs(newer)} kubelet ${kubeletsText(newer)}, newer than ${limitText(range, 'oldest')}`,
    finding: {
      reason: 'kubelet-newer-than-api-server',
      severity: 'critical',
      target: survey.state.name,
      targets: targetsOf(survey, newer),
      summary: `${kubeletRuns(newer)} under API server ${minorText(oldest.minor)}: a newer kubelet is not supported. ${fix}`,
      ...evidenceAndOffers(survey, newer),
    },
  };
}

function tooOldProblem(survey: Survey, range: ApiServerRange, tooOld: readonly Kubelet[]): Problem {
  const { newest } = range;
  return {
    headline: `${ofAll(survey, tooOld)} ${runs(tooOld)} kubelet ${kubeletsText(tooOld)}, too old for ${limitText(range, 'newest')}`,
    finding: {
      reason: 'kubelet-too-old',
      severity: 'critical',
      target: survey.state.name,
      targets: targetsOf(survey, tooOld),
      summary: `${tooOldText(tooOld, newest)}. ${upgradeText(tooOld, `to ${minorText(oldestSupportedMinor(newest))} or later`)}`,
      ...evidenceAndOffers(survey, tooOld),
    },
  };
}

/** Each version with its own limit: it depends on the version of the kubelet. */
function tooOldText(tooOld: readonly Kubelet[], newest: KubeVersion): string {
  const groups = groupByMinor(tooOld);
  const behind = (minor: number) => wording.count(newest.minor - minor, 'minor version');
  const [first] = groups[0] ?? [];
  if (groups.length === 1 && first) {
    const { minor } = first.version;
    return `${kubeletRuns(tooOld)}, ${behind(minor)} older than API server ${minorText(newest.minor)}: at most ${wording.count(nodeMostBehind(minor), 'minor version')} are supported`;
  }
  return runsText(groups, {
    namesOf,
    program: 'kubelet',
    versionOf: ([one]) => {
      const { minor } = one?.version ?? newest;
      return one === first
        ? `${minorText(minor)} (${behind(minor)} older than API server ${minorText(newest.minor)}, at most ${nodeMostBehind(minor)} are supported)`
        : `${minorText(minor)} (${behind(minor)} older, at most ${nodeMostBehind(minor)})`;
    },
  });
}

/** Not critical, because it may be supported: with kubeadm, such a kubelet uses the API server on its own node. */
function aheadProblem(survey: Survey, range: ApiServerRange, ahead: readonly Kubelet[]): Problem {
  const { oldest } = range;
  return {
    headline: `${ofAll(survey, ahead)} ${runs(ahead)} a newer kubelet than ${limitText(range, 'oldest')}`,
    finding: {
      reason: 'kubelet-newer-than-other-api-server',
      severity: 'warning',
      target: survey.state.name,
      targets: targetsOf(survey, ahead),
      summary: `${kubeletRuns(ahead)}. The API server on the same node is as new, but another one still runs ${minorText(oldest.minor)}, which does not support it. Finish the upgrade of the control plane`,
      evidence: [kubeletTable(ahead), apiServersField(survey), policyField],
    },
  };
}

function blockingProblem(survey: Survey, { newest }: ApiServerRange, blocking: readonly Kubelet[]): Problem {
  const next = { ...newest, minor: newest.minor + 1 };
  return {
    finding: {
      reason: 'kubelet-blocks-upgrade',
      severity: 'info',
      target: survey.state.name,
      targets: targetsOf(survey, blocking),
      summary: `${kubeletRuns(blocking)}, the oldest that API server ${minorText(newest.minor)} supports. ${upgradeText(blocking, `to ${minorText(oldestSupportedMinor(next))} or later`)}. Do this before the control plane is upgraded to ${minorText(next.minor)}`,
      evidence: [kubeletTable(blocking), policyField],
    },
  };
}

function evidenceAndOffers(
  survey: Survey,
  kubelets: readonly Kubelet[],
): Pick<Problem['finding'], 'evidence' | 'offers'> {
  const { offers, because } = offersToCordon(survey, kubelets);
  const evidence = [
    kubeletTable(kubelets),
    apiServersField(survey),
    ...(kubelets.every(({ node }) => node.isServerless) ? [] : [ORDER]),
    ...(because === undefined ? [] : [field('Cordon', `not offered: ${because}`)]),
    policyField,
  ];
  return { evidence, ...(offers && { offers }) };
}

function targetsOf({ state }: Survey, kubelets: readonly Kubelet[]): readonly string[] {
  return kubelets.map(({ node }) => targetIn(state, node.name));
}

/** `beta runs kubelet 1.23 and alpha (NotReady) runs 1.26` */
function kubeletRuns(kubelets: readonly Kubelet[]): string {
  return runsText(groupByMinor(kubelets), {
    namesOf,
    program: 'kubelet',
    versionOf: (some) => minorsText(some.map(({ version }) => version)),
  });
}

function namesOf(kubelets: readonly Kubelet[]): string {
  const named = wording.list(
    kubelets.map(({ node }) => node.name),
    MAX_NAMED,
  );
  const down = kubelets.filter(({ node }) => node.ready !== 'yes').length;
  if (down === 0) return named;
  return `${named} (${kubelets.length === 1 ? 'NotReady' : `${down} NotReady`})`;
}

function ofAll({ kubelets: all }: Survey, some: readonly Kubelet[]): string {
  return shareOf(some.length, all.length, 'node');
}

function runs(kubelets: readonly Kubelet[]): string {
  return agree(kubelets.length, { one: 'runs', many: 'run' });
}
