import { expect, test } from 'vitest';
import { makeKeyedLimit } from './keyed-limit.ts';

test('each key has a fixed number of slots, and a released slot is free again', () => {
  const turns = makeKeyedLimit(2);
  const first = turns.tryAcquire('a');
  const second = turns.tryAcquire('a');

  expect(turns.tryAcquire('a')).toBeUndefined();
  expect(turns.tryAcquire('b')).toBeDefined();
  first?.();
  expect(turns.tryAcquire('a')).toBeDefined();
  second?.();
  expect(turns.tryAcquire('a')).toBeDefined();
});

test('calls every listener once when a slot is released, unless it was canceled', () => {
  const turns = makeKeyedLimit(1);
  const heard: string[] = [];
  const giveBack = turns.tryAcquire('a');
  turns.onceFree('a', () => heard.push('one'));
  turns.onceFree('a', () => heard.push('left'))();
  turns.onceFree('a', () => heard.push('two'));

  giveBack?.();
  turns.tryAcquire('a')?.();

  expect(heard).toEqual(['one', 'two']);
});
