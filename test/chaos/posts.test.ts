import { expect, test } from 'vitest';
import type { RecordedCall } from '../workspace/web-api.ts';
import {
  doubledByLoss,
  doubledRoots,
  type Post,
  postsIn,
  postsWithoutLease,
  progressLeft,
  progressLeftByLoss,
  repliesOutOfOrder,
  rootsOutOfOrder,
  withoutAnswer,
} from './posts.ts';

/** A check that never fails proves nothing, so each must report a violation. */

const post = (runId: string, part: string, ts: number, more: Partial<Post> = {}): Post => ({
  runId,
  part,
  fence: 1,
  channel: 'C1',
  ts: String(ts),
  threadTs: undefined,
  text: 'CLEAR: everything is healthy',
  isLost: false,
  ...more,
});
const root = (runId: string, ts: number, more: Partial<Post> = {}) => post(runId, 'root', ts, more);
const reply = (runId: string, at: number, ts: number, under: number) =>
  post(runId, `reply-${at}`, ts, { threadTs: String(under) });
const message = (ts: number, text: string) => ({ channel: 'C1', ts: String(ts), text });

test('posts are read from the workspace by their metadata', () => {
  const call = (
    more: Partial<RecordedCall>,
    payload: object = { key: 'r1/reply-0', fence: 7 },
  ): RecordedCall => ({
    method: 'chat.postMessage',
    args: {
      channel: 'C1',
      text: 'x',
      thread_ts: '1.1',
      metadata: JSON.stringify({ event_type: 'wrench_post', event_payload: payload }),
    },
    at: 0,
    caller: 'bot',
    status: 200,
    response: { ok: true, channel: 'C1', ts: '2.2' },
    ...more,
  });

  expect(postsIn([call({ isLost: true })])).toEqual([
    post('r1', 'reply-0', 2.2, { fence: 7, threadTs: '1.1', text: 'x', isLost: true }),
  ]);
  expect(postsIn([call({}, { key: 'r1/root' })])[0]).toMatchObject({ part: 'root', fence: undefined });
  expect(
    postsIn([
      call({ response: { ok: false } }),
      call({ method: 'chat.update' }),
      call({ args: { text: 'a private response' } }),
      call({}, {}),
    ]),
  ).toEqual([]);
});

test('reports a root posted again, unless the reply to the previous one was lost', () => {
  expect(doubledRoots([root('r1', 1), root('r2', 2), root('r1', 3)])).toHaveLength(1);
  expect(doubledRoots([root('r1', 1, { isLost: true }), root('r1', 2)])).toEqual([]);
  expect(doubledRoots([root('r1', 1, { isLost: true }), root('r1', 2), root('r1', 3)])).toHaveLength(1);
  expect(doubledRoots([root('r1', 1), root('r1', 2, { isLost: true })])).toHaveLength(1);
  expect(doubledRoots([root('r1', 1), root('r1', 2, { channel: 'C2' }), reply('r1', 0, 3, 1)])).toEqual([]);
  expect(doubledByLoss([root('r1', 1, { isLost: true }), root('r1', 2), root('r2', 3)])).toBe(1);
});

test.each(['Checking prod…', 'CHECKING in prod:', 'LOOKING in prod:'])(
  'reports a message left at "%s" by whether its reply was lost',
  (word) => {
    const messages = [message(1, `${word} things`), message(2, 'CLEAR: everything is healthy')];

    expect(progressLeft({ posts: [root('r1', 1)], messages })).toHaveLength(1);
    expect(progressLeftByLoss({ posts: [root('r1', 1)], messages })).toBe(0);
    expect(progressLeft({ posts: [root('r1', 1, { isLost: true })], messages })).toEqual([]);
    expect(progressLeftByLoss({ posts: [root('r1', 1, { isLost: true })], messages })).toBe(1);
  },
);

test('reports a fencing token lower than an earlier one of the same run, and a missing token once the run has any', () => {
  const fenced = (fence: number | undefined, runId = 'r1') => root(runId, 1, { fence });

  expect(postsWithoutLease([fenced(1), fenced(2), fenced(2), fenced(1, 'r2')])).toEqual([]);
  expect(postsWithoutLease([fenced(2), fenced(1), fenced(2)])).toHaveLength(1);
  expect(postsWithoutLease([fenced(1), fenced(undefined)])).toHaveLength(1);
  expect(postsWithoutLease([fenced(undefined), fenced(undefined)])).toEqual([]);
});

test('reports roots out of the requested order; a progress message has the place of its report', () => {
  const asked = ['r1', 'r2', 'r3'];

  expect(rootsOutOfOrder([root('r1', 1), root('r2', 2), root('r3', 3)], asked)).toEqual([]);
  expect(rootsOutOfOrder([root('r2', 1), root('r1', 2), root('r3', 3)], asked)).toHaveLength(1);
  const progress = root('r2', 1, { text: 'Checking prod… things' });
  expect(rootsOutOfOrder([progress, root('r1', 2)], asked)).toHaveLength(1);
  expect(rootsOutOfOrder([root('r1', 1), progress], asked)).toEqual([]);
  const lost = [root('r1', 1, { isLost: true }), root('r2', 2), root('r1', 3)];
  expect(rootsOutOfOrder(lost, asked)).toEqual([]);
});

test('reports replies out of order, or under another root', () => {
  const roots = [root('r1', 1), root('r2', 2)];

  expect(
    repliesOutOfOrder([...roots, reply('r1', 0, 3, 1), reply('r1', 0, 4, 1), reply('r1', 1, 5, 1)]),
  ).toEqual([]);
  expect(repliesOutOfOrder([...roots, reply('r1', 1, 3, 1), reply('r1', 0, 4, 1)])).toHaveLength(1);
  expect(repliesOutOfOrder([...roots, reply('r1', 0, 3, 2)])).toHaveLength(1);
  expect(repliesOutOfOrder([reply('r1', 0, 3, 9)])).toHaveLength(1);
  const offersAt = (ts: number) => post('r1', 'offers', ts, { threadTs: '1' });
  expect(repliesOutOfOrder([...roots, offersAt(3), reply('r1', 0, 4, 1)])).toEqual([]);
  expect(repliesOutOfOrder([...roots, reply('r1', 0, 3, 1), offersAt(4)])).toHaveLength(1);
});

test('reports a run without a report in a channel', () => {
  const posts = [root('r1', 1), root('r2', 2)];
  const messages = [message(1, 'CLEAR: everything is healthy'), message(2, 'Checking prod… things')];

  expect(withoutAnswer({ posts, messages }, ['r1', 'r2', 'r3'])).toEqual(['r2', 'r3']);
});
