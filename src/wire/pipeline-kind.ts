import type { PipelineKind } from '../ports/pipelines.ts';

/** What a path says about a file: its kind, whether its content must confirm that, or that only its content can say it. */
export type KindOfPath =
  | { readonly kind: PipelineKind; readonly needsContent?: true }
  /** Without an extension, as scripts often are. */
  | { readonly mayBeScript: true };

const BY_NAME: readonly (readonly [RegExp, PipelineKind])[] = [
  // Also `Jenkinsfile.release` and `Jenkinsfile-nightly`, but no notes about it.
  [/^Jenkinsfile(?:[._-](?!(?:md|txt|rst|adoc)$).*)?$|\.Jenkinsfile$/i, 'jenkins'],
  [/\.gitlab-ci\.ya?ml$/, 'gitlab'],
  [/\.github\.ya?ml$/, 'github-workflow'],
  [/^action\.ya?ml$/, 'github-action'],
  [/^azure-pipelines.*\.ya?ml$/, 'azure'],
  [/\.drone\.ya?ml$/, 'drone'],
  // Not the templates of automake and Perl.
  [/^(?:GNUmakefile|[Mm]akefile(?:\.(?!(?:in|am|PL|md|txt)$)[\w-]+)?)$|\.(?:mk|make|Makefile)$/, 'make'],
  [/\.(?:sh|bash)$/, 'shell'],
];
const BY_FOLDER: readonly (readonly [RegExp, PipelineKind])[] = [
  [/(?:^|\/)\.github\/workflows\/[^/]+\.ya?ml$/, 'github-workflow'],
  [/(?:^|\/)\.?azure-pipelines\/.*\.ya?ml$/, 'azure'],
  // Steps of a shared library: https://www.jenkins.io/doc/book/pipeline/shared-libraries/#directory-structure
  [/(?:^|\/)vars\/[^/]+\.groovy$/, 'jenkins'],
];
const COMPOSITE = /-action\.ya?ml$/;
/** Folders with pipelines whose names begin with a dot, if they are links. */
const FOLDERS = /^\.(?:github|gitlab|ci|jenkins|azure-pipelines|drone)$/;
/** Files without an extension that are no scripts. */
const NO_SCRIPT =
  /^(?:LICEN[CS]E|COPYING|README|CHANGELOG|AUTHORS|NOTICE|CODEOWNERS|VERSION|Dockerfile|Containerfile)$/i;

/** @returns undefined for what is no pipeline file */
export function kindOfPath(path: string): KindOfPath | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const [, kind] =
    BY_FOLDER.find(([pattern]) => pattern.test(path)) ??
    BY_NAME.find(([pattern]) => pattern.test(name)) ??
    [];
  if (kind) return { kind };
  if (COMPOSITE.test(name)) return { kind: 'github-action', needsContent: true };
  if (NO_SCRIPT.test(name)) return undefined;
  return !name.includes('.') || FOLDERS.test(name) ? { mayBeScript: true } : undefined;
}

const SHEBANG = /^#!\s*(?:\/usr\/bin\/env\s+(?:-\S+\s+)*)?(?:\S*\/)?(?:ba|da|k|z|a)?sh(?:\s|$)/;

/** Whether a file begins as a script of a shell. Its first line is enough. */
export function isShellScript(content: string): boolean {
  return SHEBANG.test(content.slice(0, 256));
}

/** Whether a YAML file looks like a composite action. */
export function isAction(content: string): boolean {
  return /^["']?runs["']?\s*:/m.test(content);
}

/** The kind of a file whose name doesn't say it. */
export function kindOfContent(content: string): PipelineKind | undefined {
  if (isShellScript(content)) return 'shell';
  if (/^\s*(?:@Library\b|pipeline\s*\{|node\b.*\{|stage\s*\(|properties\s*\()/m.test(content))
    return 'jenkins';
  const has = (key: string) => new RegExp(String.raw`^["']?${key}["']?\s*:`, 'm').test(content);
  if (has('kind') && /^kind\s*:\s*pipeline\b/m.test(content)) return 'drone';
  if (has('runs')) return 'github-action';
  if (has('jobs') && has('on')) return 'github-workflow';
  if (has('pool') || has('steps') || has('trigger') || has('jobs')) return 'azure';
  if (has('stages') || /^\s+(?:script|before_script)\s*:/m.test(content)) return 'gitlab';
  return /^[\w./-]+\s*:(?!=)[^\n]*\n\t/m.test(content) ? 'make' : undefined;
}
