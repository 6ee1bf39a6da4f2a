import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRedis } from '../../test/world/redis.ts';
import type { Report } from '../check/finding.ts';
import { openPace } from '../memory/pace.ts';
import type { Policy } from '../memory/policy.ts';
import { openRemediations } from '../memory/remediations.ts';
import { openThreads } from '../memory/threads.ts';
import { connectPatiently } from '../queue/connection.ts';
import type { OutboxJob } from '../queue/contracts.ts';
import { Later } from '../queue/work.ts';
import { makeLog } from '../telemetry/log.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { deliver } from './outbox.ts';
import { makeSlackClient } from './slack-call.ts';

type Call = { readonly method: string; readonly fields: URLSearchParams };

const cleanUp: (() => unknown)[] = [];
let calls: Call[];
let answer: (call: Call) => object;
let posting: Parameters<typeof deliver>[0];
let log: string[];

beforeEach(async () => {
  calls = [];
  log = [];
  answer = () => ({ ok: true, ts: `${calls.length}.000100` });
  const slack = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const call = { method: request.url?.split('/').at(-1) ?? '', fields: new URLSearchParams(body) };
      calls.push(call);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(call)));
    });
  });
  await new Promise<void>((resolve) => slack.listen(0, '127.0.0.1', resolve));
  const server = await startRedis();
  const redis = connectPatiently(server, () => undefined);
  const apiUrl = `http://127.0.0.1:${(slack.address() as AddressInfo).port}/api/`;
  const logger = makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } });
  posting = {
    client: makeSlackClient('xoxb-test', apiUrl, logger),
    remediations: openRemediations(redis, '{test}'),
    policy,
    threads: openThreads(redis, '{test}'),
    pace: openPace(redis, '{test}'),
    metrics: makeMetrics(),
    log: logger,
  };
  cleanUp.push(
    server.close,
    () => redis.disconnect(),
    () => slack.close(),
  );
});
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

const policy: Policy = {
  destructive: [],
  off: [],
  approvals: { disruptive: 1, destructive: 2 },
  approveWithinMinutes: 15,
  applyWithinSeconds: 120,
  perRun: 20,
  perHour: 20,
  membershipSeconds: 300,
  roles: { requester: [], approver: [], auditor: [] },
};

const report: Report = {
  check: 'lab/broken',
  environment: 'prod',
  args: {},
  status: 'found',
  verdict: '1 of 41 things are broken',
  examined: 41,
  findings: [
    { reason: 'thing-broken', severity: 'critical', target: 'lab:thing', summary: 'thing is broken' },
  ],
  gaps: [],
  coverage: [],
  at: '2026-11-21T03:00:00.000Z',
  durationMs: 12,
};
const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab broken', at: '2026-11-21T03:00:00.000Z' };
const about = { runId: 'r0123456789abcdef', check: 'lab/broken', environment: 'prod', asked };
const show = (data: OutboxJob) =>
  deliver(posting, { id: 'x', data, attempt: 1, signal: new AbortController().signal });
const methods = () => calls.map(({ method }) => method);

test('an answer is posted with text and blocks, without unfurling, and named so that it can be found again', async () => {
  await show({ kind: 'report', ...about, report });

  expect(methods()).toEqual(['chat.postMessage', 'chat.postMessage']);
  const { fields } = calls[0] ?? { fields: new URLSearchParams() };
  expect(fields.get('text')).toContain('1 of 41 things are broken');
  expect(JSON.parse(fields.get('blocks') ?? '[]')).not.toEqual([]);
  expect([fields.get('unfurl_links'), fields.get('unfurl_media')]).toEqual(['false', 'false']);
  expect(JSON.parse(fields.get('metadata') ?? '{}')).toEqual({
    event_type: 'wrench_post',
    event_payload: { key: `${about.runId}/root` },
  });
  expect(calls[1]?.fields.get('thread_ts')).toBe('1.000100');
});

test('the same answer delivered again posts nothing more', async () => {
  await show({ kind: 'report', ...about, report });
  const before = calls.length;

  await show({ kind: 'report', ...about, report });

  expect(calls).toHaveLength(before);
});

test.each(['invalid_blocks', 'msg_blocks_too_long'])(
  'blocks that Slack finds malformed (%s): the words go out all the same, and it is logged as our bug',
  async (code) => {
    answer = ({ fields }) =>
      fields.has('blocks') ? { ok: false, error: code } : { ok: true, ts: '1.000100' };

    await show({ kind: 'report', ...about, report });

    const words = calls.filter(({ fields }) => !fields.has('blocks')).map(({ fields }) => fields.get('text'));
    expect(words[0]).toContain('1 of 41 things are broken');
    expect(words[1]).toContain('thing is broken');
    expect(log.join('')).toContain('malformed');
  },
);

test('"Looking…" and progress that come after the answer change nothing', async () => {
  await show({ kind: 'report', ...about, report });
  const before = calls.length;

  await show({ kind: 'looking', ...about });
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });

  expect(calls).toHaveLength(before);
});

test('progress that Slack does not take is dropped, and the answer edits the same message', async () => {
  await show({ kind: 'looking', ...about });
  answer = () => ({ ok: false, error: 'ratelimited' });
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });
  answer = () => ({ ok: true, ts: '9.000900' });
  await posting.pace.hold('chat.update', 1);

  await show({ kind: 'report', ...about, report });

  expect(methods()).toEqual(['chat.postMessage', 'chat.update', 'chat.update', 'chat.postMessage']);
  expect(calls[2]?.fields.get('ts')).toBe('1.000100');
});

test('while a channel has no turn left, its answer waits in the queue and not in a slot of it', async () => {
  for (let turn = 0; turn < 5; turn++) await posting.pace.turn('chat.postMessage', 'C1');
  await posting.pace.hold('chat.postMessage', 30_000);

  await expect(show({ kind: 'report', ...about, report })).rejects.toBeInstanceOf(Later);
  expect(calls).toHaveLength(0);
});

test('two deliveries of one answer at the same moment: one posts, the other comes again later', async () => {
  const both = await Promise.allSettled([
    show({ kind: 'report', ...about, report }),
    show({ kind: 'report', ...about, report }),
  ]);

  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(methods()).toEqual(['chat.postMessage', 'chat.postMessage']);
});
