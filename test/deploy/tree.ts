import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function readText(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

/** A section of a document, without its heading. @throws Error if there is none. */
export function readSection(path: string, title: string): string {
  const section = readText(path)
    .split(/^## /m)
    .find((text) => text.startsWith(`${title}\n`));
  if (section === undefined) throw new Error(`${path} has no section "${title}"`);
  return section.slice(title.length);
}

/** The contents of the code blocks in a language. */
export function codeBlocks(text: string, language: string): readonly string[] {
  const blocks = text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm);
  return [...blocks].filter(([, , of]) => of === language).map(([, , , block = '']) => block);
}

export function readEnv(path: string): Readonly<Record<string, string | undefined>> {
  return parseEnv(readText(path));
}

/** One YAML document, with `<<` merged as Compose does. */
export function readYaml(path: string): unknown {
  return parse(readText(path), { merge: true });
}

/** All documents of a file. Throws if one is invalid. */
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

/** The variables that only the bot, or only the worker, may have. */
export const SLACK_SECRETS = ['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_SIGNING_SECRET'] as const;

/** A value for each `${VARIABLE}` in a configuration that has no default. */
export function fillIn(yaml: string): Readonly<Record<string, string>> {
  const lines = yaml.split('\n').filter((line) => !/^\s*#/.test(line));
  const names = [...lines.join('\n').matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name = '']) => name);
  return Object.fromEntries(names.map((name) => [name, `not-a-secret-${name}`]));
}
