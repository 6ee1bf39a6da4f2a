import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lexGroovy } from './groovy-lexer.ts';
import { decodeGroovyText } from './groovy-text.ts';

/** The text of each string, with `$…` as the file writes it. */
function stringsIn(content: string): readonly string[] {
  return lexGroovy(content).tokens.flatMap((token) =>
    token.kind === 'string'
      ? [
          token.parts
            .map((part) =>
              part.kind === 'text'
                ? decodeGroovyText(content, token.quote, part.at, part.end)
                    .map(({ text }) => text)
                    .join('')
                : content.slice(part.at, part.end),
            )
            .join(''),
        ]
      : [],
  );
}

const wordsIn = (content: string) =>
  lexGroovy(content).tokens.flatMap((token) => (token.kind === 'word' ? [token.text] : []));

describe('strings', () => {
  test.each([
    [String.raw`'a\'b"c'`, `a'b"c`],
    [String.raw`"a\"b'c"`, `a"b'c`],
    ["'''a'b\n''c'''", "a'b\n''c"],
    ['"""a"b\n""c"""', 'a"b\n""c'],
    [String.raw`'\t\\n\n'`, '\t\\n\n'],
    [String.raw`"\u0041\uu0042\101\$x"`, 'ABA$x'],
    ["'a\\\nb'", 'ab'],
    ["'''a\\\r\nb'''", 'ab'],
    ["'''a\r\nb\rc'''", 'a\nb\nc'],
    ['"""a \\\\\n b"""', 'a \\\n b'],
    [String.raw`x = /a\/b\d$/`, String.raw`a/b\d$`],
    ['x = $/a/b $$c $/ d/$', 'a/b $c / d'],
    ["''", ''],
    ['""', ''],
    ["''''''", ''],
    [String.raw`'\q'`, String.raw`\q`],
  ])('%s', (content, text) => expect(stringsIn(content)).toEqual([text]));

  test('a path in a string ends before what is no name', () => {
    const { tokens } = lexGroovy('"$a.b.c-$d. $5 $e_1:x"');
    expect(tokens).toHaveLength(1);
    const parts = tokens[0]?.kind === 'string' ? tokens[0].parts : [];
    expect(parts.filter(({ kind }) => kind === 'path').map(({ at, end }) => end - at)).toEqual([6, 2, 4]);
  });

  test('single quotes have no expressions', () => expect(wordsIn(`'\${a}' '''\${b}'''`)).toEqual([]));

  test('an expression has strings and braces of its own', () => {
    expect(wordsIn('"a ${b ? "c ${d("}")}" : {e}} f"')).toEqual(['b', 'd', 'e']);
    expect(stringsIn('"a ${b ? "c ${d("}")}" : {e}} f"')).toHaveLength(3);
  });

  test('a slash divides after a value, and begins a string elsewhere', () => {
    expect(stringsIn('x = a / b / c')).toEqual([]);
    expect(stringsIn('x = (a) / 2 + b[1] / 3')).toEqual([]);
    expect(stringsIn('x = ~/a b/; y = z =~ /c/')).toEqual(['a b', 'c']);
    expect(stringsIn('return /a b/')).toEqual(['a b']);
    expect(stringsIn("call(/a'b/, 'c')")).toEqual(["a'b", 'c']);
  });
});

describe('comments', () => {
  test.each([
    ["// 'a\nb", ['b']],
    ['/* \'a\n" */ b', ['b']],
    ["#!/usr/bin/env groovy 'a\nb", ['b']],
    ["x = 'http://a' // it's", ['x']],
    ['"""// a""" // b', []],
    ['/* a', []],
  ])('%s', (content, words) => expect(wordsIn(content)).toEqual(words));
});

describe('invalid files', () => {
  test.each([
    ["sh 'a\nsh 'b'", 3],
    ['sh """a\nb', 3],
    ['sh "${a', 4],
    ['a { b', 2],
    ['a ) b', 2],
    ['a ( { ) } b', 6],
    ['x = $/a', 4],
    ['/* a', 0],
  ])('%j', (content, at) => expect(lexGroovy(content).invalid?.at).toBe(at));

  test('a string that ends at its line hides nothing after it', () => {
    expect(stringsIn("echo 'it is\nsh 'docker run a'")).toEqual(['it is', 'docker run a']);
  });

  test('a slash without an end divides', () => expect(stringsIn("a = / 2\nb = 'c'")).toEqual(['c']));
});

const PIECES = [
  "'",
  '"',
  "'''",
  '"""',
  '/',
  '$/',
  '/$',
  '${',
  '}',
  '{',
  '(',
  ')',
  '[',
  ']',
  '\\',
  '\n',
  '\r\n',
  '$',
  '$a.b',
  'sh ',
  'docker run x',
  '//',
  '/*',
  '*/',
  ' = ',
  ' + ',
  ',',
  ':',
  '?',
  '->',
  'a',
  ' ',
  'stage',
  'post',
  'é',
  '\u{1F600}',
];
const groovyLike = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((all) => all.join(''));

test('nothing makes it throw, and tokens are in the order of the file', () => {
  fc.assert(
    fc.property(fc.oneof(groovyLike, fc.string({ unit: 'binary' })), (content) => {
      const { tokens, closes } = lexGroovy(content);
      let last = 0;
      for (const [index, token] of tokens.entries()) {
        expect(token.at).toBeGreaterThanOrEqual(last);
        expect(token.end).toBeLessThanOrEqual(content.length);
        expect(token.end).toBeGreaterThan(token.at);
        last = token.at;
        expect(closes[index]).toBeLessThanOrEqual(tokens.length);
        if (token.kind !== 'string') continue;
        expect(token.next).toBeGreaterThan(index);
        expect(token.next).toBeLessThanOrEqual(tokens.length);
        let end = token.at;
        for (const part of token.parts) {
          expect(part.at).toBeGreaterThanOrEqual(end);
          end = part.end;
        }
        expect(end).toBeLessThanOrEqual(token.end);
      }
    }),
    { numRuns: 400 },
  );
});
