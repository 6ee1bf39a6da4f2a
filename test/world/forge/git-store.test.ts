import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { makeGitStore } from './git-store.ts';

const run = promisify(execFile);

test('objects have the ids that git gives them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-git-store-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const git = async (...args: readonly string[]) =>
    (
      await run('git', ['-C', folder, ...args], { env: { PATH: process.env['PATH'], HOME: folder } })
    ).stdout.trim();
  await mkdir(join(folder, 'ci'));
  await writeFile(join(folder, 'ci/ü b.sh'), 'true\n');
  await chmod(join(folder, 'ci/ü b.sh'), 0o755);
  await writeFile(join(folder, 'ci.yml'), '{}');
  await writeFile(join(folder, 'ci-x'), '');
  await symlink('ci.yml', join(folder, 'link'));
  await git('init', '-q');
  await git('add', '.');

  const store = makeGitStore({
    link: { mode: '120000', content: 'ci.yml' },
    'ci/ü b.sh': { mode: '100755', content: 'true\n' },
    'ci-x': '',
    'ci.yml': '{}',
  });

  expect(store.commitOf(store.branches.get('main')!)!.tree).toBe(await git('write-tree'));
});
