import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { makeRedact } from '../text/redact.ts';
import {
  crossCheck,
  crossCheckArguments,
  crossCheckCommands,
  crossCheckRemediations,
  type KnownChecks,
} from './cross-check.ts';
import { crossCheckBuilds } from './cross-check-builds.ts';
import { crossCheckDigests } from './cross-check-digests.ts';
import { deprecatedKeys } from './deprecated-keys.ts';
import { explainIssues, type PlacedProblem } from './explain.ts';
import { ConfigError, type ConfigPath, type Problem, writePath } from './problem.ts';
import { type ReadYaml, readYaml } from './read-yaml.ts';
import type { SourceConfig } from '../sources/schemas.ts';
import { configSchema, environmentSchema } from './schema.ts';
import { schemasAt, metaOf, secretsIn } from './schema-walk.ts';
import { type ProcessSettings, settingSecrets, settingsSchema, toSettings } from './settings.ts';
import { loadVariables, type Variables } from './variables.ts';

export { ConfigError, type ProcessSettings };

/** The content of `wrench.yaml`, with all defaults filled in. */
export interface Config extends z.output<typeof configSchema> {
  /** Values that must not appear in any output, including those of environment variables. */
  readonly secrets: readonly string[];
  /** Keys that a later version won't accept, each with its new form. Absent if there are none. */
  readonly deprecated?: Pick<ConfigError, 'file' | 'problems'>;
}

export interface ReadConfigOptions {
  /**
   * `skip`: the sources are ignored, and no `${VARIABLE}` in them has to be set. The bot has no credentials for the infrastructure.
   */
  readonly sources?: 'read' | 'skip';
  /** The checks that the file may name. Absent: any name is accepted. */
  readonly checks?: KnownChecks;
}

/**
 * Reads the secrets and settings of this process from the environment, and from a `.env` file those that the environment does not set.
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
 * @throws {ConfigError} with every problem at once, each with its path, its line and how to fix it.
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
    ...crossCheckBuilds(yaml.value),
    ...crossCheckDigests(yaml.value, checks),
    ...(checks
      ? [
          ...crossCheckArguments(yaml.value, checks),
          ...crossCheckRemediations(yaml.value, checks),
          ...crossCheckCommands(yaml.value, checks),
        ]
      : []),
  ]);
  if (problems.length > 0 || !parsed.success) throw new ConfigError(path, redacted(problems, secrets));
  const deprecated = deprecatedKeys(parsed.data, yaml.written).map((one) => place(yaml, one));
  return {
    ...toConfig(parsed.data, secrets),
    ...(deprecated.length > 0 && { deprecated: { file: path, problems: redacted(deprecated, secrets) } }),
  };
}

/** Skips the sources. Everything else is read strictly: a misspelled `askFrom` must not open an environment. */
const withoutSources = configSchema.extend({
  environments: z.record(
    z.string(),
    environmentSchema.extend({
      sources: z
        .unknown()
        .optional()
        .transform((): SourceConfig[] => []),
    }),
  ),
});

const EMPTY: PlacedProblem = {
  path: [],
  what: 'the file is empty',
  hint: 'Start from deploy/examples/wrench.yaml',
};

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = 'Copy deploy/examples/wrench.yaml there, or set WRENCH_CONFIG to another file';
    if (code === 'ENOENT')
      throw new ConfigError(path, [{ path: '', what: 'file not found', hint: missing }], { isMissing: true });
    throw new ConfigError(path, [
      {
        path: '',
        what: `couldn't read the file (${code ?? 'unknown error'})`,
        hint: 'Make sure that it is a file and that this user may read it',
      },
    ]);
  }
}

/**
 * Secrets are tokens in the environment, values that the schema marks as secret, and each variable that is part of such a value. Each is
 * included with and without surrounding whitespace, because sources trim it.
 */
function findSecrets({ value, substitutions }: ReadYaml, variables: Variables): readonly string[] {
  const inParts = substitutions
    .filter(({ path }) => schemasAt(configSchema, value, path).some((found) => metaOf(found).secret))
    .map((one) => one.value);
  const all = [...settingSecrets(variables), ...secretsIn(configSchema, value), ...inParts];
  return [...new Set(all.flatMap((secret) => [secret, secret.trim()]))];
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

/** If there is only one environment, it is the default. */
function toConfig(
  { defaultEnvironment, ...rest }: z.output<typeof configSchema>,
  secrets: readonly string[],
): Config {
  const names = Object.keys(rest.environments);
  const environment = defaultEnvironment ?? (names.length === 1 ? names[0] : undefined);
  return { ...rest, ...(environment !== undefined && { defaultEnvironment: environment }), secrets };
}
