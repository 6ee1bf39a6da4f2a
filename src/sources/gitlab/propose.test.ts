import { afterEach, expect, test } from 'vitest';
import { makeGitStore, type NewFiles } from '../../../test/world/forge/git-store.ts';
import {
  type GitlabOptions,
  serveGitlab,
  type ServedGitlab,
} from '../../../test/world/forge/served-gitlab.ts';
import type { PipelineWriter } from '../../ports/pipelines.ts';
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
const BRANCH = 'wrench/docker-run-3f2a91';
const FROM = 'test:\n  script:\n    - docker run base\n';
const TO = FROM.replace('run', 'run --rm');

type Change = Parameters<PipelineWriter['propose']>[0];

interface Opened {
  readonly gitlab: ServedGitlab;
  readonly change: Change;
  readonly propose: (change?: Partial<Change>) => ReturnType<PipelineWriter['propose']>;
}

async function open(more: NewFiles = {}, options: Partial<GitlabOptions> = {}): Promise<Opened> {
  const store = makeGitStore({
    '.gitlab-ci.yml': FROM,
    'ci/ü b.sh': { mode: '100755', content: FROM },
    ...more,
  });
  const gitlab = await serveGitlab({ projects: { [PROJECT]: store }, ...options });
  const source = openGitlab(
    gitlabConfig.parse({
      kind: 'gitlab',
      url: gitlab.url,
      token: READ,
      projects: [PROJECT],
      allow: { propose: { token: WRITE } },
    }),
  );
  cleanup.push(gitlab.close, source.close);
  const change: Change = {
    repository: PROJECT,
    into: 'main',
    commit: store.branches.get('main')!,
    branch: BRANCH,
    title: 'Remove containers after they exit',
    body: 'Line 3 leaves a container behind.',
    files: ['.gitlab-ci.yml', 'ci/ü b.sh'].map((path) => ({ path, from: FROM, to: TO })),
  };
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal };
  return {
    gitlab,
    change,
    propose: (changed = {}) => source.writes!.pipelines!.propose({ ...change, ...changed }, applyContext),
  };
}

const writesOf = ({ gitlab }: Opened) => gitlab.requests.filter(({ line }) => !line.startsWith('GET '));

test('opens a merge request with exactly the change, and leaves its target alone', async () => {
  const { gitlab, change, propose } = await open();
  expect(await propose()).toEqual({
    id: '!1',
    url: `https://gitlab.example.com/${PROJECT}/-/merge_requests/1`,
    branch: BRANCH,
    createdAt: new Date('2026-11-26T12:00:00Z'),
  });
  const store = gitlab.store(PROJECT);
  expect(store.branches.get('main')).toBe(change.commit);
  const head = store.branches.get(BRANCH)!;
  expect(store.commitOf(head)).toMatchObject({ parents: [change.commit], message: change.title });
  expect(store.files(head).get('ci/ü b.sh')!.mode).toBe('100755');
  for (const { path } of change.files) expect(store.textAt(BRANCH, path)).toBe(TO);
  expect(gitlab.requestsOf(PROJECT)).toMatchObject([{ title: change.title, source: BRANCH, target: 'main' }]);
});

test('reads with one token, writes with the other, and proposes once', async () => {
  const opened = await open();
  const first = await opened.propose();
  opened.gitlab.requestsOf(PROJECT)[0]!.state = 'closed';
  expect(await opened.propose()).toEqual(first);
  for (const { line, token } of opened.gitlab.requests)
    expect(token).toBe(line.startsWith('GET ') ? READ : WRITE);
  expect(writesOf(opened)).toHaveLength(2);
});

test.each(['repository/commits', 'merge_requests'])(
  'continues what was interrupted at %s, whether or not the request arrived',
  async (what) => {
    for (const fault of ['reset', 'lost'] as const) {
      const opened = await open();
      opened.gitlab.fail(`POST /api/v4/projects/${encodeURIComponent(PROJECT)}/${what}`, fault, 1);
      await opened.propose().catch(() => undefined);
      expect(await opened.propose()).toMatchObject({ id: '!1' });
      expect(opened.gitlab.requestsOf(PROJECT)).toHaveLength(1);
      const store = opened.gitlab.store(PROJECT);
      expect(store.commitOf(store.branches.get(BRANCH)!)!.parents).toEqual([opened.change.commit]);
    }
  },
);

test('proposes a change of files that others have not touched meanwhile', async () => {
  const opened = await open();
  opened.gitlab.store(PROJECT).commit({ 'src/a.ts': 'b' });
  expect(await opened.propose()).toMatchObject({ id: '!1' });
});

test.each([
  ['was changed', { 'ci/ü b.sh': 'other' }],
  ['was deleted', { 'ci/ü b.sh': null }],
] as const)('refuses if a file %s', async (_, files) => {
  const opened = await open();
  opened.gitlab.store(PROJECT).commit(files);
  await expect(opened.propose()).rejects.toMatchObject({
    kind: 'missing',
    message: 'ci/ü b.sh has changed on main',
  });
  expect(writesOf(opened)).toEqual([]);
});

test('never moves a branch that has something else', async () => {
  const opened = await open();
  const store = opened.gitlab.store(PROJECT);
  const theirs = store.commit({ '.gitlab-ci.yml': 'theirs' }, { branch: BRANCH });
  await expect(opened.propose()).rejects.toMatchObject({ kind: 'refused' });
  expect(store.branches.get(BRANCH)).toBe(theirs);
  expect(writesOf(opened)).toEqual([]);
});

test('keeps a byte order mark', async () => {
  const { gitlab, propose } = await open({ '.gitlab-ci.yml': `\uFEFF${FROM}` });
  await propose();
  expect(gitlab.store(PROJECT).textAt(BRANCH, '.gitlab-ci.yml')).toBe(`\uFEFF${TO}`);
});

test('text from the infrastructure runs no quick action and mentions no one', async () => {
  const { gitlab, propose } = await open();
  await propose({ body: 'for @all\n/merge\n  /assign @ada\n!7 and ~3\n~~~\n/close\n~~~' });
  expect(gitlab.requestsOf(PROJECT)[0]!.description).toBe(
    'for @\u200Ball\n\u200B/merge\n  \u200B/assign @\u200Bada\n!\u200B7 and ~\u200B3\n~~~\n/close\n~~~',
  );
});

test('says that the token may not write, without it', async () => {
  const { propose } = await open({}, { writeScopes: ['read_api'] });
  const error = (await propose().catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('insufficient_scope') as string,
  });
  expect(error.message).not.toContain('canary');
});
