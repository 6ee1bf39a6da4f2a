import { array, assert, asyncProperty, constantFrom, record } from 'fast-check';
import { expect, test } from 'vitest';
import type { PipelineFile } from '../ports/pipelines.ts';
import { SourceError } from '../ports/source-error.ts';
import { readPipelineFiles, type RepositoryEntry } from './read-pipelines.ts';

type Content = string | { readonly error: string } | SourceError;

async function readAll(
  entries: readonly RepositoryEntry[],
  contentOf: (path: string) => Content,
): Promise<{
  readonly files: readonly PipelineFile[];
  readonly reads: readonly string[];
  readonly error?: unknown;
}> {
  const reads: string[] = [];
  const files: PipelineFile[] = [];
  try {
    const batches = readPipelineFiles(entries, {
      source: 'test',
      facts: { repository: 'shop/api' },
      maxFileBytes: 1000,
      filesAtOnce: 3,
      signal: new AbortController().signal,
      read: async ({ path }) => {
        reads.push(path);
        const content = contentOf(path);
        if (content instanceof SourceError) throw content;
        return typeof content === 'string' ? Buffer.from(content) : content;
      },
    });
    for await (const batch of batches) files.push(...batch);
    return { files, reads };
  } catch (error) {
    return { files, reads, error };
  }
}

const file = (path: string): RepositoryEntry => ({ path, type: 'file' });
const unreachable = new SourceError('test', 'unreachable', 'no response');

test('gives up once several files get no response, and keeps what it has read', async () => {
  const paths = Array.from({ length: 100 }, (_, at) => `${at}.sh`);
  const { files, reads, error } = await readAll(paths.map(file), (path) =>
    Number.parseInt(path, 10) < 50 ? 'true' : unreachable,
  );
  expect(error).toBe(unreachable);
  expect(files.filter(({ content }) => content === 'true')).toHaveLength(50);
  expect(reads.length).toBeLessThan(60);
});

test('a permission that is missing for one file is missing for all', async () => {
  const refused = new SourceError('test', 'refused', 'permission denied');
  expect((await readAll([file('a.sh')], () => refused)).error).toBe(refused);
});

test('a file that a link and a pipeline lead to is read once, as what the first says it is', async () => {
  const entries: readonly RepositoryEntry[] = [
    file('.gitlab-ci.yml'),
    file('ci/jobs.yml'),
    { path: 'other.gitlab-ci.yml', type: 'link' },
    { path: 'again.gitlab-ci.yml', type: 'link' },
  ];
  const { files } = await readAll(entries, (path) =>
    path === '.gitlab-ci.yml' ? 'include: ci/jobs.yml' : path.endsWith('jobs.yml') ? '{}' : 'ci/jobs.yml',
  );
  expect(files.map(({ path, kind }) => [path, kind])).toEqual([
    ['.gitlab-ci.yml', 'gitlab'],
    ['ci/jobs.yml', 'gitlab'],
  ]);
});

test('a pipeline that includes too many files is not complete', async () => {
  const includes = Array.from({ length: 1001 }, (_, at) => `  - ci/${at}.yml`).join('\n');
  const { files, error } = await readAll([file('.gitlab-ci.yml')], () => `include:\n${includes}\n`);
  expect(files).toHaveLength(1);
  expect(error).toMatchObject({ kind: 'malformed' });
});

const path = array(
  constantFrom('a', 'Jenkinsfile', '.gitlab-ci.yml', 'x.yml', 'b.sh', '..', '.github', 'workflows'),
  {
    minLength: 1,
    maxLength: 3,
  },
).map((parts) => parts.join('/'));
const entry = record({
  path,
  type: constantFrom<RepositoryEntry['type']>('file', 'link', 'submodule', 'unreadable'),
  mayBeScript: constantFrom(true, false),
});
const content = constantFrom(
  'include: "**"',
  'include: [x.yml, /a/x.yml]',
  '#!/bin/sh',
  '../..',
  '/etc/passwd',
  'a/Jenkinsfile',
  'b.sh',
  '.',
  '',
  '\0',
);

test('reads nothing but the entries, and reports each at most once, whatever is in the repository', async () => {
  await assert(
    asyncProperty(
      array(entry, { maxLength: 12 }),
      array(content, { minLength: 1 }),
      async (all, contents) => {
        const entries = [...new Map(all.map((one) => [one.path, one])).values()];
        const { files, reads, error } = await readAll(
          entries,
          (of) => contents[of.length % contents.length]!,
        );
        expect(error).toBeUndefined();
        expect(new Set(files.map((one) => one.path)).size).toBe(files.length);
        const known = new Set(entries.map((one) => one.path));
        expect(reads.every((one) => known.has(one))).toBe(true);
        for (const one of files) expect(one.content === undefined).toBe(one.error !== undefined);
      },
    ),
  );
});
