import { readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Config, readConfig } from '../../src/config/read-config.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';

/**
 * The configuration files of 0.2: those in its documentation, verbatim, and one with the sources of its
 * tests. Each old permission is listed with its current form.
 */
const FILES: Readonly<Record<string, readonly (readonly [old: string, today: string])[]>> = {
  'readme-first.yaml': [],
  'readme-fixes.yaml': [
    [
      `act: { auth: { client: { id: wrench-act, secret: '\${BOSH_ACT_SECRET}' } }, restart: ['doppler*'] }`,
      `allow: { restart: { groups: ['doppler*'], auth: { client: { id: wrench-act, secret: '\${BOSH_ACT_SECRET}' } } } }`,
    ],
  ],
  'kubernetes.yaml': [],
  'example.yaml': [
    [
      `renew: { auth: { token: '\${VAULT_RENEW_TOKEN}' }, paths: [secret/cf] }`,
      `allow: { renew: { paths: [secret/cf], auth: { token: '\${VAULT_RENEW_TOKEN}' } } }`,
    ],
    ['maintain: true', 'allow: { maintain: true }'],
    [
      `act: { auth: { client: { id: wrench-act, secret: '\${BOSH_ACT_SECRET}' } }, restart: ['doppler*', 'loggregator*'] }`,
      `allow: { restart: { groups: ['doppler*', 'loggregator*'], auth: { client: { id: wrench-act, secret: '\${BOSH_ACT_SECRET}' } } } }`,
    ],
    ['restart: [metron_agent]', 'allow: { restart: { processes: [metron_agent] } }'],
  ],
  'from-tests.yaml': [
    ['maintain: true', 'allow: { maintain: true }'],
    ['maintain: false', 'allow: {}'],
    [
      `act: { auth: { basic: { username: admin, password: '\${BOSH_PASSWORD}' } }, restart: ['doppler*'] }`,
      `allow: { restart: { groups: ['doppler*'], auth: { basic: { username: admin, password: '\${BOSH_PASSWORD}' } } } }`,
    ],
    [
      `act: { auth: { client: { id: admin, secret: '\${BOSH_SECRET}' } }, restart: ['*'], skipDrain: [doppler_z2, 'doppler_z3*'] }`,
      `allow: { restart: { groups: ['*'], auth: { client: { id: admin, secret: '\${BOSH_SECRET}' } }, skipDrain: [doppler_z2, 'doppler_z3*'] } }`,
    ],
    ['restart: [doppler, metron_agent]', 'allow: { restart: { processes: [doppler, metron_agent] } }'],
    ['restart: []', 'allow: {}'],
    ['restart: [doppler]', 'allow: { restart: { processes: [doppler] } }'],
    ['renew: {}', 'allow: { renew: {} }'],
    [
      'renew: { auth: { kubernetes: { role: writer } }, paths: [/secret/cf/bbs/] }',
      'allow: { renew: { paths: [/secret/cf/bbs/], auth: { kubernetes: { role: writer } } } }',
    ],
    ['renew: { paths: [secret/cf/bbs] }', 'allow: { renew: { paths: [secret/cf/bbs] } }'],
  ],
};

const VARIABLES = Object.fromEntries(
  [
    'BOSH_ACT_SECRET',
    'BOSH_PASSWORD',
    'BOSH_SECRET',
    'ETCD_PASSWORD',
    'MONIT_PASSWORD',
    'P12',
    'VAULT_RENEW_TOKEN',
    'VAULT_SECRET_ID',
    'VAULT_STAGE_SECRET_ID',
    'VAULT_TOKEN',
  ].map((name) => [name, `value of ${name}`]),
);
const { checks } = await loadCatalogue();

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'wrench-0.2-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string): Config {
  const path = join(folder, 'wrench.yaml');
  writeFileSync(path, text);
  return readConfig(path, VARIABLES, { checks });
}

/** The file with some keys of its sources replaced by others; those keys are YAML. */
function replaceKeys(
  text: string,
  newKeysOf: (path: string, key: string, value: unknown) => string | undefined,
): string {
  const file = parse(text, { merge: true }) as { environments: Record<string, { sources: object[] }> };
  for (const [environment, { sources }] of Object.entries(file.environments))
    for (const [index, source] of sources.entries())
      sources[index] = Object.fromEntries(
        Object.entries(source).flatMap(([key, value]: [string, unknown]) => {
          const newKeys = newKeysOf(`environments.${environment}.sources[${index}].${key}`, key, value);
          return newKeys === undefined ? [[key, value]] : Object.entries(parse(newKeys) as object);
        }),
      );
  return JSON.stringify(file);
}

const files = Object.entries(FILES).map(([name, forms]) => ({
  name,
  forms,
  text: readFileSync(new URL(`config-0.2/${name}`, import.meta.url), 'utf8'),
}));

test.each(files)('$name is read in the current form, without deprecated keys', ({ text, forms }) => {
  const today = new Map(forms.map(([old, form]) => [JSON.stringify(parse(old)), form]));
  const replaced = new Set<string>();
  const rewritten = replaceKeys(text, (_, key, value) => {
    const old = JSON.stringify({ [key]: value });
    if (today.has(old)) replaced.add(old);
    return today.get(old);
  });
  const { deprecated, ...config } = read(text);

  expect([...replaced]).toEqual([...today.keys()]);
  expect(config).toEqual(read(rewritten));
  expect(deprecated?.problems.length ?? 0).toBe(forms.length);
});

test.each(files)('$name can be converted by pasting what the doctor suggests', ({ text }) => {
  const { deprecated, ...config } = read(text);
  const pasted = new Map(
    (deprecated?.problems ?? []).map(({ path, hint = '' }) => [path, /`(.*)`/.exec(hint)?.[1] ?? '{}']),
  );

  expect(read(replaceKeys(text, (path) => pasted.get(path)))).toEqual(config);
});
