import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import type { Sighting } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { filesConfig } from './config.ts';
import { openFiles } from './open.ts';

let pem: string;
let keyPem: string;
let dir: string;
const dirs: string[] = [];

beforeAll(async () => {
  const issued = await issue(await makeAuthority({ name: 'Root' }), { name: 'leaf.test' });
  pem = issued.certificatePem;
  keyPem = issued.keyPem;
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'files-'));
  await chmod(dir, 0o755);
  dirs.push(dir);
});
afterAll(async () => {
  for (const made of dirs) await rm(made, { recursive: true });
});

async function put(files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), content);
  }
}

async function scan(
  paths: readonly string[],
  more: object = {},
  signal = new AbortController().signal,
): Promise<string[]> {
  const config = filesConfig.parse({
    kind: 'files',
    name: 'disk',
    paths: paths.map((path) => join(dir, path)),
    ...more,
  });
  const said: string[] = [];
  for await (const sighting of openFiles(config).certificates?.scan({ signal }) ?? [])
    said.push(inWords(sighting));
  return said.toSorted();
}

function inWords(sighting: Sighting): string {
  const place = sighting.place.replace(`disk:${dir}/`, '');
  return sighting.kind === 'seen'
    ? `${place} ${sighting.chain[0].name}`
    : `${place} ${sighting.error.kind}: ${sighting.error.message}`;
}

/** Permissions mean nothing to root. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

test('patterns find files at any depth, and a file that two patterns match is looked at once', async () => {
  await put({ 'a.pem': pem, 'deep/er/b.pem': pem, 'deep/c.txt': 'nothing' });
  expect(await scan(['**/*.pem', 'deep/**/*'])).toEqual(['a.pem leaf.test', 'deep/er/b.pem leaf.test']);
});

test('a pattern that matches nothing is told, and so is one whose files hold nothing', async () => {
  await put({ 'a.pem': pem, 'notes/x.txt': 'words', 'notes/y.txt': 'words' });
  expect(await scan(['a.pem', '*.crt', 'gone/**/*.pem', 'gone.pem', 'notes/*'])).toEqual([
    '*.crt missing: nothing matches it',
    'a.pem leaf.test',
    'gone.pem missing: nothing matches it',
    'gone/**/*.pem missing: nothing matches it',
    'notes/* missing: 2 files match it, and none holds a certificate',
  ]);
});

test('a file and a folder that may not be read are told, though globs step over them without a word', async () => {
  await put({ 'a.pem': pem, 'secret.pem': pem, 'locked/b.pem': pem, 'beside/locked/c.txt': '' });
  await chmod(join(dir, 'secret.pem'), 0);
  await chmod(join(dir, 'locked'), 0);
  await chmod(join(dir, 'beside/locked'), 0);
  const refused = 'refused: reading it is not permitted to the user that the worker runs as';
  await asNobody(async () => {
    expect(await scan(['**/*.pem'])).toEqual([
      'a.pem leaf.test',
      `beside/locked ${refused}`,
      `locked ${refused}`,
      `secret.pem ${refused}`,
    ]);
    expect(await scan(['locked/*.pem'])).toEqual([`locked ${refused}`]);
    expect(await scan(['locked/b.pem'])).toEqual([`locked/b.pem ${refused}`]);
    // A closed folder that the pattern does not lead into is nobody's business.
    expect(await scan(['*.pem'])).toEqual(['a.pem leaf.test', `secret.pem ${refused}`]);
    expect(await scan(['**/*.pem'], { ignore: [join(dir, '**/locked'), join(dir, 'secret.pem')] })).toEqual([
      'a.pem leaf.test',
    ]);
  });
});

test('a path is taken as it is written where it exists so, brackets and all', async () => {
  await put({ 'br[1].pem': pem });
  expect(await scan(['br[1].pem'])).toEqual(['br[1].pem leaf.test']);
});

test('links to files are followed, folders that are linked in a circle end nothing and show nothing twice', async () => {
  await put({ 'real/a.pem': pem });
  await symlink('real/a.pem', join(dir, 'link.pem'));
  await symlink('..', join(dir, 'real/up'));
  await symlink('real', join(dir, 'linked'));
  expect(await scan(['**/*'])).toEqual(['link.pem leaf.test', 'real/a.pem leaf.test']);
  expect(await scan(['linked/*.pem'])).toEqual(['linked/a.pem leaf.test']);
});

test('a pipe, which would never end, is not read', async () => {
  await promisify(execFile)('mkfifo', [join(dir, 'pipe.pem'), join(dir, 'pipe')]);
  await put({ 'a.pem': pem });
  expect(await scan(['*'])).toEqual(['a.pem leaf.test', 'pipe.pem malformed: it is no regular file']);
});

test('a lone private key is no certificate and no complaint', async () => {
  await put({ 'a.pem': pem, 'a.key': keyPem, 'b.pem': keyPem });
  expect(await scan(['*'])).toEqual(['a.pem leaf.test']);
});

test('a file asked for by its own name is told to hold nothing, whatever it is called', async () => {
  await put({ tls: 'words', empty: '' });
  expect(await scan(['tls', 'empty'])).toEqual([
    'empty malformed: it is empty',
    'tls malformed: it holds no certificate',
  ]);
});

test('a file name with control characters cannot forge lines', async () => {
  await put({ 'a\n*critical*\u202E.pem': pem });
  expect(await scan(['*'])).toEqual(['a\uFFFD*critical*\uFFFD.pem leaf.test']);
});

test('a file that is too large is told with the setting that holds it back', async () => {
  await put({ 'a.pem': pem + '#'.repeat(3000) });
  expect(await scan(['*.pem'], { maxFileBytes: 2048 })).toEqual([
    'a.pem malformed: it is larger than 2 kB (maxFileBytes), and was not read',
  ]);
});

test('an abort ends a scan with its reason', async () => {
  await put(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}.pem`, pem])));
  const deadline = new AbortController();
  const config = filesConfig.parse({ kind: 'files', paths: [join(dir, '*')] });
  const until = new SourceError('files', 'unreachable', 'no answer within 30 s');
  let seen = 0;
  const scanning = async () => {
    for await (const _ of openFiles(config).certificates?.scan({ signal: deadline.signal }) ?? []) {
      seen += 1;
      deadline.abort(until);
    }
  };
  await expect(scanning()).rejects.toBe(until);
  expect(seen).toBe(1);
});

test('reach counts without reading, and says what is missing', async () => {
  await put({ 'a.pem': 'not read' });
  const reach = (paths: string[]) =>
    openFiles(filesConfig.parse({ kind: 'files', paths: paths.map((path) => join(dir, path)) })).reach(
      new AbortController().signal,
    );
  expect(await reach(['*.pem'])).toEqual({ ok: true, said: '1 file matches' });
  expect(await reach(['*.pem', '*.crt'])).toMatchObject({
    ok: false,
    said: `1 file matches; nothing can be listed at ${dir}/*.crt`,
  });
});

test('an unknown key in the configuration is refused', () => {
  expect(filesConfig.safeParse({ kind: 'files', paths: ['x'], passphrase: 'x' }).success).toBe(false);
  expect(filesConfig.safeParse({ kind: 'files', paths: [] }).success).toBe(false);
});
