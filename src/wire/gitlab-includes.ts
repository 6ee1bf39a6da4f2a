import { isScalar, parseDocument, visit } from 'yaml';
import { asObject, textIn } from './json-object.ts';

/**
 * The files of the same repository that a GitLab pipeline includes, or starts as a child pipeline: paths and patterns without a leading slash. An
 * `include` that can't be read is left out: whoever reads the pipeline itself notices.
 * https://docs.gitlab.com/ci/yaml/#include
 */
export function localIncludes(content: string): readonly string[] {
  if (!/\binclude\b/.test(content)) return [];
  const paths = new Set<string>();
  try {
    const document = parseDocument(content, { logLevel: 'silent', uniqueKeys: false, strict: false });
    visit(document, {
      Pair: (_, pair) => {
        if (!isScalar(pair.key) || pair.key.value !== 'include') return undefined;
        const value = (pair.value as { toJS?: (of: typeof document) => unknown } | null)?.toJS?.(document);
        for (const one of Array.isArray(value) ? (value as unknown[]).flat() : [value])
          for (const path of localPaths(one)) paths.add(path.replace(/^\/+/, ''));
        return visit.SKIP;
      },
    });
  } catch {
    // Nested too deeply, or with too many aliases.
  }
  return [...paths];
}

function localPaths(include: unknown): readonly string[] {
  if (typeof include === 'string') return /^[a-z]+:\/\//i.test(include) ? [] : [include];
  const { local } = asObject(include);
  if (Array.isArray(local)) return local.filter((one): one is string => typeof one === 'string');
  const path = textIn(asObject(include), 'local');
  return path === undefined ? [] : [path];
}
