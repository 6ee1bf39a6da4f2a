import type { Machine, Script, ScriptsInFile } from '../script.ts';
import type { Values } from '../template-expressions.ts';
import { type GithubContext, githubValues, nodesOf } from './github-expressions.ts';
import { yamlKeepComments } from './keep-comments.ts';
import { githubSteps } from './github-steps.ts';
import {
  sequenceItems,
  type YamlProblem,
  readYamlDocuments,
  textAt,
  valueAt,
  type Yaml,
} from './read-yaml.ts';

/** The scripts of a GitHub workflow. Workflows and actions that it uses are files of their own. */
export function githubWorkflowScripts(content: string): ScriptsInFile {
  const { roots, problems } = readYamlDocuments(content);
  const scripts: Script[] = [];
  const found: YamlProblem[] = [...problems];
  const names = new Map<string, string>();
  const mappedOf = yamlKeepComments(content);
  for (const root of roots) {
    const jobs = valueAt(root, 'jobs');
    if (jobs?.kind !== 'map') continue;
    for (const [name, { value: job }] of jobs.entries) {
      const matrix = valueAt(job, 'strategy', 'matrix');
      const context: GithubContext = {
        env: [valueAt(job, 'env'), valueAt(root, 'env')],
        matrix,
        inputs:
          valueAt(root, 'on', 'workflow_dispatch', 'inputs') ??
          valueAt(root, 'on', 'workflow_call', 'inputs'),
      };
      const labels = labelsOf(valueAt(job, 'runs-on'), context);
      const { scripts: own, problems: unread } = githubSteps(valueAt(job, 'steps'), {
        scope: name,
        job: name,
        machine: machineOf(labels),
        context,
        names,
        mappedOf,
        shell: textAt(job, 'defaults', 'run', 'shell') ?? textAt(root, 'defaults', 'run', 'shell'),
        isWindows:
          labels.length > 0 && labels.every((one) => one.some((label) => label?.startsWith('windows'))),
      });
      scripts.push(...own);
      found.push(...unread);
    }
  }
  return { scripts, problems: found };
}

/** The sets of labels that the machine of a job may have. */
function labelsOf(runsOn: Yaml | undefined, context: GithubContext): readonly Values[] {
  if (runsOn?.kind === 'list') return [runsOn.items.flatMap((item) => textValues(item, context))];
  if (runsOn?.kind === 'map') {
    const labels = sequenceItems(valueAt(runsOn, 'labels')).flatMap((item) => textValues(item, context));
    return [labels.length > 0 ? labels : [undefined]];
  }
  if (!runsOn) return [];
  const inner = runsOn.kind === 'text' ? /^\$\{\{([^{}]*)\}\}$/.exec(runsOn.value.trim())?.[1] : undefined;
  const lists = inner === undefined ? [] : (nodesOf(inner.trim(), context) ?? []);
  // A matrix may contain lists of labels.
  if (lists.some((node) => node?.kind === 'list'))
    return lists.map((node) => sequenceItems(node).flatMap((item) => textValues(item, context)));
  return textValues(runsOn, context).map((value) => [value]);
}

function textValues(node: Yaml, context: GithubContext): Values {
  return node.kind === 'text' ? githubValues(node.value, context) : [undefined];
}

/** https://docs.github.com/actions/reference/runners/github-hosted-runners */
const HOSTED =
  /^(?:ubuntu-(?:latest|slim|\d\d\.\d\d)(?:-arm)?|macos-(?:latest|\d+(?:\.\d+)?)(?:-(?:large|xlarge|intel|arm64))?|windows-(?:latest|\d{4}(?:-vs\d+)?|11-arm))$/i;

/** Larger runners have names that their organization chooses, usually these with an addition. */
const LIKE_HOSTED = /^(?:ubuntu|macos|windows)-(?:latest|\d)/i;

/** Runners that other companies host, most of them one machine per job. */
const HOSTED_ELSEWHERE = /^(?:blacksmith|buildjet|depot|namespace-profile|nscloud|runs-on|ubicloud|warp)\b/i;

function machineOf(all: readonly Values[]): Machine {
  const machines = all.map(machineWith);
  if (machines.includes('kept')) return 'kept';
  return machines.length > 0 && machines.every((one) => one === 'discarded') ? 'discarded' : 'unknown';
}

function machineWith(labels: Values): Machine {
  if (labels.includes('self-hosted')) return 'kept';
  if (labels.length === 0 || labels.includes(undefined)) return 'unknown';
  if (labels.every((label) => HOSTED.test(label!))) return 'discarded';
  return labels.some((label) => LIKE_HOSTED.test(label!) || HOSTED_ELSEWHERE.test(label!))
    ? 'unknown'
    : 'kept';
}
