import { chmod, link as hardLink, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import { asUnprivilegedUser, makeScannedFolder, type ScannedFolder } from '../../../test/world/scan-files.ts';

let folder: ScannedFolder;
let pem: string;
let expired: string;

beforeAll(async () => {
  const root = await makeAuthority({ name: 'Root' });
  pem = (await issue(root, { name: 'fine.test' })).certificatePem;
  const dayAgo = new Date(Date.now() - 86_400_000);
  const yearAgo = new Date(Date.now() - 365 * 86_400_000);
  expired = (await issue(root, { name: 'expired.test', notBefore: yearAgo, notAfter: dayAgo }))
    .certificatePem;
});
beforeEach(async () => {
  folder = await makeScannedFolder();
});
afterEach(() => folder.remove());

test('a pattern enters linked folders, such as every job on a BOSH VM', async () => {
  const { put, link, scan, healthCheck } = folder;
  await put({ 'jobs/plain/certs/plain.crt': pem, 'data/rep-1a2b/certs/rep.crt': expired });
  await link({ 'jobs/rep': '../data/rep-1a2b' });
  const both = ['jobs/plain/certs/plain.crt fine.test', 'jobs/rep/certs/rep.crt expired.test'];
  expect(await scan(['jobs/*/certs/*'])).toEqual(both);
  expect(await scan(['jobs/**/*.crt'])).toEqual(both);
  expect(await scan(['jobs/rep/**/*.crt'])).toEqual([both[1]]);
  expect(await scan(['jobs/{plain,rep}/certs/*'])).toEqual(both);
  expect(await healthCheck(['jobs/*/certs/*'])).toEqual({
    ok: true,
    summary: '2 files match, 1 of them through links',
  });
});

test('follows links within linked folders', async () => {
  const { put, link, scan } = folder;
  await put({ 'packages/c3/server.pem': expired });
  await link({
    'jobs/rep': '../data/rep',
    'data/rep/config': '../../shared/config',
    'shared/config/certs': '../../packages/current',
    'packages/current': 'c3',
  });
  expect(await scan(['jobs/*/config/certs/*'])).toEqual(['jobs/rep/config/certs/server.pem expired.test']);
  expect(await scan(['jobs/**/*.pem'])).toEqual(['jobs/rep/config/certs/server.pem expired.test']);
});

test('reads each certificate of a mounted Kubernetes Secret once, at its own name', async () => {
  const { put, link, scan } = folder;
  await put({ 'tls/..2026_11_26/tls.crt': expired, 'tls/..2026_11_26/ca.crt': pem });
  await link({
    'tls/..data': '..2026_11_26',
    'tls/tls.crt': '..data/tls.crt',
    'tls/ca.crt': '..data/ca.crt',
  });
  const once = ['tls/ca.crt fine.test', 'tls/tls.crt expired.test'];
  for (const pattern of ['tls/*', 'tls/**', '**/*', '**/*.crt', 'tls/*.crt'])
    expect(await scan([pattern])).toEqual(once);
  expect(await scan(['tls/tls.crt', 'tls/*'])).toEqual(once);
  expect(await scan(['tls/.*/tls.crt'])).toEqual(['tls/..2026_11_26/tls.crt expired.test']);
});

test('reads a file once, at the path without links if a pattern matches it', async () => {
  const { put, link, scan, healthCheck } = folder;
  await put({ 'z/real/a.pem': expired });
  await link({ 'a/linked': '../z/real', 'a.pem': 'z/real/a.pem', 'b/again': '../a/linked' });
  const real = ['z/real/a.pem expired.test'];
  for (const patterns of [
    ['**/*.pem'],
    ['a/*/*', 'z/*/*'],
    ['a.pem', 'z/real/a.pem'],
    ['*.pem', 'b/*/*', 'z/**'],
  ])
    expect(await scan(patterns)).toEqual(real);
  expect(await healthCheck(['**/*.pem'])).toEqual({ ok: true, summary: '1 file matches' });
  // Otherwise at the first path in the order of patterns and names.
  expect(await scan(['b/*/*', 'a/*/*'])).toEqual(['b/again/a.pem expired.test']);
  expect(await scan(['{b,a}/*/*'])).toEqual(['a/linked/a.pem expired.test']);
  expect(await healthCheck(['a/*/*'])).toEqual({ ok: true, summary: '1 file matches through a link' });
});

test('hard links are separate files, because one may be renewed without the other', async () => {
  const { put, dir, scan } = folder;
  await put({ 'a.pem': expired });
  await hardLink(join(dir, 'a.pem'), join(dir, 'b.pem'));
  expect(await scan(['*'])).toEqual(['a.pem expired.test', 'b.pem expired.test']);
});

test('a loop of links ends, and hides no file', async () => {
  const { put, link, scan } = folder;
  await put({ 'top/inner/a.pem': expired, 'top/b.pem': pem, 'beside/c.pem': pem });
  await link({
    'top/inner/up': '..',
    'top/inner/here': '.',
    'top/to-beside': '../beside',
    'beside/back': '../top',
  });
  expect(await scan(['top/**/*.pem'])).toEqual([
    'top/b.pem fine.test',
    'top/inner/a.pem expired.test',
    'top/to-beside/c.pem fine.test',
  ]);
  expect(await scan(['top/inner/*/*.pem', 'top/inner/*/*/*.pem'])).toEqual([
    'top/inner/here/a.pem expired.test',
    'top/inner/up/b.pem fine.test',
    'top/inner/up/to-beside/c.pem fine.test',
  ]);
});

test('follows a link out of the folder of the pattern, and back in at most once', async () => {
  const { put, link, scan } = folder;
  await put({ 'app/certs/a.pem': pem, 'other/b.pem': expired });
  await link({ 'app/certs/all': '../..' });
  expect(await scan(['app/certs/**/*.pem'])).toEqual([
    'app/certs/a.pem fine.test',
    'app/certs/all/other/b.pem expired.test',
  ]);
});

test('reads each folder once, however many chains of links lead to it', async () => {
  const { put, link, scan } = folder;
  await put({ '40/a.pem': expired });
  for (let level = 0; level < 40; level += 1)
    await link({ [`${level}/left`]: `../${level + 1}`, [`${level}/right`]: `../${level + 1}` });
  const path = Array.from({ length: 40 }, () => 'left').join('/');
  expect(await scan(['0/**/*.pem'])).toEqual([`0/${path}/a.pem expired.test`]);
  // With something ignored on only one of the 2^40 paths.
  const ignore = [join(folder.dir, `0/**/left/left/a.pem`)];
  expect(await scan(['0/**/*.pem'], { ignore })).toHaveLength(1);
});

test('more consecutive links than the system follows are a gap', async () => {
  const { put, link, scan } = folder;
  await put({ '45/a.pem': expired, '0/b.pem': pem });
  for (let level = 0; level < 45; level += 1) await link({ [`${level}/next`]: `../${level + 1}` });
  await link({ '0/circle': 'circle' });
  const path = `0/${Array.from({ length: 41 }, () => 'next').join('/')}`;
  expect(await scan(['0/**/*.pem'])).toEqual([
    '0/b.pem fine.test',
    `${path} missing: it is in a loop of links, or behind too many links`,
  ]);
});

test('a thousand links to one folder count as one folder', async () => {
  const { put, link, scan } = folder;
  await put({ 'data/certs/a.pem': expired });
  await link(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`jobs/j${1000 + n}`, '../data'])));
  expect(await scan(['jobs/*/certs/*'])).toEqual(['jobs/j1000/certs/a.pem expired.test']);
});

