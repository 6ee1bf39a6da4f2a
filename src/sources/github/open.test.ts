import { afterEach, expect, test } from 'vitest';
import { makeGitStore, type NewFiles } from '../../../test/world/forge/git-store.ts';
import {
  type GithubOptions,
  serveGithub,
  type ServedGithub,
} from '../../../test/world/forge/served-github.ts';
import type { PipelineFile, Pipelines } from '../../ports/pipelines.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { githubConfig } from './config.ts';
import { openGithub } from './open.ts';

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((close) => close()));
});

const { signal } = new AbortController();
const READ = 'github_pat_read-canary';
const WRITE = 'github_pat_write-canary';

interface Opened {
  readonly github: ServedGithub;
  readonly source: Source;
  readonly reader: Pipelines;
}

async function open(
  files: NewFiles | GithubOptions['repositories'][string],
  config: object = {},
  options: Partial<GithubOptions> = {},
): Promise<Opened> {
  const github = await serveGithub({ repositories: { 'shop/api': files }, ...options });
  const source = openGithub(
    githubConfig.parse({
      kind: 'github',
      url: github.url,
      token: READ,
      repositories: ['shop/api'],
      ...config,
    }),
  );
  cleanup.push(github.close, source.close);
  return { github, source, reader: source.reads.pipelines! };
}

async function readAll(
  { reader }: Opened,
  repository = 'shop/api',
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

const pathsOf = ({ files }: Awaited<ReturnType<typeof readAll>>) => files.map(({ path }) => path);
const blobRequests = ({ github }: Opened) =>
  github.requests.filter(({ line }) => line.includes('/git/blobs/'));

test('reads pipeline files at the commit of the default branch', async () => {
  const store = makeGitStore({
    Jenkinsfile: "sh 'docker run x'\r\n",
    'ci/ü b.sh': 'true',
    'README.md': 'docker run',
    'src/main.ts': '',
  });
  const opened = await open(store);
  const commit = store.branches.get('main')!;
  expect(await readAll(opened)).toEqual({
    files: [
      {
        repository: 'shop/api',
        path: 'Jenkinsfile',
        kind: 'jenkins',
        content: "sh 'docker run x'\r\n",
        commit,
        branch: 'main',
        url: `https://github.com/shop/api/blob/${commit}/Jenkinsfile`,
      },
      {
        repository: 'shop/api',
        path: 'ci/ü b.sh',
        kind: 'shell',
        content: 'true',
        commit,
        branch: 'main',
        url: `https://github.com/shop/api/blob/${commit}/ci/%C3%BC%20b.sh`,
      },
    ],
  });
  expect(opened.reader.repositories).toEqual(['shop/api']);
  expect(opened.github.requests.every(({ line, token }) => line.startsWith('GET ') && token === READ)).toBe(
    true,
  );
});

test('reads a blob once, also in later runs, until it changes', async () => {
  const store = makeGitStore({ 'a.sh': 'one', 'b.sh': 'two' });
  const opened = await open(store);
  await readAll(opened);
  expect(await readAll(opened)).toMatchObject({ files: [{ content: 'one' }, { content: 'two' }] });
  expect(blobRequests(opened)).toHaveLength(2);
  store.commit({ 'a.sh': 'three' });
  expect(await readAll(opened)).toMatchObject({ files: [{ content: 'three' }, { content: 'two' }] });
  expect(blobRequests(opened)).toHaveLength(3);
});

test('reads the configured branch', async () => {
  const store = makeGitStore({ 'a.sh': 'main' });
  store.commit({ 'a.sh': 'release' }, { branch: 'release/1.x' });
  const opened = await open(store, { repositories: [{ name: 'shop/api', branch: 'release/1.x' }] });
  expect((await readAll(opened)).files).toMatchObject([{ content: 'release', branch: 'release/1.x' }]);
});

test('says which content is no text, and which entries are links, submodules and scripts', async () => {
  const opened = await open({
    'binary.sh': Buffer.from([0, 1]),
    'latin.sh': Buffer.from([0xfc]),
    'large.sh': 'x'.repeat(2049 * 1024),
    'link.sh': { mode: '120000', content: 'ci/run.sh' },
    'out.sh': { mode: '120000', content: '../../etc/passwd' },
    'ci/run.sh': 'true',
    'ci/tool': { mode: '100755', content: '#!/bin/bash\n' },
    'ci/binary': { mode: '100755', content: '\u007FELF' },
    'ci/notes': '#!/bin/sh is how a script begins',
    'vendored.mk': { mode: '160000', content: 'a'.repeat(40) },
  });
  expect((await readAll(opened)).files.map(({ path, error, kind }) => [path, error ?? kind])).toEqual([
    ['binary.sh', 'is not text'],
    ['ci/run.sh', 'shell'],
    ['ci/tool', 'shell'],
    ['large.sh', 'is larger than 2 MiB'],
    ['latin.sh', 'is not UTF-8'],
    ['out.sh', 'is a link out of the repository'],
    ['vendored.mk', 'is a submodule, which is another repository'],
  ]);
});

test('reads folder by folder if GitHub cuts the list of files off', async () => {
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`d${at % 5}/e/${at}.sh`, `${at}`]));
  const opened = await open({ ...files, 'node_modules/x/y.sh': '' }, {}, { treeLimit: 10 });
  const { files: found, error } = await readAll(opened);
  expect(error).toBeUndefined();
  expect(found).toHaveLength(30);
});

