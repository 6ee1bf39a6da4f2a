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
  '%s is up to date with the schema (npm run generate)',
  async (path) => {
    const { is, shouldBe } = await generated(path);

    expect(is).toBe(shouldBe);
  },
);

test('an unchanged copy of .env.example is a valid environment', () => {
  expect(() => readEnvironment(parseEnv(readText('.env.example')))).not.toThrow();
});

test('the example wrench.yaml is valid for the checks in the catalogue and has every kind of source', async () => {
  const { checks } = await loadCatalogue();
  const variables = {
    VAULT_TOKEN: 'token-from-env',
    OPSMAN_CLIENT_SECRET: 'secret-from-env',
    VAULT_RENEW_TOKEN: 'renew-token-from-env',
    VAULT_STAGE_SECRET_ID: 'secret-id-from-env',
    CREDHUB_SECRET: 'credhub-secret-from-env',
    CREDHUB_RENEW_SECRET: 'credhub-renew-secret-from-env',
    BOSH_SECRET: 'bosh-secret-from-env',
    BOSH_ACT_SECRET: 'bosh-act-secret-from-env',
    MONIT_PASSWORD: 'monit-password-from-env',
    OPENSTACK_SECRET: 'openstack-secret-from-env',
    OPENSTACK_CHANGE_SECRET: 'openstack-change-secret-from-env',
    NOVA_DB_PASSWORD: 'nova-db-password-from-env',
    RABBITMQ_PASSWORD: 'rabbitmq-password-from-env',
    RABBITMQ_PURGE_PASSWORD: 'rabbitmq-purge-password-from-env',
    PUSH_TOKEN: 'push-token-from-env',
    GITHUB_TOKEN: 'github-token-from-env',
    GITHUB_PROPOSE_TOKEN: 'github-propose-token-from-env',
    GITLAB_TOKEN: 'gitlab-token-from-env',
    GITLAB_PROPOSE_TOKEN: 'gitlab-propose-token-from-env',
  };

  const config = readConfig(`${ROOT}deploy/examples/wrench.yaml`, variables, { checks });

  const sources = Object.values(config.environments).flatMap((environment) => environment.sources);
  const kinds = new Set<unknown>();
  walk(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }), '', (path, schema) => {
    if (path.endsWith('.sources.kind')) kinds.add(schema['const']);
  });
  expect(kinds.size).toBeGreaterThan(1);
  expect(new Set<unknown>(sources.map(({ kind }) => kind))).toEqual(kinds);
  expect(config).not.toHaveProperty('deprecated');
  expect(config.secrets).toEqual(expect.arrayContaining(Object.values(variables)));
});

test('every setting has a description, and every setting named like a secret is marked as one', () => {
  const undescribed: string[] = [];
  const unmarked: string[] = [];
  walk(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }), '', (path, schema) => {
    if (schema['description'] === undefined) undescribed.push(path);
    if (/(token|password|passphrases?|secret|secretId)$/i.test(path) && schema['secret'] !== true)
      unmarked.push(path);
  });
  const variables = Object.entries(settingsSchema.shape).map(([name, schema]) => ({
    name,
    ...metaOf(schema),
  }));
  undescribed.push(
    ...variables.filter(({ description }) => description === undefined).map(({ name }) => name),
  );
  unmarked.push(
    ...variables
      .filter(({ name, secret }) => /TOKEN|SECRET|PASSWORD/.test(name) && secret !== true)
      .map(({ name }) => name),
  );

  expect({ undescribed, unmarked }).toEqual({ undescribed: [], unmarked: [] });
});

/** Calls `visit` for every named key of a JSON schema. */
function walk(
  schema: unknown,
  path: string,
  visit: (path: string, schema: Record<string, unknown>) => void,
): void {
  if (schema === null || typeof schema !== 'object') return;
  for (const [word, inner] of Object.entries(schema)) {
    if (word !== 'properties') walk(inner, path, visit);
    else
      for (const [key, child] of Object.entries(inner as Record<string, Record<string, unknown>>)) {
        visit(`${path}.${key}`, child);
        walk(child, `${path}.${key}`, visit);
      }
  }
}
