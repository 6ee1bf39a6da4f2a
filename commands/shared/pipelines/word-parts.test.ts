import { array, assert, constantFrom, property } from 'fast-check';
import { parse, type Word, type WordPart } from 'unbash';
import { expect, test } from 'vitest';
import { partsOfWord } from './word-parts.ts';

const PARTS = 'a|B1|$|"|\'|$A|$1|${A}|$(a)|.|=| |@|#|[x]|{a,b}|\\|~|*|:|é|!|+|/|\n|`'.split('|');
const texts = array(constantFrom(...PARTS), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));

test('plain words have the parts that unbash finds', () => {
  const isSame = property(texts, (text) => {
    const words = wordsOf(`x ${text} y="$A${text}" z=(${text} "$B")`);
    // Words of text alone have no parts in unbash.
    const some = words.filter(({ parts, text: own }) => parts || !/^[\w./:=+%@,-]+$/.test(own));
    expect(some.map((word) => plain(partsOfWord(word)))).toEqual(some.map(({ parts }) => plain(parts)));
  });
  expect(() => assert(isSame, { numRuns: 1000 })).not.toThrow();
});

test('plain words are not read by unbash again', () => {
  for (const text of ['"$IMAGE:$TAG"', 'a$B', '"a b"', '""', '"$@"', 'SUITE="$suite"']) {
    const word: Word = {
      type: 'Word',
      text,
      value: '',
      pos: 0,
      end: text.length,
      get parts(): never {
        throw new Error(`${text} is read again`);
      },
    };
    expect(
      partsOfWord(word)
        ?.map((part) => part.text)
        .join(''),
    ).toBe(text);
  }
});

function wordsOf(text: string): readonly Word[] {
  return parse(text).commands.flatMap(({ command }) => {
    if (command.type !== 'Command') return [];
    return [...command.prefix, ...command.suffix].flatMap((one) => {
      if (one.type === 'Word') return [one];
      if (one.type !== 'Assignment') return [];
      return one.value.type === 'Word' ? [one.value] : one.value.elements;
    });
  });
}

function plain(parts: readonly WordPart[] | undefined): unknown {
  return parts && JSON.parse(JSON.stringify(parts));
}
