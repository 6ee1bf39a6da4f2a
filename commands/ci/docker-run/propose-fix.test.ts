import { describe, expect, test } from 'vitest';
import type { ports, ReadContext } from '../../kit.ts';
import { pipelineSource } from '../../shared/fixture-pipelines.ts';
import { COMMIT } from './builders.ts';
import { proposeFix } from './propose-fix.ts';

const ASKED = { source: 'github', repository: 'shop/api' };
const SCRIPT =
  '#!/bin/sh\r\nset -e\r\ndocker run -e API_TOKEN=canary-41 app ./test\r\ndocker run --rm app ./lint';

const script = (content = SCRIPT, known: Partial<ports.PipelineFile> = {}): ports.PipelineFile => ({
  repository: 'shop/api',
  path: 'ci/test.sh',
  kind: 'shell',
  content,
  commit: COMMIT,
  branch: 'main',
  ...known,
});

interface Given {
  readonly files?: readonly ports.PipelineFile[];
  readonly proposing?: ports.Pipelines['proposing'];
  readonly proposals?: readonly ports.ProposedChange[];
}

function contextOf({ files = [script()], ...known }: Given = {}): ReadContext<'pipelines'> {
  return {
    read: { pipelines: [pipelineSource({ files, proposing: { allowed: true }, ...known })] },
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

const planOf = (given: Given = {}, asked: Parameters<typeof proposeFix.plan>[1] = ASKED) =>
  proposeFix.plan(contextOf(given), asked);

async function apply(plan: Awaited<ReturnType<typeof planOf>>, given: Given = {}) {
  const proposed: Parameters<ports.PipelineWriter['propose']>[0][] = [];
  const steps: string[] = [];
  const write = {
    pipelines: () => ({
      propose: async (change: Parameters<ports.PipelineWriter['propose']>[0]) => {
        proposed.push(change);
        return { id: '#12', url: 'https://git.example/shop/api/pull/12', branch: change.branch };
      },
    }),
  };
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: new AbortController().signal };
  const recordStep = async (line: string) => void steps.push(line);
  await proposeFix.apply({ ...contextOf(given), write, applyContext, recordStep }, ASKED, plan);
  return { proposed, steps };
}

describe('the plan', () => {
  test('is the same twice, and shows every changed line without its secret', async () => {
    const plan = await planOf();

    expect(await planOf()).toEqual(plan);
    expect(plan).toMatchObject({
      lines: [
        'Open a request in shop/api to merge a new branch into main at 3f2a91c4d5e6, with exactly these changes',
        'ci/test.sh:3 - docker run -e API_TOKEN=… app ./test',
        'ci/test.sh:3 + docker run --rm -e API_TOKEN=… app ./test',
      ],
      targets: ['github:shop/api'],
      impact:
        'Opens a pull or merge request in shop/api with 1 changed line in 1 file; main stays as it is until someone merges it. As with every push, the new branch may start pipelines',
    });
    expect(plan.precondition).toMatchObject({ commit: COMMIT });
    expect(JSON.stringify(plan)).not.toContain('canary-41');
  });

  test.each([
    ['the commit', [script(SCRIPT, { commit: COMMIT.replace('3', '4') })]],
    ['a secret in a changed line', [script(SCRIPT.replace('canary-41', 'canary-42'))]],
    ['the file', [script(`${SCRIPT}\n`)]],
  ])('is bound to %s', async (_, files) => {
    expect((await planOf({ files })).precondition).not.toEqual((await planOf()).precondition);
  });

  test('corrects only the files that were asked for', async () => {
    const files = [script(), script(SCRIPT, { path: 'bin/run.sh' })];

    expect((await planOf({ files })).lines).toHaveLength(5);
    expect((await planOf({ files }, { ...ASKED, match: 'bin/' })).lines).toHaveLength(3);
  });

  test('has no more than people can read; the rest is for the next request', async () => {
    const many = '#!/bin/sh\n' + 'docker run app ./verify\n'.repeat(150);
    const files = ['a.sh', 'b.sh', 'c.sh'].map((path) => script(many, { path }));
    const { lines, afterwards } = await planOf({ files });

    expect(lines).toHaveLength(301);
    expect(afterwards?.[1]).toBe(
      '2 more files can be corrected by the next request: run the check again after the merge.',
    );
  });

  test.each<[string, Given, string]>([
    [
      'another request is open',
      { proposals: [{ id: '#7', url: 'https://git.example/7', branch: 'wrench/a' }] },
      'Wrench has already proposed changes: #7 https://git.example/7',
    ],
    ['it is not allowed', { proposing: { allowed: false, because: 'not allowed' } }, 'not allowed'],
    [
      'nothing is left to correct',
      { files: [script('docker run --rm app\n')] },
      'nothing is left to correct in shop/api',
    ],
    [
      'a file was changed locally',
      { files: [script(SCRIPT, { isModified: true })] },
      "there are changes that aren't committed in ci/test.sh",
    ],
    [
      'files are of different commits',
      { files: [script(), script(SCRIPT, { path: 'b.sh', commit: 'c'.repeat(40) })] },
      'shop/api changed while it was read',
    ],
    ['the repository is no longer configured', { files: [] }, 'shop/api is no longer configured'],
  ])('is refused if %s', async (_, given, because) => {
    await expect(planOf(given)).rejects.toThrow(because);
  });

  test('is refused if the branch is unknown, or the source is gone', async () => {
    const { branch: _, ...detached } = script();

    await expect(planOf({ files: [detached] })).rejects.toThrow("aren't known");
    await expect(planOf({}, { ...ASKED, source: 'gone' })).rejects.toThrow('source gone no longer exists');
  });
});

describe('applying', () => {
  test('proposes exactly the approved change, and keeps line ends', async () => {
    const { proposed, steps } = await apply(await planOf());

    expect(proposed).toMatchObject([
      {
        repository: 'shop/api',
        into: 'main',
        commit: COMMIT,
        branch: 'wrench/docker-run-m0123456789abcdef',
        files: [
          {
            path: 'ci/test.sh',
            from: SCRIPT,
            to: SCRIPT.replace('docker run -e', 'docker run --rm -e'),
          },
        ],
      },
    ]);
    expect(proposed[0]?.body).toContain(
      '`/wrench audit --fix m0123456789abcdef` shows who requested and approved it',
    );
    expect(JSON.stringify([proposed[0]?.title, proposed[0]?.body, steps])).not.toContain('canary-41');
    expect(steps).toEqual(['shop/api: opened #12 https://git.example/shop/api/pull/12']);
  });

  test('proposes nothing if the files have changed since the approval', async () => {
    const plan = await planOf();
    const files = [script(SCRIPT.replace('app', 'application'))];

    await expect(apply(plan, { files })).rejects.toThrow('shop/api has changed since the plan was approved');
  });

  test('can not be done twice', async () => {
    const plan = await planOf();
    const proposals = [{ id: '#12', url: 'https://git.example/12', branch: 'wrench/docker-run-1' }];

    await expect(apply(plan, { proposals })).rejects.toThrow('Wrench has already proposed changes');
  });
});

test('is proven by the open request, and its finding stays', () => {
  expect(proposeFix.provenBy?.(ASKED)).toEqual({
    label: 'requests by Wrench in github:shop/api',
    value: 1,
  });
});
