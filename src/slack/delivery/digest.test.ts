import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { anOffer, POLICY } from '../../../test/world/remediation.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { DigestRun, DigestSnapshot } from '../../check/digest-run.ts';
import { RetryLater } from '../../queue/workers.ts';
import type { Digests, UndeliveredDigest } from '../../store/digests/digests.ts';
import { openRemediationStore } from '../../store/remediation/remediation-store.ts';
import { openChannelOrder } from '../../store/thread/channel-order.ts';
import { openSavedReports } from '../../store/thread/saved-reports.ts';
import { openThreads } from '../../store/thread/threads.ts';
import { makeLog } from '../../telemetry/log.ts';
import { makeMetrics } from '../../telemetry/metrics.ts';
import type { DigestDeps } from './digest.ts';
import { handleOutboxJob } from './outbox.ts';
import { allowSlackUrls } from './response-url.ts';
import { makeSlackClient } from './slack-call.ts';

type Call = { readonly method: string; readonly fields: URLSearchParams };

const server = useRedis();
const cleanUp: (() => unknown)[] = [];
let calls: Call[];
let answer: (call: Call) => object;
let posting: DigestDeps;
let log: string[];
let digests: ReturnType<typeof keepDigests>;

/** What is stored of one digest, without the rules about what may be posted when. */
function keepDigests() {
  const kept = {
    decision: 'go' as Awaited<ReturnType<Digests['beginPosting']>>,
    posted: undefined as DigestSnapshot | undefined,
    recorded: [] as string[],
    refused: undefined as UndeliveredDigest | undefined,
  };
  const store: Digests = {
    lastRun: async () => undefined,
    lastPosted: async () => kept.posted,
    beginPosting: async () => kept.decision,
    recordPosted: async (_, runId, snapshot) => {
      kept.posted = snapshot;
      kept.recorded.push(`posted ${runId}`);
      kept.refused = undefined;
    },
    recordNotPosted: async (_, runId, because) => {
      kept.recorded.push(`not posted ${runId}${because ? ` ${because.code}` : ''}`);
      if (because) kept.refused = because;
    },
    undelivered: async () => kept.refused,
  };
  return { kept, store };
}

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
  digests = keepDigests();
  posting = {
    client: makeSlackClient('xoxb-test', apiUrl, logger),
    remediations: openRemediationStore(redis, '{test}'),
    policy: POLICY,
    savedReports: openSavedReports(redis, '{test}'),
    threads: openThreads(redis, '{test}'),
    channelOrder: openChannelOrder(redis, '{test}'),
    dropsDuplicates: async () => false,
    isAnswerQueued: async () => false,
    membersOf: async () => undefined,
    clock: async () => Date.now(),
    digests: digests.store,
    isSlackUrl: allowSlackUrls(apiUrl),
    metrics: makeMetrics(),
    log: logger,
  };
  cleanUp.push(() => slack.close());
});
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

const AT = '2026-11-24T07:30:00.000Z';
const RUN_ID = 'r0123456789abcdef';
const finding = {
  reason: 'thing-broken',
  severity: 'critical' as const,
  target: 'lab:thing',
  summary: 'thing is broken',
};
const question = { check: 'lab/broken', environment: 'prod', args: {} };
const report = {
  ...question,
  status: 'found' as const,
  verdict: '1 of 41 things are broken',
  examined: 41,
  findings: [finding],
  gaps: [],
  coverage: [],
  at: AT,
  durationMs: 12,
};
const tracked = { ...finding, state: 'found' as const, since: AT, lastFound: AT };
const broken: DigestRun = {
  name: 'nightly',
  due: AT,
  at: AT,
  durationMs: 1_000,
  isQuiet: false,
  parts: [{ ...question, report, tracked: [tracked] }],
  endedSilences: [],
};
const clear: DigestRun = {
  ...broken,
  parts: [{ ...question, report: { ...report, status: 'clear', findings: [] }, tracked: [] }],
};
const postedClear: DigestSnapshot = {
  at: '2026-11-23T07:30:00.000Z',
  questions: [{ ...question, findings: [] }],
};
const asked = { by: 'wrench', teamId: 'T1', channelId: 'C1', as: 'digest nightly', at: AT };

