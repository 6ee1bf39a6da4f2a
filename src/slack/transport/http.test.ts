import { createHmac } from 'node:crypto';
import type { App } from '@slack/bolt';
import { afterEach, expect, test, vi } from 'vitest';
import { makeLog } from '../../telemetry/log.ts';
import { makeMetrics } from '../../telemetry/metrics.ts';
import { httpTransport } from './http.ts';
import type { Transport } from './transport.ts';

const SECRET = 'not-a-secret-signing-secret';
let way: Transport;
afterEach(async () => {
  vi.useRealTimers();
  await way.stop();
});

/** Posts a signed click to the port of an app with this `processEvent`. */
async function post(processEvent: App['processEvent']) {
  const metrics = makeMetrics();
  way = httpTransport(SECRET, 0, makeLog({ level: 'silent', secrets: [] }), metrics);
  way.receiver.init({ processEvent } as App);
  const { port } = await way.start();
  const body = 'payload=%7B%22type%22%3A%22block_actions%22%7D';
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const mac = createHmac('sha256', SECRET).update(`v0:${timestamp}:${body}`).digest('hex');
  const answer = await fetch(`http://127.0.0.1:${port}/slack/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${mac}`,
      'x-slack-retry-num': '2',
      'x-slack-retry-reason': 'http_timeout',
    },
    body,
  });
  const errors = await metrics.registry.getSingleMetricAsString('wrench_request_errors_total');
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    text: await answer.text(),
    errors,
  };
}

test.each([
  [undefined, null, ''],
  ['', null, ''],
  ['in words', 'text/plain', 'in words'],
  [{ text: 'in JSON' }, 'application/json', '{"text":"in JSON"}'],
])('the acknowledgement %j is the answer', async (answer, type, text) => {
  expect(await post((event) => event.ack(answer))).toMatchObject({ status: 200, type, text });
});

test('the app gets the payload and the number of the retry', async () => {
  const processEvent = vi.fn<App['processEvent']>((event) => event.ack());
  await post(processEvent);

  expect(processEvent.mock.calls[0]?.[0]).toMatchObject({
    body: { type: 'block_actions' },
    retryNum: 2,
    retryReason: 'http_timeout',
  });
});

test('the answer does not wait for work after the acknowledgement', async () => {
  expect(
    await post(async (event) => {
      await event.ack();
      await new Promise(() => undefined);
    }),
  ).toMatchObject({ status: 200 });
});

test('the connection of a delivery that is never acknowledged is not kept for long', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });

  expect(
    await post(async () => {
      setImmediate(() => vi.advanceTimersByTime(10_000));
      await new Promise(() => undefined);
    }),
  ).toMatchObject({ status: 200 });
});

test('an error in the app is counted as a bug', async () => {
  const { status, errors } = await post(async () => {
    throw new TypeError('a bug');
  });

  expect(status).toBe(500);
  expect(errors).toContain('{listener="slack"} 1');
});
