import type { ScriptsInFile } from '../script.ts';
import { yamlKeepComments } from './keep-comments.ts';
import { githubSteps } from './github-steps.ts';
import { readYamlDocuments, valueAt } from './read-yaml.ts';

/** The scripts of a composite action. The machine is that of the workflow which uses it, so the file doesn't say whether it is kept. */
export function githubActionScripts(content: string): ScriptsInFile {
  const { roots, problems } = readYamlDocuments(content);
  const names = new Map<string, string>();
  const mappedOf = yamlKeepComments(content);
  const found = roots.map((root) =>
    githubSteps(valueAt(root, 'runs', 'steps'), {
      scope: 'action',
      machine: 'unknown',
      context: { env: [], inputs: valueAt(root, 'inputs') },
      isWindows: false,
      names,
      mappedOf,
    }),
  );
  return {
    scripts: found.flatMap(({ scripts }) => scripts),
    problems: [...problems, ...found.flatMap(({ problems }) => problems)],
  };
}
