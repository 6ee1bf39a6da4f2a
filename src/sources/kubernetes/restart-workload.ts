import type { ClusterWriter } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { makeChange } from './bound-change.ts';
import type { ClusterConnection } from './connection.ts';
import { objectIn } from './explain-answer.ts';
import { wholeNumberIn } from './json-values.ts';
import {
  changeableKind,
  isTemplateConflict,
  patchTemplate,
  readChangeable,
  requireRollout,
  templateAnnotations,
  type TemplateChange,
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
      const shown = workloadInWords(workload);
      const words = { request: `restart of the ${shown}`, outcome: `the ${shown} was restarted` };
      const isDone = (after: JsonObject) => templateAnnotations(after)[RESTARTED_BY] === id;
      await makeChange(source, words, async () => {
        const current = await readChangeable(change);
        if (isDone(current)) return undefined;
        requireRollout(change, current);
        requireReplacement(change, current);
        const annotations = { [RESTARTED_AT]: new Date().toISOString(), [RESTARTED_BY]: id };
        return {
          send: () => patchTemplate(change, { current, template: { metadata: { annotations } } }),
          isDone: ({ context, answer }) => isDone(objectIn(context, answer)),
          isConflict: isTemplateConflict,
          isSeenDone: async () => isDone(await readChangeable(change)),
        };
      });
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
