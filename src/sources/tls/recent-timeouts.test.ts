import { expect, test } from 'vitest';
import { makeSilence } from './recent-timeouts.ts';

const KEPT_MS = 10_000;

function start() {
  let now = 0;
  const silence = makeSilence(KEPT_MS, () => now);
  const note = (address: string, label: string, { tookMs = 0 } = {}) =>
    silence.note(address, label, now - tookMs);
  return { ...silence, note, wait: (ms: number) => (now += ms) };
}

test('a site that was silent is known for a while, with the age of that', () => {
  const { note, ask, wait } = start();

  note('10.0.0.7 443', 'a');
  wait(3000);

  expect(ask('10.0.0.7 443', 'a')).toEqual({ agoMs: 3000, ofOthers: false });
  wait(KEPT_MS - 3000);
  expect(ask('10.0.0.7 443', 'a')).toBeUndefined();
});

test('one silent name says nothing about its neighbours, two do', () => {
  const { note, ask, wait } = start();

  note('10.0.0.7 443', 'a', { tookMs: 1 });
  expect(ask('10.0.0.7 443', 'c')).toBeUndefined();
  wait(4000);
  note('10.0.0.7 443', 'b');

  expect(ask('10.0.0.7 443', 'c')).toEqual({ agoMs: 0, ofOthers: true });
  expect(ask('10.0.0.7 8443', 'c')).toBeUndefined();
});

test('names that were asked at the same time do not confirm one another', () => {
  const { note, ask, wait } = start();
  wait(5000);
  note('10.0.0.7 443', 'a', { tookMs: 5000 });
  note('10.0.0.7 443', 'b', { tookMs: 5000 });

  expect(ask('10.0.0.7 443', 'c')).toBeUndefined();
  wait(5000);
  note('10.0.0.7 443', 'z', { tookMs: 5000 });
  expect(ask('10.0.0.7 443', 'c')).toMatchObject({ ofOthers: true });
});

test('the same name twice is one name', () => {
  const { note, ask } = start();

  note('10.0.0.7 443', 'a', { tookMs: 1 });
  note('10.0.0.7 443', 'a', { tookMs: 1 });

  expect(ask('10.0.0.7 443', 'b')).toBeUndefined();
});

test('an answer to any name clears the address, and the names that were silent stay silent', () => {
  const { note, heard, ask, wait } = start();
  note('10.0.0.7 443', 'a');
  note('10.0.0.7 443', 'b');
  wait(1000);

  heard('10.0.0.7 443', 'c');

  expect(ask('10.0.0.7 443', 'd')).toBeUndefined();
  expect(ask('10.0.0.7 443', 'a')).toEqual({ agoMs: 1000, ofOthers: false });
});

test('a name that answers is not silent any more', () => {
  const { note, heard, ask } = start();
  note('10.0.0.7 443', 'a');

  heard('10.0.0.7 443', 'a');

  expect(ask('10.0.0.7 443', 'a')).toBeUndefined();
});

test('an address is asked again as soon as one of two names may be asked again', () => {
  const { note, ask, wait } = start();
  note('10.0.0.7 443', 'a', { tookMs: 5000 });
  wait(5000);
  note('10.0.0.7 443', 'b', { tookMs: 5000 });

  wait(KEPT_MS - 5000);

  expect(ask('10.0.0.7 443', 'a')).toBeUndefined();
  expect(ask('10.0.0.7 443', 'c')).toBeUndefined();
  expect(ask('10.0.0.7 443', 'b')).toEqual({ agoMs: 5000, ofOthers: false });
});

test('nothing is known for longer because the clock was set back', () => {
  const { note, ask, wait } = start();
  wait(3_600_000);
  note('10.0.0.7 443', 'a');

  wait(-3_600_000);

  expect(ask('10.0.0.7 443', 'a')).toBeUndefined();
});
