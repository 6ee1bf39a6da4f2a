import { z } from 'zod';
import type { ConfigPath } from './problem.ts';

/** What the schema of a setting declares with `.meta`. */
export interface SettingMeta {
  readonly description?: string;
  /** Its value is never shown: not in a log, a report, or an error. */
  readonly secret?: boolean;
  /** It still works, but is neither suggested nor documented. */
  readonly deprecated?: boolean;
}

/** The metadata of a schema, declared before or after `.optional()`, `.default()` and the like. */
export function metaOf(schema: z.ZodType): SettingMeta {
  const inner = innerOf(schema);
  return { ...(inner && metaOf(inner)), ...(schema.meta() as SettingMeta | undefined) };
}

/**
 * The schemas of the value at a path of `value`, as declared and without their wrappers;
 * several if a union allows several, none if the path is unknown.
 */
export function schemasAt(schema: z.ZodType, value: unknown, path: ConfigPath): readonly z.ZodType[] {
  const found = alternatives(schema, value);
  const [step, ...rest] = path;
  if (step === undefined) return [schema, ...found];
  const child = childOf(value, step);
  return found.flatMap((option) =>
    childSchemas(option, step).flatMap((next) => schemasAt(next, child, rest)),
  );
}

/** The keys that an object may have at a path, without deprecated ones. */
export function keysAt(schema: z.ZodType, value: unknown, path: ConfigPath): readonly string[] {
  return schemasAt(schema, value, path).flatMap((found) =>
    found instanceof z.ZodObject
      ? Object.entries(found.shape).flatMap(([key, child]) => (metaOf(child).deprecated ? [] : [key]))
      : [],
  );
}

/** The words that a value at a path may be, if literals or an enum list them. */
export function wordsAt(schema: z.ZodType, value: unknown, path: ConfigPath): readonly string[] {
  const words = schemasAt(schema, value, path).flatMap((found) => {
    if (found instanceof z.ZodLiteral) return [...found.values];
    return found instanceof z.ZodEnum ? found.options : [];
  });
  return [...new Set(words.map(String))];
}

/** Every text of `value` that the schema marks as `secret`. */
export function secretsIn(schema: z.ZodType, value: unknown, secret = false): readonly string[] {
  const hidden = secret || metaOf(schema).secret === true;
  if (typeof value === 'string') {
    const isSecret = hidden || alternatives(schema, value).some((option) => metaOf(option).secret === true);
    return isSecret ? [value] : [];
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.keys(value).flatMap((key) => {
    const step = Array.isArray(value) ? Number(key) : key;
    return alternatives(schema, value).flatMap((option) =>
      childSchemas(option, step).flatMap((next) => secretsIn(next, childOf(value, step), hidden)),
    );
  });
}

/** The schema inside a wrapper; undefined if there is no wrapper. For `transform` and `preprocess`, the schema next to the function. */
function innerOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodPipe)
    return asSchema(schema.in instanceof z.ZodTransform ? schema.out : schema.in);
  if (schema instanceof z.ZodArray || !('unwrap' in schema)) return undefined;
  return (schema as z.ZodOptional<z.ZodType>).unwrap();
}

/** The schema without its wrappers; for a discriminated union, only the options that match the value's discriminator, if any do. */
function alternatives(schema: z.ZodType, value: unknown): readonly z.ZodType[] {
  const inner = innerOf(schema);
  if (inner) return alternatives(inner, value);
  if (!(schema instanceof z.ZodUnion)) return [schema];
  const options = schema.options.map(asSchema);
  const chosen =
    schema instanceof z.ZodDiscriminatedUnion
      ? options.filter((option) => accepts(option, schema.def.discriminator, value))
      : [];
  return (chosen.length > 0 ? chosen : options).flatMap((option) => alternatives(option, value));
}

function accepts(option: z.ZodType, discriminator: string, value: unknown): boolean {
  return alternatives(option, value)
    .flatMap((found) => childSchemas(found, discriminator))
    .some((word) => word.safeParse(childOf(value, discriminator)).success);
}

function childSchemas(schema: z.ZodType, step: PropertyKey): readonly z.ZodType[] {
  if (schema instanceof z.ZodObject)
    return Object.hasOwn(schema.shape, step) ? [asSchema(schema.shape[String(step)])] : [];
  if (schema instanceof z.ZodRecord) return [asSchema(schema.valueType)];
  if (schema instanceof z.ZodArray) return [asSchema(schema.element)];
  return [];
}

/** Members of schemas have the type that Zod and Zod Mini share. */
function asSchema(schema: z.core.$ZodType | undefined): z.ZodType {
  return schema as z.ZodType;
}

function childOf(value: unknown, step: PropertyKey): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, step)
    ? (value as Record<PropertyKey, unknown>)[step]
    : undefined;
}
