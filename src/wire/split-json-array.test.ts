import { array, assert, constantFrom, dictionary, jsonValue, nat, pre, property, string } from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { parseJson } from '../text/parse-json.ts';
import { asObject } from './json-object.ts';
import { splitJsonArray } from './split-json-array.ts';

const split = (json: string, key: string) => {
  const parts = splitJsonArray(json, key);
  return parts === 'too-many' ? expect.unreachable() : parts;
};

/** The parsed parts, joined. */
function parsedInParts(json: string, key: string): unknown {
  const parts = split(json, key);
  if (!parts) return undefined;
  const head = JSON.parse(parts.head) as Record<string, unknown>;
  expect(head[key]).toEqual([]);
  return { ...head, [key]: parts.elements.map((element) => JSON.parse(element) as unknown) };
}

test('the parts equal the parsed whole', () => {
  assert(
    property(
      dictionary(string(), jsonValue()),
      array(jsonValue()),
      dictionary(string(), jsonValue()),
      constantFrom(undefined, 2, '\t'),
      (before, items, after, space) => {
        const object = { ...before, items, ...after };
        pre(object.items === items);
        const json = JSON.stringify(object, undefined, space);
        expect(parsedInParts(json, 'items')).toEqual(JSON.parse(json));
      },
    ),
  );
});

test.each([
  ['brackets, commas and quotes in strings', '{"items":["],[","}{","\\"],","\\\\"]}', 4],
  ['the same key in a nested object', '{"metadata":{"items":[1,2]},"items":[3]}', 1],
  ['a value that is the key', '{"kind":"items","list":[1,2],"items":[3]}', 1],
  ['an empty array with whitespace', '{"items":[ \n]}', 0],
  ['whitespace around the colon', '{"items" :\n[1, 2]}', 2],
  ['fields after it', '{"items":[{"a":[1,2]},{}],"metadata":{"continue":"x"}}', 2],
])('%s', (_, json, count) => {
  expect(split(json, 'items')?.elements).toHaveLength(count);
  expect(parsedInParts(json, 'items')).toEqual(JSON.parse(json));
});

test.each([
  ['no such key', '{"kind":"Status"}'],
  ['null', '{"items":null}'],
  ['an object', '{"items":{"a":[1]}}'],
  ['a string', '{"items":"[1,2]"}'],
  ['only a nested array', '{"metadata":{"items":[1]}}'],
  ['another array after the key', '{"items":null,"list":[1]}'],
  ['an array as the root', '["items",[1]]'],
  ['truncated in an element', '{"items":[{"a":1},{"b"'],
  ['truncated in a string', '{"items":["a'],
  ['a web page', '<html>"items":[</html>'],
  ['nothing', ''],
])('does not split %s', (_, json) => {
  expect(splitJsonArray(json, 'items')).toBeUndefined();
});

test.each([
  ['no comma', '{"items":[{}{}]}'],
  ['a trailing comma', '{"items":[{},]}'],
  ['only a comma', '{"items":[,]}'],
  ['a mismatched bracket', '{"items":[{]]}'],
  ['text after it', '{"items":[{}]}x'],
  ['a second array with the same key', '{"items":[1],"items":[2]}'],
])('invalid JSON does not become valid: %s', (_, json) => {
  const { head = '', elements = [] } = split(json, 'items') ?? {};
  const hasNoItems = isDeepStrictEqual(asObject(parseJson(head))['items'], []);
  const areValid = elements.every((element) => parseJson(element) !== undefined);
  expect(hasNoItems && areValid).toBe(false);
});

test('truncated or damaged JSON never yields a shorter array', () => {
  const list = { kind: 'List', items: [{ a: ['x]', '"', '\\'] }, [1, [2]], 'y,', {}], end: '}]' };
  const json = JSON.stringify(list);
  const damaged = nat(json.length - 1).chain((at) =>
    constantFrom(
      json.slice(0, at),
      json.slice(0, at) + json.slice(at + 1),
      ...['"', ',', '[', ']', '{', '}', '\\'].map((sign) => json.slice(0, at) + sign + json.slice(at)),
    ),
  );
  assert(
    property(damaged, (text) => {
      const { head = '', elements = [] } = split(text, 'items') ?? {};
      const parts = [head, ...elements].map(parseJson);
      if (parts.includes(undefined)) return true;
      const [object, ...items] = parts;
      return isDeepStrictEqual({ ...asObject(object), items }, parseJson(text));
    }),
    { numRuns: 2_000 },
  );
});

test('a list with too many elements is not split', () => {
  expect(splitJsonArray('{"items":[1,2,3]}', 'items', 3)).toMatchObject({ elements: ['1', '2', '3'] });
  expect(splitJsonArray('{"items":[1,2,3,4,5]}', 'items', 3)).toBe('too-many');
});
