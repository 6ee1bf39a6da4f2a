/** `npm run generate`: writes the files and tables that are derived from declarations and schemas. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeArtefacts } from './artefacts.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

for (const [path, content] of await makeArtefacts()) {
  const before = existsSync(`${ROOT}${path}`) ? readFileSync(`${ROOT}${path}`, 'utf8') : undefined;
  if (before === content) continue;
  writeFileSync(`${ROOT}${path}`, content);
  process.stdout.write(`written: ${path}\n`);
}
