import { type Evidence, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree } from '../../shared/grammar.ts';
import type { NodeState } from './cluster-state.ts';
import { compareVersions, minorText, versionText } from './kube-version.ts';
import { kubeletSkews } from './kubelet-skews.ts';
import { groupByMinor, kubeletsText, kubeletTable, policyField, type Problem, runsText } from './problem.ts';
import { blocksUpgrade } from './skew.ts';
import { type Kubelet, type Survey, targetIn } from './survey.ts';
import { upgradeText } from './upgrade.ts';

/** Nodes on one platform that should be alike: those of one pool, or, without a pool, those with the same roles. */
interface Peers {
  /** `pool blue`, `role worker`, or `nodes` for those without a pool and a role. */
  readonly name: string;
  readonly isPool: boolean;
  readonly all: readonly Kubelet[];
}

/**
 * Differences between nodes that should be alike. Pools may differ from one another, and a control plane is upgraded before its nodes.
 * Unsupported kubelets are left out, because they have findings of their own. That nodes without a pool should be alike is a guess, so only
 * different minor versions and kinds of runtime count there.
 */
export function driftProblems(survey: Survey): readonly Problem[] {
  return peersOf(survey).flatMap((peers) => {
    const off = otherMinor(peers);
    // A node with another minor version has another node image, so its other versions differ too.
    const alike = { ...peers, all: peers.all.filter((kubelet) => !off.has(kubelet)) };
    return [minorDrift(survey, peers, off), restDrift(survey, alike)].filter(
      (problem) => problem !== undefined,
    );
  });
}

/** Kubelets in a minor version that most of their peers do not have. */
export function driftedKubelets(survey: Survey): ReadonlySet<Kubelet> {
  return new Set(peersOf(survey).flatMap((peers) => [...otherMinor(peers)]));
}

function peersOf(survey: Survey): readonly Peers[] {
  const { newer, tooOld, ahead } = kubeletSkews(survey);
  const unsupported = new Set([...newer, ...tooOld, ...ahead]);
  // Fargate never upgrades a node, so the age of its pod decides about its version.
  const judged = survey.kubelets.filter((kubelet) => !unsupported.has(kubelet) && !kubelet.node.isServerless);
  const groups = Map.groupBy(judged, ({ node }) => groupName(node));
  return [...groups].map(([name, all]) => ({
    name,
    isPool: all.some(({ node }) => node.pool !== undefined),
    all,
  }));
}

function groupName({ pool, roles, operatingSystem, architecture }: NodeState): string {
  const kind =
    pool === undefined
      ? roles.length === 0
        ? 'nodes'
        : `role ${roles.toSorted().join(', ')}`
      : `pool ${pool}`;
  const platform = [
    ...(operatingSystem === 'linux' ? [] : [operatingSystem]),
    ...(architecture === undefined || architecture === 'amd64' ? [] : [architecture]),
  ];
  return platform.length === 0 ? kind : `${kind} (${platform.join(', ')})`;
}

/** The most frequent value, or the greatest of several. */
function commonest<T>(values: readonly T[], keyOf: (value: T) => string, compare: (a: T, b: T) => number): T {
  const groups = [...Map.groupBy(values, keyOf).values()];
  const [most] = groups.toSorted(
    (a, b) => b.length - a.length || compare(b[0] as T, a[0] as T),
  ) as (readonly T[])[];
  return most?.[0] as T;
}

/** The nodes whose minor version is not that of most of them. */
function otherMinor({ all }: Peers): ReadonlySet<Kubelet> {
  const common = commonMinor(all);
  return new Set(all.filter(({ version }) => version.minor !== common));
}

function commonMinor(all: readonly Kubelet[]): number {
  return commonest(
    all.map(({ version }) => version),
    ({ minor }) => String(minor),
    compareVersions,
  ).minor;
}

function minorDrift(
  survey: Survey,
  { name, isPool, all }: Peers,
  unlike: ReadonlySet<Kubelet>,
): Problem | undefined {
  if (unlike.size === 0) return undefined;
  const off = [...unlike];
  const rest = all.filter((one) => !unlike.has(one));
  const common = { minor: commonMinor(all) };
  const isOlder = off.every(({ version }) => version.minor < common.minor);
  const isNewer = off.every(({ version }) => version.minor > common.minor);
  const otherTraits = (isPool ? TRAITS : [RUNTIME_KIND]).flatMap(({ label, of }) => {
    const known = new Set(rest.flatMap((kubelet) => of(kubelet) ?? []));
    const values = new Set(off.flatMap((kubelet) => of(kubelet) ?? []));
    return label === KUBELET || known.size === 0 || values.isSubsetOf(known)
      ? []
      : [`${label} (${wording.list([...values].toSorted(), MAX_NAMED)})`];
  });
  const kind = isOlder ? 'an older' : isNewer ? 'a newer' : 'another';
  const peers = isPool ? `the rest of ${name}` : `${off.length === 1 ? 'its' : 'their'} peers`;
  const { range } = survey;
  const groups = groupByMinor(off);
  const supported = range
    ? `API server ${versionText(range.newest)} supports ${groups.length === 1 ? 'both' : 'all of them'}, so this alone does not explain an outage. `
    : '';
  const isBlocking = range !== undefined && off.some(({ version }) => blocksUpgrade(version, range));
  const blocks = isBlocking
    ? `. Do this before the control plane is upgraded to ${minorText(range.newest.minor + 1)}`
    : '';
  const fix = isNewer
    ? 'If no upgrade is in progress, upgrade all of them to the same minor version'
    : isOlder
      ? upgradeText(off, `to ${minorText(common.minor)}`)
      : 'Upgrade all of them to the same minor version';
  const clauses = runsText(groups, {
    namesOf: (some) => wording.list(some.map(({ node }) => node.name)),
    program: 'kubelet',
    versionOf: kubeletsText,
  });
  return {
    headline: `${off.length} of ${wording.count(survey.kubelets.length, 'node')} ${agree(off.length, { one: 'runs', many: 'run' })} ${kind} kubelet (${kubeletsText(off)}) than ${peers} (${kubeletsText(rest)})${range ? ', which is supported' : ''}`,
    finding: {
      reason: 'kubelet-drift',
      severity: 'warning',
      target: targetIn(survey.state, name),
      targets: off.map(({ node }) => targetIn(survey.state, node.name)),
      summary: `${clauses}${groups.length > 1 ? ',' : ''} and ${peers} ${agree(isPool ? 1 : 2, { one: 'runs', many: 'run' })} ${kubeletsText(rest)}. ${supported}${fix}${blocks}`,
      evidence: [
        kubeletTable(off),
        field('Peers', wording.count(rest.length, 'node')),
        ...(otherTraits.length > 0
          ? [field('Also different', wording.list(otherTraits, otherTraits.length))]
          : []),
        policyField,
      ],
    },
  };
}

