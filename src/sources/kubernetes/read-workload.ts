import type { Workload, WorkloadName } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import type { ClusterConnection } from './connection.ts';
import { errorOfAnswer, objectIn, statusObject } from './explain-answer.ts';
import { requireName } from './object-name.ts';
import type { AccessRule } from './permissions.ts';
import { toWorkload } from './to-workload.ts';

const RESOURCES = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  ReplicaSet: 'replicasets',
} as const satisfies Record<Workload['kind'], string>;

/** @throws {SourceError} `missing` if it no longer exists. */
export async function readWorkload(
  source: string,
  connection: ClusterConnection,
  { kind, namespace, name }: WorkloadName,
  signal: AbortSignal,
): Promise<Workload> {
  requireName(source, 'namespace', namespace);
  requireName(source, 'name of a workload', name);
  const rule: AccessRule = { verb: 'get', group: 'apps', resource: RESOURCES[kind] };
  const what = `the ${kind} ${namespace}/${name}`;
  const { answer, context } = await connection.send({
    make: ({ apps }) => apps[`readNamespaced${kind}`](name, namespace),
    rule,
    what,
    signal,
  });
  if (answer.status === 404 && statusObject(answer))
    throw new SourceError(source, 'missing', `${what} no longer exists`);
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  const item = objectIn(context, answer);
  const metadata = asObject(item['metadata']);
  if (
    item['kind'] !== kind ||
    textIn(metadata, 'uid') === undefined ||
    metadata['name'] !== name ||
    metadata['namespace'] !== namespace
  )
    throw new SourceError(source, 'malformed', `${context.host} did not return ${what}`);
  return toWorkload(kind, item);
}