test('a link to / under ** does not lead into /proc and /sys, whose files may never end', async () => {
  const { put, link, scan } = folder;
  await put({ 'certs/a.pem': expired });
  await link({ 'certs/proc': '/proc', 'certs/self': '/proc/self', 'certs/sys': '/sys' });
  expect(await scan(['certs/**/*'])).toEqual(['certs/a.pem expired.test']);
  expect(await scan(['certs/*/*'])).toEqual(['certs/*/* missing: no file matches']);
});

test('dangling links are gaps only if the pattern matches them', async () => {
  const { put, link, scan, healthCheck } = folder;
  await put({ 'jobs/fine/certs/a.pem': pem, 'notes/x': '' });
  await link({
    'jobs/gone': '../data/unmounted',
    'jobs/fine/certs/b.pem': 'old/b.pem',
    'jobs/circle': 'circle',
  });
  const gone = 'missing: it is a link to a path that does not exist';
  expect(await scan(['jobs/*/certs/*.pem'])).toEqual([
    'jobs/circle missing: it is in a loop of links, or behind too many links',
    'jobs/fine/certs/a.pem fine.test',
    `jobs/fine/certs/b.pem ${gone}`,
    `jobs/gone ${gone}`,
  ]);
  // No folder with that name is requested, and no file is below it.
  expect(await scan(['jobs/**/*.pem'])).toEqual([
    'jobs/fine/certs/a.pem fine.test',
    `jobs/fine/certs/b.pem ${gone}`,
  ]);
  for (const pattern of ['jobs/**/gone/*.pem', 'jobs/gone/*.pem', 'jobs/gone'])
    expect(await scan([pattern])).toEqual([`jobs/gone ${gone}`]);
  expect(await healthCheck(['jobs/gone/*.pem'])).toMatchObject({ ok: false });
});

