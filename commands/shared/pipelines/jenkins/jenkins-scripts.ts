import type { PluginRun, Script, ScriptsInFile } from '../script.ts';
import { composeVariants } from './script-variants.ts';
import { scriptComposer } from './compose-script.ts';
import { lexGroovy } from './groovy-lexer.ts';
import { groovyNames } from './groovy-names.ts';
import { isHole, type PluginContainer } from './groovy-value.ts';
import {
  type MethodCall,
  type PipelineTree,
  type ShellStep,
  type Surroundings,
  visitSteps,
} from './pipeline-tree.ts';
import { readPipeline } from './read-pipeline.ts';
import { textValues } from './text-values.ts';

/** The shell scripts of a Jenkinsfile, scripted or declarative: https://www.jenkins.io/doc/book/pipeline/syntax/ Never throws. */
export function jenkinsScripts(content: string): ScriptsInFile {
  const file = { ...lexGroovy(content), content, names: groovyNames() };
  const tree = readPipeline(file);
  setParameters(tree);
  const texts = textValues();
  const composer = scriptComposer(content, texts);
  const scripts: Script[] = [];
  const pluginRuns = new Map<
    PluginContainer,
    { readonly around: Surroundings; readonly stops: Set<string>; readonly after: number }
  >();
  const problems: { readonly at: number; readonly because: string }[] = [];
  let remotes = 0;

  visitSteps(tree, {
    step: (step, around) => {
      for (const variant of composeVariants(step, composer, texts)) {
        if ('because' in variant) problems.push({ at: step.at, because: variant.because });
        else if (isShell(variant.text)) scripts.push(scriptOf(step, around, variant));
        else if (NAMES_CONTAINERS.test(variant.text)) {
          problems.push({
            at: step.at,
            because: `the script of \`${step.step}\` is written in another language than shell`,
          });
        }
      }
      for (const container of removedContainers(step)) stop(container, around);
    },
    run: (container, around) =>
      pluginRuns.set(container, { around, stops: new Set(), after: scripts.length }),
    stop,
  });
  for (const { at, method } of tree.passed) {
    problems.push({
      at,
      because: `\`${method}\`, which this file doesn't define, gets a command that starts a container`,
    });
  }
  if (file.invalid && NAMES_CONTAINERS.test(content.slice(file.invalid.at))) problems.push(file.invalid);
  return {
    scripts,
    pluginRuns: Array.from(pluginRuns, ([container, { around, stops, after }]) => ({
      ...pluginRun(container, around, stops),
      after,
    })),
    problems,
  };

  function stop(container: PluginContainer, { phase }: Surroundings): void {
    pluginRuns.get(container)?.stops.add(phase);
  }

  function scriptOf(
    step: ShellStep,
    { phase, stage, scope, machine, conditions }: Surroundings,
    composed: Pick<Script, 'text' | 'pieces' | 'variables'>,
  ): Script {
    const { output } = step;
    return {
      ...composed,
      // Commands on another host can't remove the containers of the agent.
      scope: step.isRemote ? `remote ${(remotes += 1)}` : scope,
      ...(stage !== undefined && { stage }),
      phase,
      machine: step.isRemote ? 'kept' : machine,
      // Jenkins runs `sh -xe`: https://www.jenkins.io/doc/pipeline/steps/workflow-durable-task-step/#sh-shell-script
      exitsOnError: !step.isRemote && !/^#!(?![^\n]*\s-\w*e)/.test(composed.text),
      pipeline: 'jenkins',
      ...(conditions.length > 0 && { conditions }),
      ...(step.isMeantToStay && { isMeantToStay: true }),
      ...(step.isFailureIgnored && { isFailureIgnored: true }),
      ...(output && {
        outputIn: output.isEnvironment ? output.variable.name : composer.nameOf(output.variable),
      }),
    };
  }

  function pluginRun(
    container: PluginContainer,
    { stage, scope, machine, phase, conditions }: Surroundings,
    stops: ReadonlySet<string>,
  ): Omit<PluginRun, 'after'> {
    const { at, end, image, options = [], isMeantToStay } = container;
    const space = { text: ' ', file: at };
    const words = [{ text: 'docker run -d ', file: at }, ...options, space];
    const composed = composer.compose(
      [...words, ...(image.name ?? [{ text: 'image', file: at }])],
      new Map(),
    );
    const onSuccess = stops.has('main') || stops.has('success');
    return {
      at,
      end,
      ...(image.name && { image: composer.pattern(image.name) }),
      ...(stage !== undefined && { stage }),
      command: {
        text: 'docker run -d image',
        variables: new Map(),
        ...composed,
        pieces: [{ text: 0, file: at, inserted: { length: end - at } }],
        scope,
        machine,
        phase,
        pipeline: 'jenkins',
        exitsOnError: true,
        ...(conditions.length > 0 && { conditions }),
      },
      stops:
        stops.has('always') || (onSuccess && stops.has('failure'))
          ? 'always'
          : onSuccess
            ? 'on-success'
            : 'no',
      ...(isMeantToStay && { isMeantToStay }),
    };
  }
}

/** Whatever starts a container names one of these. */
const NAMES_CONTAINERS = /docker|podman|nerdctl|compose/i;

function isShell(text: string): boolean {
  const interpreter = /^#!([^\n]*)/.exec(text)?.[1];
  return interpreter === undefined || /\b(?:ba|da|k|z|a)?sh\b|busybox/.test(interpreter);
}

/** The parameters of a method have the arguments of its calls. */
function setParameters({ methods, calls }: PipelineTree): void {
  const callsOf = Map.groupBy(calls, ({ method }) => method);
  for (const { name, parameters } of methods) {
    const all: readonly MethodCall[] = callsOf.get(name) ?? [];
    for (const [index, parameter] of parameters.entries()) {
      // More of them would be more than anyone reads, and take quadratic time.
      if (all.length === 0 || all.length > MAX_CALLS) parameter.values.push(undefined);
      else
        for (const call of all) {
          if (index < call.arguments.length || parameter.values.length === 0)
            parameter.values.push(call.arguments[index]);
        }
    }
  }
}

const MAX_CALLS = 50;

/** Containers of the plugin that a script removes itself: `docker rm -f ${c.id}`. */
function removedContainers({ text }: ShellStep): readonly PluginContainer[] {
  const found: PluginContainer[] = [];
  let before = '';
  for (const part of text ?? []) {
    if (!isHole(part)) {
      const lineStart = part.text.lastIndexOf('\n');
      before = lineStart < 0 ? (before + part.text).slice(-MAX_LINE_CHARS) : part.text.slice(lineStart);
      continue;
    }
    const container = part.stands.for === 'expression' ? part.stands.root?.container : undefined;
    if (container && /\bdocker\s+(?:container\s+)?rm\b[^;&|]*$/.test(before)) found.push(container);
  }
  return found;
}

const MAX_LINE_CHARS = 200;