test('a list that stays cut off is not complete', async () => {
  const opened = await open({ 'a.sh': '1', 'ci/b.sh': '2' });
  opened.github.fail('GET /repos/shop/api/git/trees/', {
    status: 200,
    body: { tree: [{ path: 'a.sh', mode: '100644', type: 'blob', sha: 'f'.repeat(40) }], truncated: true },
  });
  const { error } = await readAll(opened);
  expect(error).toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('not all of which') as string,
  });
});

test.each([
  ['an empty repository', {}, {}, 'missing', 'shop/api is empty'],
  [
    'a branch that does not exist',
    { 'a.sh': '' },
    { repositories: [{ name: 'shop/api', branch: 'x' }] },
    'missing',
    'shop/api has no branch x',
  ],
  [
    'a wrong token',
    { 'a.sh': '' },
    { token: 'wrong-canary' },
    'refused',
    'refused the token: it is invalid, or has expired (401)',
  ],
  [
    'a repository that the token may not read',
    { 'a.sh': '' },
    { repositories: ['shop/secret'] },
    'missing',
    'or the token may not read it (404)',
  ],
])('%s is not read', async (_, files, config, kind, message) => {
  const opened = await open(files, config);
  const [repository = ''] = opened.reader.repositories;
  const { error } = await readAll(opened, repository);
  expect(error).toMatchObject({ kind, message: expect.stringContaining(message) as string });
  expect(error!.message).not.toContain('canary');
});

test('follows a renamed repository on the same host', async () => {
  const opened = await open(
    { 'a.sh': 'x' },
    { repositories: ['old/name'] },
    {
      repositories: { 'shop/api': { 'a.sh': 'x' }, 'old/name': 'shop/api' },
    },
  );
  expect(pathsOf(await readAll(opened, 'old/name'))).toEqual(['a.sh']);
});

test('does not take its token to another host', async () => {
  const opened = await open({ 'a.sh': 'x' });
  const other = await serveGithub({ repositories: { 'shop/api': { 'a.sh': 'x' } } });
  cleanup.push(other.close);
  opened.github.fail('GET /repos', { status: 301, headers: { location: `${other.url}/repos/shop/api` } });
  expect((await readAll(opened)).error).toMatchObject({ kind: 'unreachable' });
  expect(other.requests).toEqual([]);
});

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