const show = (run: DigestRun, { attempt = 1, runId = RUN_ID } = {}) =>
  handleOutboxJob(posting, {
    id: 'x',
    data: { kind: 'digest', runId, asked, run },
    attempt,
    queuedAtMs: Date.now(),
    signal: new AbortController().signal,
  });
const texts = () => calls.map(({ fields }) => fields.get('text')?.split('\n')[0]);
const refuse = (code: string, channel = 'C1') => {
  answer = ({ fields }) =>
    fields.get('channel') === channel
      ? { ok: false, error: code }
      : { ok: true, ts: `${calls.length}.000100` };
};
const outcomes = () => posting.metrics.registry.getSingleMetricAsString('wrench_digest_posts_total');

test('a digest is posted with its thread, and stored', async () => {
  digests.kept.posted = postedClear;

  await show(broken);

  expect(texts()).toEqual([
    ':red_circle: CRITICAL: nightly: 1 new',
    '• CRITICAL: thing is broken (lab:thing)',
  ]);
  expect(calls[1]?.fields.get('thread_ts')).toBe('1.000100');
  expect(digests.kept.recorded).toEqual([`posted ${RUN_ID}`]);
  expect(digests.kept.posted.questions[0]?.findings).toMatchObject([{ target: 'lab:thing' }]);
  expect(await outcomes()).toContain('outcome="posted"} 1');
});

test('a run that is delivered again posts nothing more', async () => {
  await show(broken);
  const before = calls.length;

  await show(broken, { attempt: 2 });
  digests.kept.decision = 'posted';
  await show(broken, { attempt: 3 });

  expect(calls).toHaveLength(before);
  expect(digests.kept.recorded).toEqual([`posted ${RUN_ID}`]);
});

test('a retry posts the same as the first attempt, even if other runs were recorded meanwhile', async () => {
  digests.kept.posted = postedClear;
  answer = ({ fields }) =>
    fields.has('thread_ts') ? { ok: false, error: 'internal_error' } : { ok: true, ts: '1.000100' };
  await expect(show(broken)).rejects.toThrow(/internal_error/);
  answer = () => ({ ok: true, ts: '2.000100' });
  digests.kept.decision = 'posted';

  await show(broken, { attempt: 2 });

  // Compared with itself, the run has no thread.
  expect(texts().at(-1)).toBe('• CRITICAL: thing is broken (lab:thing)');
  expect(calls.filter(({ fields }) => !fields.has('thread_ts'))).toHaveLength(1);
  expect(digests.kept.recorded).toEqual([`posted ${RUN_ID}`]);
});

test('the person who works on a finding is named by an edit, which notifies no one', async () => {
  const claim = { by: 'U0ADA', at: AT };
  const parts = [{ ...question, report, tracked: [{ ...tracked, claim }] }];

  await show({ ...broken, parts });

  const posts = calls.filter(({ method }) => method === 'chat.postMessage');
  const edits = calls.filter(({ method }) => method === 'chat.update');
  expect(posts.map(({ fields }) => fields.toString()).join('')).not.toContain('U0ADA');
  expect(edits[0]?.fields.get('blocks')).toContain('"user_id":"U0ADA"');
});

test('fixes are the first reply', async () => {
  await posting.remediations.saveOffers([anOffer({ runId: RUN_ID })]);

  await show(broken);

  expect(calls.map(({ method }) => method).slice(0, 3)).toEqual([
    'chat.postMessage',
    'chat.postMessage',
    'chat.update',
  ]);
  expect(calls[2]?.fields.get('blocks')).toContain('wrench:request');
  expect(calls.at(-1)?.fields.get('text')).toContain('thing is broken');
});

