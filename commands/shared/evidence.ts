import type { Evidence } from '../kit.ts';

/** One labelled value. */
export function field(label: string, value: string): Evidence {
  return { kind: 'field', label, value };
}

/** No field for an undefined value. */
export function optionalField(label: string, value: string | undefined): readonly Evidence[] {
  return value === undefined ? [] : [field(label, value)];
}
