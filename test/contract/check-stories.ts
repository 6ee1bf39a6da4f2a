import { existsSync } from 'node:fs';
import type { Story } from '../../src/check/story.ts';

function storiesUrl(name: string): URL {
  return new URL(`../../commands/${name}/stories.ts`, import.meta.url);
}

/** Whether a check has a `stories.ts`. One that enforces a policy needs none. */
export function hasStories(name: string): boolean {
  return existsSync(storiesUrl(name));
}

/** The stories of a check, such as `certs/expiring`; none if it has no `stories.ts`. */
export async function loadStories(name: string): Promise<readonly Story<unknown>[]> {
  if (!hasStories(name)) return [];
  const module = (await import(storiesUrl(name).href)) as Record<string, unknown>;
  return Object.values(module).flat().filter(isStory);
}

function isStory(value: unknown): value is Story<unknown> {
  return value !== null && typeof value === 'object' && 'facts' in value && 'source' in value;
}