test('a run without news is one message without fixes', async () => {
  await show(broken);
  const before = calls.length;
  await posting.remediations.saveOffers([anOffer({ runId: 'rfedcba9876543210' })]);

  await show({ ...broken, at: '2026-11-25T07:30:00.000Z' }, { runId: 'rfedcba9876543210' });

  expect(texts().slice(before)).toEqual([expect.stringContaining('nightly: nothing new since')]);
  expect(calls.at(-1)?.fields.get('blocks')).not.toContain('offered');
});

test('a digest that was moved to another channel starts over there', async () => {
  await show(broken, { runId: 'r00000000000000a1' });
  const { posted } = digests.kept;
  calls = [];

  digests.kept.posted = posted && { ...posted, channel: 'C0ELSEWHERE' };
  await show({ ...broken, isQuiet: true });
  await show({ ...broken, isQuiet: true }, { runId: 'r00000000000000a2' });

  expect(texts()[0]).toBe(':red_circle: CRITICAL: nightly: 1 finding');
  expect(digests.kept.posted?.channel).toBe('C1');
  expect(digests.kept.recorded.at(-1)).toBe('not posted r00000000000000a2');
});

test('a quiet run without news is not posted, and does not change what the next one is compared with', async () => {
  digests.kept.posted = postedClear;

  await show({ ...clear, isQuiet: true });

  expect(calls).toEqual([]);
  expect(digests.kept).toMatchObject({ posted: postedClear, recorded: [`not posted ${RUN_ID}`] });
  expect(await outcomes()).toContain('outcome="quiet"} 1');
});

test('a run waits while another one of its digest is being posted', async () => {
  digests.kept.decision = 'wait';

  await expect(show(broken)).rejects.toBeInstanceOf(RetryLater);
  expect(calls).toEqual([]);
});

test('a run that a newer one has replaced is dropped', async () => {
  digests.kept.decision = 'replaced';

  await show(broken);

  expect(calls).toEqual([]);
  expect(digests.kept.recorded).toEqual([]);
});

describe.each(['not_in_channel', 'is_archived', 'channel_not_found'])('if Slack refuses with %s', (code) => {
  test('the digest is not tried again, the reason is kept, and the next message covers everything', async () => {
    digests.kept.posted = postedClear;
    refuse(code);

    await show(broken);

    expect(calls).toHaveLength(1);
    expect(digests.kept.recorded).toEqual([`not posted ${RUN_ID} ${code}`]);
    expect(log.join('')).toContain('slack-digest-refused');
    expect(await outcomes()).toContain('outcome="refused"} 1');

    answer = () => ({ ok: true, ts: '9.000100' });
    await show(broken, { runId: 'rfedcba9876543210' });
    expect(texts()[1]).toBe(':red_circle: CRITICAL: nightly: 1 new');
  });

  test('the audit channel gets one notice, not one for each run', async () => {
    posting = { ...posting, auditChannel: 'C0AUDIT' };
    refuse(code);

    await show(broken);
    await show(broken, { runId: 'rfedcba9876543210' });

    const notices = calls.filter(({ fields }) => fields.get('channel') === 'C0AUDIT');
    expect(notices.map(({ fields }) => fields.get('text'))).toEqual([expect.stringContaining(`: ${code}`)]);
  });
});

test('the notice may be refused as well', async () => {
  posting = { ...posting, auditChannel: 'C0AUDIT' };
  answer = () => ({ ok: false, error: 'not_in_channel' });

  await show(broken);

  expect(digests.kept.recorded).toEqual([`not posted ${RUN_ID} not_in_channel`]);
});

test('another refusal is retried a few times', async () => {
  refuse('not_allowed_token_type');

  await expect(show(broken)).rejects.toThrow(/not_allowed_token_type/);
  expect(digests.kept.recorded).toEqual([]);
  await show(broken, { attempt: 4 });

  expect(digests.kept.recorded).toEqual([`not posted ${RUN_ID} not_allowed_token_type`]);
});
