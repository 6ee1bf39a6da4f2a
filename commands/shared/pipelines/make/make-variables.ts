import { type MappedText, startText } from '../mapped-text.ts';

/** The values that each variable may have, as written. Undefined for one that the file doesn't have. */
export type MakeVariables = Map<string, readonly (MappedText | undefined)[]>;

/** A conditional that is being read. */
export interface Conditional {
  /** The variables that each branch sets. */
  readonly branches: Set<string>[];
  /** Whether one of its branches is taken in any case. */
  isComplete: boolean;
}

interface Assignment {
  readonly name: string;
  readonly operator: string;
  readonly value: MappedText;
  /** Whether it is set for some targets only. */
  readonly isOfTarget?: boolean;
}

/** How many values a variable may have before it counts as unknown. */
const MOST_VALUES = 16;
const LONGEST_VALUE = 100_000;

export function assign(
  variables: MakeVariables,
  conditionals: readonly Conditional[],
  { name, operator, value, isOfTarget = false }: Assignment,
): void {
  const before = variables.get(name);
  const values = assigned(before, operator, name, value);
  const isConditional = isOfTarget || conditionals.length > 0;
  const isSetHere = conditionals.at(-1)?.branches.at(-1)?.has(name) === true;
  conditionals.at(-1)?.branches.at(-1)?.add(name);
  // What only some branches set may also have its earlier value.
  const all = isConditional && !isSetHere ? [...(before ?? [undefined]), ...values] : values;
  variables.set(name, all.length > MOST_VALUES ? [undefined] : [...new Set(all)]);
}

function assigned(
  before: readonly (MappedText | undefined)[] | undefined,
  operator: string,
  name: string,
  value: MappedText,
): readonly (MappedText | undefined)[] {
  switch (operator) {
    case '!=':
      return [undefined];
    case '?=':
      return before?.every((one) => one !== undefined)
        ? before
        : [...(before ?? []).filter((one) => one !== undefined), value];
    case '+=':
      return (before ?? [EMPTY]).map((one) => one && joined(one, value));
    case '=':
      return [value];
    default:
      // It is evaluated at once, and so may refer to the value before.
      return refersTo(value.text, name) ? withBefore(before, name, value) : [value];
  }
}

const EMPTY: MappedText = { text: '', pieces: [{ text: 0, file: 0 }] };

function joined(one: MappedText, other: MappedText): MappedText | undefined {
  if (one.text.length + other.text.length > LONGEST_VALUE) return undefined;
  const builder = startText();
  builder.addPart(one);
  if (one.text !== '') builder.insert(' ', other.pieces[0]?.file ?? 0, 0);
  builder.addPart(other);
  return builder.finish();
}

function refersTo(text: string, name: string): boolean {
  return text.includes(`$(${name})`) || text.includes(`\${${name}}`);
}

function withBefore(
  before: readonly (MappedText | undefined)[] | undefined,
  name: string,
  value: MappedText,
): readonly (MappedText | undefined)[] {
  const at = Math.max(value.text.indexOf(`$(${name})`), value.text.indexOf(`\${${name}}`));
  const end = at + name.length + 3;
  return (before ?? [EMPTY]).map((one) => {
    if (!one || refersTo(value.text.slice(end), name)) return undefined;
    if (one.text.length + value.text.length > LONGEST_VALUE) return undefined;
    const builder = startText();
    builder.addPart(value, 0, at);
    builder.addPart(one);
    builder.addPart(value, end);
    return builder.finish();
  });
}

export function openBranch(
  conditionals: readonly Conditional[],
  { isLast }: { readonly isLast: boolean },
): void {
  const conditional = conditionals.at(-1);
  if (!conditional) return;
  conditional.branches.push(new Set());
  if (isLast) conditional.isComplete = true;
}

export function closeBranch(conditionals: Conditional[], variables: MakeVariables): void {
  const closed = conditionals.pop();
  if (!closed) return;
  const [first = new Set<string>(), ...rest] = closed.branches;
  for (const name of first) {
    if (!closed.isComplete || !rest.every((branch) => branch.has(name))) continue;
    // Each branch sets it, so it isn't unset afterwards.
    const values = (variables.get(name) ?? []).filter((value) => value !== undefined);
    if (values.length > 0) variables.set(name, values);
    conditionals.at(-1)?.branches.at(-1)?.add(name);
  }
  for (const branch of closed.branches)
    for (const name of branch) conditionals.at(-1)?.branches.at(-1)?.add(name);
}
