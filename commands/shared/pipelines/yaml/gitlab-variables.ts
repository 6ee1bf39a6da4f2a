import type { Variable } from '../script.ts';
import { expandReferences } from '../expand-references.ts';
import type { Values } from '../template-expressions.ts';
import { sequenceItems, textAt, valueAt, type Yaml, type YamlMap } from './read-yaml.ts';

/** The variables of a job that its files set. Rules and a matrix add further values to them. */
export function gitlabVariables(
  job: YamlMap,
  global: Yaml | undefined,
  workflow: Yaml | undefined,
): ReadonlyMap<string, Variable> {
  const values = new Map<string, Values>();
  const inherit = valueAt(job, 'inherit', 'variables');
  const inherited = sequenceItems(inherit).map((item) => (item.kind === 'text' ? item.value : ''));
  const isInherited = (name: string) =>
    inherit === undefined || (inherit.kind === 'text' ? inherit.value !== 'false' : inherited.includes(name));
  for (const [name, value] of variablesOf(global)) if (isInherited(name)) values.set(name, [value]);
  for (const [name, value] of variablesOf(valueAt(job, 'variables'))) values.set(name, [value]);
  for (const rule of [...sequenceItems(valueAt(workflow, 'rules')), ...sequenceItems(valueAt(job, 'rules'))])
    for (const [name, value] of variablesOf(valueAt(rule, 'variables')))
      values.set(name, [...(values.get(name) ?? [undefined]), value]);
  addMatrix(values, sequenceItems(valueAt(job, 'parallel', 'matrix')));
  return new Map([...values].map(([name, all]) => [name, { values: expandReferences(all, values) }]));
}

function variablesOf(node: Yaml | undefined): readonly (readonly [string, string | undefined])[] {
  if (node?.kind !== 'map') return [];
  return [...node.entries].map(([name, { value }]) => [
    name,
    value.kind === 'text' ? value.value : textAt(value, 'value'),
  ]);
}

function addMatrix(values: Map<string, Values>, rows: readonly Yaml[]): void {
  const names = new Set(rows.flatMap((row) => (row.kind === 'map' ? [...row.entries.keys()] : [])));
  for (const name of names) {
    const before = values.get(name) ?? [undefined];
    const all = rows.flatMap((row) => {
      const cell = valueAt(row, name);
      if (!cell) return before;
      return sequenceItems(cell).map((item) => (item.kind === 'text' ? item.value : undefined));
    });
    values.set(name, [...new Set(all)]);
  }
}
