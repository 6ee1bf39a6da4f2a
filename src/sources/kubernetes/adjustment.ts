import type { Adjustment } from '../../ports/clusters.ts';
import { type JsonObject, textIn } from '../../wire/json-object.ts';
import { dateIn } from './json-values.ts';

/** Set by Wrench in the template of a workload whose probe it changed, so that the pods that are created from it carry them. */
export const ADJUSTED_BY = 'wrench/adjusted-by';
export const ADJUSTED_AT = 'wrench/adjusted-at';
export const ADJUSTED_CONTAINER = 'wrench/adjusted-container';

/** The change that the annotations of a pod or a template record, to be spread; `{}` if there is none. */
export function adjustmentIn(annotations: JsonObject): { readonly adjusted?: Adjustment } {
  const by = textIn(annotations, ADJUSTED_BY);
  if (by === undefined) return {};
  const at = dateIn(annotations, ADJUSTED_AT);
  const container = textIn(annotations, ADJUSTED_CONTAINER);
  return { adjusted: { by, ...(at && { at }), ...(container !== undefined && { container }) } };
}
