import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import { openChannelOrder } from '../../store/thread/channel-order.ts';
import { openThreads } from '../../store/thread/threads.ts';
import { makeLog } from '../../telemetry/log.ts';
import { makeMetrics } from '../../telemetry/metrics.ts';
import { showFindingStatus } from './finding-status.ts';
import type { PostDeps } from './post.ts';
import { allowSlackUrls } from './response-url.ts';
import { makeSlackClient, SlackApiError } from './slack-call.ts';

type Call = { readonly method: string; readonly fields: URLSearchParams };
type StatusJob = Extract<OutboxJob, { kind: 'finding-status' }>;

const server = useRedis();
const cleanUp: (() => unknown)[] = [];
let calls: Call[];
let answer: (call: Call) => object;
let deps: PostDeps;
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
  const redis = server.connect();
  const apiUrl = `http://127.0.0.1:${(slack.address() as AddressInfo).port}/api/`;
  const logger = makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } });
  deps = {
    client: makeSlackClient('xoxb-test', apiUrl, logger),
    threads: openThreads(redis, '{test}'),
    channelOrder: openChannelOrder(redis, '{test}'),
    dropsDuplicates: async () => false,
    isSlackUrl: allowSlackUrls(apiUrl),
    metrics: makeMetrics(),
    log: logger,
  };
  cleanUp.push(() => slack.close());
});
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

let runs = 0;
const ada = { by: 'U0ADA', at: '2026-11-20T14:00:00.000Z' };
const grace = { by: 'U0GRACE', at: '2026-11-20T14:01:00.000Z' };

/** Jobs about one finding in one thread, each with its own run. */
function makeJobs() {
  runs += 1;
  const runId = `r${String(runs).padStart(16, '0')}`;
  return (second: number, state: Partial<Pick<StatusJob, 'claim' | 'silence'>>, by = 'U0ADA'): StatusJob => ({
    kind: 'finding-status',
    runId,
    asked: { by, teamId: 'T1', channelId: 'C0A', as: "I'm on it", at: ada.at },
    threadTs: '1.000001',
    findingId: 'f0123456789',
    summary: 'bbs expired',
    ...state,
    at: `2026-11-20T14:00:${String(second).padStart(2, '0')}.000Z`,
  });
}

const show = (job: StatusJob, attempt = 1) =>
  showFindingStatus(deps, job, {
    runId: job.runId,
    channelId: job.asked.channelId,
    job: { attempt, queuedAtMs: Date.now(), askedAtMs: Date.now() },
  });
const textsOf = (method: string) =>
  calls.filter((call) => call.method === method).map(({ fields }) => fields.get('text') ?? '');

test('it is posted in the thread without a mention, and edited for later states', async () => {
  const job = makeJobs();

  await show(job(1, { claim: ada }));
  await show(job(2, { claim: grace }));
  await show(job(3, {}));

  expect(calls[0]?.fields.get('thread_ts')).toBe('1.000001');
  expect(textsOf('chat.postMessage')).toEqual(['Status: bbs expired']);
  expect(textsOf('chat.update')).toEqual([
    expect.stringContaining('<@U0ADA> has been on it'),
    expect.stringContaining('<@U0GRACE> has been on it'),
    expect.stringContaining('No one is on it'),
  ]);
});

test('an earlier state that arrives later changes nothing', async () => {
  const job = makeJobs();

  await show(job(2, { claim: grace }));
  await show(job(1, { claim: ada }));

  expect(textsOf('chat.update')).toEqual([expect.stringContaining('<@U0GRACE>')]);
});

test('an earlier state that waits for its turn is not shown after a later one', async () => {
  const job = makeJobs();
  await show(job(1, { claim: ada }));
  const { channelOrder } = deps;
  let isPaused = false;
  const requestTurn: typeof channelOrder.requestTurn = async (...turn) => {
    if (!isPaused) {
      isPaused = true;
      await show(job(3, { claim: grace }));
    }
    return channelOrder.requestTurn(...turn);
  };
  deps = { ...deps, channelOrder: { ...channelOrder, requestTurn } };

  await show(job(2, {}));

  expect(isPaused).toBe(true);
  expect(textsOf('chat.update').slice(1)).toEqual([
    expect.stringContaining('<@U0GRACE> has been on it'),
    expect.stringContaining('<@U0GRACE> has been on it'),
  ]);
});

test('if nothing was shown and there is nothing to show, nothing is posted', async () => {
  await show(makeJobs()(1, {}));

  expect(calls).toEqual([]);
});

test('a deleted message is posted again', async () => {
  const job = makeJobs();
  await show(job(1, { claim: ada }));
  answer = ({ method, fields }) =>
    method === 'chat.update' && fields.get('ts') === '1.000100'
      ? { ok: false, error: 'message_not_found' }
      : { ok: true, ts: '9.000100' };

  await show(job(2, { claim: grace }));

  expect(textsOf('chat.postMessage')).toHaveLength(2);
  expect(calls.at(-1)?.fields.get('ts')).toBe('9.000100');
});

test('in an inaccessible channel it is dropped, with a line in the log', async () => {
  answer = () => ({ ok: false, error: 'is_archived' });

  await show(makeJobs()(1, { claim: ada }));

  expect(log.join('')).toMatch(/finding-status-not-shown.*is_archived/);
});

test('any other refusal is retried, and then dropped', async () => {
  answer = () => ({ ok: false, error: 'invalid_arguments' });
  const job = makeJobs()(1, { claim: ada });

  await expect(show(job)).rejects.toBeInstanceOf(SlackApiError);
  await show(job, 4);

  expect(log.join('')).toContain('finding-status-not-shown');
});
