import { z } from 'zod';
import type { ConfigPath } from './problem.ts';

type Schema = z.core.$ZodType;

/** What the schema of a setting declares with `.meta`. */
export interface SettingMeta {
  readonly description?: string;
  /** Its value is never shown: not in a log, a report, or an error. */
  readonly secret?: boolean;
}

/** The metadata of a schema, declared before or after `.optional()`, `.default()` and the like. */
export function metaOf(schema: Schema): SettingMeta {
  const inner = innerOf(schema);
  return { ...(inner && metaOf(inner)), ...(z.globalRegistry.get(schema) as SettingMeta | undefined) };
}

/**
 * The schemas of the value at a path of `value`, as declared and without their wrappers;
 * several if a union allows several, none if the path is unknown.
 */
export function schemasAt(schema: Schema, value: unknown, path: ConfigPath): readonly Schema[] {
  const found = alternatives(schema, value);
  const [step, ...rest] = path;
  if (step === undefined) return [schema, ...found];
  const child = childOf(value, step);
  return found.flatMap((option) =>
    childSchemas(option, step).flatMap((next) => schemasAt(next, child, rest)),
  );
}

/** The keys that an object may have at a path. */
export function keysAt(schema: Schema, value: unknown, path: ConfigPath): readonly string[] {
  return schemasAt(schema, value, path).flatMap((found) => {
    const {
      _zod: { def },
    } = found;
    return def.type === 'object' ? Object.keys((def as z.core.$ZodObjectDef).shape) : [];
  });
}

/** Every text of `value` that the schema marks as `secret`. */
export function secretsIn(schema: Schema, value: unknown, secret = false): readonly string[] {
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

function innerOf({ _zod }: Schema): Schema | undefined {
  const def = _zod.def as { innerType?: Schema; in?: Schema; getter?: () => Schema };
  return def.innerType ?? def.in ?? def.getter?.();
}

/** The schema without its wrappers; of a discriminated union only the options that the value's own word allows, if it has one. */
function alternatives(schema: Schema, value: unknown): readonly Schema[] {
  const inner = innerOf(schema);
  if (inner) return alternatives(inner, value);
  const {
    _zod: { def },
  } = schema;
  if (def.type !== 'union') return [schema];
  const { options, discriminator } = def as z.core.$ZodUnionDef & { discriminator?: string };
  const word = discriminator === undefined ? undefined : childOf(value, discriminator);
  const chosen = options.filter(
    ({ _zod }) => discriminator !== undefined && _zod.propValues?.[discriminator]?.has(word as string),
  );
  return (chosen.length > 0 ? chosen : options).flatMap((option) => alternatives(option, value));
}

function childSchemas({ _zod: { def } }: Schema, step: PropertyKey): readonly Schema[] {
  if (def.type === 'object') {
    const { shape } = def as z.core.$ZodObjectDef;
    const child = Object.hasOwn(shape, step) ? shape[String(step)] : undefined;
    return child ? [child] : [];
  }
  if (def.type === 'record') return [(def as z.core.$ZodRecordDef).valueType];
  if (def.type === 'array') return [(def as z.core.$ZodArrayDef).element];
  return [];
}

function childOf(value: unknown, step: PropertyKey): unknown {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, step)
    ? (value as Record<PropertyKey, unknown>)[step]
    : undefined;
}
