import type { Finding } from '../../kit.ts';
import { targetOf } from '../../shared/pipelines/places.ts';
import { compareSeverity } from '../../shared/severity.ts';
import type { Facts, PlacedLeak, RepositoryFacts } from './facts.ts';
import { countContainers, type LeftBehind } from './left-behind.ts';

/** Commands of one file that leave containers behind for one reason. */
export interface Group {
  readonly repository: RepositoryFacts;
  readonly path: string;
  readonly reason: Reason;
  readonly severity: Extract<Finding['severity'], 'warning' | 'info'>;
  /** `shop/api:ci/test.sh` */
  readonly target: string;
  /** In the order of the file. */
  readonly leaks: readonly [PlacedLeak, ...PlacedLeak[]];
  /** Their containers on engines. */
  readonly left: LeftBehind;
}

export type Reason =
  | 'container-left-running'
  | 'container-left-behind'
  | 'container-left-after-failure'
  | 'container-removed-sometimes'
  | 'container-meant-to-stay'
  | 'container-may-be-left'
  | 'container-removed-elsewhere'
  | 'container-left-on-discarded-machine';

/** Of the same severity, in this order. */
const RANK: readonly Reason[] = [
  'container-left-running',
  'container-left-behind',
  'container-left-after-failure',
  'container-removed-sometimes',
  'container-meant-to-stay',
  'container-may-be-left',
  'container-removed-elsewhere',
  'container-left-on-discarded-machine',
];

/** Commands of one reason have one severity, so that a finding is never mixed. */
function reasonOf({ reason, severity }: PlacedLeak): Reason {
  const isInfo = severity === 'info';
  switch (reason) {
    case 'removed':
      return 'container-removed-elsewhere';
    case 'long-lived':
      return 'container-meant-to-stay';
    case 'removed-on-success':
      return isInfo ? 'container-may-be-left' : 'container-left-after-failure';
    case 'removed-sometimes':
      return isInfo ? 'container-may-be-left' : 'container-removed-sometimes';
    case 'running':
      return isInfo ? 'container-left-on-discarded-machine' : 'container-left-running';
    default:
      return isInfo ? 'container-left-on-discarded-machine' : 'container-left-behind';
  }
}

/** The most severe first, then those that have left the most containers, then in the order of repositories and files. */
export function groupsOf(facts: Facts): readonly Group[] {
  const leftBy = countContainers(facts);
  return facts.repositories
    .flatMap((repository) => {
      const grouped = Map.groupBy(repository.leaks, (leak) => JSON.stringify([leak.path, reasonOf(leak)]));
      return [...grouped.values()].flatMap((leaks) => groupOf(repository, leaks, leftBy));
    })
    .toSorted(
      (one, other) =>
        compareSeverity(one, other) ||
        other.left.count - one.left.count ||
        RANK.indexOf(one.reason) - RANK.indexOf(other.reason),
    );
}

function groupOf(
  repository: RepositoryFacts,
  leaks: readonly PlacedLeak[],
  leftBy: (leaks: readonly PlacedLeak[]) => LeftBehind,
): readonly Group[] {
  const [first, ...others] = leaks;
  if (!first) return [];
  const reason = reasonOf(first);
  const left = leftBy(leaks);
  // What may be left is left.
  const isProven = reason === 'container-may-be-left' && left.count > 0 && !left.isGuess;
  return [
    {
      repository,
      path: first.path,
      reason,
      severity: first.severity === 'warning' || isProven ? 'warning' : 'info',
      target: targetOf(repository.name, first.path),
      leaks: [first, ...others],
      left,
    },
  ];
}

/** `shop/api:ci/test.sh:14` */
export function placeOf({ target }: Pick<Group, 'target'>, { line }: Pick<PlacedLeak, 'line'>): string {
  return `${target}:${line}`;
}
