import { expect, test } from 'vitest';
import { logCallsIn, readLogCalls } from '../../scripts/generate/log-events.ts';

test('every log line has its event as a literal in kebab-case, and its message as a literal', () => {
  const calls = readLogCalls();

  expect(calls.length).toBeGreaterThan(80);
  expect(calls.filter(({ event, message }) => event === undefined || message === undefined)).toEqual([]);
});

test('an event is logged at one level with one message', () => {
  const lines = new Map<string, Set<string>>();
  for (const { event = '', level, message = '' } of readLogCalls())
    lines.set(event, (lines.get(event) ?? new Set()).add(`${level}: ${message}`));
  const ambiguous = [...lines].filter(([, different]) => different.size > 1);

  expect(ambiguous).toEqual([]);
});

test('messages are in sentence case, without a full stop', () => {
  const wrong = readLogCalls().filter(({ message = '' }) => !/^[A-Z].*[^.!]$/.test(message));

  expect(wrong).toEqual([]);
});

test.each([
  [`log.warn({ event: 'a-b', err: f(x) }, 'It broke')`, 'warn', 'a-b', 'It broke'],
  [`deps.log.error(\n  { event: 'a', note: ')' },\n  "Couldn't do it",\n);`, 'error', 'a', "Couldn't do it"],
  [`log.info({ event: 'A_b' }, 'It broke')`, 'info', undefined, 'It broke'],
  [`log.info({ event: name }, 'It broke')`, 'info', undefined, 'It broke'],
  [`log.info({ event: 'a' }, \`It \${broke}\`)`, 'info', 'a', undefined],
  [`log.info({ event: 'a' }, isFinal ? 'Lost' : 'Failed')`, 'info', 'a', undefined],
  [`log[level]({ event: 'a' }, 'It broke')`, '?', undefined, undefined],
])('%s', (text, level, event, message) => {
  expect(logCallsIn(new Map([['a.ts', text]]))).toEqual([{ path: 'a.ts', level, event, message }]);
});
