import { expect, test } from 'vitest';
import { duplicateNames, exportedNames } from './names.ts';
import { readTree } from './tree.ts';

test('an exported name of src, the kit and the shared helpers has one meaning', () => {
  const tree = new Map(
    [...readTree(['src', 'commands'])].filter(
      ([path]) => /^(src\/|commands\/(kit\.ts$|shared\/))/.test(path) && !path.endsWith('.test.ts'),
    ),
  );

  expect(tree.size).toBeGreaterThan(20);
  expect(duplicateNames(tree)).toEqual([]);
});

test.each([
  ['a constant', `export const ROOM = 1;`, ['ROOM']],
  ['a function', `export async function readText(path: string) {}`, ['readText']],
  ['a generator', `export async function* scan() {}`, ['scan']],
  ['a class', `export class SourceError extends Error {}`, ['SourceError']],
  ['an interface and a type', `export interface A {}\nexport type B = A;`, ['A', 'B']],
  ['a schema and its type, once', `export const report = z.x();\nexport type report = X;`, ['report']],
  ['a list', `const a = 1;\ntype B = 1;\nexport {\n  a,\n  type B,\n};`, ['a', 'B']],
  ['a list with an alias', `const a = 1;\nexport { a as b };`, ['b']],
  [
    'what an object or a list is taken apart into',
    `export const { a, b: c } = f();\nexport const [d] = g();`,
    ['a', 'c', 'd'],
  ],
  [
    'a new name for an import',
    `import { a } from './b.ts';\nexport { a as c };\nexport { a, d as e } from './b.ts';`,
    ['c', 'e'],
  ],
  ['a name for a module', `export * as a from './b.ts';`, ['a']],
])('finds %s', (_, text, names) => {
  expect([...exportedNames(text)]).toEqual(names);
});

test.each([
  ['a name that is not exported', `const a = 1;\nfunction b() {}`],
  ['a re-export', `export { a, type B } from './b.ts';\nexport * from './c.ts';`],
  ['a re-export of an import', `import { a, type B } from './b.ts';\nexport { a, type B };`],
  ['a comment', `/**\nexport const a = 1;\n*/\n// export const b = 1;`],
])('ignores %s', (_, text) => {
  expect([...exportedNames(text)]).toEqual([]);
});

test('reports a name that two files export, with both files', () => {
  const tree = new Map([
    ['src/a.ts', `export const name = 1;\nexport type Name = 1;`],
    ['src/b.ts', `export function name() {}`],
    ['src/c.ts', `export { name } from './a.ts';`],
  ]);

  expect(duplicateNames(tree)).toEqual(['name: src/a.ts, src/b.ts']);
});
