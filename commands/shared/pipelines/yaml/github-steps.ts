import type { MappedText } from '../mapped-text.ts';
import type { Machine, Phase, Script, Variable } from '../script.ts';
import { expressionsIn, startTemplates } from '../template-expressions.ts';
import { startInOtherLanguage } from '../unread-language.ts';
import {
  envNames,
  expressionValues,
  type GithubContext,
  githubValues,
  inEnv,
  scriptsBehind,
} from './github-expressions.ts';
import { sequenceItems, type YamlProblem, textAt, valueAt, type Yaml, type YamlText } from './read-yaml.ts';

/** The job or the action that steps belong to. */
export interface StepsOf {
  readonly scope: string;
  readonly job?: string;
  readonly machine: Machine;
  readonly context: GithubContext;
  /** Of a step without one: undefined if the runner decides. */
  readonly shell?: string | undefined;
  readonly isWindows: boolean;
  /** See `startTemplates`. */
  readonly names: Map<string, string>;
  readonly mappedOf: (text: YamlText) => MappedText;
}

export function githubSteps(
  steps: Yaml | undefined,
  { scope, job, machine, context, shell, isWindows, names, mappedOf }: StepsOf,
): { readonly scripts: readonly Script[]; readonly problems: readonly YamlProblem[] } {
  const scripts: Script[] = [];
  const problems: YamlProblem[] = [];
  const all = sequenceItems(steps);
  for (const step of all) {
    const run = valueAt(step, 'run');
    if (run?.kind !== 'text') {
      problems.push(...startsInInputs(step));
      continue;
    }
    const here: GithubContext = { ...context, env: [valueAt(step, 'env'), ...context.env] };
    const own = readShellOf(textAt(step, 'shell') ?? shell, isWindows, here);
    if (!own.isRead) {
      const start = startInOtherLanguage(run.value);
      if (start !== undefined)
        problems.push({ at: run.at, because: `A script in ${own.name} seems to start a container.` });
      continue;
    }
    const ignored = textAt(step, 'continue-on-error') === 'true' ? { isFailureIgnored: true as const } : {};
    const condition = conditionOf(step).replace(/^always\(\)(?:&&)?|^success\(\)$/, '');
    const of = {
      scope,
      ...(job !== undefined && { job }),
      machine,
      pipeline: 'github' as const,
      exitsOnError: own.exitsOnError,
      ...ignored,
      ...(condition !== '' && { conditions: [condition] }),
    };
    const behind = scriptsBehind(run, here);
    for (const text of behind.length > 0 ? behind : [run])
      scripts.push({ ...of, phase: phaseOf(step, all), ...filled(mappedOf(text), here, all, names) });
  }
  return { scripts, problems };
}

/** Actions such as `appleboy/ssh-action` run commands that they are given. In which shell, and where, only they know. */
function startsInInputs(step: Yaml): readonly YamlProblem[] {
  const action = textAt(step, 'uses');
  if (action === undefined) return [];
  return COMMAND_INPUTS.flatMap((input) => {
    const value = valueAt(step, 'with', input);
    if (value?.kind !== 'text' || startInOtherLanguage(value.value) === undefined) return [];
    return [
      { at: value.at, because: `\`${input}\` of an action that runs commands seems to start a container.` },
    ];
  });
}

const COMMAND_INPUTS = ['script', 'run', 'command', 'commands', 'cmd'];

/** How the runner starts shells: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell */
function readShellOf(
  shell: string | undefined,
  isWindows: boolean,
  context: GithubContext,
): { readonly isRead: boolean; readonly name: string; readonly exitsOnError: boolean } {
  if (shell === undefined) return { isRead: !isWindows, name: 'PowerShell', exitsOnError: true };
  const [value, ...others] = githubValues(shell, context);
  // One of several, or an unknown one, may be a shell.
  if (value === undefined || others.length > 0) return { isRead: true, name: shell, exitsOnError: true };
  const [program = '', ...options] = value.trim().split(/\s+/);
  const name = program.replace(/^.*[\\/]/, '').replace(/\.exe$/, '');
  const isRead = /^(?:bash|sh|dash|zsh|ksh|ash)$/.test(name);
  const isStandard = options.length === 0;
  return { isRead, name, exitsOnError: isStandard || options.some((option) => /^-[a-z]*e/.test(option)) };
}

function phaseOf(step: Yaml, all: readonly Yaml[]): Phase {
  const condition = conditionOf(step);
  if (condition === 'always()') return 'always';
  if (/^(?:failure|cancelled)\(\)$/.test(condition)) return 'failure';
  if (condition.startsWith('always()&&')) {
    const rest = condition.slice('always()&&'.length);
    // It runs in any case in which the steps do that it cleans up after.
    const before = all
      .slice(0, all.indexOf(step))
      .filter((one) => /docker|podman|nerdctl/.test(textAt(one, 'run') ?? ''));
    return before.every((one) => conditionOf(one) === rest) ? 'always' : 'success';
  }
  if (/\b(?:failure|cancelled|always)\(\)/.test(condition)) return 'success';
  return 'main';
}

function conditionOf(step: Yaml): string {
  const condition = (textAt(step, 'if') ?? '').trim();
  const inner = /^\$\{\{([\s\S]*)\}\}$/.exec(condition)?.[1] ?? condition;
  return inner.replaceAll(/\s+/g, '');
}

function filled(
  text: MappedText,
  context: GithubContext,
  steps: readonly Yaml[],
  names: Map<string, string>,
): Pick<Script, 'text' | 'pieces' | 'variables'> {
  const templates = startTemplates(names);
  const replaced = templates.replace(text, expressionsIn(text.text, '${{', '}}'), (inner) =>
    expressionValues(inner, context),
  );
  return { ...replaced, variables: new Map([...environment(context, steps), ...templates.variables]) };
}

/** The variables that `env` sets. A step can change them for later ones through `$GITHUB_ENV`. */
function environment(context: GithubContext, steps: readonly Yaml[]): ReadonlyMap<string, Variable> {
  const changing = steps
    .map((step) => textAt(step, 'run') ?? '')
    .filter((text) => text.includes('GITHUB_ENV'));
  return new Map(
    envNames(context.env).map((name) => {
      const values = githubValues(inEnv(name, context) ?? '', context);
      const isChanged = changing.some((text) => text.includes(`${name}=`) || text.includes(`${name}<<`));
      return [name, { values: isChanged ? [...new Set([...values, undefined])] : values }];
    }),
  );
}
