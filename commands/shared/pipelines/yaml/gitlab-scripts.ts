import { insertedAt, joinLines, type MappedText } from '../mapped-text.ts';
import type { Machine, Script, ScriptsInFile } from '../script.ts';
import {
  expressionsIn,
  jinjaIn,
  mergedInOrder,
  startTemplates,
  type Values,
} from '../template-expressions.ts';
import { type GitlabPipeline, gitlabPipeline, gitlabFiles, rootOf } from './gitlab-config.ts';
import { type GitlabJobs, gitlabJobs } from './gitlab-jobs.ts';
import { yamlKeepComments } from './keep-comments.ts';
import { gitlabVariables } from './gitlab-variables.ts';
import {
  sequenceItems,
  type YamlProblem,
  textAt,
  valueAt,
  type Yaml,
  type YamlMap,
  type YamlText,
} from './read-yaml.ts';

/** How many characters the scripts of a file may have: the jobs of a file repeat what they share. */
const LONGEST_SCRIPTS = 4_000_000;

/**
 * The scripts of a GitLab CI file. `others` are the pipeline files of the repository by path: what jobs extend or refer to may be in one of them. Commands
 * of another file are inserted, because they are reported there.
 */
export function gitlabScripts(
  content: string,
  { path, others }: { readonly path: string; readonly others: ReadonlyMap<string, string> },
): ScriptsInFile {
  const files = gitlabFiles({ path, content }, others);
  const config = gitlabPipeline(rootOf(path, files), files);
  const jobs = gitlabJobs(path, config, files);
  const problems: YamlProblem[] = [...(files.read(path)?.problems ?? [])];
  const scripts: Script[] = [];
  // What jobs that run have shown needs no look at the hidden job that they are made of.
  const seen = new Set<number>();
  const names = new Map<string, string>();
  const mappedOf = yamlKeepComments(content);
  let length = 0;
  for (const name of jobs.names) {
    const job = jobs.job(name);
    if (!job) continue;
    const shells = shellsOf(job, config, jobs).map((shell) => ({
      ...shell,
      own: shell.texts.filter((text) => text.path === path),
    }));
    const own = shells.flatMap((shell) => shell.own);
    if (own.length === 0 || (name.startsWith('.') && own.every(({ at }) => seen.has(at)))) continue;
    for (const { at } of own) seen.add(at);
    const of = { name, job, place: own[0]!.at, path, config, names, mappedOf };
    for (const { texts, phase } of shells) {
      if (texts.length === 0) continue;
      const script = scriptOf(texts, phase, of);
      length += script.text.length;
      if (length > LONGEST_SCRIPTS) break;
      scripts.push(script);
    }
  }
  if (length > LONGEST_SCRIPTS)
    problems.push({ at: 0, because: 'The jobs of the file repeat too many commands.' });
  return { scripts, problems: [...problems, ...jobs.problems] };
}

interface Shell {
  readonly texts: readonly YamlText[];
  readonly phase: Script['phase'];
}

/** `before_script` and `script` run in one shell, `after_script` in another one: https://docs.gitlab.com/ci/yaml/#after_script */
function shellsOf(job: YamlMap, { entries }: GitlabPipeline, { commands }: GitlabJobs): readonly Shell[] {
  const inherited = (key: string): Yaml | undefined => {
    const inherit = valueAt(job, 'inherit', 'default');
    if (inherit?.kind === 'text' && inherit.value === 'false') return undefined;
    if (inherit?.kind === 'list' && !inherit.items.some((item) => item.kind === 'text' && item.value === key))
      return undefined;
    return valueAt(entries.get('default')?.value, key) ?? entries.get(key)?.value;
  };
  const ownOr = (key: string) => valueAt(job, key) ?? inherited(key);
  const main = [
    ...sequenceItems(valueAt(job, 'script')),
    ...sequenceItems(valueAt(job, 'run')).flatMap((step) => valueAt(step, 'script') ?? []),
  ];
  const isRun = main.length > 0 || valueAt(job, 'trigger') === undefined;
  const hooks = commands(
    valueAt(job, 'hooks', 'pre_get_sources_script') ?? valueAt(inherited('hooks'), 'pre_get_sources_script'),
  );
  return [
    { texts: isRun ? hooks : [], phase: 'main' },
    { texts: isRun ? [...commands(ownOr('before_script')), ...main.flatMap(commands)] : [], phase: 'main' },
    { texts: isRun ? commands(ownOr('after_script')) : [], phase: 'always' },
  ];
}

interface JobOf {
  readonly name: string;
  readonly job: YamlMap;
  /** An offset in the file that stands for text of other files. */
  readonly place: number;
  readonly path: string;
  readonly config: GitlabPipeline;
  /** See `startTemplates`. */
  readonly names: Map<string, string>;
  readonly mappedOf: (text: YamlText) => MappedText;
}

function scriptOf(
  texts: readonly YamlText[],
  phase: Script['phase'],
  { name, job, place, path, config, names, mappedOf }: JobOf,
): Script {
  const variables = gitlabVariables(
    job,
    config.entries.get('variables')?.value,
    config.entries.get('workflow')?.value,
  );
  const templates = startTemplates(names);
  const joined = joinLines(
    texts.map((text) => (text.path === path ? mappedOf(text) : insertedAt(place, 0, text.mapped, text.path))),
  );
  const replaced: MappedText = templates.replace(
    joined,
    mergedInOrder(expressionsIn(joined.text, '$[[', ']]'), jinjaIn(joined.text)),
    (inner) => inputValues(inner, config.inputs),
  );
  const stage = textAt(job, 'stage');
  return {
    ...replaced,
    scope: name,
    job: name,
    ...(stage !== undefined && { stage }),
    phase,
    machine: machineOf(job, config),
    pipeline: 'gitlab',
    exitsOnError: true,
    variables: new Map([...variables, ...templates.variables]),
  };
}

/** Of `inputs.NAME` in `$[[ … ]]`: its options, or its default, which whoever includes the file may replace. */
function inputValues(inner: string, inputs: Yaml | undefined): Values {
  const name = /^inputs\.([\w-]+)$/.exec(inner)?.[1];
  const input = name === undefined ? undefined : valueAt(inputs, name);
  const options = sequenceItems(valueAt(input, 'options'));
  if (options.length > 0) return options.map((option) => (option.kind === 'text' ? option.value : undefined));
  return [...new Set([textAt(input, 'default'), undefined])];
}

/** A daemon of its own ends with the job. Any other is that of the machine, which a socket or the shell executor reaches. */
function machineOf(job: YamlMap, { entries }: GitlabPipeline): Machine {
  const services =
    valueAt(job, 'services') ??
    valueAt(entries.get('default')?.value, 'services') ??
    entries.get('services')?.value;
  const images = sequenceItems(services).map((item) =>
    item.kind === 'text' ? item.value : textAt(item, 'name'),
  );
  const tags = sequenceItems(valueAt(job, 'tags') ?? valueAt(entries.get('default')?.value, 'tags'));
  // Runners that GitLab hosts, one machine per job: https://docs.gitlab.com/ci/runners/hosted_runners/
  const isHosted = tags.some((tag) => tag.kind === 'text' && tag.value.startsWith('saas-'));
  return isHosted || images.some((image) => image !== undefined && /\bdind\b/.test(image))
    ? 'discarded'
    : 'kept';
}
