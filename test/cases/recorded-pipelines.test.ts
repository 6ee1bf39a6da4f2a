import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { startRecorder } from '../../src/app/recording/recorder.ts';
import type { Recording } from '../../src/app/recording/recording.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { PipelineFile, Pipelines } from '../../src/ports/pipelines.ts';
import { serveGithub } from '../world/forge/served-github.ts';
import { serveGitlab } from '../world/forge/served-gitlab.ts';
import { replayPipelines } from './replay.ts';

const { signal } = new AbortController();

/** Everything that the source returns, and how it fails. */
async function readAll(pipelines: Pipelines): Promise<unknown> {
  const read = pipelines.repositories.map(async (repository) => {
    const files: PipelineFile[] = [];
    try {
      for await (const batch of pipelines.files({ repository, signal })) files.push(...batch);
      return { files, proposals: await pipelines.proposals?.({ repository, signal }) };
    } catch (error) {
      const { kind, message } = error as Error & { readonly kind: string };
      return { files, kind, message };
    }
  });
  return Promise.all(read);
}

test('records pipeline files without secrets and tokens, and replays them without the servers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-recorded-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'a.sh'), 'docker run -e PASSWORD=hunter2-secret x\n');
  const workflow = 'env:\n  TOKEN: ${{ secrets.TOKEN }}\njobs: {}\n';
  const github = await serveGithub({
    repositories: { 'shop/api': { '.github/workflows/ci.yml': workflow } },
  });
  const gitlab = await serveGitlab({ projects: { 'shop/web': { 'b.sh': 'true' } } });
  onTestFinished(github.close);
  onTestFinished(gitlab.close);
  const one = {
    number: 1,
    title: '',
    body: '',
    head: 'wrench/docker-run-1',
    base: 'main',
    state: 'open',
  } as const;
  github.pulls('shop/api').push({ ...one });
  const { environments: configured } = configSchema.parse({
    environments: {
      ci: {
        sources: [
          { kind: 'checkout', folders: [folder, join(folder, 'gone')] },
          {
            kind: 'github',
            url: github.url,
            token: 'github_pat_read-canary',
            repositories: ['shop/api', 'shop/gone'],
            allow: { propose: { token: 'github_pat_write-canary' } },
          },
          { kind: 'gitlab', url: gitlab.url, token: 'glpat-read-canary', projects: ['shop/web'] },
        ],
      },
    },
  });
  const recorder = startRecorder(new Date(), []);
  const environments = await openEnvironments(configured, recorder);
  const sources = environments.get('ci')!.readers.pipelines!;
  const seen = await Promise.all(sources.map(readAll));
  await closeEnvironments(environments);
  expect(JSON.stringify(seen)).not.toContain('canary');

  const text = recorder.write({ check: 'ci/docker-run', environment: 'ci', args: {}, sources: [] });

  expect(text).not.toMatch(/hunter2-secret|canary/);
  const { answers } = JSON.parse(text) as Recording;
  const replayed = sources.map((source) => {
    const from = answers.filter((answer) => answer.from.endsWith(`:${source.name}`));
    return readAll(replayPipelines(source, from));
  });
  expect(JSON.parse(JSON.stringify(await Promise.all(replayed)))).toEqual(
    JSON.parse(JSON.stringify(seen).replace('hunter2-secret', '[redacted]')),
  );
});
