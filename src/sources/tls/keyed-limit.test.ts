import { expect, test } from 'vitest';
import { makeKeyedLimit } from './keyed-limit.ts';

test('there are so many turns for each key, and each comes back once given back', () => {
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

test('every listener is called once when a turn is given back, unless it was canceled', () => {
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
