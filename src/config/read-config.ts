import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { makeRedact } from '../text/redact.ts';
import type { WrittenArguments } from '../check/arguments.ts';
import {
  crossCheck,
  crossCheckArguments,
  crossCheckCommands,
  crossCheckRemediations,
  type KnownChecks,
} from './cross-check.ts';
import { explainIssues, type PlacedProblem } from './explain.ts';
import { type AskFrom, askFrom } from './ask-from.ts';
import { ConfigError, type ConfigPath, type Problem, writePath } from './problem.ts';
import { type ReadYaml, readYaml } from './read-yaml.ts';
import type { SourceConfig } from '../sources/schemas.ts';
import { configSchema, type ParsedConfig, type RedisConfig } from './schema.ts';
import { schemasAt, metaOf, secretsIn } from './schema-walk.ts';
import { type ProcessSettings, settingSecrets, settingsSchema, toSettings } from './settings.ts';
import { loadVariables, type Variables } from './variables.ts';

export { ConfigError, type ProcessSettings, type RedisConfig };

/** What `wrench.yaml` says, with all defaults filled in. */
export interface Config {
  readonly environments: Readonly<
    Record<string, { readonly sources: readonly SourceConfig[]; readonly askFrom?: AskFrom }>
  >;
  /** Channel id to environment. */
  readonly channels: Readonly<Record<string, string>>;
  /** Absent if there are several environments and none is the default. */
  readonly defaultEnvironment?: string;
  readonly limits: ParsedConfig['limits'];
  /** Who may do what about remediations. */
  readonly roles: ParsedConfig['roles'];
  readonly remediations: ParsedConfig['remediations'];
  readonly audit: ParsedConfig['audit'];
  readonly redis?: RedisConfig;
  /** Default arguments of this workspace, by check, as they would be typed. */
  readonly checks: Readonly<Record<string, WrittenArguments>>;
  /** Who may use which command, by command without its slash. */
  readonly commands: ParsedConfig['commands'];
  /** Values that no output may show, including those of environment variables. */
  readonly secrets: readonly string[];
}

export interface ReadConfigOptions {
  /**
   * `skip`: only the names of the environments are read. Their sources are ignored and no `${VARIABLE}` in them is needed, because the
   * bot has no credentials for the infrastructure.
   */
  readonly sources?: 'read' | 'skip';
  /** The checks that the file may name under `checks`; without them, any name is accepted. */
  readonly checks?: KnownChecks;
}

/**
 * Reads secrets and settings of this process from the environment, and from a `.env` file for what the environment does not set.
 * @throws {ConfigError} with every problem at once.
 */
export function readEnvironment(variables: Variables = loadVariables()): ProcessSettings {
  const given = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = settingsSchema.safeParse(given);
  if (parsed.success) return toSettings(parsed.data);
  const problems = parsed.error.issues.map(({ path, message }) => ({ path: writePath(path), what: message }));
  throw new ConfigError('the environment', problems);
}

/**
 * Reads `wrench.yaml`.
 * @throws {ConfigError} with every problem at once, each with its path, its line and what to do.
 */
export function readConfig(
  path: string,
  variables: Variables = loadVariables(),
  { sources = 'read', checks }: ReadConfigOptions = {},
): Config {
  const isSkipped = sources === 'skip';
  const isSources = (at: ConfigPath) => at.length === 3 && at[0] === 'environments' && at[2] === 'sources';
  const yaml = readYaml(readText(path), variables, (at) => isSkipped && isSources(at));
  const schema = isSkipped ? withoutSources : configSchema;
  const parsed = schema.safeParse(yaml.value);
  const secrets = findSecrets(yaml, variables);
  const problems = problemsOf(yaml, () => [
    ...explainIssues(schema, yaml.value, parsed.error?.issues ?? []),
    ...crossCheck(yaml.value, variables),
    ...(checks
      ? [
          ...crossCheckArguments(yaml.value, checks),
          ...crossCheckRemediations(yaml.value, checks),
          ...crossCheckCommands(yaml.value, checks),
        ]
      : []),
  ]);
  if (problems.length > 0 || !parsed.success) throw new ConfigError(path, redacted(problems, secrets));
  return toConfig(parsed.data, secrets);
}

/** Skips the sources. Everything else is read strictly: a misspelled `askFrom` must not open an environment. */
const withoutSources = configSchema.extend({
  environments: z.record(
    z.string(),
    z
      .strictObject({ sources: z.unknown().optional(), askFrom: askFrom.exactOptional() })
      .transform(({ askFrom }): { sources: SourceConfig[]; askFrom?: AskFrom } => ({
        sources: [],
        ...(askFrom && { askFrom }),
      })),
  ),
});

const EMPTY: PlacedProblem = {
  path: [],
  what: 'the file is empty',
  hint: 'deploy/examples/wrench.yaml shows what can stand in it',
};

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = 'Copy deploy/examples/wrench.yaml there, or name another file with WRENCH_CONFIG';
    if (code === 'ENOENT')
      throw new ConfigError(path, [{ path: '', what: 'there is no such file', hint: missing }]);
    throw new ConfigError(path, [
      {
        path: '',
        what: `the file cannot be read (${code ?? 'unknown error'})`,
        hint: 'Make it a file that this user may read',
      },
    ]);
  }
}

/** Secrets are the tokens of the environment, values that the schema marks as secret, and each variable that is part of such a value. */
function findSecrets({ value, substitutions }: ReadYaml, variables: Variables): readonly string[] {
  const inParts = substitutions
    .filter(({ path }) => schemasAt(configSchema, value, path).some((found) => metaOf(found).secret))
    .map((one) => one.value);
  return [...new Set([...settingSecrets(variables), ...secretsIn(configSchema, value), ...inParts])];
}

function problemsOf(yaml: ReadYaml, check: () => readonly PlacedProblem[]): readonly Problem[] {
  const unreadable = yaml.value === undefined || yaml.value === null;
  const unfilled = new Set(yaml.problems.map(({ path }) => writePath(path)));
  const judged = unreadable ? [] : check().filter(({ path }) => !unfilled.has(writePath(path)));
  const placed = [...yaml.problems, ...(yaml.value === null ? [EMPTY] : []), ...judged];
  return placed
    .map((one) => place(yaml, one))
    .toSorted((a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0));
}

function place(yaml: ReadYaml, { path, key, what, hint }: PlacedProblem): Problem {
  const at = yaml.at({ path, ...(key !== undefined && { key }) });
  return { path: writePath(path), ...(at && { at }), what, ...(hint && { hint }) };
}

function redacted(problems: readonly Problem[], secrets: readonly string[]): readonly Problem[] {
  const redact = makeRedact(secrets);
  return problems.map(({ what, hint, ...rest }) => ({
    ...rest,
    what: redact(what),
    ...(hint && { hint: redact(hint) }),
  }));
}

function toConfig({ checks, defaultEnvironment, ...rest }: ParsedConfig, secrets: readonly string[]): Config {
  const names = Object.keys(rest.environments);
  const environment = defaultEnvironment ?? (names.length === 1 ? names[0] : undefined);
  return {
    ...rest,
    ...(environment !== undefined && { defaultEnvironment: environment }),
    checks: Object.fromEntries(Object.entries(checks).map(([name, given]) => [name, written(given)])),
    secrets,
  };
}

function written(given: Readonly<Record<string, string | number | boolean>>): WrittenArguments {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
}
