import { capitalize } from '../text/wording.ts';

/** One problem in the configuration: where, what, and how to fix it. */
export interface Problem {
  /** `environments.prod.sources[0].sites`, or the name of a variable. */
  readonly path: string;
  /** Where in the file, counted from 1. */
  readonly at?: { readonly line: number; readonly column: number };
  readonly what: string;
  readonly hint?: string;
}

/** The configuration is invalid. The message lists every problem and shows no secret value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** `./wrench.yaml`, or `the environment`. */
  readonly file: string;
  readonly problems: readonly Problem[];
  /** There is no such file. */
  readonly isMissing: boolean;

  constructor(file: string, problems: readonly Problem[], { isMissing = false } = {}) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(
      [`${count} in ${file}`, ...problems.map((problem) => `  ${writeProblem(file, problem)}`)].join('\n'),
    );
    this.file = file;
    this.problems = problems;
    this.isMissing = isMissing;
  }
}

/** `wrench.yaml:4:9 environments.prod: Unknown key ... Did you mean ...?` */
export function writeProblem(file: string, { path, at, what, hint }: Problem): string {
  const where = [at && `${file}:${at.line}:${at.column}`, path && `${path}:`].filter(Boolean);
  return [...where, sentence(what), hint && sentence(hint)].filter(Boolean).join(' ');
}

export type ConfigPath = readonly PropertyKey[];

/** `environments.prod.sources[0]` for `['environments', 'prod', 'sources', 0]`. */
export function writePath(path: ConfigPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}

function sentence(text: string): string {
  return capitalize(/[.?!]$/.test(text) ? text : `${text}.`);
}
