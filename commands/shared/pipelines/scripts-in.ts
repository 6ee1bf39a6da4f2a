import type { ports } from '../../kit.ts';
import { jenkinsScripts } from './jenkins/jenkins-scripts.ts';
import { makeScripts } from './make-scripts.ts';
import type { ScriptsInFile } from './script.ts';
import { shellScripts } from './shell-scripts.ts';
import { azureScripts } from './yaml/azure-scripts.ts';
import { droneScripts } from './yaml/drone-scripts.ts';
import { githubActionScripts } from './yaml/github-action-scripts.ts';
import { githubWorkflowScripts } from './yaml/github-workflow-scripts.ts';
import { gitlabScripts } from './yaml/gitlab-scripts.ts';

interface NamedContent {
  readonly path: string;
  readonly kind: ports.PipelineKind;
  readonly content: string;
}

/** The scripts of one pipeline file. `others` are the contents of the other pipeline files of its repository, by path. Never throws. */
export function scriptsIn(
  { path, kind, content }: NamedContent,
  others: ReadonlyMap<string, string>,
): ScriptsInFile {
  switch (kind) {
    case 'jenkins':
      return jenkinsScripts(content);
    case 'gitlab':
      return gitlabScripts(content, { path, others });
    case 'github-workflow':
      return githubWorkflowScripts(content);
    case 'github-action':
      return githubActionScripts(content);
    case 'azure':
      return azureScripts(content);
    case 'drone':
      return droneScripts(content);
    case 'make':
      return makeScripts(content);
    case 'shell':
      return shellScripts(content);
  }
}
