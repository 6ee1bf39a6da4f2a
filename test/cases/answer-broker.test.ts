import { expect, test } from 'vitest';
import { answerBroker } from './answer-broker.ts';
import type { SpokenAnswer } from './case-file.ts';

const get = (url: string, json: unknown, more: object = {}): SpokenAnswer => ({
  of: 'rabbitmq',
  ask: `GET ${url}`,
  json,
  ...more,
});
const queue = (name: string, messages?: number, more: object = {}) => ({
  name,
  vhost: '/',
  node: 'rabbit@ctl-1',
  ...(messages !== undefined && { messages, messages_ready: messages, consumers: 2 }),
  ...more,
});
const page = (total: number, ...items: readonly object[]) => ({
  filtered_count: total,
  item_count: items.length,
  page: 1,
  page_count: Math.ceil(total / Math.max(items.length, 1)),
  page_size: items.length,
  total_count: total,
  items,
});

interface Page {
  readonly total_count: number;
  readonly page_count: number;
  readonly items: readonly Readonly<Record<string, unknown>>[];
}

const ask = (url: string, ...answers: readonly SpokenAnswer[]) => answerBroker(answers)(url);
const list = (url: string, ...answers: readonly SpokenAnswer[]) => ask(url, ...answers).json as Page;

test('a request that the file does not answer is 404', () => {
  const nodes = get('/api/nodes', []);
  for (const url of ['/api/overview', '/api/queues?page=1', '/api/health/checks/alarms'])
    expect.soft(ask(url, nodes), url).toMatchObject({ status: 404 });
  expect(ask('/api/nodes?columns=name', nodes)).toEqual({ status: 200, json: [] });
});

test('statuses and pages of HTML are passed on', () => {
  const alarms = get('/api/health/checks/alarms', { status: 'failed' }, { status: 503 });
  expect(ask('/api/health/checks/alarms', alarms)).toEqual({ status: 503, json: { status: 'failed' } });
  const html = get('/api/overview', undefined, { status: 502, text: '<html>Bad Gateway</html>' });
  expect(ask('/api/overview', html)).toEqual({ status: 502, text: '<html>Bad Gateway</html>' });
  const memory = get('/api/nodes/rabbit@mq-1/memory', { memory: {} });
  expect(ask('/api/nodes/rabbit%40mq-1/memory', memory).status).toBe(200);
});

test('a list that shows a part is filled up with idle queues, and paged as asked', () => {
  const known = get('/api/queues?page=1&page_size=2', page(5, queue('conductor', 3), queue('scheduler', 9)));
  const first = list('/api/queues?page=1&page_size=3&sort=messages&sort_reverse=true', known);
  expect(first).toMatchObject({ total_count: 5, page_count: 2 });
  expect(first.items.map(({ name }) => name)).toEqual(['scheduler', 'conductor', expect.any(String)]);
  expect(first.items[2]).toMatchObject({ messages: 0, consumers: 1, node: 'rabbit@ctl-1' });
  const second = list('/api/queues?page=2&page_size=3', known);
  expect(second.items).toHaveLength(2);
  expect(ask('/api/queues?page=3&page_size=3', known).status).toBe(400);
  expect(ask('/api/queues?page=1&page_size=501', known).status).toBe(400);
  expect(list('/api/queues', known)).toHaveLength(5);
});

test('with statistics off, idle queues have no counts either', () => {
  const known = get('/api/queues?page=1&page_size=1', page(3, queue('conductor')));
  const { items } = list('/api/queues?page=1', known);
  expect(items).toHaveLength(3);
  for (const item of items) expect(item).not.toHaveProperty('messages');
  for (const item of items) expect(item).not.toHaveProperty('consumers');
});

test('filters and columns are applied', () => {
  const known = get('/api/queues', [queue('conductor', 1), queue('reply_1', 2), queue('reply_2', 3)]);
  const { items } = list('/api/queues?page=1&name=%5Ereply_&use_regex=true&columns=name,vhost', known);
  expect(items).toEqual([
    { name: 'reply_1', vhost: '/' },
    { name: 'reply_2', vhost: '/' },
  ]);
  expect(ask('/api/queues/%2F/conductor', known)).toMatchObject({ status: 200, json: { messages: 1 } });
  expect(ask('/api/queues/%2F/other', known).status).toBe(404);
});

test('pages of which the file has several are served as they are', () => {
  const first = get('/api/queues?page=1&page_size=2', page(4, queue('a', 1), queue('b', 1)));
  const again = get('/api/queues?page=2&page_size=2', page(4, queue('b', 1), queue('c', 1)));
  const names = (url: string) => list(url, first, again).items.map(({ name }) => name);
  expect(names('/api/queues?page=1&page_size=500')).toEqual(['a', 'b']);
  expect(names('/api/queues?page=2&page_size=500')).toEqual(['b', 'c']);
  expect(ask('/api/queues?page=3&page_size=500', first, again).status).toBe(404);
  const failed = get('/api/queues?page=2&page_size=2', { error: 'x' }, { status: 500 });
  expect(ask('/api/queues?page=2', first, failed).status).toBe(500);
});

test.each([
  ['the same, 10 min later: messages of the first two', 600],
  ['the same, 60 s later', 60],
  ['the same, 1 hour later', 3_600],
  ['GET /api/queues?page=1, 2 minutes later', 120],
])('"%s" becomes a rate', (later, seconds) => {
  const known = get('/api/queues?page=1', page(2, queue('a', 100), queue('b', 50)));
  const again: SpokenAnswer = { of: 'rabbitmq', ask: later, json: [{ name: 'a', messages: 100 + seconds }] };
  const { items } = list('/api/queues?page=1&sort=messages', known, again);
  expect(items.find(({ name }) => name === 'a')).toMatchObject({
    messages: 100,
    messages_details: { rate: 1 },
  });
  expect(items.find(({ name }) => name === 'b')).not.toHaveProperty('messages_details');
});
