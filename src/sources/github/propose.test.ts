import { afterEach, expect, test } from 'vitest';
import { makeGitStore, type NewFiles } from '../../../test/world/forge/git-store.ts';
import { serveGithub, type ServedGithub } from '../../../test/world/forge/served-github.ts';
import type { PipelineWriter } from '../../ports/pipelines.ts';
import { githubConfig } from './config.ts';
import { openGithub } from './open.ts';

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((close) => close()));
});

const { signal } = new AbortController();
const READ = 'github_pat_read-canary';
const WRITE = 'github_pat_write-canary';
const BRANCH = 'wrench/docker-run-3f2a91';
const FROM = "stage('test') {\n  sh 'docker run base'\n}\n";
const TO = FROM.replace('run', 'run --rm');

type Change = Parameters<PipelineWriter['propose']>[0];

interface Opened {
  readonly github: ServedGithub;
  readonly change: Change;
  readonly propose: (change?: Partial<Change>) => ReturnType<PipelineWriter['propose']>;
}

async function open(more: NewFiles = {}): Promise<Opened> {
  const store = makeGitStore({
    'ci/Jenkinsfile': { mode: '100755', content: FROM },
    'src/a.ts': 'a',
    ...more,
  });
  const github = await serveGithub({ repositories: { 'shop/api': store } });
  const source = openGithub(
    githubConfig.parse({
      kind: 'github',
      url: github.url,
      token: READ,
      repositories: ['shop/api'],
      allow: { propose: { token: WRITE } },
    }),
  );
  cleanup.push(github.close, source.close);
  const change: Change = {
    repository: 'shop/api',
    into: 'main',
    commit: store.branches.get('main')!,
    branch: BRANCH,
    title: 'Remove containers after they exit',
    body: 'Line 2 leaves a container behind.',
    files: [{ path: 'ci/Jenkinsfile', from: FROM, to: TO }],
  };
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal };
  return {
    github,
    change,
    propose: (changed = {}) => source.writes!.pipelines!.propose({ ...change, ...changed }, applyContext),
  };
}

const writesOf = ({ github }: Opened) => github.requests.filter(({ line }) => !line.startsWith('GET '));

test('opens a pull request with exactly the change, and leaves its target alone', async () => {
  const opened = await open();
  const { github, change, propose } = opened;
  expect(await propose()).toEqual({
    id: '#1',
    url: 'https://github.com/shop/api/pull/1',
    branch: BRANCH,
    createdAt: new Date('2026-11-26T12:00:00Z'),
  });
  const store = github.store('shop/api');
  expect(store.branches.get('main')).toBe(change.commit);
  const head = store.branches.get(BRANCH)!;
  expect(store.commitOf(head)).toMatchObject({ parents: [change.commit], message: change.title });
  const [before, after] = [store.files(change.commit), store.files(head)];
  expect([...after.keys()]).toEqual([...before.keys()]);
  expect(after.get('src/a.ts')).toEqual(before.get('src/a.ts'));
  expect(after.get('ci/Jenkinsfile')!.mode).toBe('100755');
  expect(store.textAt(BRANCH, 'ci/Jenkinsfile')).toBe(TO);
  expect(github.pulls('shop/api')).toMatchObject([
    { title: change.title, body: change.body, head: BRANCH, base: 'main' },
  ]);
  github.merge('shop/api', 1);
  expect(store.textAt('main', 'ci/Jenkinsfile')).toBe(TO);
});

test('reads with one token and writes with the other', async () => {
  const opened = await open();
  await opened.propose();
  for (const { line, token } of opened.github.requests)
    expect(token).toBe(line.startsWith('GET ') ? READ : WRITE);
  expect(writesOf(opened).map(({ line }) => line)).toEqual([
    'POST /repos/shop/api/git/trees',
    'POST /repos/shop/api/git/commits',
    'POST /repos/shop/api/git/refs',
    'POST /repos/shop/api/pulls',
  ]);
});

test('proposes once', async () => {
  const opened = await open();
  const first = await opened.propose();
  expect(await opened.propose()).toEqual(first);
  expect(writesOf(opened)).toHaveLength(4);
  // Also after someone has closed it.
  opened.github.pulls('shop/api')[0]!.state = 'closed';
  expect(await opened.propose()).toEqual(first);
  expect(writesOf(opened)).toHaveLength(4);
});

test.each(['git/trees', 'git/commits', 'git/refs', 'pulls'])(
  'continues what was interrupted at %s, whether or not the request arrived',
  async (what) => {
    for (const fault of ['reset', 'lost'] as const) {
      const opened = await open();
      opened.github.fail(`POST /repos/shop/api/${what}`, fault, 1);
      await opened.propose().catch(() => undefined);
      expect(await opened.propose()).toMatchObject({ id: '#1' });
      expect(opened.github.pulls('shop/api')).toHaveLength(1);
      const store = opened.github.store('shop/api');
      expect(store.textAt(BRANCH, 'ci/Jenkinsfile')).toBe(TO);
      expect(store.commitOf(store.branches.get(BRANCH)!)!.parents).toEqual([opened.change.commit]);
    }
  },
);

