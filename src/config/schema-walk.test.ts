import { expect, test } from 'vitest';
import { z } from 'zod';
import { keysAt, metaOf, secretsIn, wordsAt } from './schema-walk.ts';

const secret = z.string().meta({ secret: true });
const object = z.strictObject({ token: secret, name: z.string() });
const value = { token: 'hunter2', name: 'edge' };

test.each<[string, z.ZodType]>([
  ['an object', object],
  ['an optional', object.optional()],
  ['an exact optional', object.exactOptional()],
  ['a default', object.prefault(value)],
  ['a refinement', object.refine(() => true)],
  ['a transform', object.transform(() => 0)],
  ['a preprocess', z.preprocess((given) => given, object)],
  ['a lazy schema', z.lazy(() => object)],
  ['a readonly', object.readonly()],
  ['a union', z.union([z.string(), object])],
])('finds the secret in %s', (_, schema) => {
  expect(secretsIn(z.strictObject({ list: z.array(schema) }), { list: [value] })).toEqual(['hunter2']);
  const keys = keysAt(z.record(z.string(), schema), { any: value }, ['any']);
  expect([...new Set(keys)]).toEqual(['token', 'name']);
});

test('considers only the option of a discriminated union that the value names', () => {
  const union = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('open'), code: z.string() }),
    z.strictObject({ kind: z.enum(['closed', 'locked']), code: secret }),
  ]);

  expect(secretsIn(union, { kind: 'open', code: '1' })).toEqual([]);
  expect(secretsIn(union, { kind: 'locked', code: '2' })).toEqual(['2']);
  expect(secretsIn(union, { kind: 'misspelled', code: '3' })).toEqual(['3']);
  expect(wordsAt(union, { kind: 'misspelled' }, ['kind'])).toEqual(['open', 'closed', 'locked']);
});

test('reads metadata before and after a wrapper; the outer one wins', () => {
  const inner = z.string().meta({ description: 'inner', secret: true });

  expect(metaOf(inner.exactOptional())).toMatchObject({ description: 'inner', secret: true });
  expect(metaOf(inner.exactOptional().meta({ description: 'outer' }))).toMatchObject({
    description: 'outer',
    secret: true,
  });
});
