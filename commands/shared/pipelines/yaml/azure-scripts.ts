import type { MappedText } from '../mapped-text.ts';
import type { Machine, Phase, Script, ScriptsInFile, Variable } from '../script.ts';
import {
  expressionsIn,
  mergedInOrder,
  startTemplates,
  type TemplateExpression,
  UNKNOWN,
  type Values,
} from '../template-expressions.ts';
import { startInOtherLanguage } from '../unread-language.ts';
import { yamlKeepComments } from './keep-comments.ts';
import {
  sequenceItems,
  type YamlProblem,
  readYamlDocuments,
  textAt,
  valueAt,
  type Yaml,
  type YamlMap,
  type YamlText,
} from './read-yaml.ts';

/** What the enclosing stage and job set. */
interface AzureContext {
  readonly stage?: string;
  readonly job?: string;
  readonly scope: string;
  readonly pool: Machine;
  readonly isWindows: boolean;
  readonly variables: ReadonlyMap<string, Values>;
}

interface AzureFile {
  readonly scripts: Script[];
  readonly problems: YamlProblem[];
  readonly names: Map<string, string>;
  readonly parameters: Yaml | undefined;
  readonly mappedOf: (text: YamlText) => MappedText;
  scopes: number;
  /** How many nodes were visited: aliases of aliases make a small file large. */
  nodes: number;
}

/** The scripts of a pipeline of Azure DevOps, or of a template. */
export function azureScripts(content: string): ScriptsInFile {
  const { roots, problems } = readYamlDocuments(content);
  const file: AzureFile = {
    scripts: [],
    problems: [...problems],
    names: new Map(),
    parameters: undefined,
    mappedOf: yamlKeepComments(content),
    scopes: 0,
    nodes: 0,
  };
  for (const root of roots) {
    const context: AzureContext = {
      scope: 'job',
      pool: machineWithoutPool(root),
      isWindows: false,
      variables: new Map(),
    };
    addNode(root, context, { ...file, parameters: valueAt(root, 'parameters') });
  }
  return { scripts: file.scripts, problems: file.problems };
}

/** A pipeline without a pool runs on a machine of Microsoft's; a template runs where the pipeline says that uses it. */
function machineWithoutPool(root: Yaml): Machine {
  const isPipeline = ['trigger', 'pr', 'schedules', 'resources', 'name'].some(
    (key) => root.kind === 'map' && root.entries.has(key),
  );
  return isPipeline ? 'discarded' : 'unknown';
}

/** Steps may be anywhere: in jobs, in the strategies of deployments, below `${{ if }}`, in parameters of a template. */
function addNode(node: Yaml, context: AzureContext, file: AzureFile): void {
  if (node.kind === 'text') return;
  file.nodes++;
  if (file.nodes === MOST_NODES)
    file.problems.push({ at: node.at, because: 'The aliases of the file expand to too much.' });
  if (file.nodes >= MOST_NODES) return;
  if (node.kind === 'list') {
    for (const item of node.items)
      if (item.kind === 'map' && isStep(item)) addStep(item, context, file);
      else addNode(item, context, file);
    return;
  }
  const here = contextOf(node, context, file);
  for (const [key, { value }] of node.entries)
    if (key !== 'variables' && key !== 'pool') addNode(value, here, file);
}

const MOST_NODES = 100_000;

const STEP_KEYS = ['script', 'bash', 'pwsh', 'powershell', 'task'] as const;

function isStep(node: Yaml): boolean {
  return node.kind === 'map' && STEP_KEYS.some((key) => node.entries.get(key)?.value.kind === 'text');
}

function contextOf(node: YamlMap, context: AzureContext, file: AzureFile): AzureContext {
  const pool = valueAt(node, 'pool');
  const stage = textAt(node, 'stage');
  const job = textAt(node, 'job') ?? textAt(node, 'deployment');
  const variables = variablesOf(valueAt(node, 'variables'));
  if (!pool && stage === undefined && job === undefined && variables.size === 0) return context;
  if (job !== undefined) file.scopes++;
  const isKnownHere = job === undefined ? context.scope : `${context.stage ?? ''}/${job}/${file.scopes}`;
  const image = textAt(pool, 'vmImage');
  return {
    ...context,
    ...(stage !== undefined && { stage }),
    ...(job !== undefined && { job }),
    scope: isKnownHere,
    ...(pool && {
      pool: machineOf(pool),
      isWindows: image !== undefined && /^(?:windows|vs\d)/i.test(image),
    }),
    variables: new Map([...context.variables, ...variables]),
  };
}

