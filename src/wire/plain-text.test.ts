import { expect, test } from 'vitest';
import { unescapeText } from './plain-text.ts';

test.each([
  ['a%2Bb&amp;c\\n', 'a+b&c\n'],
  ['&amp;amp;#43;', '+'],
  ['quoted-printable\n\nMIIC=3D\n', 'quoted-printable\n\nMIIC=\n'],
  ['%253D', '='],
  ['a=b', 'a=b'],
])('resolves %j to %j', (text, plain) => {
  expect(unescapeText(text)).toBe(plain);
});

test('decodes UTF-16 text after its escapes are resolved', () => {
  const words = 'words enough to be seen as such';
  expect(unescapeText(words.replaceAll(/./g, String.raw`$&\u0000`))).toBe(words);
});

test('stops resolving escapes that yield new ones in every round', () => {
  expect(unescapeText(`%${'25'.repeat(1000)}41`)).toMatch(/^%(25)+41$/);
  const wide = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').toString('latin1');
  const nested = Array.from({ length: 14 }).reduce<string>(wide, '\0');
  expect(unescapeText(nested).length).toBeGreaterThan(0);
});
