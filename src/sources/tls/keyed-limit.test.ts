import { expect, test } from 'vitest';
import { makeTurns } from './keyed-limit.ts';

test('there are so many turns for each key, and each comes back once given back', () => {
  const turns = makeTurns(2);
  const first = turns.tryTake('a');
  const second = turns.tryTake('a');

  expect(turns.tryTake('a')).toBeUndefined();
  expect(turns.tryTake('b')).toBeDefined();
  first?.();
  expect(turns.tryTake('a')).toBeDefined();
  second?.();
  expect(turns.tryTake('a')).toBeDefined();
});

test('every listener is called once when a turn is given back, unless it was canceled', () => {
  const turns = makeTurns(1);
  const heard: string[] = [];
  const giveBack = turns.tryTake('a');
  turns.onceFree('a', () => heard.push('one'));
  turns.onceFree('a', () => heard.push('left'))();
  turns.onceFree('a', () => heard.push('two'));

  giveBack?.();
  turns.tryTake('a')?.();

  expect(heard).toEqual(['one', 'two']);
});
