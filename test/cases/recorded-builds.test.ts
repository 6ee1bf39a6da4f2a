import { expect, onTestFinished, test } from 'vitest';
import { startRecorder } from '../../src/app/recording/recorder.ts';
import type { Recording } from '../../src/app/recording/recording.ts';
import { buildsConfig } from '../../src/sources/builds/config.ts';
import { openBuilds } from '../../src/sources/builds/open.ts';
import { serveReplica } from '../world/replicas.ts';

const CANARY = 'canary-2f90d7e1';

test('a recording has what replicas answered and why they did not, without secrets', async () => {
  const replica = await serveReplica((request, response) => {
    const { authorization } = request.headers;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ buildNumber: 209, authorization, db: { password: 'p-7d1e' } }));
  });
  const config = buildsConfig.parse({
    kind: 'builds',
    services: [
      {
        name: 'api',
        replicas: { addresses: [`http://127.0.0.1:${replica.port}`, 'http://127.0.0.1:1'] },
        path: '/diagnostics',
        headers: { 'x-token': CANARY },
      },
    ],
  });
  const recorder = startRecorder(new Date(), [CANARY]);
  const source = recorder.opened(openBuilds(config));
  onTestFinished(source.close);
  const { signal } = new AbortController();
  const ask = (port: number) => source.reads.builds!.ask({ service: 'api', host: '127.0.0.1', port, signal });

  await ask(replica.port);
  await ask(1).catch(() => undefined);

  const text = recorder.write({ check: 'x', environment: 'prod', args: {}, sources: [config] });
  const { answers } = JSON.parse(text) as Recording;
  expect(answers).toMatchObject([
    {
      from: 'builds:builds',
      request: expect.stringMatching(/^ask \{"host":"127\.0\.0\.1","port":1,"service":"api"\}$/) as string,
      error: { kind: 'unreachable', code: 'ECONNREFUSED' },
    },
    { answer: { status: 200, body: expect.stringContaining('"buildNumber":209') as string } },
  ]);
  expect(text).not.toContain(CANARY);
  expect(text).not.toContain('p-7d1e');
});
