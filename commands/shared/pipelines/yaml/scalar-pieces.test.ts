import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isScalar, parseAllDocuments, visit } from 'yaml';
import { offsetInFile } from '../script.ts';
import { type ScalarToken, scalarPieces } from './scalar-pieces.ts';

function scalarsOf(content: string) {
  const found: { readonly token: ScalarToken; readonly value: unknown }[] = [];
  const documents = parseAllDocuments(content, {
    keepSourceTokens: true,
    schema: 'failsafe',
    strict: false,
    logLevel: 'silent',
  });
  for (const document of documents)
    visit(document, {
      Scalar: (_key, node) => {
        if (isScalar(node) && node.srcToken)
          found.push({ token: node.srcToken as ScalarToken, value: node.value });
      },
    });
  return found;
}

/** The lines of the file, from 1, on which the words of a script stand. */
function linesOfWords(content: string, words: readonly string[]) {
  const text = scalarsOf(content)
    .map(({ token }) => scalarPieces(token))
    .find(({ text }) => words.every((word) => text.includes(word)))!;
  return words.map((word) => {
    const at = offsetInFile(text.pieces, text.text.indexOf(word));
    expect(content.slice(at, at + word.length)).toBe(word);
    return content.slice(0, at).split('\n').length;
  });
}

const STYLES: readonly (readonly [string, string, readonly number[]])[] = [
  ['a plain scalar over lines', 'a: first\n  second\n\n  third\n', [1, 2, 4]],
  ['single quotes', "a: 'it''s first\n  second\n\n  third'\n", [1, 2, 4]],
  ['double quotes', 'a: "\\tfirst \\u0041\\\n  second\n\n  third"\n', [1, 2, 4]],
  ['a literal block', 'a: |\n  first\n    second\n\n  third\n', [2, 3, 5]],
  ['a literal block with an indentation indicator', 'a: |2-\n    first\n  second\n\n  third\n', [2, 3, 5]],
  ['a folded block', 'a: >\n  first\n  second\n\n  third\n', [2, 3, 5]],
  [
    'a folded block with lines that are indented more',
    'a: >+\n  first\n    second\n\n  third\n\n\n',
    [2, 3, 5],
  ],
  [
    'a folded block with a comment behind its header',
    'a: >- # why\n\n  first\n  second\n\n  third\n',
    [3, 4, 6],
  ],
];

test.each(STYLES)('each word of %s has its place in the file', (_style, content, lines) => {
  expect(linesOfWords(content, ['first', 'second', 'third'])).toEqual(lines);
});

test.each(STYLES)('line breaks of Windows change no place in %s', (_style, content, lines) => {
  expect(linesOfWords(content.replaceAll('\n', '\r\n'), ['first', 'second', 'third'])).toEqual(lines);
});

test('the library and the pieces agree on the value of any scalar', () => {
  const part = fc.constantFrom(
    'a',
    'docker run',
    ' ',
    '  ',
    '\n',
    '\n  ',
    '\r\n',
    '\r\n  ',
    '\t',
    '\\',
    '\\n',
    '\\x41',
    '\\u00e9',
    '\\U0001F600',
    '\\x4',
    "''",
    "'",
    '"',
    '\\"',
    '#',
    ' #c',
    ': ',
    '- ',
    '|',
    '>',
    '|+\n ',
    '>-\n  ',
    '|2\n',
    '&a ',
    '!reference ',
    '{{',
    '}}',
    '[',
    ']',
    '😀',
    '\r',
    '\u2028',
  );
  const style = fc.constantFrom(
    'a: ',
    'a: |\n  ',
    'a: |+\n  ',
    'a: |2-\n   ',
    'a: >\n  ',
    'a: >-\n   ',
    'a: >+1\n  ',
    'a: "',
    "a: '",
    '- ',
    '',
  );
  const content = fc
    .tuple(
      style,
      fc.array(part, { maxLength: 30 }),
      fc.constantFrom('', '\n', '"', "'", '"\n', "'\nb: c\n", '\n\n\n', '\n    \n'),
    )
    .map(([start, parts, end]) => `${start}${parts.join('')}${end}`);
  fc.assert(
    fc.property(content, (text) => {
      for (const { token, value } of scalarsOf(text)) {
        const mapped = scalarPieces(token);
        expect(mapped.text).toBe(value);
        for (let offset = 0; offset <= mapped.text.length; offset++) {
          const at = offsetInFile(mapped.pieces, offset);
          expect(at).toBeGreaterThanOrEqual(0);
          expect(at).toBeLessThanOrEqual(text.length);
        }
      }
    }),
    { numRuns: 3_000 },
  );
});

test('each letter of a value is the letter at its place in the file', () => {
  const words = fc.array(fc.constantFrom('ab', 'cd', ' ', '\n', '\n\n', '  ', 'é'), {
    minLength: 1,
    maxLength: 20,
  });
  const style = fc.constantFrom<(text: string) => string>(
    (text) => `k: |\n  x${text.replaceAll('\n', '\n  ')}\n`,
    (text) => `k: >2\n  x${text.replaceAll('\n', '\r\n  ')}\r\n`,
    (text) => `k: 'x${text.replaceAll('\n', '\n  ')}'\n`,
    (text) => `- "x${text.replaceAll('\n', '\r\n   ')}"\r\n`,
    (text) => `- x${text.replaceAll('\n', '\n   ')}\n`,
  );
  fc.assert(
    fc.property(words, style, (parts, write) => {
      const content = write(parts.join(''));
      for (const { token } of scalarsOf(content)) {
        const { text, pieces } = scalarPieces(token);
        const there = text
          .split('')
          .map((char, offset) => (/\s/.test(char) ? char : content[offsetInFile(pieces, offset)]));
        expect(there.join('')).toBe(text);
      }
    }),
    { numRuns: 1_000 },
  );
});
