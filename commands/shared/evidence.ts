import { type Evidence, wording } from '../kit.ts';

/** One value with its label. */
export function field(label: string, value: string): Evidence {
  return { kind: 'field', label, value };
}

/** What to do, in order. An alternative to the steps before it begins with `Or `. */
export function steps(texts: readonly (string | undefined)[]): readonly Evidence[] {
  return texts
    .filter((text) => text !== undefined)
    .map((text, at) =>
      text.startsWith('Or ') ? field('Or', wording.capitalize(text.slice(3))) : field(`Step ${at + 1}`, text),
    );
}

/** Empty if the value is undefined. */
export function optionalField(label: string, value: string | undefined): readonly Evidence[] {
  return value === undefined ? [] : [field(label, value)];
}
