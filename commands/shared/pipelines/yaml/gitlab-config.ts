import {
  sequenceItems,
  readYamlDocuments,
  textAt,
  valueAt,
  type Yaml,
  type YamlDocuments,
  type YamlEntry,
  type YamlMap,
} from './read-yaml.ts';

/** The files of a repository, each parsed once. */
export interface GitlabFiles {
  readonly read: (path: string) => YamlDocuments | undefined;
  readonly paths: () => Iterable<string>;
  readonly contentOf: (path: string) => string | undefined;
}

/** What is parsed of the files of a repository, for as long as someone has the list of them. */
const parsedFiles = new WeakMap<ReadonlyMap<string, string>, Map<string, YamlDocuments>>();

export function gitlabFiles(
  own: { readonly path: string; readonly content: string },
  others: ReadonlyMap<string, string>,
): GitlabFiles {
  const parsed = parsedFiles.get(others) ?? new Map<string, YamlDocuments>();
  parsedFiles.set(others, parsed);
  const contentOf = (path: string) => (path === own.path ? own.content : others.get(path));
  return {
    contentOf,
    paths: () => others.keys(),
    read: (path) => {
      const content = contentOf(path);
      if (content === undefined) return undefined;
      const known = parsed.get(path);
      if (known && others.get(path) === content) return known;
      const read = readYamlDocuments(content, path);
      parsed.set(path, read);
      return read;
    },
  };
}

/** The configuration that GitLab makes of a file and those that it includes. */
export interface GitlabPipeline {
  readonly entries: ReadonlyMap<string, YamlEntry>;
  /** Of the file, which may set `spec:inputs`. */
  readonly inputs?: Yaml;
  /** The files that it consists of. */
  readonly files: ReadonlySet<string>;
  /** Whether it includes something that isn't in the repository. */
  readonly isPartial: boolean;
}

/** As many as GitLab allows: https://docs.gitlab.com/ci/yaml/#include */
const MOST_INCLUDES = 150;

export function gitlabPipeline(root: string, files: GitlabFiles): GitlabPipeline {
  const entries = new Map<string, YamlEntry>();
  const seen = new Set<string>();
  let inputs: Yaml | undefined;
  let isPartial = false;
  const merge = createMerge();
  const add = (path: string) => {
    if (seen.has(path) || seen.size >= MOST_INCLUDES) return;
    seen.add(path);
    const documents = files.read(path)?.roots ?? [];
    const config = documents.at(-1);
    if (documents.length > 1) inputs ??= valueAt(documents[0], 'spec', 'inputs');
    if (config?.kind !== 'map') return;
    const { local, isComplete } = includesOf(config, files);
    if (!isComplete) isPartial = true;
    for (const one of local) add(one);
    for (const [key, entry] of config.entries) entries.set(key, merge(entries.get(key), entry));
  };
  add(root);
  return { entries, ...(inputs && { inputs }), files: seen, isPartial };
}

function includesOf(
  config: YamlMap,
  files: GitlabFiles,
): { readonly local: readonly string[]; readonly isComplete: boolean } {
  const local: string[] = [];
  let isComplete = true;
  for (const item of sequenceItems(valueAt(config, 'include'))) {
    const text = item.kind === 'text' ? item.value : textAt(item, 'local');
    if (text === undefined || /^https?:\/\//.test(text)) isComplete = false;
    else {
      const found = pathsLike(text.replace(/^\/+/, ''), files);
      if (found.length === 0) isComplete = false;
      local.push(...found);
    }
  }
  return { local, isComplete };
}

function pathsLike(path: string, files: GitlabFiles): readonly string[] {
  if (!path.includes('*')) return files.contentOf(path) === undefined ? [] : [path];
  const parts = path.split(/(\*+)/).map((part) => {
    if (part.startsWith('**')) return '.*';
    return part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  // More stars take longer, and no one needs them.
  if (parts.length > 9) return [];
  const pattern = new RegExp(`^${parts.join('')}$`);
  return [...files.paths()].filter((one) => pattern.test(one)).toSorted();
}

/** The file that includes this one, directly or through others; itself if none does. Only then its jobs are complete. */
export function rootOf(path: string, files: GitlabFiles): string {
  let root = path;
  const seen = new Set([path]);
  for (;;) {
    const including = includingFile(root, files, seen);
    if (including === undefined) return root;
    seen.add(including);
    root = including;
  }
}

function includingFile(path: string, files: GitlabFiles, seen: ReadonlySet<string>): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  for (const other of files.paths()) {
    if (seen.has(other)) continue;
    const content = files.contentOf(other) ?? '';
    if (!content.includes('include') || !(content.includes(name) || content.includes('*'))) continue;
    const config = files.read(other)?.roots.at(-1);
    if (config?.kind === 'map' && includesOf(config, files).local.includes(path)) return other;
  }
  return undefined;
}

/** How many entries merging may copy. */
const MOST_COPIED = 300_000;

/** Merges maps deeply, as `include` and `extends` do; of anything else, the later one replaces the earlier one. */
export function createMerge(): (base: YamlEntry | undefined, over: YamlEntry) => YamlEntry {
  let copied = 0;
  const mergeMaps = (base: YamlMap, over: YamlMap): YamlMap => {
    copied += base.entries.size + over.entries.size;
    if (copied > MOST_COPIED) return over;
    const entries = new Map(base.entries);
    for (const [key, entry] of over.entries) entries.set(key, merge(entries.get(key), entry));
    return { ...over, entries };
  };
  const merge = (base: YamlEntry | undefined, over: YamlEntry): YamlEntry =>
    base?.value.kind === 'map' && over.value.kind === 'map'
      ? { key: over.key, value: mergeMaps(base.value, over.value) }
      : over;
  return merge;
}
