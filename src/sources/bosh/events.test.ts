import { expect, test } from 'vitest';
import type { TextResponse } from '../../wire/http.ts';
import { openEvents } from './events.ts';
import type { DirectorRequest, DirectorSession } from './session.ts';

const STARTED = { time: 1, stage: 'Updating instance', task: 'doppler/abe6 (0) é', state: 'started' };
const signal = new AbortController().signal;

/** A session whose task has the output `said()`. Like a director, it serves ranges, and 416 if there is nothing new. */
function sessionOf(
  said: () => string,
  { knowsRanges = true } = {},
): { readonly session: DirectorSession; readonly asked: string[] } {
  const asked: string[] = [];
  const request = ({ headers, accept }: DirectorRequest): Promise<TextResponse> => {
    const range = headers?.['range'] ?? '';
    asked.push(range);
    const bytes = Buffer.from(said());
    const from = Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
    if (!knowsRanges) return Promise.resolve({ status: 200, text: bytes.toString(), headers: {} });
    expect(accept).toContain(416);
    const isNew = from < bytes.length;
    const text = isNew ? bytes.subarray(from).toString() : '';
    return Promise.resolve({ status: isNew ? 206 : 416, text, headers: {} });
  };
  return { session: { request, logIn: () => Promise.reject(new Error('not requested')) }, asked };
}

test('requests only new output, and treats 416 as no new output', async () => {
  let said = '';
  const { session, asked } = sessionOf(() => said);
  const events = openEvents(session, 1180);
  await events.read({ signal });
  expect(events.at()).toBeUndefined();
  said += `${JSON.stringify(STARTED)}\n`;
  await events.read({ signal });
  await events.read({ signal });
  expect(events.at()).toBe('Updating instance doppler/abe6 (0) é started');
  expect(asked).toEqual(['bytes=0-', 'bytes=0-', `bytes=${Buffer.byteLength(said)}-`]);
});

test('reads a partial line once it is complete, even if it was cut within a character', async () => {
  const line = Buffer.from(`${JSON.stringify(STARTED)}\n`);
  let length = 0;
  const { session } = sessionOf(() => line.subarray(0, length).toString('latin1'));
  const events = openEvents(session, 1180);
  for (; length < line.length; length++) {
    await events.read({ signal });
    expect(events.at()).toBeUndefined();
  }
  await events.read({ signal });
  expect(events.at()).toMatch(/^Updating instance doppler/);
});

test('a director without range support repeats everything, and each event counts once', async () => {
  let said = `${JSON.stringify(STARTED)}\n`;
  const { session } = sessionOf(() => said, { knowsRanges: false });
  const events = openEvents(session, 1180);
  await events.read({ signal });
  said += `${JSON.stringify({ ...STARTED, state: 'failed', data: { error: 'no monit' } })}\n`;
  await events.read({ signal });
  expect(events.error()).toEqual({ code: 0, message: 'no monit' });
});

test('the error of a task takes precedence over that of a stage, and warnings are not errors', async () => {
  const lines = [
    { time: 1, type: 'deprecation', message: 'jobs is deprecated' },
    { ...STARTED, state: 'failed', data: { error: 'of the stage' } },
    { time: 2, error: { code: 400_007, message: "'job/0' is not\n running after update" } },
  ];
  const { session } = sessionOf(() => lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const events = openEvents(session, 1180);
  await events.read({ signal });
  expect(events.error()).toEqual({ code: 400_007, message: "'job/0' is not running after update" });
});
