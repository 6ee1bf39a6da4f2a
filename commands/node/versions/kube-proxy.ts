import { type Evidence, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree, be, type Predicate } from '../../shared/grammar.ts';
import { type KubeVersion, minorText } from './kube-version.ts';
import {
  apiServersField,
  groupByMinor,
  limitText,
  minorsText,
  policyField,
  type Problem,
  runsText,
} from './problem.ts';
import {
  type ApiServerRange,
  blocksUpgrade,
  isSupportedBeside,
  nodeMostBehind,
  oldestSupportedMinor,
  skewOf,
} from './skew.ts';
import { type Kubelet, type Proxy, type Survey, targetIn } from './survey.ts';

/** How many pods a summary names. */
const MAX_NAMED = 3;

const STATIC_PODS = 'kube-system/kube-proxy (static pods)';

/**
 * Violations of the skew policy by kube-proxy: one finding per DaemonSet, and one for all static pods. A static pod in the version of its
 * node's kubelet is left out, because the kubelet has the same problem. Versions are read from images: the `kubeProxyVersion` of a
 * node is the version of its kubelet, https://github.com/kubernetes/kubernetes/issues/117756
 */
export function kubeProxyProblems(survey: Survey): readonly Problem[] {
  const minorOf = new Map(survey.kubelets.map(({ node, version }) => [node.name, version.minor]));
  const proxies = survey.proxies.flatMap((proxy) => {
    if (proxy.daemonSet !== undefined) return [proxy];
    const pods = proxy.pods.filter(({ node = '' }) => minorOf.get(node) !== proxy.version.minor);
    return pods.length === 0 ? [] : [{ ...proxy, pods }];
  });
  const workloads = Map.groupBy(proxies, ({ daemonSet = STATIC_PODS }) => daemonSet);
  return [...workloads].flatMap(([name, proxies]) => problemsOf(survey, name, proxies));
}

interface Faults {
  readonly proxy: Proxy;
  /** What is wrong, as clauses. */
  readonly clauses: readonly string[];
}

function problemsOf(survey: Survey, name: string, proxies: readonly Proxy[]): readonly Problem[] {
  const { range } = survey;
  const faulty = proxies
    .map((proxy) => ({ proxy, clauses: faultsOf(survey, proxy) }))
    .filter(({ clauses }) => clauses.length > 0)
    .toSorted((a, b) => a.proxy.version.minor - b.proxy.version.minor);
  if (faulty.length > 0) return [faultProblem(survey, name, faulty)];
  const blocking = range ? proxies.filter(({ version }) => blocksUpgrade(version, range)) : [];
  return range && blocking.length > 0 ? [blockingProblem(survey, range, name, blocking)] : [];
}

function faultsOf(survey: Survey, { version, pods }: Proxy): readonly string[] {
  const { range } = survey;
  const skew = range && skewOf(version, range);
  const most = nodeMostBehind(version.minor);
  const ofApiServer =
    range && skew === 'newer'
      ? [`newer than API server ${minorText(range.oldest.minor)}, which is not supported`]
      : range && skew === 'too-old'
        ? [
            `${wording.count(range.newest.minor - version.minor, 'minor version')} older than API server ${minorText(range.newest.minor)}, at most ${wording.count(most, 'minor version')} are supported`,
          ]
        : [];
  return [...ofApiServer, ...besideClause(version, pods, survey)];
}

/**
 * If the nodes of its pods are unknown, it is a violation only if it is unsupported with every kubelet: it may run only on nodes of another
 * platform. Kubelets that are unsupported themselves are left out, because they have findings of their own.
 */
function besideClause(
  version: Proxy['version'],
  pods: Proxy['pods'],
  { kubelets, range }: Survey,
): readonly string[] {
  const nodes = new Set(pods.flatMap(({ node }) => node ?? []));
  const near = nodes.size === 0 ? kubelets : kubelets.filter(({ node }) => nodes.has(node.name));
  const isFar = (kubelet: Kubelet) => !isSupportedBeside(version, kubelet.version);
  const far = near.filter(
    (kubelet) => isFar(kubelet) && (range === undefined || skewOf(kubelet.version, range) === 'supported'),
  );
  if (far.length === 0 || (nodes.size === 0 && !near.every(isFar))) return [];
  const { minor } = version;
  const apart = Math.max(...far.map((kubelet) => Math.abs(kubelet.version.minor - minor)));
  const isOlder = far.every((kubelet) => kubelet.version.minor > minor);
  const whose =
    nodes.size === 0
      ? 'the kubelets'
      : far.length === 1
        ? 'the kubelet of its node'
        : `the kubelets of ${wording.count(far.length, 'node')}`;
  return [
    `${wording.count(apart, 'minor version')} ${isOlder ? 'older than' : 'apart from'} ${whose} (${minorsText(far.map((kubelet) => kubelet.version))})`,
  ];
}

