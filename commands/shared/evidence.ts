import type { Evidence } from '../kit.ts';

/** One value with its label. */
export function field(label: string, value: string): Evidence {
  return { kind: 'field', label, value };
}

/** Empty if the value is undefined. */
export function optionalField(label: string, value: string | undefined): readonly Evidence[] {
  return value === undefined ? [] : [field(label, value)];
}
