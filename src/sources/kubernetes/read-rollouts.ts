import type { Rollout } from '../../ports/clusters.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import { listIn } from '../../wire/json-object.ts';
import type { ClusterConnection } from './connection.ts';
import { objectIn } from './explain-answer.ts';
import { listPages } from './list-pages.ts';
import { requireName } from './object-name.ts';
import type { AccessRule } from './permissions.ts';
import { toRollout } from './to-rollout.ts';

type ListRule = Extract<AccessRule, { readonly resource: string }>;

interface RolloutKind {
  readonly kind: Rollout['kind'];
  readonly version: 'v1' | 'v1alpha1';
  readonly rule: ListRule;
}

const ofApps = (kind: Rollout['kind'], resource: ListRule['resource']): RolloutKind => ({
  kind,
  version: 'v1',
  rule: { verb: 'list', group: 'apps', resource },
});

const KINDS = [
  ofApps('Deployment', 'deployments'),
  ofApps('StatefulSet', 'statefulsets'),
  ofApps('DaemonSet', 'daemonsets'),
  ofApps('ReplicaSet', 'replicasets'),
] as const;

/** https://argo-rollouts.readthedocs.io/en/stable/features/specification/ */
const ARGO: RolloutKind = {
  kind: 'Rollout',
  version: 'v1alpha1',
  rule: { verb: 'list', group: 'argoproj.io', resource: 'rollouts' },
};

interface Reading {
  readonly connection: ClusterConnection;
  readonly options: ReadOptions & { readonly namespace: string };
}

/** What creates pods in a namespace. A list that can't be read doesn't keep the others from being read; its error comes after them. */
export async function* readRollouts(
  source: string,
  connection: ClusterConnection,
  options: Reading['options'],
): AsyncGenerator<readonly Rollout[]> {
  requireName(source, 'namespace', options.namespace);
  const reading = { connection, options };
  let failed: SourceError | undefined;
  for (const kind of [...KINDS, ARGO])
    try {
      yield* listKind(reading, kind);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      if (kind === ARGO && (await isNotInstalled(reading, error))) continue;
      failed ??= error;
      // The others would only fail too, each after its timeout.
      if (error.kind === 'unreachable') break;
    }
  if (failed) throw failed;
}

function listKind(
  { connection, options: { namespace, ...options } }: Reading,
  { kind, version, rule }: RolloutKind,
): AsyncGenerator<readonly Rollout[]> {
  return listPages({
    connection,
    rule,
    items: rule.resource,
    kind: `${kind}List`,
    make: ({ custom }, { limit, continueToken }) =>
      custom.listNamespacedCustomObject(
        rule.group,
        version,
        namespace,
        rule.resource,
        undefined,
        undefined,
        continueToken,
        undefined,
        undefined,
        limit,
      ),
    map: (item) => toRollout(kind, item),
    ...options,
  });
}

/**
 * Whether Argo Rollouts is absent. RBAC is checked before the path, so without permission its absence is a 403 too; everyone may read which APIs exist.
 * Argo CD and Argo Workflows have the same API group.
 */
async function isNotInstalled(
  { connection, options: { signal } }: Reading,
  error: SourceError,
): Promise<boolean> {
  if (error.kind === 'missing') return true;
  if (error.kind !== 'refused') return false;
  const { answer, context } = await connection.send({
    make: ({ custom }) => custom.getAPIResources(ARGO.rule.group, ARGO.version),
    rule: ARGO.rule,
    what: 'the APIs of Argo',
    signal,
  });
  if (answer.status === 404) return true;
  if (answer.status !== 200) return false;
  const { resources } = objectIn(context, answer);
  return (
    Array.isArray(resources) && !listIn({ resources }, 'resources').some(({ name }) => name === 'rollouts')
  );
}
