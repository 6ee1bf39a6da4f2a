import { execFile } from 'node:child_process';
import { chmod, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import { asUnprivilegedUser, makeScannedFolder, type ScannedFolder } from '../../../test/world/scan-files.ts';
import { SourceError } from '../../ports/source-error.ts';
import { filesConfig } from './config.ts';
import { openFiles } from './open.ts';

let folder: ScannedFolder;
let pem: string;
let keyPem: string;

beforeAll(async () => {
  const issued = await issue(await makeAuthority({ name: 'Root' }), { name: 'leaf.test' });
  pem = issued.certificatePem;
  keyPem = issued.keyPem;
});
beforeEach(async () => {
  folder = await makeScannedFolder();
});
afterEach(() => folder.remove());

const refused = 'refused: the user that the worker runs as has no permission to read it';

test('patterns find files at any depth, and a file that two patterns match is read once', async () => {
  const { put, scan } = folder;
  await put({ 'a.pem': pem, 'deep/er/b.pem': pem, 'deep/c.txt': 'nothing' });
  expect(await scan(['**/*.pem', 'deep/**/*'])).toEqual(['a.pem leaf.test', 'deep/er/b.pem leaf.test']);
  expect(await scan(['deep/**'])).toEqual(['deep/er/b.pem leaf.test']);
});

test('reports a pattern that matches nothing, and one whose files contain no certificates', async () => {
  const { put, scan } = folder;
  await put({ 'a.pem': pem, 'notes/x.txt': 'words', 'notes/y.txt': 'words' });
  expect(await scan(['a.pem', '*.crt', 'gone/**/*.pem', 'gone.pem', 'notes/*'])).toEqual([
    '*.crt missing: no file matches',
    'a.pem leaf.test',
    'gone.pem missing: no file matches',
    'gone/**/*.pem missing: no file matches',
    'notes/* missing: 2 files match, but none contains a certificate',
  ]);
});

test('reports files and folders without read permission', async () => {
  const { put, scan, dir } = folder;
  await put({ 'a.pem': pem, 'secret.pem': pem, 'locked/b.pem': pem, 'beside/locked/c.txt': '' });
  await chmod(join(dir, 'secret.pem'), 0);
  await chmod(join(dir, 'locked'), 0);
  await chmod(join(dir, 'beside/locked'), 0);
  await asUnprivilegedUser(async () => {
    expect(await scan(['**/*.pem'])).toEqual([
      'a.pem leaf.test',
      `beside/locked ${refused}`,
      `locked ${refused}`,
      `secret.pem ${refused}`,
    ]);
    expect(await scan(['locked/*.pem'])).toEqual([`locked ${refused}`]);
    expect(await scan(['locked/b.pem'])).toEqual([`locked/b.pem ${refused}`]);
    // The pattern doesn't lead into the locked folders.
    expect(await scan(['*.pem'])).toEqual(['a.pem leaf.test', `secret.pem ${refused}`]);
    const ignoring = (...patterns: string[]) => ({ ignore: patterns.map((one) => join(dir, one)) });
    expect(await scan(['**/*.pem'], ignoring('**/locked', 'secret.pem'))).toEqual(['a.pem leaf.test']);
    expect(await scan(['**/*.pem'], ignoring('**/locked/**', 's*.pem'))).toEqual(['a.pem leaf.test']);
  });
});

test('certificates of kubeconfigs, of the kubelet and of a BOSH agent are found, with the time of their file', async () => {
  const { put, link, dir, seen } = folder;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  await put({
    'kubernetes/admin.conf': `apiVersion: v1\nusers:\n- name: admin\n  user:\n    client-certificate-data: ${base64(pem)}\n    client-key-data: ${base64(keyPem)}\n`,
    'kubelet/kubelet-client-2026-11-01.pem': pem + keyPem,
    'bosh/settings.json': JSON.stringify({
      env: { bosh: { mbus: { cert: { certificate: pem, private_key: keyPem } } } },
    }),
  });
  await link({ 'kubelet/kubelet-client-current.pem': join(dir, 'kubelet/kubelet-client-2026-11-01.pem') });
  const renewed = new Date('2026-11-25T08:00:04Z');
  await utimes(join(dir, 'kubernetes/admin.conf'), renewed, renewed);
  const found = await seen(['kubernetes/*.conf', 'kubelet/kubelet-client-current.pem', 'bosh/settings.json']);
  expect(Object.keys(found).toSorted()).toEqual([
    'bosh/settings.json:env.bosh.mbus.cert.certificate',
    'kubelet/kubelet-client-current.pem',
    'kubernetes/admin.conf:users.0.user.client-certificate-data',
  ]);
  expect(found['kubernetes/admin.conf:users.0.user.client-certificate-data']?.storedSince).toEqual(renewed);
});

test('does not read a pipe, which would never end', async () => {
  const { put, scan, countEmpty, dir } = folder;
  await promisify(execFile)('mkfifo', [join(dir, 'pipe.pem'), join(dir, 'pipe')]);
  await put({ 'a.pem': pem });
  expect(await scan(['*'])).toEqual(['a.pem leaf.test', 'pipe.pem malformed: it is not a regular file']);
  expect(await countEmpty(['*'])).toBe(0);
});

test('a lone private key is neither a certificate nor a gap', async () => {
  const { put, scan } = folder;
  await put({ 'a.pem': pem, 'a.key': keyPem, 'b.pem': keyPem });
  expect(await scan(['*'])).toEqual(['a.pem leaf.test']);
});

test('a file that is named like a certificate and contains none is a gap', async () => {
  const { put, scan } = folder;
  await put({
    'a.pem': pem,
    'key-only.crt': keyPem,
    'key-only.cer': keyPem,
    'words.p12': 'words',
    'unknown.bcfks': Buffer.from('30820100', 'hex'),
    'words.kdb': 'words',
    'words.key': 'words',
    'words.csr': 'words',
    'words.txt': 'words',
  });
  expect(await scan(['*'])).toEqual([
    'a.pem leaf.test',
    'key-only.cer malformed: it contains no certificate',
    'key-only.crt malformed: it contains no certificate',
    'unknown.bcfks malformed: it contains no certificate',
    'words.kdb malformed: it contains no certificate',
    'words.p12 malformed: it contains no certificate',
  ]);
});

test('certbot’s folders have no gaps, and each of their files is reported once', async () => {
  const { put, link, scan, seen, countEmpty } = folder;
  await put({
    'archive/web/cert2.pem': pem,
    'archive/web/fullchain2.pem': pem,
    'archive/web/privkey2.pem': keyPem,
    'live/README': 'Do not move these files.',
  });
  await link({
    'live/web/cert.pem': '../../archive/web/cert2.pem',
    'live/web/fullchain.pem': '../../archive/web/fullchain2.pem',
    'live/web/privkey.pem': '../../archive/web/privkey2.pem',
  });
  expect(await scan(['live/**/*'])).toEqual([
    'live/web/cert.pem leaf.test',
    'live/web/fullchain.pem leaf.test',
  ]);
  expect(await countEmpty(['live/**/*'])).toBe(2);
  expect(await seen(['**/*'])).toMatchObject({
    'archive/web/cert2.pem': { keyMatches: true },
    'archive/web/fullchain2.pem': { keyMatches: true },
  });
});

test('counts files without certificates, unless they are gaps', async () => {
  const { put, link, countEmpty } = folder;
  await put({
    'a.pem': pem,
    'a.key': keyPem,
    'notes.txt': 'words',
    'sub/deep.txt': 'words',
    'words.crt': 'words',
    'empty.pem': '',
  });
  await link({ 'notes-again.txt': 'notes.txt', 'gone.txt': 'nowhere' });
  expect(await countEmpty(['*'])).toBe(2);
  expect(await countEmpty(['*', '**/*.txt'])).toBe(3);
});

test('a file that is configured by its exact name is a gap if it contains no certificate, whatever its name', async () => {
  const { put, scan } = folder;
  await put({ tls: 'words', empty: '' });
  expect(await scan(['tls', 'empty'])).toEqual([
    'empty malformed: it is empty',
    'tls malformed: it contains no certificate',
  ]);
});

test('a file name with control characters cannot forge lines', async () => {
  const { put, scan } = folder;
  await put({ 'a\n*critical*\u202E.pem': pem });
  expect(await scan(['*'])).toEqual(['a\uFFFD*critical*\uFFFD.pem leaf.test']);
});

test('reports a file that is too large, with the setting of the limit', async () => {
  const { put, scan } = folder;
  await put({ 'a.pem': pem + '#'.repeat(3000) });
  expect(await scan(['*.pem'], { maxFileBytes: 2048 })).toEqual([
    'a.pem malformed: it is larger than 2 kB (maxFileBytes), and was not read',
  ]);
});

test('an abort ends a scan with its reason', async () => {
  const { put, dir } = folder;
  await put(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}.pem`, pem])));
  const deadline = new AbortController();
  const config = filesConfig.parse({ kind: 'files', paths: [join(dir, '*')] });
  const until = new SourceError('files', 'unreachable', 'the deadline has passed');
  let seen = 0;
  const scanning = async () => {
    for await (const _ of openFiles(config).reads.certificates?.scan({ signal: deadline.signal }) ?? []) {
      seen += 1;
      deadline.abort(until);
    }
  };
  await expect(scanning()).rejects.toBe(until);
  expect(seen).toBe(1);
});

test('the health check counts files without reading them, and names what is missing', async () => {
  const { put, link, healthCheck, dir } = folder;
  await put({ 'a.pem': 'not read', 'data/b.pem': 'not read', 'data/c.pem': 'not read' });
  await link({ linked: 'data' });
  expect(await healthCheck(['*.pem'])).toEqual({ ok: true, summary: '1 file matches' });
  expect(await healthCheck(['*.pem', 'linked/*'])).toEqual({
    ok: true,
    summary: '3 files match, 2 of them through links',
  });
  expect(await healthCheck(['linked/*'])).toEqual({
    ok: true,
    summary: '2 files match, all through links',
  });
  expect(await healthCheck(['*.pem', '*.crt'])).toMatchObject({
    ok: false,
    summary: `1 file matches; ${dir}/*.crt: no file matches`,
    hint: 'Correct these `paths` and links, or remove them.',
  });
  // Both match the same file, so neither is wrong.
  expect(await healthCheck(['data/*', 'linked/*'])).toEqual({ ok: true, summary: '2 files match' });
  expect(await healthCheck(['nothing/*'])).toMatchObject({ ok: false });
});

test('the health check has a reason and a hint for each path', async () => {
  const { put, link, healthCheck, dir } = folder;
  await put({ 'certs/a.pem': pem });
  await link({ 'gone.pem': 'nowhere' });
  expect(await healthCheck(['certs', 'gone.pem', '*.crt', 'certs/*'])).toEqual({
    ok: false,
    summary:
      `1 file matches; ${dir}/certs: it is a folder; use a pattern such as \`folder/**/*.pem\`; ` +
      `${dir}/gone.pem: it is a link to a path that does not exist; ${dir}/*.crt: no file matches`,
    hint: 'Give files or patterns in `paths`. Correct these `paths` and links, or remove them.',
  });
});

