import { stringify } from 'yaml';
import type { z } from 'zod';
import { oldKeys } from '../sources/schemas.ts';
import type { PlacedProblem } from './explain.ts';
import { configSchema } from './schema.ts';
import { secretsIn } from './schema-walk.ts';

type Source = Readonly<Record<string, unknown>>;

/** A valid configuration as written, with `${NAME}` instead of values. */
interface WrittenConfig {
  readonly environments: Readonly<Record<string, { readonly sources: readonly Source[] }>>;
}

/** Every deprecated key of a valid configuration, with its new form to paste. Secrets that the file contains are left out. */
export function deprecatedKeys(
  { environments }: z.output<typeof configSchema>,
  written: unknown,
): readonly PlacedProblem[] {
  const file = withoutSecrets(written) as WrittenConfig;
  return Object.entries(environments).flatMap(([environment, { sources }]) =>
    sources.flatMap(({ kind }, index) => {
      const source = file.environments[environment]?.sources[index] ?? {};
      const { key, toAllow } = oldKeys[kind] ?? {};
      if (key === undefined || toAllow === undefined || !Object.hasOwn(source, key)) return [];
      const allow = toAllow(source[key] as never);
      return [
        {
          path: ['environments', environment, 'sources', index, key],
          what: "deprecated; the next version won't accept it",
          hint: allow ? `Replace it with \`${writeFlow({ allow })}\`` : 'Remove it: it allows nothing',
        },
      ];
    }),
  );
}

const VARIABLE = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;

function withoutSecrets(written: unknown): unknown {
  const secrets = new Set(secretsIn(configSchema, written));
  const hide = (_: string, value: unknown) =>
    typeof value === 'string' && secrets.has(value) && !VARIABLE.test(value) ? '[secret]' : value;
  return JSON.parse(JSON.stringify(written, hide));
}

/** `allow: { restart: { groups: [ doppler* ] } }`, on one line. */
function writeFlow(value: object): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, singleQuote: true })
    .trim()
    .replace(/^\{ (.*) \}$/, '$1');
}
