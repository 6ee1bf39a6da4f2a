import { MODULES } from '../../test/contract/layers.ts';
import { table } from './regions.ts';

/** The layers of `docs/architecture.md`, as the contract test enforces them. */
export function layerTable(): string {
  return table(
    ['layer', 'module', 'path', 'may import from the repository'],
    MODULES.map(({ layer, name, path, imports }) => [
      String(layer),
      name,
      `\`${path}\``,
      imports.join(', ') || 'nothing',
    ]),
  );
}
