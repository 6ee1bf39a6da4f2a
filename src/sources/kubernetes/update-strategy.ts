import type { Rollout, Workload } from '../../ports/clusters.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { wholeNumberIn } from './json-values.ts';

/** Which pods a workload replaces after a change of its template, from its spec. */
export function updateStrategyIn(
  kind: Rollout['kind'],
  spec: JsonObject,
): Pick<Workload, 'isPaused' | 'isUpdatedOnDelete' | 'partition'> {
  const { type, rollingUpdate } = asObject(spec['updateStrategy']);
  const partition = kind === 'StatefulSet' ? wholeNumberIn(asObject(rollingUpdate), 'partition') : undefined;
  return {
    isPaused: spec['paused'] === true,
    ...(type === 'OnDelete' && { isUpdatedOnDelete: true as const }),
    ...(partition !== undefined && partition > 0 && { partition }),
  };
}
