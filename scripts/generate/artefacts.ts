import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { checkTable, commandTable, remediationTable } from './commands.ts';
import { configurationTables, writeJsonSchema } from './configuration.ts';
import { environmentTable, writeEnvExample } from './environment.ts';
import { writeManifest } from './manifest.ts';
import { layerTable } from './layers.ts';
import { fillRegion, regionsOf } from './regions.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Everything that is written by `npm run generate`, by its path from the root of the repository, as it should be now. */
export async function makeArtefacts(): Promise<ReadonlyMap<string, string>> {
  const catalogue = await loadCatalogue();
  const regions: Readonly<Record<string, () => string>> = {
    commands: () => commandTable(catalogue),
    checks: () => checkTable(catalogue),
    remediations: () => remediationTable(catalogue),
    environment: environmentTable,
    configuration: configurationTables,
    layers: layerTable,
  };
  const documents = ['README.md', 'commands/README.md', 'docs/architecture.md'].filter((path) =>
    existsSync(`${ROOT}${path}`),
  );
  return new Map([
    ['.env.example', writeEnvExample()],
    ['deploy/slack-manifest.yaml', writeManifest(catalogue, 'socket')],
    ['deploy/slack-manifest.http.yaml', writeManifest(catalogue, 'http')],
    ['deploy/examples/wrench.schema.json', writeJsonSchema()],
    ...documents.map(
      (path) => [path, fillAll(readFileSync(`${ROOT}${path}`, 'utf8'), regions, path)] as const,
    ),
  ]);
}

function fillAll(text: string, regions: Readonly<Record<string, () => string>>, path: string): string {
  return regionsOf(text).reduce((filled, name) => {
    const write = regions[name];
    if (!write)
      throw new Error(
        `${path}: nothing generates a region \`${name}\`; there is ${Object.keys(regions).join(', ')}`,
      );
    return fillRegion(filled, name, write());
  }, text);
}
