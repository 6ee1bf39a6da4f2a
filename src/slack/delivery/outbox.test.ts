import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { anOffer, OBSERVED_GONE } from '../../../test/world/remediation.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { Report } from '../../check/finding.ts';
import { openChannelOrder } from '../../store/thread/channel-order.ts';
import type { Policy } from '../../store/remediation/policy.ts';
import { openRemediationStore } from '../../store/remediation/remediation-store.ts';
import { openDigests } from '../../store/digests/open-digests.ts';
import { openSavedReports } from '../../store/thread/saved-reports.ts';
import { openThreads, ROOT_PART } from '../../store/thread/threads.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import { RetryLater } from '../../queue/workers.ts';
import { makeLog } from '../../telemetry/log.ts';
import { makeMetrics } from '../../telemetry/metrics.ts';
import { OFFERS_PART } from './cards.ts';
import { cardPart } from './notify.ts';
import { handleOutboxJob } from './outbox.ts';
import { allowSlackUrls } from './response-url.ts';
import { makeSlackClient } from './slack-call.ts';

type Call = { readonly method: string; readonly fields: URLSearchParams };

const server = useRedis();
const cleanUp: (() => unknown)[] = [];
let calls: Call[];
let answer: (call: Call) => object;
let posting: Parameters<typeof handleOutboxJob>[0];
let log: string[];
let dropsDuplicates: boolean;
let isAnswerQueued: boolean;
let members: Readonly<Record<string, readonly string[]>>;
let forgetThread: () => Promise<unknown>;

beforeEach(async () => {
  calls = [];
  log = [];
  dropsDuplicates = isAnswerQueued = false;
  members = {};
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
  forgetThread = () => redis.del(`{test}:thread:${about.runId}`);
  posting = {
    client: makeSlackClient('xoxb-test', apiUrl, logger),
    remediations: openRemediationStore(redis, '{test}'),
    policy,
    savedReports: openSavedReports(redis, '{test}'),
    threads: openThreads(redis, '{test}'),
    channelOrder: openChannelOrder(redis, '{test}'),
    dropsDuplicates: async () => dropsDuplicates,
    isAnswerQueued: async () => isAnswerQueued,
    membersOf: async (group) => members[group],
    clock: async () => Date.now(),
    digests: openDigests(redis, '{test}'),
    isSlackUrl: allowSlackUrls(apiUrl),
    metrics: makeMetrics(),
    log: logger,
  };
  cleanUp.push(() => slack.close());
});
afterEach(async () => {
  vi.useRealTimers();
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
  lines: {},
  requireReason: false,
  membershipSeconds: 300,
  notify: 'mention',
  remind: { alsoNotify: [] },
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
    { reason: 'thing-worn', severity: 'warning', target: 'lab:other', summary: 'other is worn' },
  ],
  gaps: [],
  coverage: [],
  at: '2026-11-21T03:00:00.000Z',
  durationMs: 12,
};
const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab broken', at: '2026-11-21T03:00:00.000Z' };
const about = { runId: 'r0123456789abcdef', check: 'lab/broken', environment: 'prod', asked };
const show = (data: OutboxJob, attempt = 1) =>
  handleOutboxJob(posting, {
    id: 'x',
    data,
    attempt,
    queuedAtMs: Date.now(),
    signal: new AbortController().signal,
  });
const methods = () => calls.map(({ method }) => method);

