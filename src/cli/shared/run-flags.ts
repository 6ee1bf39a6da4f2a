import { suggest } from '../../text/nearest.ts';
import { noValueText } from './parse-flags.ts';
import { takeFlag } from './take-flag.ts';

const OUTPUTS = ['text', 'json', 'sarif', 'diff'] as const;

export type Output = (typeof OUTPUTS)[number];

/** The flags of `wrench run` itself, which are not arguments of checks. */
export interface RunFlags {
  /** Everything else on the command line. */
  readonly words: readonly string[];
  readonly output: Output;
  readonly recordPath?: string;
  /** Folders and files to check without a configuration. Empty if none are given. */
  readonly paths: readonly string[];
}

const JSON_FLAG = '--json';

/** For help pages. */
export const RUN_FLAGS = {
  '-o, --output FORMAT': `How to print the report: ${OUTPUTS.join(', ')}. Default: text`,
  '--json': 'The same as `-o json`',
  '--path PATH': 'Check this folder or file, without wrench.yaml: only for pipeline files; repeatable',
  '--record FILE': 'Save what the sources returned to FILE, without secrets, for a bug report',
};

/** Takes the flags of `wrench run` out of the words of a command line. @returns what is wrong, as a sentence, if something is. */
export function takeRunFlags(all: readonly string[]): RunFlags | string {
  const recorded = takeFlag(all, ['--record'], 'a file name');
  if (typeof recorded === 'string') return recorded;
  const output = takeFlag(recorded.words, ['--output', '-o'], `a format: ${OUTPUTS.join(', ')}`);
  if (typeof output === 'string') return output;
  const located = takeFlag(output.words, ['--path'], 'a folder or a file');
  if (typeof located === 'string') return located;
  if (located.words.some((word) => word.startsWith(`${JSON_FLAG}=`))) return noValueText(JSON_FLAG);
  const words = located.words.filter((word) => word !== JSON_FLAG);
  const isJson = words.length < located.words.length;
  const chosen = output.values.at(-1) ?? (isJson ? 'json' : 'text');
  const format = OUTPUTS.find((one) => one === chosen);
  if (format === undefined) return `Unknown format \`${chosen.slice(0, 40)}\`.${suggest(chosen, OUTPUTS)}`;
  if (isJson && format !== 'json') return `\`${JSON_FLAG}\` and \`-o ${format}\` can't be used together.`;
  const recordPath = recorded.values.at(-1);
  return {
    words,
    output: format,
    paths: located.values,
    ...(recordPath !== undefined && { recordPath }),
  };
}
