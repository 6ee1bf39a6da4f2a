import { expect, test } from 'vitest';
import { importCycles } from './cycles.ts';
import { readTree } from './tree.ts';

test('no file of the repository imports itself, directly or through other files', () => {
  const tree = readTree(['src', 'commands', 'scripts', 'test']);

  expect(tree.size).toBeGreaterThan(100);
  expect(importCycles(tree)).toEqual([]);
});

test.each([
  [
    'of two files',
    { 'src/a.ts': `import { b } from './b.ts';`, 'src/b.ts': `import { a } from './a.ts';` },
    'src/a.ts → src/b.ts → src/a.ts',
  ],
  [
    'of types only',
    { 'src/a.ts': `import type { B } from './b.ts';`, 'src/b.ts': `import { type A } from './a.ts';` },
    'src/a.ts → src/b.ts → src/a.ts',
  ],
  [
    'through three files in two folders',
    {
      'src/a.ts': `import { b } from './b/b.ts';`,
      'src/b/b.ts': `export * from './c.ts';`,
      'src/b/c.ts': `import { a } from '../a.ts';`,
    },
    'src/a.ts → src/b/b.ts → src/b/c.ts → src/a.ts',
  ],
  [
    'via a dynamic import',
    { 'src/a.ts': `import { b } from './b.ts';`, 'src/b.ts': `const { a } = await import('./a.ts');` },
    'src/a.ts → src/b.ts → src/a.ts',
  ],
  [
    'via a type in the middle of the code',
    { 'src/a.ts': `import { b } from './b.ts';`, 'src/b.ts': `let a: import('./a.ts').A;` },
    'src/a.ts → src/b.ts → src/a.ts',
  ],
  [
    'that only a file outside it imports first',
    {
      'src/a.ts': `import { b } from './b.ts';`,
      'src/b.ts': `import { c } from './c.ts';`,
      'src/c.ts': `import { b } from './b.ts';`,
    },
    'src/b.ts → src/c.ts → src/b.ts',
  ],
  ['of a file with itself', { 'src/a.ts': `import { a } from './a.ts';` }, 'src/a.ts → src/a.ts'],
])('finds a cycle %s', (_, files, cycle) => {
  expect(importCycles(new Map(Object.entries(files)))).toEqual([cycle]);
});

test('reports a group of files once, by the shortest cycle', () => {
  const files = {
    'src/a.ts': `import './b.ts'; import './c.ts';`,
    'src/b.ts': `import './c.ts';`,
    'src/c.ts': `import './a.ts';`,
  };

  expect(importCycles(new Map(Object.entries(files)))).toEqual(['src/a.ts → src/c.ts → src/a.ts']);
});

test('reports each of two separate cycles', () => {
  const files = {
    'src/a.ts': `import './b.ts'; import './c.ts';`,
    'src/b.ts': `import './a.ts';`,
    'src/c.ts': `import './d.ts';`,
    'src/d.ts': `import './c.ts';`,
  };

  expect(importCycles(new Map(Object.entries(files)))).toEqual([
    'src/a.ts → src/b.ts → src/a.ts',
    'src/c.ts → src/d.ts → src/c.ts',
  ]);
});

test('reports nothing if two files import a third, or a package has the name of a file', () => {
  const files = {
    'src/a.ts': `import './b.ts'; import './c.ts'; import 'zod';`,
    'src/b.ts': `import type { C } from './c.ts';`,
    'src/c.ts': `export const c = 1;`,
    zod: `import './src/a.ts';`,
  };

  expect(importCycles(new Map(Object.entries(files)))).toEqual([]);
});
