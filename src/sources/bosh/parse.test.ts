import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseLines } from './parse.ts';

const one = z.object({ n: z.number() });

test('reads lines between empty ones, and counts unreadable lines', () => {
  expect(parseLines(one, '{"n":1}\n\n \r\n{"n":2}\nnonsense\n{"m":3}\n')).toEqual({
    read: [{ n: 1 }, { n: 2 }],
    unread: 2,
  });
});

test('half a line is no line yet', () => {
  expect(parseLines(one, '{"n":1}\n{"n":2')).toEqual({ read: [{ n: 1 }], unread: 0 });
  expect(parseLines(one, '{"n":1')).toEqual({ read: [], unread: 0 });
});

test('cut anywhere, all complete lines are read and none is invented', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(), (numbers, cut) => {
      const text = numbers.map((n) => `${JSON.stringify({ n })}\n`).join('\n');
      const { read, unread } = parseLines(one, text.slice(0, cut));
      expect(unread).toBe(0);
      expect(read).toEqual(numbers.slice(0, read.length).map((n) => ({ n })));
      const whole = text.slice(0, cut).split('\n').slice(0, -1).filter(Boolean);
      expect(read).toHaveLength(whole.length);
    }),
  );
});
