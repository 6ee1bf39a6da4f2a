import { wording } from '../../kit.ts';
import { agree, be, shareOf } from '../../shared/grammar.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { versionText } from './kube-version.ts';
import type { Problem } from './problem.ts';
import type { Survey } from './survey.ts';

export interface Judged {
  readonly survey: Survey;
  readonly problems: readonly Problem[];
}

/** How many problems the verdict names; the others are counted. */
const MAX_HEADLINES = 2;

export function worstFirst<T extends Pick<Problem, 'finding'>>(problems: readonly T[]): readonly T[] {
  return problems.toSorted((a, b) => compareSeverity(a.finding, b.finding));
}

/** The worst problem first. With several clusters, each problem names its cluster. Only compared components are reported as supported. */
export function verdictOf(judged: readonly Judged[]): string {
  const isOne = judged.length === 1;
  const headlines = worstFirst(
    judged.flatMap(({ survey: { state }, problems }) =>
      problems.flatMap(({ finding, headline }) =>
        headline === undefined
          ? []
          : [{ finding, headline: isOne ? headline : `${headline} (${state.name})` }],
      ),
    ),
  ).map(({ headline }) => headline);
  const more = headlines.length - MAX_HEADLINES;
  const rest = judged.filter(({ problems }) => problems.every(({ headline }) => headline === undefined));
  return wording.capitalize(
    [
      ...headlines.slice(0, MAX_HEADLINES),
      ...(more > 0 ? [wording.count(more, 'more problem')] : []),
      ...describeRest(rest),
    ].join('; '),
    ['kube-proxy', 'kube-controller-manager', 'kube-scheduler', 'cloud-controller-manager'],
  );
}

function describeRest(judged: readonly Judged[]): readonly string[] {
  const compared = judged.filter(
    ({ survey: { range, kubelets } }) => range !== undefined && kubelets.length > 0,
  );
  const others = judged.filter(
    ({ survey: { range, kubelets } }) => range === undefined && kubelets.length > 0,
  );
  const minor = judged.reduce((sum, { problems }) => sum + problems.length, 0);
  return [
    ...(compared.length > 0 ? [describeSupported(compared)] : []),
    ...(others.length > 0 ? [describeUncompared(others)] : []),
    ...(minor > 0 ? [wording.count(minor, 'minor finding')] : []),
  ];
}

/** `all 3 kubelets of lab are supported by API server 1.33.4` */
function describeSupported(judged: readonly Judged[]): string {
  const [only, ...more] = judged;
  const amount = judged.reduce((sum, { survey }) => sum + survey.kubelets.length, 0);
  const names = wording.list(judged.map(({ survey }) => survey.state.name));
  const kubelets = `${amount === 1 ? 'the kubelet' : shareOf(amount, amount, 'kubelet')} of ${names}`;
  const others = otherPrograms(judged);
  const subject = wording.list([kubelets, ...others], others.length + 1);
  const who = `${subject} ${agree(amount + others.length, be('supported'))}`;
  const range = only?.survey.range;
  return only && more.length === 0 && range
    ? `${who} by API server ${versionText(range.newest)}`
    : `${who} by their API servers`;
}

/** Other components that were compared. */
function otherPrograms(judged: readonly Judged[]): readonly string[] {
  return [
    ...(judged.some(({ survey }) => survey.proxies.length > 0) ? ['kube-proxy'] : []),
    ...(judged.some(({ survey }) => survey.controllers.length > 0) ? ['the control plane'] : []),
  ];
}

function describeUncompared(judged: readonly Judged[]): string {
  const amount = judged.reduce((sum, { survey }) => sum + survey.kubelets.length, 0);
  const names = wording.list(judged.map(({ survey }) => survey.state.name));
  return `${wording.count(amount, 'kubelet')} of ${names} couldn't be compared with an API server`;
}
