import { afterEach, expect, test } from 'vitest';
import { makeGitStore, type NewFiles } from '../../../test/world/forge/git-store.ts';
import {
  type GitlabOptions,
  serveGitlab,
  type ServedGitlab,
} from '../../../test/world/forge/served-gitlab.ts';
import type { PipelineFile, Pipelines } from '../../ports/pipelines.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { gitlabConfig } from './config.ts';
import { openGitlab } from './open.ts';

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((close) => close()));
});

const { signal } = new AbortController();
const PROJECT = 'shop/backend/api';
const READ = 'glpat-read-canary';
const WRITE = 'glpat-write-canary';

interface Opened {
  readonly gitlab: ServedGitlab;
  readonly source: Source;
  readonly reader: Pipelines;
}

async function open(
  files: NewFiles | GitlabOptions['projects'][string],
  config: object = {},
  options: Partial<GitlabOptions> = {},
): Promise<Opened> {
  const gitlab = await serveGitlab({ projects: { [PROJECT]: files }, ...options });
  const source = openGitlab(
    gitlabConfig.parse({ kind: 'gitlab', url: gitlab.url, token: READ, projects: [PROJECT], ...config }),
  );
  cleanup.push(gitlab.close, source.close);
  return { gitlab, source, reader: source.reads.pipelines! };
}

async function readAll(
  { reader }: Opened,
  repository = PROJECT,
): Promise<{ readonly files: readonly PipelineFile[]; readonly error?: SourceError }> {
  const files: PipelineFile[] = [];
  const sorted = () => files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  try {
    for await (const batch of reader.files({ repository, signal })) files.push(...batch);
    return { files: sorted() };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { files: sorted(), error };
  }
}

const many = (count: number): NewFiles =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`ci/${String(at).padStart(4, '0')}.sh`, `${at}`]),
  );

test('reads pipeline files in a subgroup, and what they include', async () => {
  const store = makeGitStore({
    '.gitlab-ci.yml': 'include: /ci/test.yml\n',
    'ci/test.yml': 'test: { script: [x] }\n',
    'ci/ü b.sh': 'true\r\n',
    'values.yml': '',
  });
  const opened = await open(store);
  const commit = store.branches.get('main')!;
  const facts = { repository: PROJECT, commit, branch: 'main' };
  const page = `https://gitlab.example.com/${PROJECT}/-/blob/${commit}`;
  expect((await readAll(opened)).files).toEqual([
    {
      ...facts,
      path: '.gitlab-ci.yml',
      kind: 'gitlab',
      content: 'include: /ci/test.yml\n',
      url: `${page}/.gitlab-ci.yml`,
    },
    {
      ...facts,
      path: 'ci/test.yml',
      kind: 'gitlab',
      content: 'test: { script: [x] }\n',
      url: `${page}/ci/test.yml`,
    },
    { ...facts, path: 'ci/ü b.sh', kind: 'shell', content: 'true\r\n', url: `${page}/ci/%C3%BC%20b.sh` },
  ]);
  expect(opened.gitlab.requests.every(({ line, token }) => line.startsWith('GET ') && token === READ)).toBe(
    true,
  );
});

test.each(['keyset', 'numbered'] as const)('reads all pages of a list: %s', async (pages) => {
  const opened = await open(many(205), {}, { pages, pageSize: 20 });
  const { files, error } = await readAll(opened);
  expect(error).toBeUndefined();
  expect(files).toHaveLength(205);
});

test('stays on the configured address if links name another one', async () => {
  const opened = await open(many(30), {}, { pageSize: 10, externalUrl: 'https://gitlab.example.com' });
  expect((await readAll(opened)).files).toHaveLength(30);
});

test('a list that repeats itself is not complete', async () => {
  const opened = await open(many(3), {}, { pages: 'endless' });
  const { files, error } = await readAll(opened);
  expect(error).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('again and again') as string,
  });
  expect(files).toHaveLength(3);
});

test('a list without end ends at a limit', async () => {
  const opened = await open(many(1), {}, { pages: 'endless with new names' });
  const { error } = await readAll(opened);
  expect(error).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('too many files') as string,
  });
});

test('keeps the pages before one that fails', async () => {
  const opened = await open(many(30), {}, { pageSize: 10, pages: 'numbered' });
  const commit = opened.gitlab.store(PROJECT).branches.get('main')!;
  const query = `ref=${commit}&recursive=true&per_page=100&pagination=keyset&page=3`;
  opened.gitlab.fail(`GET /api/v4/projects/${encodeURIComponent(PROJECT)}/repository/tree?${query}`, {
    status: 500,
  });
  const { files, error } = await readAll(opened);
  expect(files).toHaveLength(20);
  expect(error).toMatchObject({ kind: 'unreachable' });
});

