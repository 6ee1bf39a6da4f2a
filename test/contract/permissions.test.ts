import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RemediationsByName } from '../../src/check/define-remediation.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { oldKeys, sourceSchemas } from '../../src/sources/schemas.ts';
import { readText } from './tree.ts';

type JsonSchema = Exclude<z.core.JSONSchema.BaseSchema, boolean>;

const { checks } = await loadCatalogue();
const needed = [...checks].flatMap(([check, { remediations = {} }]) =>
  Object.entries(remediations as RemediationsByName).map(
    ([name, { allow }]) => [`${check}:${name}`, allow] as const,
  ),
);
const sources = sourceSchemas.map((schema) => {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const keys = properties as Readonly<Record<string, JsonSchema>>;
  return { kind: String(keys['kind']?.const), keys };
});
const accepted: readonly string[] = sources.flatMap(({ keys }) =>
  Object.keys(keys['allow']?.properties ?? {}),
);

test.each(needed)(
  '%s needs `allow.%s`, which a source accepts and docs/remediations.md lists',
  (name, permission) => {
    expect(accepted).toContain(permission);
    expect(readText('docs/remediations.md')).toMatch(
      new RegExp(`^\\| \`${name}\` \\|.*\\| \`allow\\.${permission}\` \\|$`, 'm'),
    );
  },
);

test('every permission that a source accepts is needed by a remediation', () => {
  expect(new Set(accepted)).toEqual(new Set(needed.map(([, permission]) => permission)));
});

test('the deprecated keys of a source are those that `allow` replaces', () => {
  const deprecated = sources.flatMap(({ kind, keys }) =>
    Object.entries(keys)
      .filter(([, { deprecated }]) => deprecated)
      .map(([key]) => [kind, key]),
  );

  expect(deprecated).toEqual(
    sources.flatMap(({ kind }) => {
      const old = oldKeys[kind as keyof typeof oldKeys];
      return old ? [[kind, old.key]] : [];
    }),
  );
  expect(sources.filter(({ keys }) => 'allow' in keys).map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(Object.keys(oldKeys)),
  );
});