test('proposes a change of a file that others have not touched meanwhile', async () => {
  const opened = await open();
  opened.github.store('shop/api').commit({ 'src/a.ts': 'b' });
  expect(await opened.propose()).toMatchObject({ id: '#1' });
});

test.each([
  ['was changed', { 'ci/Jenkinsfile': `${FROM}// more` }],
  ['was deleted', { 'ci/Jenkinsfile': null }],
  ['became a link', { 'ci/Jenkinsfile': { mode: '120000', content: 'x' } }],
  ['is executable no longer', { 'ci/Jenkinsfile': { mode: '100644', content: FROM } }],
  ['became a folder', { 'ci/Jenkinsfile': null, 'ci/Jenkinsfile/x': '' }],
] as const)('refuses if a file %s', async (_, files) => {
  const opened = await open();
  opened.github.store('shop/api').commit(files);
  await expect(opened.propose()).rejects.toMatchObject({
    kind: 'missing',
    message: 'ci/Jenkinsfile has changed on main',
  });
  expect(writesOf(opened)).toEqual([]);
});

test('refuses a plan that is not about the commit', async () => {
  const opened = await open();
  const files = [{ path: 'ci/Jenkinsfile', from: 'other', to: TO }];
  await expect(opened.propose({ files })).rejects.toMatchObject({ kind: 'missing' });
  await expect(opened.propose({ into: 'gone' })).rejects.toMatchObject({
    message: 'shop/api has no branch gone',
  });
  expect(writesOf(opened)).toEqual([]);
});

test('keeps a byte order mark', async () => {
  const opened = await open({ 'ci/Jenkinsfile': `\uFEFF${FROM}` });
  await opened.propose();
  expect(opened.github.store('shop/api').textAt(BRANCH, 'ci/Jenkinsfile')).toBe(`\uFEFF${TO}`);
});

test('never moves a branch that has something else', async () => {
  const opened = await open();
  const store = opened.github.store('shop/api');
  const theirs = store.commit({ 'ci/Jenkinsfile': 'theirs' }, { branch: BRANCH });
  await expect(opened.propose()).rejects.toMatchObject({ kind: 'refused' });
  expect(store.branches.get(BRANCH)).toBe(theirs);
  expect(writesOf(opened)).toEqual([]);
});

test.each([
  ['another branch', { branch: 'main' }, "main isn't the name of a branch that Wrench creates"],
  ['its own target', { branch: 'wrench/x', into: 'wrench/x' }, 'a change is never made on the branch'],
  ['a strange branch', { branch: 'wrench/../main' }, "wrench/../main isn't the name of a branch"],
  ['no full commit', { commit: 'main' }, "main isn't a full commit id"],
  ['no files', { files: [] }, 'nothing would change'],
  ['no change', { files: [{ path: 'ci/Jenkinsfile', from: FROM, to: FROM }] }, 'nothing would change'],
  ['another repository', { repository: 'shop/web' }, 'the repository shop/web is not configured'],
])('refuses %s', async (_, change, because) => {
  const opened = await open();
  await expect(opened.propose(change)).rejects.toThrow(because);
  expect(opened.github.requests).toEqual([]);
});

test('text from the infrastructure mentions no one and closes nothing', async () => {
  const { github, propose } = await open();
  await propose({
    title: 'Fix @everyone #1',
    body: 'cc @shop/admins, fixes #12 <img src=x>\n```diff\n+ docker run @a #1\n```\nGH-7',
  });
  const [pull] = github.pulls('shop/api');
  expect(pull!.title).toBe('Fix @\u200Beveryone #\u200B1');
  expect(pull!.body).toBe(
    'cc @\u200Bshop/admins, fixes #\u200B12 <\u200Bimg src=x>\n```diff\n+ docker run @a #1\n```\nGH-\u200B7',
  );
});

test.each([
  [403, { message: `Resource not accessible by ${WRITE}` }, 'refused'],
  [404, { message: 'Not Found' }, 'refused'],
  [422, { message: 'Validation Failed' }, 'refused'],
  [500, { message: 'oops' }, 'unreachable'],
])('says that GitHub answered %s, without a token', async (status, body, kind) => {
  const { github, propose } = await open();
  github.fail('POST /repos/shop/api', { status, body });
  const error = (await propose().catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ kind });
  expect(error.message).not.toContain('canary');
});

test('does nothing once it may no longer continue', async () => {
  const opened = await open();
  const source = openGithub(
    githubConfig.parse({
      kind: 'github',
      url: opened.github.url,
      token: READ,
      repositories: ['shop/api'],
      allow: { propose: { token: WRITE } },
    }),
  );
  cleanup.push(source.close);
  const stop = new AbortController();
  const proposing = source.writes!.pipelines!.propose(opened.change, {
    idempotencyKey: 'm',
    signal: stop.signal,
  });
  stop.abort(new Error('stopped'));
  await expect(proposing).rejects.toThrow('stopped');
  expect(writesOf(opened)).toEqual([]);
});