test('an answer is posted with text and blocks, without unfurling, with its key and the fence of its lease', async () => {
  await show({ kind: 'report', ...about, report });

  expect(methods()).toEqual(['chat.postMessage', 'chat.postMessage']);
  const { fields } = calls[0] ?? { fields: new URLSearchParams() };
  expect(fields.get('text')).toContain('1 of 41 things are broken');
  expect(JSON.parse(fields.get('blocks') ?? '[]')).not.toEqual([]);
  expect([fields.get('unfurl_links'), fields.get('unfurl_media')]).toEqual(['false', 'false']);
  expect(JSON.parse(fields.get('metadata') ?? '{}')).toEqual({
    event_type: 'wrench_post',
    event_payload: { key: `${about.runId}/root`, fence: 1 },
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
  'if Slack rejects the blocks (%s), the text is still posted, and the bug is logged',
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

test('if Slack rejects the metadata, the answer and its blocks are still posted', async () => {
  answer = ({ fields }) =>
    fields.has('metadata')
      ? { ok: false, error: 'invalid_metadata_format' }
      : { ok: true, ts: `${calls.length}.000100` };

  await show({ kind: 'report', ...about, report });

  const posted = calls.filter(({ fields }) => !fields.has('metadata'));
  expect(posted.map(({ fields }) => fields.has('blocks'))).toEqual([true, true]);
  expect(posted[0]?.fields.get('text')).toContain('1 of 41 things are broken');
});

test('progress messages after the answer change nothing', async () => {
  await show({ kind: 'report', ...about, report });
  const before = calls.length;

  await show({ kind: 'checking', ...about });
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });

  expect(calls).toHaveLength(before);
});

test('progress that Slack does not accept is dropped, and the answer edits the same message', async () => {
  await show({ kind: 'checking', ...about });
  answer = () => ({ ok: false, error: 'ratelimited' });
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });
  answer = () => ({ ok: true, ts: '9.000900' });
  await posting.channelOrder.pause('chat.update', 1);

  await show({ kind: 'report', ...about, report });

  expect(methods()).toEqual(['chat.postMessage', 'chat.update', 'chat.update', 'chat.postMessage']);
  expect(calls[2]?.fields.get('ts')).toBe('1.000100');
});

test('progress is posted if nothing is, then edited, and not again while it stays the same', async () => {
  const progress = (examined: number): OutboxJob => ({
    kind: 'progress',
    ...about,
    progress: { examined, gaps: 0, sources: [{ source: 'vault', state: 'reading', examined }] },
  });
  await show(progress(3));
  await show(progress(3));
  await show(progress(4));
  await show(progress(4));
  await show({ kind: 'checking', ...about });
  await show({ kind: 'report', ...about, report });

  expect(methods()).toEqual(['chat.postMessage', 'chat.update', 'chat.update', 'chat.postMessage']);
  expect(calls[0]?.fields.get('text')).toContain('vault: 3 checked so far');
  expect(calls[1]?.fields.get('text')).toContain('vault: 4 checked so far');
  expect(calls.map(({ fields }) => fields.get('ts')).slice(1, 3)).toEqual(['1.000100', '1.000100']);
});

test('progress that cannot be posted immediately is dropped', async () => {
  await posting.channelOrder.pause('chat.postMessage', 30_000);
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });
  await posting.channelOrder.pause('chat.postMessage', 1);

  const lease = await posting.threads.acquireLease(about.runId);
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });
  await lease?.release();

  expect(calls).toHaveLength(0);
});

test('while a channel has no turn left, its answer waits in the queue without taking a slot', async () => {
  await posting.channelOrder.pause('chat.postMessage', 30_000);

  await expect(show({ kind: 'report', ...about, report })).rejects.toBeInstanceOf(RetryLater);
  expect(calls).toHaveLength(0);
});

test('an answer that waits for its turn has no lease', async () => {
  await posting.channelOrder.pause('chat.postMessage', 30_000);
  await show({ kind: 'report', ...about, report }).catch(() => undefined);

  const lease = await posting.threads.acquireLease(about.runId);
  expect(lease).toBeDefined();
  await lease?.release();
});

test('two simultaneous deliveries of one answer post it once', async () => {
  const untilDone = async () => {
    for (;;)
      try {
        return await show({ kind: 'report', ...about, report });
      } catch (error) {
        if (!(error instanceof RetryLater)) throw error;
      }
  };
  await Promise.all([untilDone(), untilDone()]);

  expect(methods()).toEqual(['chat.postMessage', 'chat.postMessage']);
});

test('nothing is posted after the lease is lost', async () => {
  const { acquireLease } = posting.threads;
  posting = {
    ...posting,
    threads: {
      ...posting.threads,
      acquireLease: async (runId) => {
        const lost = await acquireLease(runId);
        await lost?.release();
        await acquireLease(runId);
        return lost;
      },
    },
  };

  await expect(show({ kind: 'report', ...about, report })).rejects.toBeInstanceOf(RetryLater);
  expect(calls).toHaveLength(0);
});

