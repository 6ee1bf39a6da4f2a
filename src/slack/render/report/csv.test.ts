import { expect, test } from 'vitest';
import { toCsv } from './csv.ts';

test('a comma, a quote and a line break stay in their cell', () => {
  expect(toCsv([['a,b', 'say "x"', 'one\ntwo', '']])).toBe('"a,b","say ""x""","one\ntwo",\r\n');
});

test.each(['=cmd|" /C calc"!A0', '+1', '-1', '@SUM(A1)', '＝1', '\t=1', ' =1', '\u200B=1'])(
  '%j is text to a spreadsheet, not a formula',
  (cell) => {
    expect(toCsv([[cell]])).toMatch(/^"?'/);
  },
);

test('nothing in a file controls the terminal that prints it', () => {
  expect(toCsv([['\u001B[2Ja\u0007']])).toBe('a\r\n');
});
