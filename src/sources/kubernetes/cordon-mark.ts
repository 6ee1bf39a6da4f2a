import { asObject, type JsonObject, listIn } from '../../wire/json-object.ts';
import { textsIn } from './json-values.ts';

/** Contains the id of the remediation that cordoned the node. */
export const CORDON_ANNOTATION = 'wrench/cordoned-by';
/** Identifies Wrench in `managedFields`. */
export const FIELD_MANAGER = 'wrench';

/**
 * The id of the remediation that cordoned a node. Undefined if the node is not cordoned, or if anyone else has cordoned it too: then Wrench must not
 * uncordon it. `managedFields` has the owners of `spec.unschedulable`; without an owner, the annotation decides.
 */
export function cordonedBy(node: JsonObject): string | undefined {
  const metadata = asObject(node['metadata']);
  const id = textsIn(metadata, 'annotations')[CORDON_ANNOTATION];
  if (!id || asObject(node['spec'])['unschedulable'] !== true) return undefined;
  const owners = listIn(metadata, 'managedFields').filter(({ fieldsV1 }) =>
    Object.hasOwn(asObject(asObject(fieldsV1)['f:spec']), 'f:unschedulable'),
  );
  const isOurs = owners.every(({ manager }) => manager === FIELD_MANAGER);
  return isOurs ? id : undefined;
}