test.each([
  [
    '403 without remaining requests',
    403,
    () => ({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(inAnHour()) }),
  ],
  ['429', 429, () => ({ 'retry-after': '3600' })],
  ['a secondary limit', 403, () => ({ 'retry-after': '3600' })],
])('a limit of requests says when it ends, and nothing more is requested: %s', async (_, status, headers) => {
  const opened = await open({ 'a.sh': '1', 'b.sh': '2', 'c.sh': '3' });
  opened.github.fail('GET /repos/shop/api/git/blobs', {
    status,
    headers: headers(),
    body: { message: `API rate limit exceeded for ${READ}` },
  });
  const { error } = await readAll(opened);
  expect(error).toMatchObject({
    kind: 'unreachable',
    code: 'RATE_LIMITED',
    message: expect.stringMatching(
      /limits the requests of this token until 20\d\d-\d\d-\d\d \d\d:\d\d UTC$/,
    ) as string,
  });
  const before = opened.github.requests.length;
  expect((await readAll(opened)).error).toMatchObject({ code: 'RATE_LIMITED' });
  expect(opened.github.requests).toHaveLength(before);
});

test('reads the other files if one cannot be read', async () => {
  const store = makeGitStore({ 'a.sh': '1', 'b.sh': '2' });
  const opened = await open(store);
  const { sha } = store.files(store.branches.get('main')!).get('a.sh')!;
  opened.github.fail(`GET /repos/shop/api/git/blobs/${sha}`, {
    status: 500,
    body: { message: 'Server Error' },
  });
  const { files, error } = await readAll(opened);
  expect(error).toBeUndefined();
  expect(files).toMatchObject([
    {
      path: 'a.sh',
      error: expect.stringMatching(/^couldn't be read: .* returned 500 .*: Server Error$/) as string,
    },
    { path: 'b.sh', content: '2' },
  ]);
});

test('a request is repeated once if a proxy or the connection fails', async () => {
  const opened = await open({ 'a.sh': '1' });
  opened.github.fail('GET /repos/shop/api/git/trees', { status: 502, body: '<html>' }, 1);
  opened.github.fail('GET /repos/shop/api/git/blobs', 'reset', 1);
  expect(await readAll(opened)).toMatchObject({ files: [{ content: '1' }] });
});

test('keeps what it has read when connections fail', async () => {
  const files = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`${at}.sh`, `${at}`]));
  const store = makeGitStore(files);
  const opened = await open(store);
  await readAll(opened);
  const more = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`new-${at}.sh`, `new ${at}`]));
  store.commit(more);
  opened.github.fail('GET /repos/shop/api/git/blobs', 'reset');
  const { files: found, error } = await readAll(opened);
  expect(error).toMatchObject({ kind: 'unreachable' });
  expect(found.filter(({ content }) => content !== undefined).length).toBeGreaterThan(0);
});

const LINES = ['GET /repos/shop/api', 'GET /repos/shop/api/git/ref', 'GET /repos/shop/api/git/trees'];

test.each([
  ['a web page', { status: 200, body: '<html>Sign in</html>' }],
  ['a list', { status: 200, body: [] }],
  ['nothing', { status: 200, body: '' }],
  ['an object of another kind', { status: 200, body: { object: { sha: '../../x' }, tree: {} } }],
])('does not take %s for an answer', async (_, fault) => {
  for (const line of LINES) {
    const opened = await open({ 'a.sh': '1' });
    opened.github.fail(line, fault);
    const { error, files } = await readAll(opened);
    expect(error).toMatchObject({ kind: 'malformed' });
    expect(files).toEqual([]);
  }
});

test('an entry without a valid id is reported', async () => {
  const opened = await open({ 'a.sh': '1' });
  opened.github.fail('GET /repos/shop/api/git/trees', {
    status: 200,
    body: { tree: [{ path: 'x.sh', mode: '100644', type: 'blob', sha: '../../other' }], truncated: false },
  });
  expect((await readAll(opened)).files).toMatchObject([{ path: 'x.sh', error: 'is listed without its id' }]);
});

test('lists open pull requests of its own branches, and none from forks', async () => {
  const opened = await open({ 'a.sh': '1' });
  const pulls = opened.github.pulls('shop/api');
  const pull = { title: '', body: '', base: 'main', state: 'open' } as const;
  for (let number = 1; number <= 150; number += 1) pulls.push({ ...pull, number, head: `feature-${number}` });
  pulls.unshift({ ...pull, number: 151, head: 'wrench/docker-run-1' });
  pulls.push({ ...pull, number: 152, head: 'wrench/evil', from: 'mallory/api' });
  pulls.push({ ...pull, number: 153, head: 'wrench/old', state: 'closed' });
  expect(await opened.reader.proposals!({ repository: 'shop/api', signal })).toEqual([
    {
      id: '#151',
      url: 'https://github.com/shop/api/pull/151',
      branch: 'wrench/docker-run-1',
      createdAt: new Date('2026-11-26T12:00:00Z'),
    },
  ]);
});

