import { z } from 'zod';
import { configSchema } from '../../src/config/schema.ts';
import { table } from './regions.ts';

type JsonSchema = Exclude<z.core.JSONSchema.BaseSchema, boolean>;

/** For editors: `# yaml-language-server: $schema=...` completes and validates `wrench.yaml` while someone writes it. */
export function writeJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  return `${JSON.stringify({ ...schema, title: 'wrench.yaml' }, null, 2)}\n`;
}

/**
 * The reference of `wrench.yaml`: a list of the top-level keys, then a section for each key and for each kind of source.
 * The headings are the keys, so links such as `#limits` and `#kind-tls` stay valid.
 */
export function configurationReference(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const top = keysOf(schema, '');
  const contents = top.map(([key, { description = '' }, need]) => [
    `[\`${key}\`](#${key.toLowerCase()})`,
    need === '' ? description : `*Required.* ${description}`,
  ]);
  return [
    table(['key', 'description'], contents),
    ...top.flatMap((row) => [...sectionOf(row), ...(row[0] === 'environments' ? sourcesOf(schema) : [])]),
  ].join('\n');
}

const COLUMNS = ['key', 'type', 'default', 'description'];

/** What the table of a key leaves out: each kind of source has its own. */
const IN_SOURCES = '.sources[].';

type Need = 'required' | 'one required' | '';
type Row = readonly [key: string, schema: JsonSchema, need: Need];

function sectionOf([key, schema]: Row): readonly string[] {
  const { description = '' } = schema;
  const below = rowsOf(schema, key).filter(([inner]) => !inner.includes(IN_SOURCES));
  return [
    `\n### \`${key}\`\n`,
    description,
    ...(below.length > 0
      ? ['', table(COLUMNS, below.map(cells))]
      : [`\nType: ${typeOf(schema)}${entriesOf(schema)}.`]),
  ];
}

/** What the values of a map are, if they have no keys of their own. */
function entriesOf({ additionalProperties: values }: JsonSchema): string {
  return isSchema(values) ? ` of ${plural(typeOf(values))}` : '';
}

function sourcesOf(schema: JsonSchema): readonly string[] {
  const kinds = kindsOf(schema);
  const links = kinds.map(({ kind }) => `[\`${kind}\`](#kind-${kind})`);
  return [
    `\nEach source has a \`kind\`: ${links.join(', ')}. The keys of each kind follow.`,
    ...kinds.flatMap(sourceSection),
  ];
}

function sourceSection({ kind, about, schema: source }: SourceKind): readonly string[] {
  return [
    `\n#### \`kind: ${kind}\`\n`,
    ...(about === '' ? [] : [`${about}\n`]),
    table(
      COLUMNS,
      rowsOf(source, '')
        .filter(([key]) => key !== 'kind')
        .map(cells),
    ),
  ];
}

function cells([key, schema, need]: Row): readonly string[] {
  const byDefault =
    schema.default === undefined || isEmpty(schema.default) ? '' : `\`${JSON.stringify(schema.default)}\``;
  return [
    `\`${key}\``,
    `${typeOf(schema)}${rangeOf(schema)}${schema['secret'] === true ? ', secret' : ''}`,
    need === '' ? byDefault : `*${need}*`,
    schema.description ?? '',
  ];
}

/** Every key with its path, parents before their children: `environments.<name>.sources[].paths`. Deprecated keys are left out. */
function rowsOf(schema: JsonSchema, above: string): readonly Row[] {
  const step = above === '' ? '' : `${above}.`;
  const named = keysOf(schema, above).flatMap((row) => [row, ...rowsOf(row[1], row[0])]);
  const anyKey = `${step}<${NAMED.has(above) ? 'name' : 'key'}>`;
  return [
    ...named,
    ...(isSchema(schema.additionalProperties) ? rowsOf(schema.additionalProperties, anyKey) : []),
    ...(isSchema(schema.items) ? rowsOf(schema.items, `${above}[]`) : []),
    ...onlyNew(branchRows(schema, above)),
  ];
}

/** Maps whose keys are names that the user chooses or, for commands, that Wrench has. */
const NAMED: ReadonlySet<string> = new Set(['environments', 'digests', 'commands']);

function keysOf(schema: JsonSchema, above: string): readonly Row[] {
  const step = above === '' ? '' : `${above}.`;
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]): readonly Row[] => {
    const inner = asSchema(child);
    return inner.deprecated === true ? [] : [[`${step}${key}`, inner, needOf(schema, key)]];
  });
}

/** A union of several kinds of map requires the keys of one of them only. */
function branchRows(schema: JsonSchema, above: string): readonly Row[] {
  const branches = branchesOf(schema).filter(({ type }) => type === 'object');
  const depth = above === '' ? 1 : above.split('.').length + 1;
  return branches.flatMap((branch) =>
    rowsOf(branch, above).map(([key, inner, need]): Row => {
      const isTop = key.split('.').length === depth;
      return [key, inner, isTop && need === 'required' && branches.length > 1 ? 'one required' : need];
    }),
  );
}

/** Branches of a union may share keys; each is listed once. */
function onlyNew(rows: readonly Row[]): readonly Row[] {
  return rows.filter(([key], at) => rows.findIndex(([other]) => other === key) === at);
}

interface SourceKind {
  readonly kind: string;
  readonly about: string;
  readonly schema: JsonSchema;
}

function kindsOf(schema: JsonSchema): readonly SourceKind[] {
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
  if (schema.type === 'array') return `list of ${plural(typeOf(asSchema(schema.items)))}`;
  if (schema.type === 'object') return 'map';
  return typeof schema.type === 'string' ? schema.type : 'any';
}

/** `list of strings or maps`; words in backticks stay as they are. */
function plural(type: string): string {
  return type.replaceAll(/\b(string|map|number|integer|boolean)\b/g, '$1s');
}

/** ` (1 to 100)`. JSON Schema has bounds for every integer, those of JavaScript if the setting has none. */
function rangeOf({ type, minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const most = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const least = minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? undefined : minimum;
  if (type === 'integer' && typeof exclusiveMinimum === 'number')
    return rangeOf({ minimum: exclusiveMinimum + 1, ...(maximum !== undefined && { maximum }) });
  if (exclusiveMinimum !== undefined)
    return most === undefined
      ? ` (more than ${exclusiveMinimum})`
      : ` (more than ${exclusiveMinimum}, at most ${most})`;
  if (least !== undefined) return most === undefined ? ` (at least ${least})` : ` (${least} to ${most})`;
  return most === undefined ? '' : ` (at most ${most})`;
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
