import { z } from 'zod';
import { configSchema } from '../../src/config/schema.ts';
import { table } from './regions.ts';

type JsonSchema = Exclude<z.core.JSONSchema.BaseSchema, boolean>;

/** For editors: `# yaml-language-server: $schema=...` completes and checks `wrench.yaml` while it is written. */
export function writeJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  return `${JSON.stringify({ ...schema, title: 'wrench.yaml' }, null, 2)}\n`;
}

/** The reference of `wrench.yaml`: one table for the file, one for each kind of source. */
export function configurationTables(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const sources = kindsOf(schema);
  const top = rowsOf(schema, '').filter(([key]) => !key.includes('.sources[].'));
  return [
    table(COLUMNS, top.map(cells)),
    ...sources.flatMap(({ kind, about, schema: source }) => [
      `\n#### \`kind: ${kind}\`\n`,
      ...(about === '' ? [] : [`${about}\n`]),
      table(
        COLUMNS,
        rowsOf(source, '')
          .filter(([key]) => key !== 'kind')
          .map(cells),
      ),
    ]),
  ].join('\n');
}

const COLUMNS = ['key', 'is', 'default', 'what it is for'];

type Need = 'required' | 'one of the ways' | '';
type Row = readonly [key: string, schema: JsonSchema, need: Need];

function cells([key, schema, need]: Row): readonly string[] {
  const byDefault =
    schema.default === undefined || isEmpty(schema.default) ? '' : `\`${JSON.stringify(schema.default)}\``;
  return [
    `\`${key}\``,
    schema['secret'] === true ? `${typeOf(schema)}, secret` : typeOf(schema),
    need === '' ? byDefault : `*${need}*`,
    schema.description ?? '',
  ];
}

/** Every key with its path, parents before their children: `environments.<name>.sources[].paths`. Deprecated keys are left out. */
function rowsOf(schema: JsonSchema, above: string): readonly Row[] {
  const step = above === '' ? '' : `${above}.`;
  const named = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const inner = asSchema(child);
    if (inner.deprecated === true) return [];
    const path = `${step}${key}`;
    return [[path, inner, needOf(schema, key)] as const, ...rowsOf(inner, path)];
  });
  const anyKey = `${step}<${above === 'environments' ? 'name' : 'key'}>`;
  return [
    ...named,
    ...(isSchema(schema.additionalProperties) ? rowsOf(schema.additionalProperties, anyKey) : []),
    ...(isSchema(schema.items) ? rowsOf(schema.items, `${above}[]`) : []),
    ...onlyNew(waysOf(schema, above)),
  ];
}

/** Where a union has several kinds of map, what one of them requires is not required by the others. */
function waysOf(schema: JsonSchema, above: string): readonly Row[] {
  const branches = branchesOf(schema).filter(({ type }) => type === 'object');
  const depth = above === '' ? 1 : above.split('.').length + 1;
  return branches.flatMap((branch) =>
    rowsOf(branch, above).map(([key, inner, need]): Row => {
      const isTop = key.split('.').length === depth;
      return [key, inner, isTop && need === 'required' && branches.length > 1 ? 'one of the ways' : need];
    }),
  );
}

/** Branches of a union may share keys; each is told once. What a branch requires, another may not have. */
function onlyNew(rows: readonly Row[]): readonly Row[] {
  return rows.filter(([key], at) => rows.findIndex(([other]) => other === key) === at);
}

function kindsOf(schema: JsonSchema): readonly { kind: string; about: string; schema: JsonSchema }[] {
  const environment = asSchema(asSchema(schema.properties?.['environments']).additionalProperties);
  const items = asSchema(asSchema(environment.properties?.['sources']).items);
  return branchesOf(items).map((source) => {
    const kind = asSchema(source.properties?.['kind']);
    return { kind: String(kind.const), about: kind.description ?? source.description ?? '', schema: source };
  });
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((word) => `\`${String(word)}\``).join(', ');
  const branches = branchesOf(schema);
  if (branches.length > 0) return [...new Set(branches.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(asSchema(schema.items))}`;
  if (schema.type === 'object') return 'map';
  const words: Record<string, string> = {
    string: 'text',
    integer: 'number',
    number: 'number',
    boolean: 'true or false',
  };
  return words[String(schema.type)] ?? 'anything';
}

function branchesOf(schema: JsonSchema): readonly JsonSchema[] {
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].map(asSchema);
}

function asSchema(value: unknown): JsonSchema {
  return isSchema(value) ? value : {};
}

function isSchema(value: unknown): value is JsonSchema {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function needOf({ required }: JsonSchema, key: string): Need {
  return required?.includes(key) === true ? 'required' : '';
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
