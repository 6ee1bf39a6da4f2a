import type { GroovyText, GroovyVariable, Hole } from './groovy-value.ts';
import { isHole } from './groovy-value.ts';

const MAX_DEPTH = 20;
const MAX_VALUES = 10;
const MAX_VALUE_CHARS = 10_000;

/** What the texts of a file are, as far as the file says. */
export interface TextValues {
  /** All texts that a hole may have; undefined for one that only the run knows. */
  readonly of: (hole: Hole) => readonly (string | undefined)[];
  /** Whether it starts a container by itself: it is more than the words `docker run` or a part of them. */
  readonly isCommand: (text: GroovyText) => boolean;
}

/** What a hole may stand for, as the file writes it. Empty for an environment variable that the file doesn't set. */
export function valuesOfHole(hole: Hole, depth = 0): readonly (GroovyText | undefined)[] {
  const { stands } = hole;
  const values = stands.for === 'expression' ? stands.values : valuesOfVariable(variableOf(stands));
  if (values.length > MAX_VALUES || depth > MAX_DEPTH) return [undefined];
  return values.flatMap((value) => {
    const [only, ...more] = value ?? [];
    if (!only || more.length > 0 || !isHole(only)) return [value];
    const inner = valuesOfHole(only, depth + 1);
    return inner.length > 0 && inner.length <= MAX_VALUES ? inner : [undefined];
  });
}

function variableOf(stands: Exclude<Hole['stands'], { for: 'expression' }>): GroovyVariable {
  return stands.for === 'name' && stands.groovy.isSet ? stands.groovy : stands.environment;
}

function valuesOfVariable({ values, isSet }: GroovyVariable): readonly (GroovyText | undefined)[] {
  return isSet && values.length === 0 ? [undefined] : values;
}

export function textValues(): TextValues {
  const known = new Map<GroovyText, readonly (string | undefined)[]>();
  const commands = new Map<GroovyText, boolean>();

  function textsOf(text: GroovyText, depth: number): readonly (string | undefined)[] {
    const before = known.get(text);
    if (before) return before;
    // Unknown while it is read, if it depends on itself.
    known.set(text, [undefined]);
    const [only, ...more] = text;
    const texts = only && more.length === 0 && isHole(only) ? valuesOf(only, depth + 1) : [join(text, depth)];
    known.set(text, texts);
    return texts;
  }

  function join(text: GroovyText, depth: number): string | undefined {
    let joined = '';
    for (const part of text) {
      const own = isHole(part) ? single(valuesOf(part, depth + 1)) : part.text;
      if (own === undefined || joined.length + own.length > MAX_VALUE_CHARS) return undefined;
      joined += own;
    }
    return joined;
  }

  function valuesOf(hole: Hole, depth: number): readonly (string | undefined)[] {
    const values = valuesOfHole(hole);
    if (depth > MAX_DEPTH || values.length > MAX_VALUES) return [undefined];
    const texts = values.flatMap((value) => (value ? textsOf(value, depth) : [undefined]));
    return [...new Set(texts.length > MAX_VALUES ? [undefined] : texts)];
  }

  function isCommand(text: GroovyText): boolean {
    const before = commands.get(text);
    if (before !== undefined) return before;
    const found = textsOf(text, 0).some((one) => one !== undefined && hasCommand(one));
    commands.set(text, found);
    return found;
  }

  return { of: (hole) => valuesOf(hole, 0), isCommand };
}

function single(values: readonly (string | undefined)[]): string | undefined {
  return values.length === 1 ? values[0] : undefined;
}

function hasCommand(text: string): boolean {
  const program = text.search(/\b(?:docker|podman|nerdctl)\b/);
  return program >= 0 && /\s(?:run|create)\s+\S/.test(text.slice(program));
}
