import type { ClusterWriter } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import type { ClusterConnection } from './connection.ts';
import { wholeNumberIn } from './json-values.ts';
import {
  changeableKind,
  changeTemplate,
  requireRollout,
  templateAnnotations,
  type TemplateChange,
  type TemplateEdit,
  workloadInWords,
} from './template-change.ts';

/** Set by `kubectl rollout restart`: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/ */
export const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
/** The id of the remediation that restarted a workload, in its template. */
export const RESTARTED_BY = 'wrench/restarted-by';

/** Restarts workloads with the credential of this connection, whoever manages them. */
export function openRestartWriter(
  source: string,
  connection: ClusterConnection,
): Pick<ClusterWriter, 'restartWorkload'> {
  return {
    restartWorkload: async (workload, { idempotencyKey: id, signal }) => {
      const change = { source, connection, workload, kind: changeableKind(source, workload), signal };
      const edit: TemplateEdit = {
        request: 'restart',
        outcome: 'restarted',
        idIn: (current) => templateAnnotations(current)[RESTARTED_BY],
        ensureChangeable: (current) => {
          requireRollout(change, current);
          requireReplacement(change, current);
        },
        templateFor: (_, by) => ({
          metadata: { annotations: { [RESTARTED_AT]: new Date().toISOString(), [RESTARTED_BY]: by } },
        }),
      };
      await changeTemplate(change, edit, id);
    },
  };
}

/** @throws {SourceError} `refused` if its controller would not replace all of its pods. */
function requireReplacement({ source, workload }: TemplateChange, current: JsonObject): void {
  const shown = workloadInWords(workload);
  const { type, rollingUpdate } = asObject(asObject(current['spec'])['updateStrategy']);
  if (type === 'OnDelete')
    throw new SourceError(
      source,
      'refused',
      `the ${shown} replaces its pods only when they are deleted (\`OnDelete\`): delete them one by one`,
    );
  const partition =
    workload.kind === 'StatefulSet' ? wholeNumberIn(asObject(rollingUpdate), 'partition') : undefined;
  if (partition !== undefined && partition > 0)
    throw new SourceError(
      source,
      'refused',
      `the ${shown} replaces only pods from number ${partition} on (\`partition\`): set it to 0 first`,
    );
}