test('says which content is no text, and which entries are links, submodules and scripts', async () => {
  const opened = await open(
    {
      'binary.sh': Buffer.from([0, 1]),
      'large.sh': 'x'.repeat(3000),
      'link.sh': { mode: '120000', content: 'ci/run.sh' },
      'out.sh': { mode: '120000', content: '/etc/passwd' },
      'ci/run.sh': 'true',
      'ci/tool': { mode: '100755', content: '#!/bin/bash\n' },
      'ci/notes': '#!/bin/sh',
      'vendored.mk': { mode: '160000', content: 'a'.repeat(40) },
    },
    { maxFileKiB: 2 },
  );
  expect((await readAll(opened)).files.map(({ path, error, kind }) => [path, error ?? kind])).toEqual([
    ['binary.sh', 'is not text'],
    ['ci/run.sh', 'shell'],
    ['ci/tool', 'shell'],
    ['large.sh', 'is larger than 2 KiB'],
    ['out.sh', 'is a link out of the repository'],
    ['vendored.mk', 'is a submodule, which is another repository'],
  ]);
});

test.each([
  ['an empty project', {}, {}, 'missing', 'is empty'],
  [
    'a branch that does not exist',
    { 'a.sh': '' },
    { projects: [{ path: PROJECT, branch: 'a/b' }] },
    'missing',
    'has no branch a/b',
  ],
  [
    'a wrong token',
    { 'a.sh': '' },
    { token: 'wrong-canary' },
    'refused',
    'it is invalid, or has expired (401)',
  ],
  [
    'a project that the token may not read',
    { 'a.sh': '' },
    { projects: ['shop/secret'] },
    'missing',
    'or the token may not read it (404)',
  ],
])('%s is not read', async (_, files, config, kind, message) => {
  const opened = await open(files, config);
  const { error } = await readAll(opened, opened.reader.repositories[0]);
  expect(error).toMatchObject({ kind, message: expect.stringContaining(message) as string });
  expect(error!.message).not.toContain('canary');
});

test('a limit of requests says when it ends', async () => {
  const opened = await open({ 'a.sh': '1' });
  const reset = String(Math.floor(Date.now() / 1000) + 3600);
  opened.gitlab.fail('GET ', {
    status: 429,
    headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': reset },
    body: 'Retry later',
  });
  expect((await readAll(opened)).error).toMatchObject({
    code: 'RATE_LIMITED',
    message: expect.stringMatching(/until .* UTC$/) as string,
  });
  await readAll(opened);
  expect(opened.gitlab.requests).toHaveLength(1);
});

test('lists open merge requests of its own branches, and none from forks', async () => {
  const opened = await open({ 'a.sh': '1' });
  const requests = opened.gitlab.requestsOf(PROJECT);
  const one = { title: '', description: '', target: 'main', state: 'opened' } as const;
  for (let iid = 1; iid <= 120; iid += 1) requests.push({ ...one, iid, source: `feature-${iid}` });
  requests.push({ ...one, iid: 121, source: 'wrench/docker-run-1' });
  requests.push({ ...one, iid: 122, source: 'wrench/evil', isFork: true });
  requests.push({ ...one, iid: 123, source: 'wrench/old', state: 'merged' });
  expect(await opened.reader.proposals!({ repository: PROJECT, signal })).toEqual([
    {
      id: '!121',
      url: `https://gitlab.example.com/${PROJECT}/-/merge_requests/121`,
      branch: 'wrench/docker-run-1',
      createdAt: new Date('2026-11-26T12:00:00Z'),
    },
  ]);
});

test('reports missing and excess permissions', async () => {
  const propose = { allow: { propose: { token: WRITE } } };
  const opened = await open({ 'a.sh': '1' }, propose, { readScopes: ['api'], level: 20 });
  expect(await opened.source.permissions!(signal)).toMatchObject([
    { method: 'files', allowed: true, alsoAllows: 'change everything that its user may (api)' },
    { method: 'propose', allowed: false, credential: 'allow.propose' },
  ]);
  const fine = await open({ 'a.sh': '1' }, propose);
  expect(await fine.source.permissions!(signal)).toEqual([
    { method: 'files', permission: `read ${PROJECT}`, allowed: true },
    {
      method: 'propose',
      permission: `open merge requests in ${PROJECT}`,
      allowed: true,
      credential: 'allow.propose',
    },
  ]);
  expect(await fine.source.healthCheck(signal)).toMatchObject({ ok: true });
  const wrong = await open({ 'a.sh': '1' }, { token: 'wrong' });
  expect(await wrong.source.healthCheck(signal)).toMatchObject({ ok: false });
});

test.each([
  ['no token', { token: undefined }],
  ['a project without its group', { projects: ['api'] }],
  ['a project twice', { projects: ['shop/api', { path: 'Shop/api', branch: 'x' }] }],
  ['proposing without its own token', { allow: { propose: {} } }],
  ['proposing with the token for reading', { allow: { propose: { token: READ } } }],
])('rejects %s', (_, more) => {
  expect(
    gitlabConfig.safeParse({ kind: 'gitlab', token: READ, projects: ['shop/api'], ...more }).success,
  ).toBe(false);
});