test('a folder without permission is a gap, also behind a link', async () => {
  const { put, link, scan, dir } = folder;
  await put({
    'locked/b.pem': pem,
    'locked/certs/c.pem': pem,
    'open/a.pem': pem,
    'open/deep/secret/d.pem': pem,
  });
  await link({ 'open/way': '../locked', 'open/far': '../locked/certs' });
  await chmod(join(dir, 'locked'), 0);
  const refused = 'refused: the user that the worker runs as has no permission to read it';
  await asUnprivilegedUser(async () => {
    expect(await scan(['open/**/*.pem'])).toEqual([
      'open/a.pem fine.test',
      'open/deep/secret/d.pem fine.test',
      `open/far ${refused}`,
      `open/way ${refused}`,
    ]);
    expect(await scan(['open/*/b.pem'])).toEqual([`open/far ${refused}`, `open/way/b.pem ${refused}`]);
  });
  await chmod(join(dir, 'locked'), 0o755);
});

test('reads files by name in a folder that can be entered but not listed', async () => {
  const { put, scan, dir } = folder;
  await put({ 'half/certs/a.pem': expired });
  await chmod(join(dir, 'half'), 0o711);
  await asUnprivilegedUser(async () => {
    expect(await scan(['half/certs/*.pem'])).toEqual(['half/certs/a.pem expired.test']);
    expect(await scan(['half/*/*.pem'])).toEqual([
      'half refused: the user that the worker runs as has no permission to read it',
    ]);
  });
});

test('ignores files also behind links, by their path and by their location', async () => {
  const { put, link, scan, dir } = folder;
  await put({
    'data/rep/certs/a.pem': pem,
    'data/rep/certs/old.pem': expired,
    'data/old/certs/b.pem': expired,
  });
  await link({ 'jobs/rep': '../data/rep', 'jobs/was': '../data/old', 'jobs/rep2': '../data/rep' });
  const ignore = (...patterns: string[]) => ({ ignore: patterns.map((pattern) => join(dir, pattern)) });
  const fine = ['jobs/rep/certs/a.pem fine.test'];
  expect(await scan(['jobs/*/certs/*'], ignore('jobs/*/certs/old.pem', 'jobs/was'))).toEqual(fine);
  expect(await scan(['jobs/*/certs/*'], ignore('data/rep/certs/old.pem', 'data/old/**'))).toEqual(fine);
  expect(await scan(['jobs/**/*.pem'], ignore('**/old.pem', '**/old'))).toEqual(fine);
  // Ignored on one of the two paths, so the other one is used.
  expect(await scan(['jobs/*/certs/*'], ignore('jobs/rep/certs/old.pem', 'jobs/was/**'))).toEqual([
    'jobs/rep/certs/a.pem fine.test',
    'jobs/rep2/certs/old.pem expired.test',
  ]);
  expect(await scan(['data/**/*.pem'], ignore('data/old/**'))).toEqual([
    'data/rep/certs/a.pem fine.test',
    'data/rep/certs/old.pem expired.test',
  ]);
});

test('matches hidden names only if the pattern has a leading dot, with or without links', async () => {
  const { put, link, scan } = folder;
  await put({ '.hidden/a.pem': expired, 'b/.c.pem': expired, 'b/d.pem': pem, 'z/e.pem': expired });
  await link({ 'b/.linked': '../z' });
  expect(await scan(['b/**/*', '*/*.pem'])).toEqual(['b/d.pem fine.test', 'z/e.pem expired.test']);
  expect(await scan(['.hidden/*', 'b/.*', 'b/.*/*'])).toEqual([
    '.hidden/a.pem expired.test',
    'b/.c.pem expired.test',
    'b/.linked/e.pem expired.test',
  ]);
});