test('a progress message is not posted while an answer is queued', async () => {
  isAnswerQueued = true;

  await show({ kind: 'checking', ...about });

  expect(calls).toHaveLength(0);
});

test('a progress message whose reply from Slack was lost is counted and not repeated; the answer is posted', async () => {
  answer = () => ({ ok: false, error: 'internal_error' });
  await show({ kind: 'checking', ...about });
  answer = () => ({ ok: true, ts: `${calls.length}.000100` });

  await show({ kind: 'checking', ...about });
  await show({ kind: 'report', ...about, report });

  expect(methods()).toEqual(['chat.postMessage', 'chat.postMessage', 'chat.postMessage']);
  expect(calls[1]?.fields.get('text')).toContain('1 of 41 things are broken');
  expect(await posting.metrics.registry.getSingleMetricAsString('wrench_unconfirmed_posts_total')).toContain(
    'outcome="left"} 1',
  );
});

test('an answer whose reply from Slack was lost is posted again, without reading the history', async () => {
  answer = () => ({ ok: false, error: 'internal_error' });
  await show({ kind: 'report', ...about, report }).catch(() => undefined);
  answer = () => ({ ok: true, ts: `${calls.length}.000100` });

  await show({ kind: 'report', ...about, report }, 2);

  expect(methods()).toEqual(['chat.postMessage', 'chat.postMessage', 'chat.postMessage']);
  expect(calls[0]?.fields.has('client_msg_id')).toBe(false);
});

test('if Slack is proven to drop duplicates, all attempts at a part have one id, and the answer replaces a progress message', async () => {
  dropsDuplicates = true;
  answer = () => ({ ok: false, error: 'internal_error' });
  await show({ kind: 'checking', ...about });
  answer = () => ({ ok: true, ts: '7.000100' });

  await show({ kind: 'report', ...about, report });

  expect(methods()).toEqual(['chat.postMessage', 'chat.postMessage', 'chat.update', 'chat.postMessage']);
  const [first, second, edited, reply] = calls.map(({ fields }) => fields);
  expect(first?.get('client_msg_id')).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(second?.get('client_msg_id')).toBe(first?.get('client_msg_id'));
  expect(edited?.get('text')).toContain('1 of 41 things are broken');
  expect(reply?.get('client_msg_id')).not.toBe(first?.get('client_msg_id'));
});

test('if the channel is inaccessible and the response_url is outside Slack, the answer is a direct message', async () => {
  const responseUrl = 'https://hooks.slack.com.evil.example/commands/1';
  const now = { ...asked, at: new Date().toISOString(), responseUrl };
  answer = ({ fields }) =>
    fields.get('channel') === 'C1' ? { ok: false, error: 'not_in_channel' } : { ok: true, ts: '1.000100' };

  await show({ kind: 'report', ...about, asked: now, report });

  expect(calls.map(({ fields }) => fields.get('channel'))).toEqual(['C1', 'U1']);
  expect(calls[1]?.fields.get('text')).toContain('1 of 41 things are broken');
  expect(log.join('')).toContain('"host":"hooks.slack.com.evil.example"');
});

test('a run that is lost after its answer was posted does not change its root', async () => {
  const offered = anOffer({ runId: about.runId });
  posting = { ...posting, remediations: { ...posting.remediations, listByRun: async () => [offered] } };
  await show({ kind: 'report', ...about, report });

  await show({ kind: 'lost', ...about, jobId: about.runId });

  const kept = (await posting.threads.read(about.runId)).savedText('root');
  expect(kept).toContain('1 of 41 things are broken');
});

test('the answer is written again after a progress edit that Slack may still apply', async () => {
  await show({ kind: 'checking', ...about });
  answer = ({ method }) =>
    method === 'chat.update' ? { ok: false, error: 'internal_error' } : { ok: true, ts: '1.000100' };
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });
  answer = () => ({ ok: true, ts: `${calls.length}.000100` });
  const nowMs = Date.now();

  await expect(show({ kind: 'report', ...about, report })).rejects.toBeInstanceOf(RetryLater);

  const isAnswer = ({ method, fields }: Call) =>
    method === 'chat.update' && (fields.get('text') ?? '').includes('1 of 41');
  expect(calls.filter(isAnswer)).toHaveLength(1);
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs + 61_000 });
  await show({ kind: 'report', ...about, report });
  expect(calls.filter(isAnswer)).toHaveLength(2);
  expect((await posting.threads.read(about.runId)).isClosed).toBe(true);
});

