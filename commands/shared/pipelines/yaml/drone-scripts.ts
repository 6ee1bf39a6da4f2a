import { joinLines, type MappedText, type Replacement, replaceParts } from '../mapped-text.ts';
import type { Machine, Phase, Script, ScriptsInFile, Variable } from '../script.ts';
import { jinjaIn, startTemplates, UNKNOWN } from '../template-expressions.ts';
import { yamlKeepComments } from './keep-comments.ts';
import {
  sequenceItems,
  type YamlProblem,
  readYamlDocuments,
  textAt,
  valueAt,
  type Yaml,
  type YamlText,
} from './read-yaml.ts';

/** The scripts of a `.drone.yml`, and of similar files of Woodpecker. */
export function droneScripts(content: string): ScriptsInFile {
  const { roots, problems } = readYamlDocuments(content);
  const scripts: Script[] = [];
  const found: YamlProblem[] = [...problems];
  const names = new Map<string, string>();
  const mappedOf = yamlKeepComments(content);
  roots.forEach((root, index) => {
    const kind = textAt(root, 'kind') ?? 'pipeline';
    if (kind !== 'pipeline') return;
    const scope = `${textAt(root, 'name') ?? 'default'}/${index + 1}`;
    const environment = valueAt(root, 'environment');
    for (const [name, step] of stepsOf(root)) {
      const texts = textsOf(valueAt(step, 'commands'), found);
      if (texts.length === 0) continue;
      const templates = startTemplates(names);
      const text = withoutDollarEscapes(joinLines(texts.map(mappedOf)));
      const replaced = templates.replace(text, jinjaIn(text.text), () => UNKNOWN);
      const variables = new Map([...variablesOf(environment), ...variablesOf(valueAt(step, 'environment'))]);
      scripts.push({
        ...replaced,
        scope,
        job: textAt(root, 'name') ?? 'default',
        ...(name !== undefined && { stage: name }),
        phase: phaseOf(step),
        machine: machineOf(root, step),
        exitsOnError: true,
        variables: new Map([...variables, ...templates.variables]),
      });
    }
  });
  return { scripts, problems: found };
}

/** A list, or in older files a map by name. */
function stepsOf(root: Yaml): readonly (readonly [string | undefined, Yaml])[] {
  const steps = valueAt(root, 'steps') ?? valueAt(root, 'pipeline');
  if (steps?.kind === 'map') return [...steps.entries].map(([name, { value }]) => [name, value]);
  return sequenceItems(steps).map((step) => [textAt(step, 'name'), step]);
}

function textsOf(commands: Yaml | undefined, problems: YamlProblem[]): readonly YamlText[] {
  return sequenceItems(commands).flatMap((item) => {
    if (item.kind === 'text') return item;
    problems.push({ at: item.at, because: 'A command is not text.' });
    return [];
  });
}

/** `$${NAME}` is for the shell: https://docs.drone.io/pipeline/environment/substitution/ */
function withoutDollarEscapes(from: MappedText): MappedText {
  const replacements: Replacement[] = [];
  for (let at = from.text.indexOf('$${'); at !== -1; at = from.text.indexOf('$${', at + 3))
    replacements.push({ start: at, end: at + 1, by: '' });
  return replaceParts(from, replacements);
}

function variablesOf(environment: Yaml | undefined): ReadonlyMap<string, Variable> {
  if (environment?.kind !== 'map') return new Map();
  return new Map(
    [...environment.entries].map(([name, { value }]) => [
      name,
      { values: [value.kind === 'text' && !value.value.includes('${') ? value.value : undefined] },
    ]),
  );
}

function phaseOf(step: Yaml): Phase {
  const statuses = sequenceItems(
    valueAt(step, 'when', 'status') ?? valueAt(step, 'when', 'status', 'include'),
  );
  const words = statuses.map((status) => (status.kind === 'text' ? status.value : ''));
  if (!words.includes('failure')) return 'main';
  if (!words.includes('success')) return 'failure';
  const when = valueAt(step, 'when');
  // Another condition may leave it out.
  return when?.kind === 'map' && when.entries.size === 1 ? 'always' : 'success';
}

/** The socket of the machine is mounted, or the steps run on the machine itself. A daemon of its own ends with the pipeline. */
function machineOf(root: Yaml, step: Yaml): Machine {
  const type = textAt(root, 'type') ?? 'docker';
  if (type === 'exec' || type === 'ssh') return 'kept';
  if (type === 'digitalocean' || type === 'macstadium' || type === 'aws') return 'discarded';
  const mounts = sequenceItems(valueAt(step, 'volumes'));
  const hostVolumes = sequenceItems(valueAt(root, 'volumes')).filter(
    (one) => valueAt(one, 'host') !== undefined,
  );
  const isMounted = mounts.some((mount) => {
    if (mount.kind === 'text') return mount.value.includes('docker.sock');
    const host = hostVolumes.find((one) => textAt(one, 'name') === textAt(mount, 'name'));
    return /docker|\/var\/run\/?$|podman/.test(textAt(host, 'host', 'path') ?? '');
  });
  if (isMounted) return 'kept';
  const services = valueAt(root, 'services');
  const all =
    services?.kind === 'map'
      ? [...services.entries.values()].map(({ value }) => value)
      : sequenceItems(services);
  const steps = stepsOf(root).map(([, one]) => one);
  return [...all, ...steps].some((one) => /\bdind\b/.test(textAt(one, 'image') ?? ''))
    ? 'discarded'
    : 'unknown';
}
