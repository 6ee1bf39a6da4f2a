import { resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeLog } from '../telemetry/log.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { inRequest } from '../telemetry/request-scope.ts';
import { type ProcessErrorHandlers, makeProcessErrorHandlers } from './process-error-handlers.ts';

let log: string[];
let closing: PromiseWithResolvers<void>;
let close: ReturnType<typeof vi.fn<() => Promise<void>>>;
let exit: ReturnType<typeof vi.fn<() => void>>;
let metrics: ReturnType<typeof makeMetrics>;
let handlers: ProcessErrorHandlers;

beforeEach(() => {
  vi.useFakeTimers();
  log = [];
  closing = Promise.withResolvers();
  close = vi.fn<() => Promise<void>>(() => closing.promise);
  exit = vi.fn<() => void>();
  metrics = makeMetrics();
  handlers = makeProcessErrorHandlers(
    { log: makeLog({ level: 'info', secrets: [], to: { write: (line) => log.push(line) } }), metrics, close },
    exit,
  );
});
afterEach(() => {
  vi.useRealTimers();
});

test('a rejection in a request is logged with its stack and counted, and the process keeps running', async () => {
  inRequest('slack', () => handlers.unhandledRejection(new Error('boom')));

  expect(close).not.toHaveBeenCalled();
  expect(exit).not.toHaveBeenCalled();
  expect(log.map((line) => JSON.parse(line))).toMatchObject([
    {
      level: 50,
      listener: 'slack',
      err: { message: 'boom', stack: expect.stringContaining('process-error-handlers.test.ts') },
    },
  ]);
  expect(await metrics.registry.getSingleMetricAsString('wrench_request_errors_total')).toContain(
    'wrench_request_errors_total{listener="slack"} 1',
  );
});

test.each([
  ['an uncaught exception', () => handlers.uncaughtException(new Error('boom'))],
  [
    'an uncaught exception in a request',
    () => inRequest('slack', () => handlers.uncaughtException(new Error('boom'))),
  ],
  ['a rejection outside of any request', () => handlers.unhandledRejection(new Error('boom'))],
])('after %s the process stops, and exits once it has', async (_, happen) => {
  happen();
  expect(close).toHaveBeenCalledOnce();
  expect(exit).not.toHaveBeenCalled();

  closing.resolve();
  await vi.waitFor(() => expect(exit).toHaveBeenCalled());
  expect(JSON.parse(log[0] ?? '')).toMatchObject({ level: 60, err: { message: 'boom' } });
});

test('the process exits if stopping takes longer than 10 s', () => {
  handlers.uncaughtException(new Error('boom'));

  vi.advanceTimersByTime(9_999);
  expect(exit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(exit).toHaveBeenCalled();
});

test('the process exits if stopping fails', async () => {
  handlers.uncaughtException(new Error('boom'));
  closing.reject(new Error('Redis is down'));

  await vi.waitFor(() => expect(exit).toHaveBeenCalled());
  expect(log.join('')).toContain('Redis is down');
});

test('a second uncaught exception exits immediately', () => {
  handlers.uncaughtException(new Error('boom'));
  handlers.uncaughtException(new Error('again'));

  expect(exit).toHaveBeenCalledOnce();
  expect(close).toHaveBeenCalledOnce();
  expect(log.join('')).toContain('again');
});

test('rejections while stopping are logged, and stopping goes on', () => {
  handlers.uncaughtException(new Error('boom'));
  handlers.unhandledRejection(new Error('Connection is closed'));

  expect(exit).not.toHaveBeenCalled();
  expect(close).toHaveBeenCalledOnce();
  expect(log.join('')).toContain('Connection is closed');
});

test('a rejection is attributed to its request', async () => {
  const program = `
    import { currentListener, inRequest } from ${JSON.stringify(resolve(import.meta.dirname, '../telemetry/request-scope.ts'))};
    process.on('unhandledRejection', (error) => console.log(error.message, currentListener()));
    Promise.reject(new Error('outside'));
    inRequest('health', () => Promise.reject(new Error('at once')));
    inRequest('slack', () => setTimeout(async () => { await 1; throw new Error('later'); }));
  `;
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', program]);

  expect(stdout.split('\n')).toEqual(['outside undefined', 'at once health', 'later slack']);
});