test('braces, classes and extended patterns match as in a shell', async () => {
  const { put, link, scan } = folder;
  await put({ 'a/x1.crt': pem, 'a/x2.pem': pem, 'b/c/y.crt': pem, 'b/c/y.txt': pem, 'd/z.crt': pem });
  await link({ e: 'b' });
  expect(await scan(['{a,b/c}/*.{crt,pem}'])).toEqual([
    'a/x1.crt fine.test',
    'a/x2.pem fine.test',
    'b/c/y.crt fine.test',
  ]);
  expect(await scan(['{a,e/{c,d}}/[!z]*.crt'])).toEqual(['a/x1.crt fine.test', 'e/c/y.crt fine.test']);
  expect(await scan(['a/x?.@(crt|cer)', 'a/x[2-9].*'])).toEqual(['a/x1.crt fine.test', 'a/x2.pem fine.test']);
  expect(await scan(['{d/,nothing/}z.crt'])).toEqual(['d/z.crt fine.test']);
  expect(await scan(['**/c/**/*.crt'])).toEqual(['b/c/y.crt fine.test']);
});

test('takes names with special characters of patterns literally', async () => {
  const { put, link, scan } = folder;
  await put({ 'br[1].pem': pem, '[prod]/{a}/certs/x.pem': expired, 'p/{a}/certs/y.pem': pem });
  await link({ 'st*r.pem': 'br[1].pem' });
  expect(await scan(['br[1].pem'])).toEqual(['br[1].pem fine.test']);
  expect(await scan(['st*r.pem'])).toEqual(['st*r.pem fine.test']);
  expect(await scan(['[prod]/{a}/certs/*'])).toEqual([
    '[prod]/{a}/certs/x.pem expired.test',
    'p/{a}/certs/y.pem fine.test',
  ]);
});

test('a pattern may begin with a link', async () => {
  const { put, link, scan, healthCheck } = folder;
  await put({ 'real/certs/a.pem': expired });
  await link({ base: 'real', file: 'real/certs/a.pem' });
  expect(await scan(['base/certs/*.pem'])).toEqual(['base/certs/a.pem expired.test']);
  expect(await scan(['base/**/*.pem'])).toEqual(['base/certs/a.pem expired.test']);
  expect(await scan(['file'])).toEqual(['file expired.test']);
  expect(await healthCheck(['base/**/*.pem', 'file'])).toEqual({
    ok: true,
    summary: '1 file matches through a link',
  });
});

test('a linked folder that is named like a file is a gap, like a folder', async () => {
  const { put, link, scan } = folder;
  await put({ 'certs/a.pem': pem, 'dir/x': '' });
  await link({ 'certs/dir.pem': '../dir', 'certs/dir': '../dir' });
  expect(await scan(['certs/*'])).toEqual([
    'certs/a.pem fine.test',
    'certs/dir.pem malformed: it is a folder; use a pattern such as `folder/**/*.pem`',
  ]);
});

test('a folder whose name is not UTF-8 is a gap, because it cannot be entered', async () => {
  const { put, dir, scan } = folder;
  await put({ 'a.pem': pem });
  const latin1 = Buffer.concat([Buffer.from(`${dir}/caf`), Buffer.from([0xe9])]);
  await mkdir(latin1);
  await writeFile(Buffer.concat([latin1, Buffer.from('/b.pem')]), expired);
  expect(await scan(['**/*.pem'])).toEqual([
    'a.pem fine.test',
    'caf\uFFFD unreachable: its name is not UTF-8, so it cannot be opened',
  ]);
});

test('does not report a pattern whose files were all reported elsewhere', async () => {
  const { put, link, scan } = folder;
  await put({ 'data/a.pem': pem, 'notes/x.txt': 'words' });
  await link({ 'jobs/rep': '../data', 'jobs/notes': '../notes' });
  expect(await scan(['data/*', 'jobs/rep/*'])).toEqual(['data/a.pem fine.test']);
  expect(await scan(['jobs/notes/*'])).toEqual([
    'jobs/notes/* missing: 1 file matches, but it contains no certificate',
  ]);
});
