import { createMerge, type GitlabPipeline, type GitlabFiles } from './gitlab-config.ts';
import {
  sequenceItems,
  type YamlProblem,
  valueAt,
  type Yaml,
  type YamlEntry,
  type YamlMap,
  type YamlText,
} from './read-yaml.ts';

/** Keys that are no jobs: https://docs.gitlab.com/ci/yaml/#unavailable-names-for-jobs */
const NOT_JOBS: ReadonlySet<string> = new Set([
  'after_script',
  'before_script',
  'cache',
  'default',
  'image',
  'include',
  'services',
  'spec',
  'stages',
  'types',
  'variables',
  'workflow',
]);

/** How deep `extends` and `!reference` may be nested; GitLab allows 11 and 10. */
const DEEPEST = 12;
/** How many nodes the lists of commands may have in total. */
const MOST_NODES = 200_000;

export interface GitlabJobs {
  /** Jobs that run, then hidden ones: those that nothing mentions before those that they are made of. */
  readonly names: readonly string[];
  /** With what it extends. */
  readonly job: (name: string) => YamlMap | undefined;
  /** The commands of a list, with nested lists and references resolved. */
  readonly commands: (node: Yaml | undefined) => readonly YamlText[];
  readonly problems: readonly YamlProblem[];
}

export function gitlabJobs(path: string, config: GitlabPipeline, files: GitlabFiles): GitlabJobs {
  const problems = new Map<string, YamlProblem>();
  const resolved = new Map<string, YamlEntry | undefined>();
  const mentioned = new Set<string>();
  const merge = createMerge();
  let nodes = 0;

  const isOwn = (name: string) =>
    files.read(path)?.roots.some((root) => valueAt(root, name) !== undefined) === true;
  const missing = (name: string, at: number, what: string) => {
    if (!problems.has(name)) problems.set(name, { at, because: `\`${name.slice(0, 100)}\` ${what}` });
  };

  /** A job, as written: in the configuration, or else in the one other file that has it. */
  const written = (name: string): YamlEntry | undefined => {
    const entry = config.entries.get(name);
    if (entry) return entry;
    const elsewhere = [...files.paths()].flatMap((other) => {
      if (config.files.has(other) || files.contentOf(other)?.includes(`${name}:`) !== true) return [];
      const root = files.read(other)?.roots.at(-1);
      return root?.kind === 'map' ? (root.entries.get(name) ?? []) : [];
    });
    return elsewhere.length === 1 ? elsewhere[0] : undefined;
  };

  const resolve = (name: string, depth: number): YamlEntry | undefined => {
    if (resolved.has(name)) return resolved.get(name);
    const own = written(name);
    // Until it is resolved, a job that extends itself gets what is written.
    resolved.set(name, own);
    if (own?.value.kind !== 'map') return own;
    let base: YamlEntry | undefined;
    for (const parent of sequenceItems(valueAt(own.value, 'extends'))) {
      if (parent.kind !== 'text') continue;
      mentioned.add(parent.value);
      const extended = depth < DEEPEST ? resolve(parent.value, depth + 1) : undefined;
      if (extended?.value.kind === 'map') base = merge(base, extended);
      else if (parent.path === path)
        missing(parent.value, parent.at, "isn't in the files of this repository; a job extends it.");
    }
    const entry = base ? merge(base, own) : own;
    resolved.set(name, entry);
    return entry;
  };

  const referenced = (reference: Yaml): Yaml | undefined => {
    const keys = sequenceItems(reference).map((item) => (item.kind === 'text' ? item.value : ''));
    const [name = '', ...rest] = keys;
    mentioned.add(name);
    return valueAt(written(name)?.value, ...rest) ?? valueAt(resolve(name, 0)?.value, ...rest);
  };

  const collect = (node: Yaml, into: YamlText[], depth: number): void => {
    nodes++;
    if (nodes > MOST_NODES) return missing('script', node.at, 'expands to too many commands.');
    if (depth > DEEPEST) return missing('script', node.at, 'is nested too deep.');
    if (node.kind === 'text') {
      into.push(node);
      return;
    }
    if (node.kind === 'map') return missing('script', node.at, 'has an entry that is not text.');
    if (node.tag !== '!reference') {
      for (const item of node.items) collect(item, into, depth + 1);
      return;
    }
    const target = referenced(node);
    if (target) collect(target, into, depth + 1);
    else if (node.items.some((item) => item.kind === 'text' && item.path === path)) {
      const name = node.items.map((item) => (item.kind === 'text' ? item.value : '…')).join(', ');
      missing(name, node.at, "isn't in the files of this repository; a script refers to it.");
    }
  };

  const isHidden = (name: string) => name.startsWith('.');
  const all = [...config.entries].filter(([name, { value }]) => value.kind === 'map' && !NOT_JOBS.has(name));
  const names = all.map(([name]) => name);
  for (const name of names) resolve(name, 0);
  const order = (name: string) => (isHidden(name) ? (mentioned.has(name) ? 2 : 1) : 0);
  return {
    names: names.filter((name) => !isHidden(name) || isOwn(name)).toSorted((a, b) => order(a) - order(b)),
    job: (name) => {
      const entry = resolve(name, 0);
      return entry?.value.kind === 'map' ? entry.value : undefined;
    },
    commands: (node) => {
      const into: YamlText[] = [];
      if (node) collect(node, into, 0);
      return into;
    },
    get problems() {
      return [...problems.values()];
    },
  };
}