function variablesOf(node: Yaml | undefined): ReadonlyMap<string, Values> {
  const values = new Map<string, Values>();
  const add = (name: string, value: string | undefined) => {
    // `$[ … ]` is evaluated when it runs.
    const known = value === undefined || /\$\[|\$\{\{|\$\(/.test(value) ? undefined : value;
    values.set(name.toLowerCase(), [...new Set([...(values.get(name.toLowerCase()) ?? []), known])]);
  };
  const addAll = (from: Yaml, depth: number): void => {
    for (const item of sequenceItems(from)) {
      if (item.kind !== 'map') continue;
      const name = textAt(item, 'name');
      if (name !== undefined) {
        add(name, textAt(item, 'value'));
        continue;
      }
      for (const [key, { value }] of item.entries)
        if (value.kind === 'text' && from.kind === 'map') add(key, value.value);
        else if (key.startsWith('${{') && depth < 5) addAll(value, depth + 1);
    }
  };
  if (node) addAll(node, 0);
  return values;
}

/** https://learn.microsoft.com/azure/devops/pipelines/agents/hosted */
function machineOf(pool: Yaml): Machine {
  const name = pool.kind === 'text' ? pool.value : textAt(pool, 'name');
  if (name === undefined) return valueAt(pool, 'vmImage') ? 'discarded' : 'unknown';
  if (name === 'Azure Pipelines') return 'discarded';
  return /\$[{([]/.test(name) ? 'unknown' : 'kept';
}

function addStep(step: YamlMap, context: AzureContext, file: AzureFile): void {
  const found = scriptOf(step, context.isWindows);
  if (!found) return;
  const { text, language } = found;
  if (language !== 'shell') {
    const start = startInOtherLanguage(text.value);
    if (start !== undefined)
      file.problems.push({ at: text.at, because: `A script in ${language} seems to start a container.` });
    return;
  }
  const { scope, job, stage, pool, variables } = context;
  file.scripts.push({
    ...filled(file.mappedOf(text), step, variables, file),
    scope,
    ...(job !== undefined && { job }),
    ...(stage !== undefined && { stage }),
    phase: phaseOf(step),
    machine: pool,
    // The agent starts bash without `-e`.
    exitsOnError: false,
    ...(textAt(step, 'continueOnError') === 'true' && { isFailureIgnored: true as const }),
  });
}

function scriptOf(
  step: YamlMap,
  isWindows: boolean,
): { readonly text: YamlText; readonly language: 'shell' | 'PowerShell' | 'cmd' } | undefined {
  const inline = (key: string) => {
    const value = valueAt(step, key);
    return value?.kind === 'text' ? value : undefined;
  };
  const bash = inline('bash');
  if (bash) return { text: bash, language: 'shell' };
  const script = inline('script');
  if (script) return { text: script, language: isWindows ? 'cmd' : 'shell' };
  const powershell = inline('pwsh') ?? inline('powershell');
  if (powershell) return { text: powershell, language: 'PowerShell' };
  const task = textAt(step, 'task') ?? '';
  const input = valueAt(step, 'inputs', 'script') ?? valueAt(step, 'inputs', 'inlineScript');
  if (input?.kind !== 'text') return undefined;
  if (/^(?:Bash)@/i.test(task)) return { text: input, language: 'shell' };
  if (/^CmdLine@/i.test(task)) return { text: input, language: isWindows ? 'cmd' : 'shell' };
  if (/^AzureCLI@/i.test(task) && /^(?:bash)?$/i.test(textAt(step, 'inputs', 'scriptType') ?? ''))
    return { text: input, language: 'shell' };
  return { text: input, language: 'PowerShell' };
}

/** `succeededOrFailed()` leaves out runs that are canceled: https://learn.microsoft.com/azure/devops/pipelines/process/conditions */
function phaseOf(step: YamlMap): Phase {
  const condition = (textAt(step, 'condition') ?? '').replaceAll(/\s+/g, '').toLowerCase();
  if (condition === 'always()') return 'always';
  if (/^(?:failed|canceled)\(\)$/.test(condition)) return 'failure';
  return /\b(?:always|failed|succeededorfailed|canceled)\(/.test(condition) ? 'success' : 'main';
}

function filled(
  text: MappedText,
  step: YamlMap,
  known: ReadonlyMap<string, Values>,
  { names, parameters }: AzureFile,
): Pick<Script, 'text' | 'pieces' | 'variables'> {
  const templates = startTemplates(names);
  const found = mergedInOrder(expressionsIn(text.text, '${{', '}}'), macrosIn(text.text, known));
  const replaced = templates.replace(text, found, (inner) => valuesOf(inner, known, parameters));
  const variables = new Map<string, Variable>(templates.variables);
  // They are variables of the environment too, in capitals.
  for (const [name, values] of known) variables.set(name.toUpperCase().replaceAll(/\W/g, '_'), { values });
  const env = valueAt(step, 'env');
  if (env?.kind === 'map')
    for (const [name, { value }] of env.entries)
      variables.set(name, {
        values: value.kind === 'text' ? macroValues(value.value, known, parameters) : UNKNOWN,
      });
  return { ...replaced, variables };
}

/** `$(name)` is a variable if there is one, and otherwise a command of the shell, such as `$(pwd)`. */
function macrosIn(text: string, known: ReadonlyMap<string, Values>): readonly TemplateExpression[] {
  return [...text.matchAll(/\$\(([\w.-]{1,200})\)/g)].flatMap((match) => {
    const [whole, inner = ''] = match;
    if (!known.has(inner.toLowerCase()) && !/[.A-Z]/.test(inner)) return [];
    return { start: match.index, end: match.index + whole.length, inner };
  });
}

function macroValues(
  value: string,
  known: ReadonlyMap<string, Values>,
  parameters: Yaml | undefined,
): Values {
  const [only] = mergedInOrder(expressionsIn(value, '${{', '}}'), macrosIn(value, known));
  if (!only) return [value];
  return value.trim().length === only.end - only.start ? valuesOf(only.inner, known, parameters) : UNKNOWN;
}

function valuesOf(inner: string, known: ReadonlyMap<string, Values>, parameters: Yaml | undefined): Values {
  const parameter = /^parameters\.([\w-]+)$/.exec(inner)?.[1];
  if (parameter !== undefined) return parameterValues(parameter, parameters);
  const variable = /^variables(?:\.([\w.-]+)|\['([^']+)'\])$/.exec(inner);
  return known.get((variable?.[1] ?? variable?.[2] ?? inner).toLowerCase()) ?? UNKNOWN;
}

function parameterValues(name: string, parameters: Yaml | undefined): Values {
  const declared = sequenceItems(parameters).find((one) => textAt(one, 'name') === name);
  const allowed = sequenceItems(valueAt(declared, 'values'));
  if (allowed.length > 0) return allowed.map((one) => (one.kind === 'text' ? one.value : undefined));
  return [...new Set([textAt(declared, 'default') ?? textAt(parameters, name), undefined])];
}
