import { readdirSync } from 'node:fs';
import type { Fixture } from '../../commands/shared/fixture-sources.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import { ROOT } from './tree.ts';

export interface CheckWithFixtures {
  readonly name: string;
  readonly check: AnyCheck;
  readonly fixtures: readonly Fixture[];
}

/** Every check with its fixtures, including the template. */
export async function loadCheckFixtures(): Promise<readonly CheckWithFixtures[]> {
  const names = foldersOf('commands')
    .filter((area) => area !== 'shared')
    .flatMap((area) => foldersOf(`commands/${area}`).map((check) => `${area}/${check}`));
  return Promise.all(
    names.map(async (name) => {
      const { check } = (await load(`${name}/check.ts`)) as { readonly check: AnyCheck };
      const { fixtures } = (await load(`${name}/fixtures.ts`)) as { readonly fixtures: readonly Fixture[] };
      return { name, check, fixtures };
    }),
  );
}

function foldersOf(path: string): readonly string[] {
  return readdirSync(`${ROOT}${path}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function load(path: string): Promise<unknown> {
  return import(new URL(`../../commands/${path}`, import.meta.url).href);
}