test('after a confirmed progress edit the answer is not written again', async () => {
  await show({ kind: 'checking', ...about });
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });

  await show({ kind: 'report', ...about, report });

  expect((await posting.threads.read(about.runId)).isClosed).toBe(true);
});

test('an answer behind a later one waits in the queue without taking a slot', async () => {
  await posting.channelOrder.reserve({ method: 'chat.postMessage', channelId: 'C1' }, 'of a slow check');
  const later = { ...asked, at: new Date(Date.now() + 60_000).toISOString() };

  await expect(show({ kind: 'report', ...about, asked: later, report })).rejects.toBeInstanceOf(RetryLater);
  expect(calls).toHaveLength(0);
});

test('a progress message that Slack rejects for its form does not redirect the answer', async () => {
  answer = () => ({ ok: false, error: 'invalid_blocks' });
  await show({ kind: 'checking', ...about });
  answer = () => ({ ok: true, ts: `${calls.length}.000100` });

  await show({ kind: 'report', ...about, report });

  const after = calls.filter(({ fields }) => fields.get('text')?.includes('1 of 41'));
  expect(after.map(({ fields }) => fields.get('channel'))).toEqual(['C1']);
});

test('if the root is deleted before the answer is written again, it is not posted again, and the buttons stay in their thread', async () => {
  const offered = anOffer({ runId: about.runId });
  posting = { ...posting, remediations: { ...posting.remediations, listByRun: async () => [offered] } };
  await show({ kind: 'checking', ...about });
  answer = ({ method }) =>
    method === 'chat.update' ? { ok: false, error: 'internal_error' } : { ok: true, ts: '1.000100' };
  await show({ kind: 'progress', ...about, progress: { examined: 3, gaps: 0 } });
  answer = () => ({ ok: true, ts: `${calls.length}.000100` });
  const nowMs = Date.now();
  await show({ kind: 'report', ...about, report }).catch(() => undefined);
  const before = calls.filter(({ method }) => method === 'chat.postMessage').length;
  answer = ({ method }) =>
    method === 'chat.update'
      ? { ok: false, error: 'message_not_found' }
      : { ok: true, ts: `${calls.length}.000100` };
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs + 61_000 });

  for (let attempt = 1; attempt <= 5; attempt++)
    await show({ kind: 'report', ...about, report }, attempt).catch(() => undefined);

  expect(calls.filter(({ method }) => method === 'chat.postMessage')).toHaveLength(before);
  expect((await posting.threads.read(about.runId)).isClosed).toBe(false);
});

test('an answer that was posted just before its bot died keeps no place in the lane', async () => {
  const { leave } = posting.channelOrder;
  posting = {
    ...posting,
    channelOrder: {
      ...posting.channelOrder,
      leave: () => Promise.reject(new Error('Connection is closed.')),
    },
  };
  await show({ kind: 'report', ...about, report }).catch(() => undefined);
  posting = { ...posting, channelOrder: { ...posting.channelOrder, leave } };

  await show({ kind: 'report', ...about, report }, 2);

  expect(
    await posting.channelOrder.requestTurn({ method: 'chat.postMessage', channelId: 'C1' }, 'next'),
  ).toBe(0);
});

test.each(['root', 'reply-0'])(
  'a bot that was paused before %s posts nothing once another has posted the answer and its thread has expired',
  async (part) => {
    const { requestTurn, leave } = posting.channelOrder;
    const others = posting;
    let isPaused = false;
    const channelOrder = {
      ...posting.channelOrder,
      requestTurn: async (...[lane, place, sinceMs]: Parameters<typeof requestTurn>) => {
        if (!isPaused && place === `${about.runId}/${part}`) {
          isPaused = true;
          await leave(lane, place);
          posting = others;
          await show({ kind: 'report', ...about, report });
          // As if it had expired.
          await forgetThread();
        }
        return requestTurn(lane, place, sinceMs);
      },
    };
    posting = { ...posting, channelOrder };

    await expect(show({ kind: 'report', ...about, report })).rejects.toBeInstanceOf(RetryLater);

    expect(calls).toHaveLength(2);
  },
);

