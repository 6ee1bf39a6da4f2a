import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeScannedFolder, type ScannedFolder } from '../../test/world/scan-files.ts';
import { type ListedFile, listFiles, patternsOf } from './list-files.ts';

let folder: ScannedFolder;
let everything: readonly string[];

beforeAll(async () => {
  folder = await makeScannedFolder();
  const names = ['a', 'b', 'ab', '.h', 'a.pem', 'x1.crt', '[a]'];
  const files: Record<string, string> = {};
  for (const one of ['', 'a/', 'b/', 'ab/', '.h/'].map((name) => name.replace('/', '.d/')))
    for (const two of ['', 'a.d/', '.h.d/']) for (const name of names) files[`${one}${two}${name}`] = '';
  await folder.put(files);
  everything = Object.keys(files)
    .map((path) => join(folder.dir, path))
    .toSorted();
});
afterAll(() => folder.remove());

/** Paths of the files. */
async function list(paths: readonly string[], ignore: readonly string[] = []): Promise<string[]> {
  const listed: string[] = [];
  const { signal } = new AbortController();
  for await (const one of listFiles({ paths, ignore, signal, onMatch: () => {} }))
    if (!('error' in one) && !one.folder) listed.push(one.path);
  return listed.toSorted();
}

const segment = fc.constantFrom(
  '*',
  '**',
  '?',
  'a*',
  '*.d',
  '*.pem',
  '[ab]',
  '[!a]*',
  '.*',
  'a.d',
  '{a,b}.d',
  '*.{pem,crt}',
  '@(a|b)',
  '+(a|b)',
  '!(a)',
  'x[0-9].crt',
  'nothing',
);
const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));

/** The depth of the deepest file. */
const DEPTH = 3;

/** Expands `**` in a pattern, down to a depth. If several `**` match no folder, Node's matchesGlob misses hidden files. */
function withoutGlobstars(relative: string): readonly string[] {
  const segments = relative.split('/');
  const expanded = segments.reduce<readonly (readonly string[])[]>(
    (before, segment, index) => {
      const fewest = index === segments.length - 1 ? 1 : 0;
      const meant =
        segment === '**'
          ? Array.from({ length: DEPTH + 1 - fewest }, (_, more) => Array<string>(fewest + more).fill('*'))
          : [[segment]];
      return before.flatMap((names) => meant.map((more) => [...names, ...more]));
    },
    [[]],
  );
  return [...new Set(expanded.filter(({ length }) => length <= DEPTH).map((names) => names.join('/')))];
}

async function expectSameAsNode(relative: string): Promise<void> {
  const patterns = withoutGlobstars(relative).map((one) => join(folder.dir, one));
  expect(await list([join(folder.dir, relative)])).toEqual(
    everything.filter((file) => patterns.some((one) => matchesGlob(file, one))),
  );
}

test('without links, a pattern lists the files that Node’s matchesGlob matches with `**` expanded', async () => {
  await expectSameAsNode('**/*/**/.*');
  await fc.assert(fc.asyncProperty(pattern, expectSameAsNode), { numRuns: 300 });
});

test('lists a file if and only if a pattern matches its path', async () => {
  await fc.assert(
    fc.asyncProperty(pattern, fc.option(pattern), async (relative, ignored) => {
      const paths = [join(folder.dir, relative)];
      const ignore = ignored === null ? [] : [join(folder.dir, ignored)];
      const matches = patternsOf({ paths, ignore });
      expect(await list(paths, ignore)).toEqual(everything.filter((file) => matches(file, file).length > 0));
    }),
    { numRuns: 300 },
  );
});

test('a listing ends with the reason of the signal, even if nothing was found yet', async () => {
  const because = new Error('the deadline has passed');
  const listing = listFiles({
    paths: [join(folder.dir, '**/nothing')],
    ignore: [],
    signal: AbortSignal.abort(because),
    onMatch: () => {},
  });
  await expect(listing.next()).rejects.toBe(because);
});

const FOLDERS = ['a', 'b', 'b/c', 'd'];
/** Every folder is reachable in fewer steps, with or without links. */
const DEEPEST = 6;

const links = fc.uniqueArray(
  fc.record({
    path: fc
      .tuple(fc.constantFrom('.', ...FOLDERS), fc.constantFrom('l', 'm'))
      .map(([folder, name]) => join(folder, name)),
    target: fc.constantFrom('.', ...FOLDERS, 'a/f.pem'),
  }),
  { selector: ({ path }) => path, maxLength: 5 },
);
const linkedPattern = fc
  .array(fc.constantFrom('**', '**', '*', '?', 'a', 'b', 'l', 'f.pem', '*.pem'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((segments) => segments.join('/'));

/** Every path below a folder, through links, and each path of a file in all forms: with leading links resolved, and as it is. */
function* pathsBelow(
  dir: string,
  at: string,
  spellings: readonly string[],
  depth: number,
): Generator<{ path: string; spellings: readonly string[] }> {
  for (const name of depth === 0 ? [] : readdirSync(join(dir, at))) {
    const path = join(at, name);
    const real = realpathSync(join(dir, path)).slice(dir.length + 1);
    const spelled = [...new Set([...spellings.map((one) => join(one, name)), real])];
    if (statSync(join(dir, path)).isDirectory()) yield* pathsBelow(dir, path, spelled, depth - 1);
    else yield { path, spellings: spelled };
  }
}

function isIgnored(spelling: string, ignore: string): boolean {
  return spelling
    .split('/')
    .some((_, index, names) => matchesGlob(names.slice(0, index + 1).join('/'), ignore));
}

test('with any links, lists each matching file once, at its best path', async () => {
  await fc.assert(
    fc.asyncProperty(links, linkedPattern, fc.option(linkedPattern), async (made, relative, ignored) => {
      const { dir, put, link, remove } = await makeScannedFolder();
      await put(Object.fromEntries(['.', ...FOLDERS].map((folder) => [join(folder, 'f.pem'), ''])));
      await link(Object.fromEntries(made.map(({ path, target }) => [path, join(dir, target)])));
      const listed: ListedFile[] = [];
      const { signal } = new AbortController();
      const ignore = ignored === null ? [] : [join(dir, ignored)];
      for await (const one of listFiles({ paths: [join(dir, relative)], ignore, signal, onMatch: () => {} }))
        if (!('error' in one) && !one.folder) listed.push(one);

      const wanted = new Map<string, string[]>();
      for (const { path, spellings } of pathsBelow(dir, '', [''], DEEPEST)) {
        if (!matchesGlob(path, relative)) continue;
        if (ignored !== null && spellings.some((one) => isIgnored(one, ignored))) continue;
        const real = realpathSync(join(dir, path));
        wanted.set(real, [...(wanted.get(real) ?? []), join(dir, path)]);
      }
      expect(listed.map(({ real }) => real).toSorted()).toEqual([...wanted.keys()].toSorted());
      for (const { path, real } of listed) {
        expect(realpathSync(path)).toBe(real);
        expect(path).toBe(wanted.get(real)?.includes(real) === true ? real : path);
      }
      await remove();
    }),
    { numRuns: 100 },
  );
});