test('a list of pull requests that never ends is an error', async () => {
  const opened = await open({ 'a.sh': '1' });
  opened.github.fail('GET /repos/shop/api/pulls', {
    status: 200,
    body: [],
    headers: { link: `<${opened.github.url}/repos/shop/api/pulls?page=2>; rel="next"` },
  });
  await expect(opened.reader.proposals!({ repository: 'shop/api', signal })).rejects.toMatchObject({
    kind: 'malformed',
  });
});

test('reports missing and excess permissions', async () => {
  const opened = await open(
    { 'a.sh': '1' },
    { allow: { propose: { token: WRITE } } },
    { scopes: 'repo, gist' },
  );
  expect(await opened.source.permissions!(signal)).toEqual([
    {
      method: 'files',
      permission: 'read shop/api',
      allowed: true,
      alsoAllows: 'write to every repository of its user (repo)',
      hint: 'Replace the token by a fine-grained one with the permission Contents (read-only)',
    },
    { method: 'proposals', permission: 'list pull requests of shop/api', allowed: true },
    { method: 'propose', permission: 'push to shop/api', allowed: true, credential: 'allow.propose' },
  ]);
  const swapped = await open({ 'a.sh': '1' }, { token: 'wrong', allow: { propose: { token: READ } } });
  expect(await swapped.source.permissions!(signal)).toMatchObject([
    { method: 'files', allowed: false },
    { method: 'proposals', allowed: false },
    { method: 'propose', allowed: false, credential: 'allow.propose' },
  ]);
  const health = await opened.source.healthCheck(signal);
  expect(health).toMatchObject({
    ok: true,
    summary: expect.stringContaining('1 repository can be read') as string,
  });
  expect(await swapped.source.healthCheck(signal)).toMatchObject({ ok: false });
});

test('names from a repository are made visible', async () => {
  const store = makeGitStore({ 'a\u202Eb\n.sh': 'x' }, { defaultBranch: 'ma\u200Bin' });
  const [file] = (await readAll(await open(store))).files;
  expect(file).toMatchObject({ path: 'a\uFFFDb\uFFFD.sh', branch: 'ma\uFFFDin', content: 'x' });
});

test('no part of a token that a server quotes is in an error', async () => {
  const opened = await open({ 'a.sh': '1' });
  for (let before = 200; before < 330; before += 5) {
    const message = `${'x '.repeat(before / 2)}${READ} and again ${READ}`;
    opened.github.fail('GET /repos/shop/api', { status: 400, body: { message } }, 1);
    const { error } = await readAll(opened);
    expect(error!.message).toContain('x x');
    expect(error!.message).not.toMatch(/github_p|canary/);
  }
});

test('without `allow.propose` it can only read', async () => {
  const { source, reader } = await open({ 'a.sh': '1' });
  expect(source).not.toHaveProperty('writes');
  expect(reader.proposing).toEqual({
    allowed: false,
    because: '`allow.propose` is not configured for the source github',
  });
});

test.each([
  ['no token', { token: undefined }],
  ['no repositories', { repositories: [] }],
  ['a repository twice', { repositories: ['shop/api', 'Shop/API'] }],
  ['all repositories of an owner', { repositories: ['shop/*'] }],
  ['a path', { repositories: ['shop/api/../x'] }],
  ['proposing without its own token', { allow: { propose: {} } }],
  ['proposing with the token for reading', { allow: { propose: { token: READ } } }],
  ['another permission', { allow: { push: {} } }],
  ['a token in the address', { url: 'https://x:y@ghe.example.com' }],
])('rejects %s', (_, more) => {
  const config = { kind: 'github', token: READ, repositories: ['shop/api'], ...more };
  expect(githubConfig.safeParse(config).success).toBe(false);
});
