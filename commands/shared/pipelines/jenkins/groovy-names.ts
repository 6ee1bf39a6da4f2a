import type { GroovyVariable } from './groovy-value.ts';

/** Which variable a name means at the place that was reached. Blocks are entered and left in the order of the file. */
export interface GroovyNames {
  readonly enter: () => void;
  readonly leave: () => void;
  /** A name as Groovy sees it, and the environment variable that it means if the file doesn't set it. */
  readonly look: (name: string) => { readonly groovy: GroovyVariable; readonly environment: GroovyVariable };
  readonly lookEnvironment: (name: string) => GroovyVariable;
  readonly declare: (name: string) => GroovyVariable;
  /** In the block around the current one for `environment { … }`, which sets it there. */
  readonly declareEnvironment: (name: string, isInBlockAround: boolean) => GroovyVariable;
}

export function groovyNames(): GroovyNames {
  const groovy = new Map<string, GroovyVariable[]>();
  const environment = new Map<string, GroovyVariable[]>();
  const blocks: GroovyVariable[][][] = [[]];
  let ids = 0;

  function push(
    table: Map<string, GroovyVariable[]>,
    name: string,
    block: GroovyVariable[][],
  ): GroovyVariable {
    const symbol: GroovyVariable = { id: (ids += 1), name, values: [], isSet: false };
    const known = table.get(name) ?? [];
    table.set(name, known);
    known.push(symbol);
    block.push(known);
    return symbol;
  }

  function lookIn(table: Map<string, GroovyVariable[]>, name: string): GroovyVariable {
    const known = table.get(name)?.at(-1);
    if (known) return known;
    const symbol: GroovyVariable = { id: (ids += 1), name, values: [], isSet: false };
    table.set(name, [symbol]);
    return symbol;
  }

  return {
    enter: () => blocks.push([]),
    leave: () => {
      if (blocks.length === 1) return;
      for (const known of blocks.pop()!) known.pop();
    },
    look: (name) => ({ groovy: lookIn(groovy, name), environment: lookIn(environment, name) }),
    lookEnvironment: (name) => lookIn(environment, name),
    declare: (name) => {
      const symbol = push(groovy, name, blocks.at(-1)!);
      symbol.isSet = true;
      return symbol;
    },
    declareEnvironment: (name, isInBlockAround) => {
      const symbol = push(environment, name, blocks.at(isInBlockAround && blocks.length > 1 ? -2 : -1)!);
      symbol.isSet = true;
      return symbol;
    },
  };
}
