import { asObject, type JsonObject, listIn } from '../../wire/json-object.ts';
import { textsIn } from './json-values.ts';

/** The annotation with the id of the remediation that cordoned a node. */
export const CORDON_ANNOTATION = 'wrench/cordoned-by';
/** The name under which the API server notes which fields Wrench set. */
export const FIELD_MANAGER = 'wrench';

/**
 * The id of the remediation by which Wrench cordoned a node; nothing where it is not cordoned, or where somebody else has cordoned it since or too, whose cordon
 * is not ours to lift. The API server keeps who set a field in `managedFields`; where it shows nothing of the kind, the annotation decides.
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