function faultProblem(survey: Survey, name: string, faulty: readonly Faults[]): Problem {
  const { range, state } = survey;
  const versions = faulty.map(({ proxy }) => proxy.version);
  const minors = minorsText(versions);
  const isNewer = range !== undefined && versions.some((one) => skewOf(one, range) === 'newer');
  const isStatic = name === STATIC_PODS;
  const pods = faulty.flatMap(({ proxy }) => proxy.pods.map((pod) => pod.name));
  const clauses = faulty.map(({ proxy, clauses: all }) =>
    faulty.length === 1 ? all.join('; also ') : `${minorText(proxy.version.minor)} is ${all.join('; also ')}`,
  );
  const isOutdated = faulty.every(({ proxy }) => proxy.isOutdated);
  const subject = isStatic
    ? staticPodsText(faulty)
    : isOutdated
      ? `${outdatedText(survey, name, faulty)} still ${agree(pods.length, { one: 'runs', many: 'run' })} kube-proxy ${minors}`
      : `${name} runs kube-proxy ${minors}`;
  const fix = isOutdated
    ? `The DaemonSet has a different image now: finish its rollout. With the update strategy OnDelete, delete ${pods.length === 1 ? 'this pod' : 'these pods'}`
    : fixOf(range, isNewer, isStatic);
  return {
    headline: `kube-proxy ${headlineOf(versions, range)}`,
    finding: {
      reason: 'kube-proxy-unsupported',
      severity: 'critical',
      target: targetIn(state, isStatic ? 'kube-proxy' : name),
      ...(isStatic && { targets: pods.map((pod) => targetIn(state, pod)) }),
      summary: `${subject}: ${clauses.join(', and ')}. ${fix}`,
      evidence: evidenceOf(
        survey,
        faulty.map(({ proxy }) => proxy),
      ),
    },
  };
}

/** `1.25 and 1.26 are too old for the API server (1.30.8)` */
function headlineOf(versions: readonly KubeVersion[], range: ApiServerRange | undefined): string {
  const say = (some: readonly KubeVersion[], predicate: Predicate) =>
    some.length === 0
      ? []
      : [`${minorsText(some)} ${agree(new Set(some.map(({ minor }) => minor)).size, predicate)}`];
  if (range === undefined)
    return say(versions, {
      one: 'does not match its kubelets',
      many: 'do not match their kubelets',
    }).join('');
  const newer = versions.filter((one) => skewOf(one, range) === 'newer');
  const older = versions.filter((one) => !newer.includes(one));
  return [
    ...say(newer, be(`newer than ${limitText(range, 'oldest')}`)),
    ...say(older, be(`too old for ${limitText(range, 'newest')}`)),
  ].join(' and ');
}

function staticPodsText(faulty: readonly Faults[]): string {
  const pods = faulty.flatMap(({ proxy: { version, pods: some } }) =>
    some.map(({ name }) => ({ name, version })),
  );
  return runsText(groupByMinor(pods), {
    namesOf: (some) => wording.list(some.map(({ name }) => name)),
    program: 'kube-proxy',
    versionOf: (some) => minorsText(some.map(({ version }) => version)),
  });
}

/** `1 of 3 pods of kube-system/kube-proxy (kube-system/kube-proxy-x7f2k on n-3)` */
function outdatedText({ proxies }: Survey, daemonSet: string, faulty: readonly Faults[]): string {
  const isMixed = new Set(faulty.map(({ proxy }) => proxy.version.minor)).size > 1;
  const pods = faulty.flatMap(({ proxy: { version, pods: some } }) =>
    some.map((pod) => ({ ...pod, suffix: isMixed ? ` with ${minorText(version.minor)}` : '' })),
  );
  const all = proxies.filter((one) => one.daemonSet === daemonSet).flatMap((one) => one.pods);
  const named = wording.list(
    pods.map(({ name, node, suffix }) => `${node === undefined ? name : `${name} on ${node}`}${suffix}`),
    MAX_NAMED,
  );
  return `${pods.length} of ${wording.count(all.length, 'pod')} of ${daemonSet} (${named})`;
}

function fixOf(range: ApiServerRange | undefined, isNewer: boolean, isStatic: boolean): string {
  if (range === undefined) return 'Use the same minor version as the kubelets';
  if (isNewer) return `Downgrade it to ${minorText(range.oldest.minor)}, or upgrade the control plane first`;
  const to = `to ${minorText(range.newest.minor)}, or at least to ${minorText(oldestSupportedMinor(range.newest))}`;
  return isStatic ? `Upgrade the nodes ${to}` : `Upgrade its image ${to}`;
}

function blockingProblem(
  survey: Survey,
  { newest }: ApiServerRange,
  name: string,
  blocking: readonly Proxy[],
): Problem {
  const next = { ...newest, minor: newest.minor + 1 };
  const minors = minorsText(blocking.map(({ version }) => version));
  return {
    finding: {
      reason: 'kube-proxy-blocks-upgrade',
      severity: 'info',
      target: targetIn(survey.state, name === STATIC_PODS ? 'kube-proxy' : name),
      summary: `${name} runs kube-proxy ${minors}, the oldest that API server ${minorText(newest.minor)} supports. Upgrade it to ${minorText(oldestSupportedMinor(next))} or later before the control plane goes to ${minorText(next.minor)}`,
      evidence: evidenceOf(survey, blocking),
    },
  };
}

function evidenceOf(survey: Survey, proxies: readonly Proxy[]): readonly Evidence[] {
  return [
    ...proxies.map(({ image, pods }) =>
      field('Image', pods.length === 0 ? image : `${image} (${wording.count(pods.length, 'pod')})`),
    ),
    apiServersField(survey),
    policyField,
  ];
}
