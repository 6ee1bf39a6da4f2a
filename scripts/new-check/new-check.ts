import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nearest } from '../../src/text/nearest.ts';

/** The check can't be created. The message says why, and what to do instead. */
export class NewCheckError extends Error {
  override readonly name = 'NewCheckError';
}

export interface NewCheck {
  /** The paths of the new files, relative to `commands`. */
  readonly written: readonly string[];
  readonly nextSteps: readonly string[];
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const TEMPLATE = '_template';
const EXAMPLE = 'example';
/** Not areas: `/wrench`, and the folder with helpers that several checks share. */
const RESERVED: ReadonlySet<string> = new Set(['wrench', 'shared']);

/**
 * Copies `commands/_template` to a new check, and creates its area if it does not exist. Overwrites nothing.
 * @throws {NewCheckError} if the name is invalid or the check already exists.
 */
export function newCheck(name: string, commands: string): NewCheck {
  const { area, check } = split(name);
  if (existsSync(join(commands, area, check)))
    throw new NewCheckError(`commands/${area}/${check} already exists. Choose another name.`);
  const areas = areasIn(commands);
  const isNew = !areas.includes(area);
  const files = [
    ...(isNew ? [{ from: 'command.ts', to: `${area}/command.ts` }] : []),
    ...readdirSync(join(commands, TEMPLATE, EXAMPLE)).map((file) => ({
      from: `${EXAMPLE}/${file}`,
      to: `${area}/${check}/${file}`,
    })),
  ];
  mkdirSync(join(commands, area, check), { recursive: true });
  for (const { from, to } of files)
    writeFileSync(join(commands, to), readFileSync(join(commands, TEMPLATE, from)), { flag: 'wx' });
  return {
    written: files.map(({ to }) => to),
    nextSteps: nextSteps(area, check, isNew ? nearest(area, areas) : undefined),
  };
}

function split(name: string): { area: string; check: string } {
  const [area = '', check = '', ...more] = name.split('/');
  const good = more.length === 0 && [area, check].every((word) => NAME.test(word) && word.length < 32);
  if (good && !RESERVED.has(area) && check !== 'help') return { area, check };
  throw new NewCheckError(
    name === ''
      ? 'Usage: npm run new -- AREA/CHECK, such as npm run new -- etcd/doppler.'
      : good
        ? `\`${name}\` contains a reserved word. Choose another name.`
        : `\`${name.slice(0, 60)}\` is not a valid name. Use lower-case words joined by dashes, such as etcd/doppler.`,
  );
}

function areasIn(commands: string): readonly string[] {
  return readdirSync(commands, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_') && !RESERVED.has(entry.name))
    .map((entry) => entry.name);
}

function nextSteps(area: string, check: string, similar: string | undefined): readonly string[] {
  const folder = `commands/${area}/${check}`;
  return [
    ...(similar === undefined
      ? []
      : [`The area \`${similar}\` already exists: move the check there if it belongs to it.`]),
    `Write ${folder}/stories.ts: the facts of a real outage, with a link to its source`,
    `Write ${folder}/diagnose.test.ts: what the check should report about it. Run npx vitest run ${folder}`,
    `Write ${folder}/diagnose.ts to make the test pass`,
    `Write ${folder}/collect.ts, which reads the facts through a port, and check.ts: title, reason and arguments`,
    `Write ${folder}/fixtures.ts: the responses of sources, with and without the fault. Run npx vitest run test/contract/fail-safe`,
    'Run npm run generate (tables and manifest), npx vitest run test/golden/stories.test.ts (what people see) and npm run check',
    'See commands/README.md for each step',
  ];
}
