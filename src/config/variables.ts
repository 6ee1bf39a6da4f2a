import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** Variables by name: those of the process environment, and those of a `.env` file that it does not have. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The only place that reads settings from `process.env`. */
export function loadVariables(folder = process.cwd(), env: Variables = process.env): Variables {
  return { ...readDotEnv(join(folder, '.env')), ...env };
}

function readDotEnv(path: string): Variables {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** One `${NAME}` that was replaced. */
export interface SubstitutedVariable {
  readonly name: string;
  readonly value: string;
}

const VARIABLE = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

/**
 * Replaces `${NAME}` and `${NAME:-default}`; `$${` stays as a literal `${`. As in a shell, `:-` also stands in for an empty value.
 * What cannot be replaced is reported through `problem` and left unchanged.
 */
export function substituteVariables(
  text: string,
  variables: Variables,
  on: {
    readonly filled: (filled: SubstitutedVariable) => void;
    readonly problem: (what: string, hint: string) => void;
  },
): string {
  return text.replaceAll(VARIABLE, (whole: string, inner: string | undefined) => {
    if (whole === '$${') return '${';
    const [, name, otherwise] = NAME.exec(inner ?? '') ?? [];
    if (name === undefined) {
      on.problem(
        'invalid variable: `${` must be followed by a name and `}`',
        'Write `${NAME}`, or `$${` for a literal `${`',
      );
      return whole;
    }
    const value = variables[name] || otherwise;
    if (value === undefined) {
      const state = variables[name] === undefined ? 'is not set' : 'is empty';
      on.problem(
        `the environment variable \`${name}\` ${state}`,
        `Set ${name} in the environment or in .env, or write \`\${${name}:-default}\``,
      );
      return whole;
    }
    on.filled({ name, value });
    return value;
  });
}