test('the health check names a few of a thousand faulty paths', async () => {
  const { link, healthCheck } = folder;
  await link(Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}.pem`, 'nowhere'])));
  expect(await healthCheck(['*'])).toMatchObject({
    summary: expect.stringMatching(/; 30 more such paths$/) as unknown,
  });
});

test('the health check names folders without permission, and dangling links', async () => {
  const { put, link, healthCheck, dir } = folder;
  await put({ 'a.pem': pem, 'locked/b.pem': pem });
  await link({ 'gone.pem': 'nowhere' });
  await chmod(join(dir, 'locked'), 0);
  await asUnprivilegedUser(async () => {
    expect(await healthCheck(['**/*.pem'])).toMatchObject({
      ok: false,
      summary:
        `1 file matches; ${dir}/gone.pem: it is a link to a path that does not exist; ` +
        `${dir}/locked: the user that the worker runs as has no permission to read it`,
      hint:
        'Correct these `paths` and links, or remove them. ' +
        'Let the user that the worker runs as read and enter the folders on the way.',
    });
  });
});

test('rejects an unknown key in the configuration', () => {
  expect(filesConfig.safeParse({ kind: 'files', paths: ['x'], passphrase: 'x' }).success).toBe(false);
  expect(filesConfig.safeParse({ kind: 'files', paths: [] }).success).toBe(false);
});
