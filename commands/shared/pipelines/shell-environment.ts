import type { Variable } from './script.ts';
import type { Choice, ShellWord } from './shell-values.ts';
import { isTooLong } from './shell-values.ts';

/** The variables of a shell at a place of a script. Layers above another one have what a branch, a function or a subshell changed. */
export interface Environment {
  readonly below?: Environment;
  readonly changed: Map<string, readonly Choice[]>;
  /** Names that a function declares as its own. */
  readonly local?: Set<string>;
  /** `"$@"`. Absent if it isn't known. */
  positional?: readonly ShellWord[] | undefined;
}

const MAX_CHOICES = 8;
const UNKNOWN: readonly Choice[] = ['unknown'];

export function outermostEnvironment(): Environment {
  return { changed: new Map() };
}

export function environmentAbove(below: Environment, isFunction = false): Environment {
  return {
    below,
    changed: new Map(),
    ...(isFunction && { local: new Set<string>() }),
    ...(below.positional && { positional: below.positional }),
  };
}

/** Undefined if the script never sets it. */
export function lookUp(environment: Environment, name: string): readonly Choice[] | undefined {
  for (let at: Environment | undefined = environment; at; at = at.below) {
    const found = at.changed.get(name);
    if (found) return found;
  }
  return undefined;
}

export function assignVariable(environment: Environment, name: string, choices: readonly Choice[]): void {
  const bounded = choices.some((one) => one !== 'unknown' && isTooLong(one))
    ? choices.map((one) => (one !== 'unknown' && isTooLong(one) ? 'unknown' : one))
    : choices;
  environment.changed.set(name, bounded.length > MAX_CHOICES ? UNKNOWN : bounded);
}

/** After branches of which exactly one has run, or possibly none. */
export function joinBranches(below: Environment, branches: readonly Environment[], isOneSure: boolean): void {
  if (branches.some(({ positional }) => positional !== below.positional)) below.positional = undefined;
  const names = new Set<string>();
  for (const { changed } of branches) for (const name of changed.keys()) names.add(name);
  for (const name of names) {
    const before = lookUp(below, name) ?? UNKNOWN;
    const after = new Set<Choice>(isOneSure ? [] : before);
    for (const { changed } of branches) for (const choice of changed.get(name) ?? before) after.add(choice);
    // None is too long: each was assigned before.
    below.changed.set(name, after.size > MAX_CHOICES ? UNKNOWN : [...after]);
  }
}

/** After a function has run. Returns how many variables it has changed. */
export function leaveFunction(below: Environment, { changed, local }: Environment): number {
  let changes = 0;
  for (const [name, choices] of changed) {
    if (local?.has(name)) continue;
    below.changed.set(name, choices);
    changes += 1;
  }
  return changes;
}

/** What the pipeline file sets. A name for template expressions is kept for messages. */
export function setByPipeline(environment: Environment, variables: ReadonlyMap<string, Variable>): void {
  for (const [name, { values }] of variables) {
    if (values.length === 0) continue;
    assignVariable(
      environment,
      name,
      values.map((value) =>
        value === undefined
          ? 'unknown'
          : { words: [value === '' ? [] : [{ text: value, at: -1 }]], isArray: false },
      ),
    );
  }
}