test('a bot that was paused between two parts of an answer posts nothing once its thread has expired', async () => {
  const { mark } = posting.threads;
  const others = posting;
  const threads: typeof posting.threads = {
    ...posting.threads,
    mark: async (...args) => {
      await mark(...args);
      if (posting === others) return;
      posting = others;
      await show({ kind: 'report', ...about, report });
      await forgetThread();
    },
  };
  posting = { ...posting, threads };

  await expect(show({ kind: 'report', ...about, report })).rejects.toBeInstanceOf(RetryLater);

  expect(calls).toHaveLength(2);
});

test('an answer whose bot died while posting does not delay other answers of its channel, and uses no turn', async () => {
  const lane = { method: 'chat.postMessage', channelId: 'C1' } as const;
  await posting.channelOrder.reserve(lane, `${about.runId}/root`);
  const lease = await posting.threads.acquireLease(about.runId);

  for (let attempt = 0; attempt < 10; attempt++)
    await expect(show({ kind: 'report', ...about, report })).rejects.toBeInstanceOf(RetryLater);

  expect(await posting.channelOrder.requestTurn(lane, 'next')).toBe(0);
  await lease?.release();
});

test('the card of a fix goes before answers to later requests', async () => {
  const lane = { method: 'chat.postMessage', channelId: 'C1' } as const;
  await show({ kind: 'report', ...about, report });
  for (let at = 0; at < 300; at++) await posting.channelOrder.requestTurn(lane, `later ${at}`, Date.now());
  const fix = anOffer({ runId: about.runId, state: 'planned' });
  posting = {
    ...posting,
    remediations: {
      ...posting.remediations,
      read: async () => ({ record: fix, revision: 1 }),
      listByRun: async () => [fix],
      markCardShown: async () => undefined,
    },
  };

  await show({ kind: 'card', ...about, id: fix.id, revision: 1 });

  expect(methods().slice(2)).toEqual(['chat.postMessage', 'chat.update', 'chat.postMessage', 'chat.update']);
});

test.each([
  ['the card', 'planned', 'skipped', /SKIPPED/],
  ['the offers', 'planning', 'skipped', /: skipped/],
  ['the root', 'interrupted', 'fixed', /FIXED/],
] as const)(
  'an edit of %s that waits for its turn does not put an earlier state over a later one',
  async (message, earlier, later, said) => {
    let fix = anOffer({ runId: about.runId, requested: { by: 'U2', at: asked.at } });
    const part = { 'the card': cardPart(fix.id), 'the offers': OFFERS_PART, 'the root': ROOT_PART }[message];
    const whereIsIt = async () => (await posting.threads.read(about.runId)).locationOf(part)?.ts;
    let isPaused = false;
    posting = {
      ...posting,
      remediations: {
        ...posting.remediations,
        read: async () => ({ record: fix, revision: fix.state === later ? 2 : 1 }),
        listByRun: async () => [fix],
        markCardShown: async () => undefined,
      },
      channelOrder: {
        ...posting.channelOrder,
        requestTurn: async ({ method }, place) => {
          const isIt = method === 'chat.update' && place === `${about.runId}/${await whereIsIt()}`;
          if (isIt && fix.state === earlier && !isPaused) {
            isPaused = true;
            fix = { ...fix, state: later };
            await show({ kind: 'card', ...about, id: fix.id, revision: 2 });
          }
          return 0;
        },
      },
    };
    await show({ kind: 'report', ...about, report });
    fix = { ...fix, state: earlier };

    await show({ kind: 'card', ...about, id: fix.id, revision: 1 });

    const ts = await whereIsIt();
    const edits = calls.filter(({ method, fields }) => method === 'chat.update' && fields.get('ts') === ts);
    expect(isPaused).toBe(true);
    expect(edits.at(-1)?.fields.get('text')).toMatch(said);
  },
);

