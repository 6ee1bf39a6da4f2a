import { expect, test } from 'vitest';
import { cleanText, stripEscapes } from './clean-text.ts';

test.each([
  ['\u001B[1;31mred\u001B[0m', 'red'],
  ['\u009B31mred', 'red'],
  ['\u001B]8;;https://evil.example/\u0007link\u001B]8;;\u001B\\', 'link'],
  ['\u001B(Btext\u001Bc', 'text'],
  ['plain [text] (0m', 'plain [text] (0m'],
])('%j is %j without escape sequences', (text, plain) => {
  expect(stripEscapes(text)).toBe(plain);
  expect(cleanText(text)).toBe(plain);
});

test('strips a megabyte of sequences without an end in reasonable time', () => {
  for (const unit of ['\u001B]', '\u001B]a', '\u001B[', '\u001B[;', '\u009B', '\u001B '])
    expect(cleanText(unit.repeat(500_000))).not.toContain('\u001B');
});
