import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import type { PipelineFile } from '../../ports/pipelines.ts';
import { SourceError } from '../../ports/source-error.ts';
import { checkoutConfig } from './config.ts';
import { openCheckout } from './open.ts';

const run = promisify(execFile);
const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((clean) => clean()));
});

type Files = Readonly<Record<string, string | Buffer>>;

async function folderWith(files: Files = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-checkout-'));
  cleanup.push(() => rm(folder, { recursive: true, force: true }));
  await add(folder, files);
  return folder;
}

async function add(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

interface Read {
  readonly files: readonly PipelineFile[];
  readonly error?: SourceError;
}

async function read(folder: string, more: object = {}): Promise<Read> {
  const config = checkoutConfig.parse({ kind: 'checkout', folders: [folder], ...more });
  const files: PipelineFile[] = [];
  const sort = () => files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  const reader = openCheckout(config).reads.pipelines!;
  try {
    for await (const batch of reader.files({ repository: folder, signal: new AbortController().signal }))
      files.push(...batch);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { files: sort(), error };
  }
  return { files: sort() };
}

const summaryOf = ({ files }: Read) => files.map(({ path, kind, error }) => [path, error ?? kind]);

test('reads pipeline files of each kind, and no others', async () => {
  const folder = await folderWith({
    Jenkinsfile: 'node {}',
    'ci/release.Jenkinsfile': 'node {}',
    'Jenkinsfile.nightly': 'node {}',
    'Jenkinsfile.md': 'docker run x',
    'vars/build.groovy': 'def call() {}',
    'src/Main.groovy': 'class Main {}',
    '.gitlab-ci.yml': 'test: { script: [make] }',
    '.github/workflows/ci.yaml': 'jobs: {}',
    '.github/dependabot.yml': 'version: 2',
    'action.yml': 'runs: { using: composite }',
    'lint-action.yml': 'runs: { using: composite }',
    'call-to-action.yml': 'title: Buy',
    'azure-pipelines.release.yml': 'steps: []',
    '.drone.yml': 'kind: pipeline',
    Makefile: 'all:\n\ttrue\n',
    'Makefile.in': 'all:\n',
    'rules.mk': 'all:\n',
    'ci/test.sh': 'true',
    'ci/deploy': '#!/usr/bin/env bash\ntrue\n',
    'ci/tool': '#!/usr/bin/env python3\n',
    'values.yml': 'docker: run',
    'node_modules/x/install.sh': 'docker run x',
    LICENSE: '#!/bin/sh',
  });
  expect(summaryOf(await read(folder))).toEqual([
    ['.drone.yml', 'drone'],
    ['.github/workflows/ci.yaml', 'github-workflow'],
    ['.gitlab-ci.yml', 'gitlab'],
    ['Jenkinsfile', 'jenkins'],
    ['Jenkinsfile.nightly', 'jenkins'],
    ['Makefile', 'make'],
    ['action.yml', 'github-action'],
    ['azure-pipelines.release.yml', 'azure'],
    ['ci/deploy', 'shell'],
    ['ci/release.Jenkinsfile', 'jenkins'],
    ['ci/test.sh', 'shell'],
    ['lint-action.yml', 'github-action'],
    ['rules.mk', 'make'],
    ['vars/build.groovy', 'jenkins'],
  ]);
});

test('reads what GitLab pipelines include, with wildcards, recursively, and as child pipelines', async () => {
  const folder = await folderWith({
    '.gitlab-ci.yml':
      'include:\n  - local: /ci/test.yml\n  - { local: "templates/**/*.yml" }\n  - https://example.com/x.yml\n' +
      'child:\n  trigger:\n    include: ci/child.yml\n',
    'ci/test.yml': 'include: ci/deeper.yml\n',
    'ci/deeper.yml': 'include: [{ local: ci/test.yml }, /ci/gone.yml]\n',
    'ci/child.yml': 'a: { script: [x] }\n',
    'ci/other.yml': 'a: { script: [x] }\n',
    'templates/a.yml': '{}',
    'templates/b/c/d.yml': '{}',
    'templates/b/readme.md': '',
  });
  expect((await read(folder)).files.map(({ path }) => path)).toEqual([
    '.gitlab-ci.yml',
    'ci/child.yml',
    'ci/deeper.yml',
    'ci/test.yml',
    'templates/a.yml',
    'templates/b/c/d.yml',
  ]);
});

test('keeps line ends, and removes only a byte order mark', async () => {
  const folder = await folderWith({ 'a.sh': '\uFEFFdocker run x\r\necho ü\r\n' });
  expect((await read(folder)).files).toEqual([
    { repository: folder, path: 'a.sh', kind: 'shell', content: 'docker run x\r\necho ü\r\n' },
  ]);
});

test('says why a file could not be read', async () => {
  const folder = await folderWith({
    'binary.sh': Buffer.from([35, 33, 0, 1]),
    'large.sh': 'x'.repeat(2 * 1024 * 1024 + 1),
    'latin.sh': Buffer.from('echo \xfc\n', 'latin1'),
    'lfs.sh': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
    'ok.sh': 'x'.repeat(2 * 1024 * 1024),
  });
  await run('mkfifo', [join(folder, 'pipe.sh')]);
  expect(summaryOf(await read(folder))).toEqual([
    ['binary.sh', 'is not text'],
    ['large.sh', 'is larger than 2 MiB'],
    ['latin.sh', 'is not UTF-8'],
    ['lfs.sh', 'is in Git LFS, and only its pointer is in the repository'],
    ['ok.sh', 'shell'],
    ['pipe.sh', 'is not a regular file'],
  ]);
  expect(summaryOf(await read(folder, { maxFileKiB: 100 }))).toContainEqual([
    'ok.sh',
    'is larger than 100 KiB',
  ]);
});

test('never follows a link out of the folder', async () => {
  const outside = await folderWith({ Jenkinsfile: 'canary', 'ci/x.sh': 'canary' });
  const folder = await folderWith({ 'ci/real.sh': 'true', 'build/steps': 'node { sh "x" }' });
  await symlink(join(outside, 'Jenkinsfile'), join(folder, 'Jenkinsfile'));
  await symlink(`../${outside.split('/').at(-1)}/ci`, join(folder, 'scripts'));
  await symlink(outside, join(folder, '.github'));
  await symlink('/etc/hostname', join(folder, '.env'));
  await symlink('..', join(folder, 'up.sh'));
  await symlink('ci/real.sh', join(folder, 'again.sh'));
  await symlink(join(folder, 'ci'), join(folder, 'folder'));
  await symlink('build/steps', join(folder, 'nightly.Jenkinsfile'));
  await symlink('nowhere', join(folder, 'dangling.sh'));
  await symlink('loop.sh', join(folder, 'loop.sh'));
  const found = await read(folder);
  expect(JSON.stringify(found)).not.toContain('canary');
  expect(summaryOf(found)).toEqual([
    ['.github', 'is a link out of the repository'],
    ['Jenkinsfile', 'is a link out of the repository'],
    ['build/steps', 'jenkins'],
    ['ci/real.sh', 'shell'],
    ['dangling.sh', 'is a link to a path that is not in the repository'],
    ['loop.sh', 'is behind too many links'],
    ['scripts', 'is a link out of the repository'],
    ['up.sh', 'is a link out of the repository'],
  ]);
});

test('a link to a program is no pipeline', async () => {
  const folder = await folderWith({ 'ci/a.sh': '' });
  await symlink(process.execPath, join(folder, 'python'));
  await symlink('/nowhere/x', join(folder, 'gone'));
  await symlink('python', join(folder, 'python3'));
  expect(summaryOf(await read(folder))).toEqual([['ci/a.sh', 'shell']]);
});

test('reports a folder and a file without permission, and reads the others', async () => {
  const folder = await folderWith({ 'a.sh': '', 'ci/b.sh': '', 'c.sh': '' });
  await chmod(join(folder, 'c.sh'), 0);
  await chmod(join(folder, 'ci'), 0);
  const summary = summaryOf(await read(folder));
  await chmod(join(folder, 'ci'), 0o700);
  // As root, everything can be read.
  const isRoot = process.getuid?.() === 0;
  const denied = "can't be read: the user that the worker runs as has no permission";
  expect(summary).toEqual([
    ['a.sh', 'shell'],
    ['c.sh', isRoot ? 'shell' : denied],
    isRoot ? ['ci/b.sh', 'shell'] : ['ci', denied],
  ]);
});

test.each([
  [['vendor'], ['ci/a.sh', 'ci/testdata/b.sh', 'x.mk']],
  [['./ci/'], ['vendor/c.sh', 'x.mk']],
  [
    ['**/testdata/**', '*.mk'],
    ['ci/a.sh', 'vendor/c.sh'],
  ],
  [['ci/*.sh'], ['ci/testdata/b.sh', 'vendor/c.sh', 'x.mk']],
])('skips %o', async (exclude, left) => {
  const folder = await folderWith({ 'ci/a.sh': '', 'ci/testdata/b.sh': '', 'vendor/c.sh': '', 'x.mk': '' });
  expect((await read(folder, { exclude })).files.map(({ path }) => path)).toEqual(left);
});

test.each([
  ['steps', '@Library("x") _\npipeline {\n}', 'jenkins'],
  ['build.yml', 'stages: [a]\na:\n  script: [x]\n', 'gitlab'],
  ['build.yml', 'on: push\njobs: {}\n', 'github-workflow'],
  ['run.txt', '#!/bin/sh\n', 'shell'],
  ['Build.mk', 'a:\n\tx\n', 'make'],
  ['lint-action.yml', 'title: x', 'github-action'],
])('a file that is listed itself is read whatever its name: %s', async (name, content, kind) => {
  const folder = await folderWith({ [name]: content, 'other.sh': '' });
  const { files } = await read(join(folder, name));
  expect(files).toEqual([{ repository: join(folder, name), path: name, kind, content }]);
});

test('says that a listed file is no pipeline', async () => {
  const folder = await folderWith({ 'notes.txt': 'Hello' });
  expect((await read(join(folder, 'notes.txt'))).files[0]).toMatchObject({
    error: "isn't a pipeline file that Wrench knows: neither its name nor its content shows its kind",
  });
});

test('a folder that does not exist, or is not configured, is missing', async () => {
  const folder = await folderWith();
  expect((await read(join(folder, 'gone'))).error).toMatchObject({ kind: 'missing' });
  expect((await read(folder, { folders: ['.'] })).error).toMatchObject({ kind: 'missing' });
  const source = openCheckout(
    checkoutConfig.parse({ kind: 'checkout', folders: [folder, `${folder}/gone`] }),
  );
  expect(await source.healthCheck(new AbortController().signal)).toMatchObject({
    ok: false,
    summary: `${folder}/gone does not exist`,
  });
  expect(source).not.toHaveProperty('writes');
});

test('stops when it is aborted', async () => {
  const folder = await folderWith({ 'a.sh': '' });
  const source = openCheckout(checkoutConfig.parse({ kind: 'checkout', folders: [folder] }));
  const reading = source.reads.pipelines!.files({
    repository: folder,
    signal: AbortSignal.abort(new Error('stop')),
  });
  await expect(reading[Symbol.asyncIterator]().next()).rejects.toThrow('stop');
});

async function git(folder: string, ...args: readonly string[]): Promise<string> {
  const settings = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false'];
  const { stdout } = await run('git', ['-C', folder, ...settings, ...args], {
    env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
  });
  return stdout.trim();
}

async function repositoryWith(files: Files): Promise<{ readonly folder: string; readonly commit: string }> {
  const folder = await folderWith(files);
  await git(folder, 'init', '-q', '-b', 'feature/x');
  await git(folder, 'add', '.');
  await git(folder, 'commit', '-q', '-m', 'first');
  return { folder, commit: await git(folder, 'rev-parse', 'HEAD') };
}

test('reads the commit and the branch of a checkout, also in a folder below and with packed refs', async () => {
  const { folder, commit } = await repositoryWith({ 'ci/a.sh': '' });
  const expected = { commit, branch: 'feature/x' };
  expect((await read(folder)).files).toMatchObject([{ path: 'ci/a.sh', ...expected }]);
  await git(folder, 'pack-refs', '--all');
  expect((await read(join(folder, 'ci'))).files).toMatchObject([{ path: 'a.sh', ...expected }]);
  expect((await read(join(folder, 'ci/a.sh'))).files).toMatchObject([{ path: 'a.sh', ...expected }]);
});

test('reads a detached head, a worktree, a submodule and a repository without commits', async () => {
  const { folder, commit } = await repositoryWith({ 'a.sh': '' });
  const worktree = join(await folderWith(), 'tree');
  await git(folder, 'worktree', 'add', '-q', '-b', 'other', worktree);
  const [inWorktree] = (await read(worktree)).files;
  expect(inWorktree).toMatchObject({ commit, branch: 'other' });

  await git(folder, 'checkout', '-q', '--detach');
  const [detached] = (await read(folder)).files;
  expect(detached).toMatchObject({ commit });
  expect(detached).not.toHaveProperty('branch');

  const { folder: parent } = await repositoryWith({ 'b.sh': '' });
  await git(parent, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', folder, 'sub');
  expect((await read(join(parent, 'sub'))).files).toMatchObject([{ path: 'a.sh', commit }]);
  expect((await read(parent)).files.map(({ path }) => path)).toEqual(['b.sh', 'sub/a.sh']);

  const empty = await folderWith({ 'a.sh': '' });
  await git(empty, 'init', '-q', '-b', 'main');
  const [uncommitted] = (await read(empty)).files;
  expect(uncommitted).toMatchObject({ branch: 'main' });
  expect(uncommitted).not.toHaveProperty('commit');
});

test('runs nothing of the repository', async () => {
  const { folder, commit } = await repositoryWith({ 'a.sh': '' });
  const trap = join(folder, '.git/trap.sh');
  await writeFile(trap, `#!/bin/sh\ntouch ${folder}/ran\n`, { mode: 0o755 });
  await git(folder, 'config', 'core.fsmonitor', trap);
  expect((await read(folder)).files.map(({ path }) => path)).toEqual(['a.sh']);
  expect((await read(folder)).files[0]).toMatchObject({ commit });
});

test.each(['ref: ../../../etc/passwd', 'ref: refs/heads/../../../x', 'garbage', ''])(
  'does not trust HEAD: %s',
  async (head) => {
    const folder = await folderWith({ 'a.sh': '', '.git/HEAD': head, '.git/refs/heads/x': 'a'.repeat(40) });
    const [file] = (await read(folder)).files;
    expect(file).toEqual({ repository: folder, path: 'a.sh', kind: 'shell', content: '' });
  },
);
