import { expect, test } from 'vitest';
import { toCsv } from './csv.ts';

test('commas, quotes and line breaks stay in their cell', () => {
  expect(toCsv([['a,b', 'say "x"', 'one\ntwo', '']])).toBe('"a,b","say ""x""","one\ntwo",\r\n');
});

test.each(['=cmd|" /C calc"!A0', '+1', '-1', '@SUM(A1)', '＝1', '\t=1', ' =1', '\u200B=1'])(
  'a spreadsheet reads %j as text, not as a formula',
  (cell) => {
    expect(toCsv([[cell]])).toMatch(/^"?'/);
  },
);

test('a file has no terminal escapes', () => {
  expect(toCsv([['\u001B[2Ja\u0007']])).toBe('a\r\n');
});
