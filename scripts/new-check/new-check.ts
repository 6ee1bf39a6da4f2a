import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nearest } from '../../src/text/nearest.ts';

/** The check cannot be made. The message says why, and what to do instead. */
export class NewCheckError extends Error {
  override readonly name = 'NewCheckError';
}

export interface NewCheck {
  /** Paths of what was written, from the folder of commands. */
  readonly written: readonly string[];
  readonly nextSteps: readonly string[];
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const TEMPLATE = '_template';
const EXAMPLE = 'example';
/** Not areas: `/wrench`, and the folder of helpers that several checks use. */
const RESERVED: ReadonlySet<string> = new Set(['wrench', 'shared']);

/**
 * Copies `commands/_template` to a new check, and creates its area if there is none of that name. Overwrites nothing.
 * @throws {NewCheckError} for an invalid name, and for a check that already exists.
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
      ? 'Name the check: npm run new -- area/check, such as npm run new -- etcd/doppler.'
      : good
        ? `\`${name}\` contains a reserved word. Choose another name.`
        : `\`${name.slice(0, 60)}\` is not a valid name: write area/check in lower-case words joined by dashes, such as etcd/doppler.`,
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
      : [`There is already an area \`${similar}\`: move the check there if it belongs to it.`]),
    `${folder}/stories.ts: the facts of a real outage, with a link to its source`,
    `${folder}/diagnose.test.ts: what the check should report about it; then npx vitest run ${folder}`,
    `${folder}/diagnose.ts: make the test pass`,
    `${folder}/collect.ts: read the facts through a port; check.ts: its title, its reason, its arguments`,
    `${folder}/fixtures.ts: what sources answer, with the fault and without; then npx vitest run test/contract/fail-safe`,
    'npm run generate (tables, manifest); npx vitest run test/golden/stories.test.ts (what people see); npm run check',
    'commands/README.md explains each step',
  ];
}
