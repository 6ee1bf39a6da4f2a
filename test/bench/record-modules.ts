import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/**
 * Loaded before a role with `--import`: writes the modules that the process loaded, one per line, when it
 * exits.
 */
const loaded = new Set<string>();
registerHooks({
  load: (url, context, next) => {
    loaded.add(url);
    return next(url, context);
  },
});
const to = new URL(import.meta.url).searchParams.get('to') ?? '';
process.once('exit', () => writeFileSync(to, [...loaded].join('\n')));
