import type { App, Receiver } from '@slack/bolt';
import { beforeEach, expect, test, vi } from 'vitest';
import { makeLog } from '../../telemetry/log.ts';
import { acknowledgeUnhandled } from './unhandled.ts';

type Process = App['processEvent'];
const payload = {
  type: 'block_actions',
  user: { id: 'U0123ADA' },
  team: null,
  actions: [{ action_id: 'a' }],
};

let log: string[];
let ack: ReturnType<typeof vi.fn<(answer?: unknown) => Promise<void>>>;
beforeEach(() => {
  log = [];
  ack = vi.fn<(answer?: unknown) => Promise<void>>(async () => undefined);
});

/** The handler to which the receiver passes `body`, in front of an app that calls `next` with it. */
async function deliver(body: object, next: Process): Promise<void> {
  let app: Pick<App, 'processEvent'> | undefined;
  const receiver: Receiver = {
    init: (given) => (app = given),
    start: async () => undefined,
    stop: async () => undefined,
  };
  const to = { write: (line: string) => log.push(line) };
  acknowledgeUnhandled(receiver, makeLog({ level: 'debug', secrets: [], to })).init({
    processEvent: next,
  } as App);
  await app?.processEvent({ body, ack });
}

test('a payload that a listener acknowledges is acknowledged once, with its answer', async () => {
  await deliver(payload, async (event) => {
    await event.ack('an answer');
    await event.ack('a second answer');
  });

  expect(ack.mock.calls).toEqual([['an answer']]);
  expect(log).toEqual([]);
});

test('a payload that no listener acknowledges is acknowledged after the last one, with a debug line', async () => {
  await deliver(payload, async () => undefined);

  expect(ack).toHaveBeenCalledOnce();
  expect(log.map((line) => JSON.parse(line))).toMatchObject([{ level: 20, kind: 'block_actions' }]);
});

test('payloads on which Bolt would fail do not reach it', async () => {
  const next = vi.fn<Process>();
  await deliver({ ...payload, user: null }, next);

  expect(next).not.toHaveBeenCalled();
  expect(ack).toHaveBeenCalledOnce();
  expect(log.map((line) => JSON.parse(line))).toMatchObject([{ level: 20, malformed: ['user'] }]);
});

test('an error in Bolt is logged, and Slack gets its acknowledgement', async () => {
  await deliver(payload, async () => {
    throw new TypeError('a bug in Bolt');
  });

  expect(ack).toHaveBeenCalledOnce();
  expect(log.join('')).toContain('a bug in Bolt');
});

test('a socket that closes before the acknowledgement causes no error', async () => {
  ack.mockRejectedValue(new Error('the socket is closed'));

  await deliver(payload, (event) => event.ack());

  expect(log.map((line) => JSON.parse(line))).toMatchObject([
    { level: 20, err: { message: 'the socket is closed' } },
  ]);
});
