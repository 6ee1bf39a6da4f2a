import { expect, test } from 'vitest';
import { trackTimeouts } from './recent-timeouts.ts';

const KEPT_MS = 10_000;

function start() {
  let now = 0;
  const silence = trackTimeouts(KEPT_MS, () => now);
  const note = (address: string, label: string, { tookMs = 0 } = {}) =>
    silence.record(address, label, now - tookMs);
  return { ...silence, note, wait: (ms: number) => (now += ms) };
}

test('remembers for a while that a site timed out, and when', () => {
  const { note, find, wait } = start();

  note('10.0.0.7 443', 'a');
  wait(3000);

  expect(find('10.0.0.7 443', 'a')).toEqual({ agoMs: 3000, ofOthers: false });
  wait(KEPT_MS - 3000);
  expect(find('10.0.0.7 443', 'a')).toBeUndefined();
});

test('one name that timed out says nothing about others at its address, two do', () => {
  const { note, find, wait } = start();

  note('10.0.0.7 443', 'a', { tookMs: 1 });
  expect(find('10.0.0.7 443', 'c')).toBeUndefined();
  wait(4000);
  note('10.0.0.7 443', 'b');

  expect(find('10.0.0.7 443', 'c')).toEqual({ agoMs: 0, ofOthers: true });
  expect(find('10.0.0.7 8443', 'c')).toBeUndefined();
});

test('names that were tried at the same time do not confirm each other', () => {
  const { note, find, wait } = start();
  wait(5000);
  note('10.0.0.7 443', 'a', { tookMs: 5000 });
  note('10.0.0.7 443', 'b', { tookMs: 5000 });

  expect(find('10.0.0.7 443', 'c')).toBeUndefined();
  wait(5000);
  note('10.0.0.7 443', 'z', { tookMs: 5000 });
  expect(find('10.0.0.7 443', 'c')).toMatchObject({ ofOthers: true });
});

test('the same name twice counts once', () => {
  const { note, find } = start();

  note('10.0.0.7 443', 'a', { tookMs: 1 });
  note('10.0.0.7 443', 'a', { tookMs: 1 });

  expect(find('10.0.0.7 443', 'b')).toBeUndefined();
});

test('a response for any name clears the address, but not the names that timed out', () => {
  const { note, clear, find, wait } = start();
  note('10.0.0.7 443', 'a');
  note('10.0.0.7 443', 'b');
  wait(1000);

  clear('10.0.0.7 443', 'c');

  expect(find('10.0.0.7 443', 'd')).toBeUndefined();
  expect(find('10.0.0.7 443', 'a')).toEqual({ agoMs: 1000, ofOthers: false });
});

test('a name that responds is cleared', () => {
  const { note, clear, find } = start();
  note('10.0.0.7 443', 'a');

  clear('10.0.0.7 443', 'a');

  expect(find('10.0.0.7 443', 'a')).toBeUndefined();
});

test('an address is tried again as soon as one of two names may be tried again', () => {
  const { note, find, wait } = start();
  note('10.0.0.7 443', 'a', { tookMs: 5000 });
  wait(5000);
  note('10.0.0.7 443', 'b', { tookMs: 5000 });

  wait(KEPT_MS - 5000);

  expect(find('10.0.0.7 443', 'a')).toBeUndefined();
  expect(find('10.0.0.7 443', 'c')).toBeUndefined();
  expect(find('10.0.0.7 443', 'b')).toEqual({ agoMs: 5000, ofOthers: false });
});

test('remembers nothing longer because the clock was set back', () => {
  const { note, find, wait } = start();
  wait(3_600_000);
  note('10.0.0.7 443', 'a');

  wait(-3_600_000);

  expect(find('10.0.0.7 443', 'a')).toBeUndefined();
});
