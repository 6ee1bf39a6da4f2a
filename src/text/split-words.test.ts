import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LONGEST_TEXT, splitWords, type Words, WordsError } from './split-words.ts';

function split(text: string) {
  const { bare, flags } = splitWords(text);
  return { bare, flags: Object.fromEntries(flags) };
}

test.each([
  ['expiring --within 14d', ['expiring'], { within: '14d' }],
  ['expiring --within=14d', ['expiring'], { within: '14d' }],
  ['expiring within=14d', ['expiring'], { within: '14d' }],
  ['expiring 14d', ['expiring', '14d'], {}],
  ['  expiring\t 14d\n', ['expiring', '14d'], {}],
  ['--WITHIN 14d', [], { within: '14d' }],
  ['-within 14d', [], { within: '14d' }],
  ['--within 14d --within 7d', [], { within: '7d' }],
  ['--help', [], { help: '' }],
  ['--match --source vault', [], { match: '', source: 'vault' }],
  ['--match "a b" x', ['x'], { match: 'a b' }],
  ["--match='a b'", [], { match: 'a b' }],
  ['match="CN=a b"', [], { match: 'CN=a b' }],
  ['show "CN=www.example.com"', ['show', 'CN=www.example.com'], {}],
  ['show https://a.example.com/?x=y', ['show', 'https://a.example.com/?x=y'], {}],
  ['show ""', ['show', ''], {}],
  ['', [], {}],
])('%j', (text, bare, flags) => {
  expect(split(text)).toEqual({ bare, flags });
});

test.each([
  ['expiring —within 14d', { within: '14d' }],
  ['expiring –within 14d', { within: '14d' }],
  ['expiring —within=14d', { within: '14d' }],
  ['expiring —match “a b”', { match: 'a b' }],
  ['expiring --match ‘a b’', { match: 'a b' }],
  ['expiring --match „a b‟', { match: 'a b' }],
])('dashes and quotes replaced by Slack or a phone are accepted: %s', (text, flags) => {
  expect(split(text).flags).toEqual(flags);
});

test('a dash within a word stays', () => {
  expect(split('show a—b cell-1').bare).toEqual(['show', 'a—b', 'cell-1']);
});

test("a flag without a value doesn't take the next word", () => {
  const { bare, flags } = splitWords('--all www.example.com', (flag) => flag !== 'all');
  expect(bare).toEqual(['www.example.com']);
  expect(flags.get('all')).toBe('');
});

test.each(['--match "a b', "it's", 'a " b', '“a b', "--match='"])(
  'a missing closing quote is reported: %s',
  (text) => {
    expect(() => splitWords(text)).toThrow(WordsError);
  },
);

test('ten thousand characters are rejected', () => {
  expect(() => splitWords('x'.repeat(10_000))).toThrow(
    `The command has 10000 characters; the limit is ${LONGEST_TEXT}.`,
  );
});

test('any text gives words or a WordsError', () => {
  const typed = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3_000 }),
    fc
      .array(
        fc.constantFrom(
          '"',
          "'",
          '“',
          '”',
          '‘',
          '—',
          '--',
          '-',
          '=',
          ' ',
          'a',
          'within',
          '14d',
          '<!channel>',
          '\u0000',
        ),
        {
          maxLength: 200,
        },
      )
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(typed, (text) => {
      const { problem, words } = tried(text);
      expect(problem === undefined || problem instanceof WordsError).toBe(true);
      expect([...(words?.flags.keys() ?? [])].filter((flag) => !/^[a-z][a-z0-9-]*$/.test(flag))).toEqual([]);
    }),
  );
});

function tried(text: string): { readonly words?: Words; readonly problem?: unknown } {
  try {
    return { words: splitWords(text) };
  } catch (problem) {
    return { problem };
  }
}

test('quoted text stays unchanged', () => {
  const value = fc.string({ maxLength: 100 }).filter((text) => !/["“”„‟«»‘’‚‛—–―−]/.test(text));
  fc.assert(
    fc.property(value, (text) => {
      expect(splitWords(`--match "${text}"`).flags.get('match')).toBe(text.replaceAll(/[‘’‚‛]/g, "'"));
    }),
  );
});
