import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { readConfig, readEnvironment } from '../../src/config/read-config.ts';
import { configSchema } from '../../src/config/schema.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { metaOf } from '../../src/config/schema-walk.ts';
import { generated } from './generated.ts';
import { readText, ROOT } from './tree.ts';

test.each(['.env.example', 'deploy/examples/wrench.schema.json'])(
  '%s is what the schema gives (npm run generate)',
  async (path) => {
    const { is, shouldBe } = await generated(path);

    expect(is).toBe(shouldBe);
  },
);

test('.env.example, copied and not filled in, is a valid environment', () => {
  expect(() => readEnvironment(parseEnv(readText('.env.example')))).not.toThrow();
});

test('the example of wrench.yaml is valid, shows every kind of source, and fits the checks there are', async () => {
  const { checks } = await loadCatalogue();
  const variables = {
    VAULT_TOKEN: 'token-from-env',
    VAULT_RENEW_TOKEN: 'renew-token-from-env',
    VAULT_STAGE_SECRET_ID: 'secret-id-from-env',
    BOSH_SECRET: 'bosh-secret-from-env',
    BOSH_ACT_SECRET: 'bosh-act-secret-from-env',
    MONIT_PASSWORD: 'monit-password-from-env',
  };

  const config = readConfig(`${ROOT}deploy/examples/wrench.yaml`, variables, { checks });

  const sources = Object.values(config.environments).flatMap((environment) => environment.sources);
  const kinds = configSchema.shape.environments.valueType.shape.sources.element.options.map(
    ({ shape }) => shape.kind.value,
  );
  expect([...new Set(sources.map(({ kind }) => kind))].toSorted()).toEqual(kinds.toSorted());
  expect(config.secrets).toEqual(expect.arrayContaining(Object.values(variables)));
});

test('every setting says what it is for, and what sounds like a secret is marked as one', () => {
  const untold: string[] = [];
  const open: string[] = [];
  walk(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }), '', (path, schema) => {
    if (schema['description'] === undefined) untold.push(path);
    if (/(token|password|passphrases?|secret|secretId)$/i.test(path) && schema['secret'] !== true)
      open.push(path);
  });
  const variables = Object.entries(settingsSchema.shape).map(([name, schema]) => ({
    name,
    ...metaOf(schema),
  }));
  untold.push(...variables.filter(({ description }) => description === undefined).map(({ name }) => name));
  open.push(
    ...variables
      .filter(({ name, secret }) => /TOKEN|SECRET|PASSWORD/.test(name) && secret !== true)
      .map(({ name }) => name),
  );

  expect({ untold, open }).toEqual({ untold: [], open: [] });
});

/** Calls `told` for every named key of a JSON schema. */
function walk(
  schema: unknown,
  path: string,
  told: (path: string, schema: Record<string, unknown>) => void,
): void {
  if (schema === null || typeof schema !== 'object') return;
  for (const [word, inner] of Object.entries(schema)) {
    if (word !== 'properties') walk(inner, path, told);
    else
      for (const [key, child] of Object.entries(inner as Record<string, Record<string, unknown>>)) {
        told(`${path}.${key}`, child);
        walk(child, `${path}.${key}`, told);
      }
  }
}