/** How many nodes and values a summary names. */
const MAX_NAMED = 3;

interface Trait {
  readonly label: string;
  readonly of: (kubelet: Kubelet) => string | undefined;
}

const KUBELET = 'kubelet';

const TRAITS: readonly Trait[] = [
  { label: KUBELET, of: ({ version }) => versionText(version) },
  { label: 'runtime', of: ({ node }) => node.containerRuntime },
  { label: 'kernel', of: ({ node }) => node.kernelVersion },
  { label: 'OS image', of: ({ node }) => node.osImage },
];

/** `docker` of `docker://20.10.24` */
function runtimeKind({ containerRuntime }: NodeState): string | undefined {
  return containerRuntime?.split(':')[0];
}

const RUNTIME_KIND: Trait = { label: 'runtime', of: ({ node }) => runtimeKind(node) };

/** Other differences between nodes with the same minor version: one finding, because they come with the node image. */
function restDrift(survey: Survey, { name, isPool, all }: Peers): Problem | undefined {
  const differing = (isPool ? TRAITS : [RUNTIME_KIND]).flatMap((trait) => differenceIn(trait, all));
  const off = all.filter((kubelet) => differing.some((one) => one.off.has(kubelet)));
  if (off.length === 0) return undefined;
  const isOtherRuntime = new Set(all.flatMap(({ node }) => runtimeKind(node) ?? [])).size > 1;
  const isOne = off.length === 1;
  const nodes = `${off.length} of ${wording.count(all.length, 'node')} in ${name}`;
  const who = wording.list(
    off.map(({ node }) => node.name),
    MAX_NAMED,
  );
  const others = isPool ? `the rest of ${name}` : isOne ? 'its peers' : 'their peers';
  const what = wording.list(
    differing.map(
      ({ label, usual, values }) => `${label} (${wording.list(values, MAX_NAMED)} instead of ${usual})`,
    ),
    differing.length,
  );
  return {
    ...(isPool &&
      isOtherRuntime && {
        headline: `${nodes} ${agree(off.length, { one: 'uses', many: 'use' })} a different container runtime`,
      }),
    finding: {
      reason: 'pool-drift',
      severity: isPool && isOtherRuntime ? 'warning' : 'info',
      target: targetIn(survey.state, name),
      targets: off.map(({ node }) => targetIn(survey.state, node.name)),
      summary: `${who} ${agree(off.length, { one: 'has', many: 'have' })} a different ${what} than ${others}. This is supported, and normal while nodes are replaced`,
      evidence: [driftTable(off, differing)],
    },
  };
}

interface Difference extends Trait {
  /** The most frequent value. */
  readonly usual: string;
  /** All other values, without duplicates. */
  readonly values: readonly string[];
  readonly off: ReadonlySet<Kubelet>;
}

/** Ignores nodes that do not report it. */
function differenceIn(trait: Trait, all: readonly Kubelet[]): readonly Difference[] {
  const valued = all.flatMap((kubelet) => {
    const value = trait.of(kubelet);
    return value === undefined ? [] : [{ kubelet, value }];
  });
  if (new Set(valued.map(({ value }) => value)).size < 2) return [];
  const usual = commonest(
    valued.map(({ value }) => value),
    (value) => value,
    (a, b) => (a < b ? -1 : a > b ? 1 : 0),
  );
  const off = valued.filter(({ value }) => value !== usual);
  const values = [...new Set(off.map(({ value }) => value))].toSorted();
  return [{ ...trait, usual, values, off: new Set(off.map(({ kubelet }) => kubelet)) }];
}

function driftTable(off: readonly Kubelet[], traits: readonly Trait[]): Evidence {
  return {
    kind: 'table',
    columns: ['Node', ...traits.map(({ label }) => wording.capitalize(label))],
    rows: off.map((kubelet) => [kubelet.node.name, ...traits.map(({ of }) => of(kubelet) ?? '')]),
  };
}
