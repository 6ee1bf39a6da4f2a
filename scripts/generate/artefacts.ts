import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { checkTable, commandTable, remediationTable } from './commands.ts';
import { configurationReference, writeJsonSchema } from './configuration.ts';
import { environmentTable, writeEnvExample } from './environment.ts';
import { exampleRegions } from './examples.ts';
import { writeManifest } from './manifest.ts';
import { layerTable } from './layers.ts';
import { logEventTable } from './log-events.ts';
import { fillRegion, regionsOf } from './regions.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Documents with generated regions. */
const DOCUMENTS = [
  'README.md',
  'commands/README.md',
  'docs/architecture.md',
  'docs/checks.md',
  'docs/configuration.md',
  'docs/digests.md',
  'docs/operations.md',
  'docs/remediations.md',
];

/** Every file that `npm run generate` writes, by its path from the root of the repository, with its up-to-date content. */
export async function makeArtefacts(): Promise<ReadonlyMap<string, string>> {
  const catalogue = await loadCatalogue();
  const regions: Readonly<Record<string, () => string>> = {
    commands: () => commandTable(catalogue),
    checks: () => checkTable(catalogue),
    remediations: () => remediationTable(catalogue),
    environment: environmentTable,
    configuration: configurationReference,
    layers: layerTable,
    'log-events': logEventTable,
    ...exampleRegions(),
  };
  return new Map([
    ['.env.example', writeEnvExample()],
    ['deploy/slack-manifest.yaml', writeManifest(catalogue, 'socket')],
    ['deploy/slack-manifest.http.yaml', writeManifest(catalogue, 'http')],
    ['deploy/examples/wrench.schema.json', writeJsonSchema()],
    ...DOCUMENTS.filter((path) => existsSync(`${ROOT}${path}`)).map(
      (path) => [path, fillAll(readFileSync(`${ROOT}${path}`, 'utf8'), regions, path)] as const,
    ),
  ]);
}

function fillAll(text: string, regions: Readonly<Record<string, () => string>>, path: string): string {
  return regionsOf(text).reduce((filled, name) => {
    const write = regions[name];
    if (!write)
      throw new Error(`${path}: unknown region \`${name}\`. Available: ${Object.keys(regions).join(', ')}`);
    return fillRegion(filled, name, write());
  }, text);
}