test.each([
  ['again by another delivery', ['unverified', 'unverified'], ['unverified']],
  [
    'again after "Check now" with the same outcome',
    ['unverified', 'unverified', 'unverified'],
    ['unverified'],
  ],
  ['after "Check now" with another outcome', ['unverified', 'fixed', 'fixed'], ['unverified', 'fixed']],
  ['of a plan that was rejected', ['planned', 'rejected', 'rejected'], ['rejected']],
] as const)(
  'an outcome is posted once in the thread, after the card shows it: %s',
  async (_, states, posted) => {
    const votes = { requested: { by: 'U0ADA', at: asked.at }, approvals: [{ by: 'U0GRACE', at: asked.at }] };
    let fix = anOffer({ runId: about.runId, state: 'offered' });
    let revision = 0;
    posting = {
      ...posting,
      remediations: {
        ...posting.remediations,
        read: async () => ({ record: fix, revision }),
        listByRun: async () => [fix],
        markCardShown: async () => undefined,
      },
    };
    await show({ kind: 'report', ...about, report });
    const rootTs = (await posting.threads.read(about.runId)).root?.ts;

    for (const state of states) {
      fix = { ...fix, ...votes, state };
      revision += 1;
      await show({ kind: 'card', ...about, id: fix.id, revision });
    }

    const outcomes = calls.filter(
      ({ method, fields }) => method === 'chat.postMessage' && fields.get('metadata')?.includes('/outcome-'),
    );
    expect(outcomes.map(({ fields }) => fields.get('text')?.split(' ')[1])).toEqual(
      posted.map((state) => state.toUpperCase()),
    );
    for (const { fields } of outcomes) {
      expect(fields.get('text')).toMatch(/ · <@U0ADA> <@U0GRACE>$/);
      expect(fields.get('thread_ts')).toBe(rootTs);
    }
    const cardTs = (await posting.threads.read(about.runId)).locationOf(cardPart(fix.id))?.ts;
    const shown = calls.findIndex(
      ({ method, fields }) => method === 'chat.update' && fields.get('ts') === cardTs,
    );
    expect(outcomes.every((call) => calls.indexOf(call) > shown)).toBe(true);
  },
);

test('an outcome whose reply from Slack was lost is posted again, and then no more', async () => {
  const fix = anOffer({ runId: about.runId, state: 'failed', requested: { by: 'U2', at: asked.at } });
  posting = {
    ...posting,
    remediations: {
      ...posting.remediations,
      read: async () => ({ record: fix, revision: 1 }),
      listByRun: async () => [fix],
      markCardShown: async () => undefined,
    },
  };
  const outcomes = () => calls.filter(({ fields }) => fields.get('metadata')?.includes('/outcome-'));
  await show({ kind: 'report', ...about, report });
  const card = { kind: 'card', ...about, id: fix.id, revision: 1 } as const;
  const answerAll = answer;
  answer = (call) =>
    call.fields.get('metadata')?.includes('/outcome-')
      ? { ok: false, error: 'internal_error' }
      : answerAll(call);
  await expect(show(card)).rejects.toThrow('internal_error');
  answer = answerAll;
  const lost = outcomes().length;

  await show(card, 2);
  await show(card, 3);

  expect(outcomes()).toHaveLength(lost + 1);
});

test('the outcome is written again, in the card and in the root, after an edit that Slack may still apply', async () => {
  let fix = anOffer({ runId: about.runId, state: 'offered', requested: { by: 'U2', at: asked.at } });
  let revision = 1;
  posting = {
    ...posting,
    remediations: {
      ...posting.remediations,
      read: async () => ({ record: fix, revision }),
      listByRun: async () => [fix],
      markCardShown: async () => undefined,
    },
  };
  await show({ kind: 'report', ...about, report });
  const answerAll = answer;
  const showState = (state: typeof fix.state) => {
    fix = { ...fix, state };
    revision += 1;
    return show({ kind: 'card', ...about, id: fix.id, revision });
  };
  await showState('applying');
  answer = (call) =>
    call.method === 'chat.update' ? { ok: false, error: 'internal_error' } : answerAll(call);
  await expect(showState('settling')).rejects.toThrow('internal_error');
  answer = (call) =>
    call.method === 'chat.update' && call.fields.get('ts') === root
      ? { ok: false, error: 'internal_error' }
      : answerAll(call);
  const { root: rootAt, locationOf } = await posting.threads.read(about.runId);
  const root = rootAt?.ts;
  const nowMs = Date.now();
  await expect(showState('unverified')).rejects.toThrow('internal_error');
  answer = answerAll;

  await expect(showState('unverified')).rejects.toBeInstanceOf(RetryLater);
  const edits = (ts: string | undefined) =>
    calls.filter(
      ({ method, fields }) =>
        method === 'chat.update' && fields.get('ts') === ts && fields.get('text')?.includes('UNVERIFIED'),
    ).length;
  const before = [edits(locationOf(cardPart(fix.id))?.ts), edits(root)];

  vi.useFakeTimers({ toFake: ['Date'], now: nowMs + 120_000 });
  await showState('unverified');
  expect([edits(locationOf(cardPart(fix.id))?.ts), edits(root)]).toEqual(before.map((count) => count + 1));
  await showState('unverified');
  expect([edits(locationOf(cardPart(fix.id))?.ts), edits(root)]).toEqual(before.map((count) => count + 1));
});

