import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MissingSettings } from '../../app/missing-settings.ts';

/** The environment that the repository brings along. */
const DEMO = 'demo';

interface Demo {
  readonly configPath: string;
  readonly close: () => Promise<void>;
}

/**
 * The demo's world: the one that is up, or one started for this caller.
 * @throws {MissingSettings} in an installation without the repository's tests.
 */
export async function openDemo(): Promise<Demo> {
  const join = new URL('../../../test/demo/join.ts', import.meta.url);
  if (!existsSync(fileURLToPath(join)))
    throw new MissingSettings('the environment `demo` comes with the repository, not with this installation');
  const { joinDemo } = (await import(join.href)) as { joinDemo: () => Promise<Demo> };
  return joinDemo();
}

/** Whether the words ask for the demo, however they write it. */
export function asksForDemo(words: readonly string[]): boolean {
  return new RegExp(`(^| )(--env[ =]|env=)${DEMO}( |$)`).test(words.join(' '));
}
