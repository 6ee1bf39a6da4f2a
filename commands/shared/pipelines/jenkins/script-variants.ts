import type { ComposedScript, ScriptComposer } from './compose-script.ts';
import { type GroovyText, type Hole, isHole } from './groovy-value.ts';
import type { ShellStep } from './pipeline-tree.ts';
import { type TextValues, valuesOfHole } from './text-values.ts';

interface UnknownScript {
  readonly because: string;
}

const MAX_VARIANTS = 10;
const MAX_DEPTH = 10;

/** All scripts that a step may run: more than one if it is given a variable with several values. */
export function composeVariants(
  { step, text, environment }: ShellStep,
  composer: ScriptComposer,
  texts: TextValues,
): readonly (ComposedScript | UnknownScript)[] {
  const unknown = (what?: string): UnknownScript => ({
    because: `the script of \`${step}\` ${what === undefined ? "can't be read from the file" : `is \`${what}\`, which the file doesn't set to a text`}`,
  });
  const variants: (ComposedScript | UnknownScript)[] = [];
  const add = (value: GroovyText | undefined, from: Hole | undefined, depth: number): void => {
    if (variants.length > MAX_VARIANTS) return;
    const hole = value && onlyHole(value);
    const divided = value && !hole ? divideCommands(value, texts) : undefined;
    if (!value || depth > MAX_DEPTH || variants.length === MAX_VARIANTS)
      variants.push(unknown(from && composer.shown(from)));
    else if (hole) {
      const values = valuesOfHole(hole);
      for (const one of values.length > 0 && values.length <= MAX_VARIANTS ? values : [undefined]) {
        add(one, hole, depth + 1);
      }
    } else if (divided) {
      for (const one of divided) add(one, undefined, depth + 1);
    } else variants.push(composer.compose(value, environment) ?? unknown());
  };
  add(text, undefined, 0);
  return variants;
}

/** The same text with each value of a variable that may be a whole command. */
function divideCommands(text: GroovyText, texts: TextValues): readonly GroovyText[] | undefined {
  for (const [index, part] of text.entries()) {
    const values = isHole(part) ? valuesOfHole(part) : [];
    if (values.length < 2 || values.length > MAX_VARIANTS) continue;
    if (!values.some((value) => value && texts.isCommand(value))) continue;
    return values.map((value) => [
      ...text.slice(0, index),
      ...(value ?? [withoutValues(part)]),
      ...text.slice(index + 1),
    ]);
  }
  return undefined;
}

/** Stands for another value than those that are known. */
function withoutValues(part: GroovyText[number]): GroovyText[number] {
  return isHole(part) ? { ...part, stands: { for: 'expression', values: [undefined] } } : part;
}

/** The one hole that is the whole text. */
function onlyHole(text: GroovyText): Hole | undefined {
  if (text.length > 3) return undefined;
  const holes = text.filter(isHole);
  const isBlank = text.every((part) => isHole(part) || part.text.trim() === '');
  return holes.length === 1 && isBlank ? holes[0] : undefined;
}
