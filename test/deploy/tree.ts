import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function readText(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

export function readEnv(path: string): Readonly<Record<string, string | undefined>> {
  return parseEnv(readText(path));
}

/** One YAML document, with `<<` as Compose reads it. */
export function readYaml(path: string): unknown {
  return parse(readText(path), { merge: true });
}

/** All documents of a file; a mistake in any of them is thrown. */
export function readAllYaml(path: string): readonly unknown[] {
  return parseAllDocuments(readText(path)).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS() as unknown;
  });
}

export function filesIn(folder: string): readonly string[] {
  return readdirSync(`${ROOT}${folder}`).toSorted();
}

/** The names of what only Slack's side, or only the infrastructure's side, may hold. */
export const SLACK_SECRETS = ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_SIGNING_SECRET'] as const;

/** Something for each `${VARIABLE}` that a configuration names and gives no default. */
export function fillIn(yaml: string): Readonly<Record<string, string>> {
  const lines = yaml.split('\n').filter((line) => !/^\s*#/.test(line));
  const names = [...lines.join('\n').matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name = '']) => name);
  return Object.fromEntries(names.map((name) => [name, `not-a-secret-${name}`]));
}
