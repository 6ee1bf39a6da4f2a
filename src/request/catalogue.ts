import { readdir } from 'node:fs/promises';
import type { AnyCheck, Command } from '../check/define-check.ts';

/** All checks and commands by name: `certs/expiring`, `certs`. */
export interface Catalogue {
  readonly checks: ReadonlyMap<string, AnyCheck>;
  /** Slash commands, by name without the slash. */
  readonly commands: ReadonlyMap<string, Command>;
}

/** Not a command: code that several checks share. */
const SHARED = 'shared';

/** A check's name is its path: `commands/certs/expiring/check.ts` is `certs/expiring`, run with `/certs expiring`. */
export async function loadCatalogue(root = new URL('../../commands/', import.meta.url)): Promise<Catalogue> {
  const commands = new Map<string, Command>();
  const checks = new Map<string, AnyCheck>();
  for (const area of (await folders(root)).filter((name) => name !== SHARED)) {
    const { command } = (await import(new URL(`${area}/command.ts`, root).href)) as { command: Command };
    commands.set(area, command);
    for (const name of await folders(new URL(`${area}/`, root))) {
      const { check } = (await import(new URL(`${area}/${name}/check.ts`, root).href)) as { check: AnyCheck };
      checks.set(`${area}/${name}`, check);
    }
  }
  return { commands, checks };
}

async function folders(url: URL): Promise<string[]> {
  const entries = await readdir(url, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_') && entry.name !== 'shared')
    .map((entry) => entry.name)
    .toSorted();
}
