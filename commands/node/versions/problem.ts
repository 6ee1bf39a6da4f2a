import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree } from '../../shared/grammar.ts';
import { type KubeVersion, minorText, versionText } from './kube-version.ts';
import { type ApiServerRange, SKEW_POLICY } from './skew.ts';
import type { Kubelet, Survey } from './survey.ts';

/** Identifies one node of one cluster. */
export interface NodeParams {
  readonly cluster: string;
  readonly node: string;
  readonly uid: string;
}

/** For one node, or for several at once. */
export type NodeOffer = OfferTo<'cordon'> | OfferTo<'uncordon'>;

type OfferTo<Name extends string> =
  | { readonly remediation: Name; readonly params: NodeParams; readonly target?: string }
  | {
      readonly remediation: Name;
      readonly each: readonly { readonly target: string; readonly params: NodeParams }[];
    };

/** One finding, and its text in the verdict. Without a headline it is only counted there. */
export interface Problem {
  readonly finding: Finding<NodeOffer>;
  readonly headline?: string;
}

export const policyField: Evidence = field('Policy', SKEW_POLICY);

/** Sorted, without duplicates: `1.30 and 1.31`. */
export function minorsText(versions: readonly { readonly minor: number }[]): string {
  const minors = [...new Set(versions.map(({ minor }) => minor))].toSorted((a, b) => a - b);
  return wording.list(minors.map(minorText), minors.length);
}

export interface Versioned {
  readonly version: KubeVersion;
}

/** One group per minor version, the oldest first. */
export function groupByMinor<T extends Versioned>(all: readonly T[]): readonly (readonly T[])[] {
  return [...Map.groupBy(all, ({ version }) => version.minor)]
    .toSorted(([a], [b]) => a - b)
    .map(([, some]) => some);
}

/** Each version with those that run it: `beta runs kubelet 1.23 and alpha and gamma run 1.26`. */
export function runsText<T extends Versioned>(
  groups: readonly (readonly T[])[],
  {
    namesOf,
    versionOf,
    program,
  }: {
    readonly namesOf: (some: readonly T[]) => string;
    readonly versionOf: (some: readonly T[]) => string;
    readonly program?: string;
  },
): string {
  const clauses = groups.map((some, at) =>
    [
      namesOf(some),
      agree(some.length, { one: 'runs', many: 'run' }),
      ...(program !== undefined && at === 0 ? [program] : []),
      versionOf(some),
    ].join(' '),
  );
  return wording.list(clauses, clauses.length);
}

/** The full version if all have the same, otherwise the minor versions. */
export function kubeletsText(kubelets: readonly Kubelet[]): string {
  const texts = new Set(kubelets.map(({ version }) => versionText(version)));
  return texts.size === 1 ? [...texts].join('') : minorsText(kubelets.map(({ version }) => version));
}

/** Without columns that would be empty. */
export function kubeletTable(kubelets: readonly Kubelet[]): Evidence {
  const rows = kubelets.map(({ node, version }) => ({
    Node: node.name,
    Kubelet: version.raw,
    Pool: node.pool ?? '',
    Status: statusText(node),
  }));
  const columns = (['Node', 'Kubelet', 'Pool', 'Status'] as const).filter((column) =>
    rows.some((row) => row[column] !== ''),
  );
  return { kind: 'table', columns, rows: rows.map((row) => columns.map((column) => row[column])) };
}

/** As `kubectl get nodes` writes it, and whether Wrench cordoned it. */
function statusText({ ready, unschedulable, cordonedBy }: Kubelet['node']): string {
  const cordoned = cordonedBy === undefined ? 'SchedulingDisabled' : 'SchedulingDisabled by Wrench';
  return [ready === 'yes' ? 'Ready' : 'NotReady', ...(unschedulable ? [cordoned] : [])].join(', ');
}

/** `the API server (1.30.8)`, or with several minor versions the one that sets the limit: `the oldest API server (1.29.9)`. */
export function limitText({ oldest, newest }: ApiServerRange, limit: 'oldest' | 'newest'): string {
  const which = oldest.minor === newest.minor ? 'the API server' : `the ${limit} API server`;
  return `${which} (${versionText(limit === 'oldest' ? oldest : newest)})`;
}

/** The versions of the API servers, as they write them: `v1.30.8-eks-2d5f260`, `v1.31.0 (kube-system/kube-apiserver-cp-1)`. */
export function apiServersField({ apiServers }: Survey): Evidence {
  const all = apiServers.map(({ version, pod }) =>
    pod === undefined ? version.raw : `${version.raw} (${pod})`,
  );
  return field(all.length === 1 ? 'API server' : 'API servers', all.join(', '));
}