test('a root that says FIXED is corrected once the check finds it again to plan another fix', async () => {
  const first = anOffer({
    runId: about.runId,
    finding: { reason: 'thing-broken', target: 'lab:thing', summary: 'thing is broken' },
    state: 'fixed',
    endedAt: '2026-11-21T03:02:00.000Z',
    after: {
      ...OBSERVED_GONE,
      at: '2026-11-21T03:01:00.000Z',
      verdict: 'All are well',
      report: { isWhole: true, findings: [], more: 0 },
    },
  });
  const second = anOffer({
    id: `m${'1'.repeat(16)}`,
    runId: about.runId,
    finding: { reason: 'thing-worn', target: 'lab:other', summary: 'other is worn' },
  });
  let fixes = [first, second];
  posting = {
    ...posting,
    remediations: {
      ...posting.remediations,
      read: async (id) => ({ record: fixes.find((one) => one.id === id) ?? second, revision: 1 }),
      listByRun: async () => fixes,
      markCardShown: async () => undefined,
    },
  };
  await show({ kind: 'report', ...about, report });
  const root = (await posting.threads.read(about.runId)).root?.ts;
  await show({ kind: 'card', ...about, id: first.id, revision: 1 });
  const said = () =>
    calls
      .findLast(({ fields }) => fields.get('ts') === root)
      ?.fields.get('text')
      ?.split('\n')[0];

  const before = { ...OBSERVED_GONE, finding: 'found', at: '2026-11-21T03:05:00.000Z' } as const;
  fixes = [first, { ...second, state: 'planned', shownAt: before.at, before }];
  await show({ kind: 'card', ...about, id: second.id, revision: 1 });

  expect(said()).toBe(':large_yellow_circle: WARNING: other is worn');
});

test('the first message of a report leads with FIXED once the run that verified the fix found nothing', async () => {
  const offer = anOffer({
    runId: about.runId,
    finding: { reason: 'thing-broken', target: 'lab:thing', summary: 'thing is broken' },
  });
  let fix = offer;
  posting = {
    ...posting,
    remediations: {
      ...posting.remediations,
      read: async () => ({ record: fix, revision: 1 }),
      listByRun: async () => [fix],
      markCardShown: async () => undefined,
    },
  };
  await show({ kind: 'report', ...about, report });
  const root = (await posting.threads.read(about.runId)).root?.ts;
  const nothing = { isWhole: true, findings: [], more: 0 };
  fix = { ...offer, state: 'fixed', after: { ...OBSERVED_GONE, verdict: 'All are well', report: nothing } };

  await show({ kind: 'card', ...about, id: fix.id, revision: 1 });

  const edited = calls.findLast(
    ({ method, fields }) => method === 'chat.update' && fields.get('ts') === root,
  );
  expect(edited?.fields.get('text')?.split('\n').slice(0, 2)).toEqual([
    ':white_check_mark: FIXED · All are well',
    'Was: CRITICAL · 1 of 41 things are broken',
  ]);
});

const oneFinding: Report = { ...report, findings: report.findings.slice(0, 1) };
const offering = (fix: ReturnType<typeof anOffer>) => ({
  ...posting,
  policy: { ...policy, roles: { ...policy.roles, requester: ['U0ADA'], approver: ['U0GRACE'] } },
  remediations: {
    ...posting.remediations,
    read: async () => ({ record: fix, revision: 1 }),
    listByRun: async () => [fix],
    markCardShown: async () => undefined,
  },
});

test('the fixes are the first reply, before the findings', async () => {
  posting = offering(anOffer({ runId: about.runId }));

  await show({ kind: 'report', ...about, report });

  const parts = calls.flatMap(
    ({ fields }) => /\/([a-z]+(?:-\d)?)"/.exec(fields.get('metadata') ?? '')?.[1] ?? [],
  );
  expect(parts).toEqual(['root', 'offers', 'reply-0']);
});

test('a report with one finding is one message, and an edit adds the buttons of its fix', async () => {
  posting = offering(anOffer({ runId: about.runId }));

  await show({ kind: 'report', ...about, report: oneFinding });

  expect(methods()).toEqual(['chat.postMessage', 'chat.update']);
  expect(calls[0]?.fields.get('blocks')).not.toContain('wrench:request');
  expect(calls[1]?.fields.get('blocks')).toContain('wrench:request');
  expect(calls[1]?.fields.get('ts')).toBe('1.000100');
});

test('a fix that was requested has no button in the root of its report, and a button in the root is of this report', async () => {
  const fix = anOffer({ runId: about.runId });
  posting = offering(fix);
  await show({ kind: 'report', ...about, report: oneFinding });
  posting = offering({ ...fix, state: 'planning', requested: { by: 'U0ADA', at: asked.at } });

  await show({ kind: 'card', ...about, id: fix.id, revision: 1 });

  const roots = calls.filter(
    ({ method, fields }) => method === 'chat.update' && fields.get('ts') === '1.000100',
  );
  expect(roots.at(-1)?.fields.get('blocks')).not.toContain('wrench:request');
  expect(roots.at(-1)?.fields.get('blocks')).toContain('working out the plan');
});

test('a report that is too large to save keeps its headline, has its fixes in the thread, and gets outcomes at the end', async () => {
  const fix = anOffer({ runId: about.runId });
  posting = { ...offering(fix), savedReports: { save: async () => undefined, read: async () => undefined } };
  await show({ kind: 'report', ...about, report: oneFinding });
  const root = (await posting.threads.read(about.runId)).root?.ts;
  expect(calls.at(-1)?.fields.get('blocks')).toContain('wrench:request');
  expect(calls.at(-1)?.fields.get('ts')).not.toBe(root);
  const nothing = { isWhole: true, findings: [], more: 0 };
  const fixed = { ...fix, state: 'fixed' as const, after: { ...OBSERVED_GONE, report: nothing } };
  posting = { ...offering(fixed), savedReports: posting.savedReports };

  await show({ kind: 'card', ...about, id: fix.id, revision: 1 });

  const edited = calls.findLast(
    ({ method, fields }) => method === 'chat.update' && fields.get('ts') === root,
  );
  const lines = edited?.fields.get('text')?.split('\n') ?? [];
  expect(lines[0]).toContain('CRITICAL: 1 of 41 things are broken');
  expect(lines.at(-1)).toContain('FIXED');
});

test('an outcome is not posted while the card still shows an earlier state', async () => {
  const fix = anOffer({ runId: about.runId, state: 'settling' });
  let state: 'settling' | 'fixed' = 'settling';
  posting = {
    ...posting,
    remediations: {
      ...posting.remediations,
      read: async () => ({ record: { ...fix, state }, revision: 1 }),
      listByRun: async () => [fix],
      markCardShown: async () => undefined,
    },
  };
  await show({ kind: 'report', ...about, report });
  const answerAll = answer;
  answer = (call) => {
    // It is verified while Slack shows that it is being verified.
    if (call.fields.get('text')?.includes('VERIFYING')) state = 'fixed';
    return answerAll(call);
  };

  await show({ kind: 'card', ...about, id: fix.id, revision: 1 });

  expect(calls.at(-1)?.method).toBe('chat.update');
  expect(calls.some(({ fields }) => fields.get('metadata')?.includes('/outcome-'))).toBe(false);
});
