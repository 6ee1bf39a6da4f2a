import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, rm, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asUnprivilegedUser } from '../../../test/world/scan-files.ts';
import { type LogFolder, makeLogFolder, readLines } from '../../../test/world/log-folder.ts';
import { syslogConfig } from './config.ts';

const until = new Date('2026-11-26T12:00:00Z');
const since = new Date('2026-11-26T10:00:00Z');

let folder: LogFolder;
beforeEach(async () => {
  folder = await makeLogFolder();
});
afterEach(() => folder.remove());

/** A line of a switch, at a time of that day. */
function line(time: string, text: string, host = 'leaf-a'): string {
  return `2026-11-26T${time}Z ${host} Stp: ${text}\n`;
}

/** A line every second, from a time on. */
function seconds(from: string, count: number, host = 'leaf-a'): string {
  const fromMs = Date.parse(`2026-11-26T${from}Z`);
  return Array.from({ length: count }, (_, at) => {
    const time = new Date(fromMs + at * 1_000).toISOString();
    return `${time} ${host} Stp: ${host} ${time.slice(11, 19)} ${'x'.repeat(60)}\n`;
  }).join('');
}

test('reads the lines of the window, newest first', async () => {
  await folder.put({
    'a.log':
      line('09:59:59', 'before') +
      line('10:00:00', 'first') +
      line('11:00:00', 'last') +
      line('12:00:01', 'after'),
  });
  const { lines, error } = await readLines(folder.open(['a.log']), { since, until });
  expect(error).toBeUndefined();
  expect(lines).toEqual([
    { at: new Date('2026-11-26T11:00:00Z'), host: 'leaf-a', program: 'Stp', text: 'last' },
    { at: new Date('2026-11-26T10:00:00Z'), host: 'leaf-a', program: 'Stp', text: 'first' },
  ]);
});

test('merges files newest first, and keeps the order within a second', async () => {
  await folder.put({
    'x/a.log': line('10:10:00', 'a1') + line('10:30:00', 'a2') + line('10:30:00', 'a3'),
    'x/deep/b.log': line('10:05:00', 'b1') + line('10:20:00', 'b2') + line('10:40:00', 'b3'),
  });
  const { texts } = await readLines(folder.open(['x']), { since, until });
  expect(texts).toEqual(['b3', 'a3', 'a2', 'b2', 'a1', 'b1']);
});

test('reads a window in the middle of 10 MB without reading the rest', async () => {
  await folder.put({
    'a.log': seconds('00:00:00', 43_200, 'leaf-a'),
    'b.log': seconds('00:00:00', 43_200, 'leaf-b'),
  });
  const { texts, error } = await readLines(folder.open(['*.log'], { maxBytes: 4 * 1024 ** 2 }), {
    since,
    until,
  });
  expect(error).toBeUndefined();
  expect(texts).toHaveLength(2 * 7_200);
  expect(texts[0]).toContain('11:59:59');
  expect(texts.at(-1)).toContain('10:00:00');
});

test('says since when it has read, if a limit is reached', async () => {
  await folder.put({ 'a.log': seconds('00:00:00', 43_200) });
  const { texts, error } = await readLines(folder.open(['a.log'], { maxBytes: 1024 ** 2 }), {
    since: new Date('2026-11-26T01:00:00Z'),
    until,
  });
  expect(error?.message).toMatch(
    /^only the last 1 MB since 2026-11-26 \d\d:\d\d UTC were read \(maxBytes\)$/,
  );
  const back = /since (\S+) (\S+) UTC/.exec(error?.message ?? '');
  expect(texts.at(-1)).toContain(back?.[2]);
  expect(texts.length).toBeGreaterThan(5_000);
});

test('reads rotated files, compressed and not, and no older ones', async () => {
  const now = new Date();
  const at = (minutesAgo: number) => new Date(now.getTime() - minutesAgo * 60_000);
  const one = (minutesAgo: number, text: string) => `${at(minutesAgo).toISOString()} leaf-a Stp: ${text}\n`;
  await folder.put({ 'a.log': one(1, 'current') });
  await folder.put({ 'a.log.1': one(12, 'first') + one(11, 'second') }, at(10));
  await folder.put({ 'a.log.2.gz': one(30, 'packed') }, at(20));
  await folder.put({ 'a-20261125.log.gz': one(50, 'dated') }, at(40));
  await folder.put({ 'a.log.4.zst': zstdCompressSync(one(70, 'zstandard')) }, at(60));
  await folder.put({ 'a.log.5.xz': 'not read: it is too old' }, at(600));
  await folder.put({ 'b.log.1': one(5, 'of another file') });
  const { texts, error } = await readLines(folder.open(['a.log']), { since: at(120) });
  expect(error).toBeUndefined();
  expect(texts).toEqual(['current', 'second', 'first', 'packed', 'dated', 'zstandard']);
});

test('reads each rotated file once if a folder is configured', async () => {
  await folder.put({
    'x/a.log': line('11:00:00', 'a'),
    'x/a.log.1': line('10:30:00', 'b'),
    'x/10.0.0.1': line('10:20:00', 'c'),
    'x/10.0.0.2': line('10:10:00', 'd'),
  });
  const { texts } = await readLines(folder.open(['x']), { since, until });
  expect(texts).toEqual(['a', 'b', 'c', 'd']);
});

test('a compressed file of unknown form, and a damaged one, are errors, and the others are read', async () => {
  const packed = gzipSync(seconds('10:00:00', 2_000));
  await folder.put({
    'a.log': line('11:00:00', 'current'),
    'a.log.1.xz': 'xz',
    'b.log': line('11:30:00', 'other'),
    'b.log.1.gz': packed.subarray(0, packed.length - 200),
    'c.log.gz': Buffer.from('no gzip at all'),
  });
  const { texts, error } = await readLines(folder.open(['*.log*']), { since, until });
  expect(texts.slice(0, 2)).toEqual(['other', 'current']);
  expect(texts.length).toBeGreaterThan(100);
  expect(error?.message.replaceAll(folder.dir, '')).toBe(
    "/a.log.1.xz: .xz files can't be decompressed; " +
      '/b.log.1.gz: it is compressed, and damaged or incomplete; ' +
      '/c.log.gz: it is compressed, and damaged or incomplete',
  );
});

test('a file that is rotated while it is read is read once, with the file before it', async () => {
  await folder.put({ 'a.log.1': seconds('10:30:00', 1_000) });
  await folder.put({ 'a.log': seconds('11:00:00', 3_000) });
  const source = folder.open(['a.log']);
  const texts: string[] = [];
  let isRotated = false;
  for await (const batch of source.reads.logs!.lines({
    content: 'switch',
    since,
    until,
    signal: new AbortController().signal,
  })) {
    for (const { text } of batch) texts.push(text);
    if (isRotated) continue;
    isRotated = true;
    await rename(join(folder.dir, 'a.log.1'), join(folder.dir, 'a.log.2'));
    await rename(join(folder.dir, 'a.log'), join(folder.dir, 'a.log.1'));
    await folder.put({ 'a.log': line('11:59:00', 'new') });
  }
  expect(new Set(texts).size).toBe(texts.length);
  expect(texts.filter((text) => text !== 'new')).toHaveLength(4_000);
});

test('a file that is truncated while it is read is an error', async () => {
  await folder.put({ 'a.log': seconds('11:00:00', 3_000) });
  const source = folder.open(['a.log']);
  const read = async () => {
    for await (const _ of source.reads.logs!.lines({
      content: 'switch',
      since,
      until,
      signal: new AbortController().signal,
    }))
      await truncate(join(folder.dir, 'a.log'), 100);
  };
  await expect(read()).rejects.toThrow('it was rotated or truncated while it was read; run the check again');
});

test('hosts with clocks apart in one file do not end the window too early', async () => {
  const slow = Array.from({ length: 400 }, (_, at) =>
    line(at % 2 ? '09:55:00' : '10:10:00', `mixed ${at}`, at % 2 ? 'slow' : 'leaf-a'),
  ).join('');
  const wrong = Array.from(
    { length: 30 },
    (_, at) => `2019-01-01T00:00:${String(at).padStart(2, '0')}Z broken Stp: x\n`,
  ).join('');
  await folder.put({ 'a.log': line('10:05:00', 'oldest') + wrong + slow + line('11:00:00', 'newest') });
  const { texts } = await readLines(folder.open(['a.log']), { since, until });
  expect(texts[0]).toBe('newest');
  expect(texts.at(-1)).toBe('oldest');
  expect(texts).toHaveLength(202);
});

test('a line without a time is included if a line next to it is', async () => {
  await folder.put({
    'a.log':
      'far before\n' +
      line('08:00:00', 'before') +
      'at the start\n' +
      line('10:30:00', 'within') +
      '*Mar  1 00:01:23.456: %LINK-3-UPDOWN: down\n' +
      line('12:30:00', 'after') +
      'far after\n' +
      line('12:31:00', 'last'),
  });
  const { texts } = await readLines(folder.open(['a.log']), { since, until });
  expect(texts).toEqual(['*Mar  1 00:01:23.456: %LINK-3-UPDOWN: down', 'within', 'at the start']);
});

test('a file in which no line has a time is an error, binary or not', async () => {
  await folder.put({
    'a.log': line('11:00:00', 'good'),
    'b.log': 'DHCPACK of 10.0.0.1\nDHCPACK of 10.0.0.2\n',
    'c.log': Buffer.alloc(9 * 1024 ** 2, 0xfe),
    'empty.log': '',
  });
  const { texts, error } = await readLines(folder.open(['*.log']), { since, until });
  expect(texts).toEqual(expect.arrayContaining(['good', 'DHCPACK of 10.0.0.2']));
  expect(error?.message.replaceAll(folder.dir, '')).toBe(
    '/b.log: no line has a time that could be read; /c.log: no line has a time that could be read',
  );
});

test('files of logins and journals in a folder are no logs', async () => {
  await folder.put({
    'x/a.log': line('11:00:00', 'good'),
    'x/wtmp': 'x',
    'x/btmp.1': 'x',
    'x/lastlog': 'x',
    'x/journal/system.journal': 'x',
  });
  expect(await readLines(folder.open(['x']), { since, until })).toMatchObject({ texts: ['good'] });
});

test('reports paths that match nothing, and reads the others', async () => {
  await folder.put({ 'a.log': line('11:00:00', 'good') });
  await mkdir(join(folder.dir, 'nothing'));
  await symlink('gone', join(folder.dir, 'dangling.log'));
  const { texts, error } = await readLines(
    folder.open(['a.log', 'b.log', 'c/*.log', 'nothing', 'dangling.log']),
    { since, until },
  );
  expect(texts).toEqual(['good']);
  expect(error?.kind).toBe('missing');
  expect(error?.message.replaceAll(folder.dir, '')).toBe(
    '/b.log: no file matches; /c/*.log: no file matches; ' +
      '/dangling.log: it is a link to a path that does not exist; /nothing: no file matches',
  );
});

test('a file that may not be read is an error, and the others are read', async () => {
  await folder.put({ 'a.log': line('11:00:00', 'good'), 'b.log': line('11:00:00', 'secret') });
  await chmod(join(folder.dir, 'b.log'), 0o600);
  await chmod(folder.dir, 0o755);
  const { texts, error } = await asUnprivilegedUser(() =>
    readLines(folder.open(['*.log']), { since, until }),
  );
  expect(texts).toEqual(['good']);
  expect(error).toMatchObject({ kind: 'refused' });
  expect(error?.message.replaceAll(folder.dir, '')).toBe(
    '/b.log: the user that the worker runs as has no permission to read it',
  );
});

test('a configured path that is no file is an error', async () => {
  await promisify(execFile)('mkfifo', [join(folder.dir, 'b.log')]);
  const { error } = await readLines(folder.open(['b.log']), { since, until });
  expect(error?.message).toMatch(/b\.log: it is not a file/);
});

test('does not wait for a FIFO', async () => {
  await folder.put({ 'a.log': line('11:00:00', 'good') });
  await promisify(execFile)('mkfifo', [join(folder.dir, 'b.log')]);
  expect(await readLines(folder.open(['*.log']), { since, until })).toMatchObject({ texts: ['good'] });
});

test('logs that stopped arriving a day before the window are an error, although nothing is wrong with the files', async () => {
  await folder.put({ 'a.log': '2026-11-24T10:00:00Z leaf-a Stp: x\n' });
  const { texts, error } = await readLines(folder.open(['a.log']), { since, until });
  expect(texts).toEqual([]);
  expect(error?.message).toBe('the newest line is from 2026-11-24 10:00 UTC. Check that logs still arrive');
});

test('reads times without a year and zone in the configured zone, near the window', async () => {
  await folder.put({
    'a.log': 'Jul  1 12:30:00 leaf-a %STP-2-X: one\nNov 26 12:30:00 leaf-a %STP-2-X: two\n',
  });
  const source = folder.open(['a.log'], { timezone: 'Europe/Berlin' });
  const { lines } = await readLines(source, { since: new Date('2026-01-01T00:00:00Z'), until });
  expect(lines.map(({ at }) => at?.toISOString())).toEqual([
    '2026-11-26T11:30:00.000Z',
    '2026-07-01T10:30:00.000Z',
  ]);
});

test('other content is not read', async () => {
  const source = folder.open(['gone.log'], { contains: ['dhcp'] });
  expect(await readLines(source, { since, until })).toEqual({ lines: [], texts: [] });
});

test('stops at once when the check is cancelled', async () => {
  await folder.put({ 'a.log': seconds('10:00:00', 5_000) });
  const controller = new AbortController();
  const read = async () => {
    for await (const _ of folder
      .open(['a.log'])
      .reads.logs!.lines({ content: 'switch', since, until, signal: controller.signal }))
      controller.abort(new Error('cancelled'));
  };
  await expect(read()).rejects.toThrow('cancelled');
});

test('reads the list of switch ports', async () => {
  await folder.put({
    ports: '# leafs\nleaf-a Ethernet1/41 cmp-41\r\n\nleaf-a  port-channel 12  net-2 # storage\n',
    'ports.csv':
      '"Switch","Interface","Host"\n"leaf-a","Ethernet1/41","cmp-41"\nleaf-b;Ethernet1/42;cmp-42\n',
    wrong: 'leaf-a Ethernet1/41 cmp-41\nleaf-a\nleaf-b,,x\n',
  });
  const read = (name: string) =>
    folder
      .open(['a.log'], { switchPorts: join(folder.dir, name) })
      .reads.logs!.switchPorts({ signal: new AbortController().signal });
  expect(await read('ports')).toEqual([
    { switch: 'leaf-a', port: 'Ethernet1/41', host: 'cmp-41' },
    { switch: 'leaf-a', port: 'port-channel 12', host: 'net-2' },
  ]);
  expect(await read('ports.csv')).toEqual([
    { switch: 'leaf-a', port: 'Ethernet1/41', host: 'cmp-41' },
    { switch: 'leaf-b', port: 'Ethernet1/42', host: 'cmp-42' },
  ]);
  await expect(read('wrong')).rejects.toThrow('wrong: lines 2, 3 are not `switch port host`');
  await expect(read('gone')).rejects.toThrow('gone does not exist');
});

test('the health check names the newest line', async () => {
  const at = new Date(Date.now() - 150_000).toISOString();
  await folder.put({ 'a.log': `${at} leaf-a Stp: x\n`, 'b.log': '', 'b.log.1': 'x' });
  const { healthCheck } = folder.open(['*.log*']);
  const { signal } = new AbortController();
  expect(await healthCheck(signal)).toEqual({
    ok: true,
    summary: '2 files, newest line 2 minutes ago from leaf-a',
  });
  await folder.put({ 'a.log': 'Nov 24 10:00:00 2026 leaf-a Stp: x\n' });
  expect(await healthCheck(signal)).toMatchObject({
    ok: false,
    hint: 'Check that logs still arrive in these files, and `timezone`.',
  });
  await rm(join(folder.dir, 'a.log'));
  expect(await healthCheck(signal)).toMatchObject({
    ok: false,
    summary: '1 file, and none has a line with a time that could be read',
  });
  expect(await folder.open(['gone']).healthCheck(signal)).toMatchObject({
    ok: false,
    hint: 'Correct these `paths`, or remove them.',
  });
});

test('the health check reads the list of switch ports', async () => {
  const at = new Date(Date.now() - 150_000).toISOString();
  await folder.put({
    'a.log': `${at} leaf-a Stp: x\n`,
    good: 'leaf-a Ethernet1 cmp-1\n',
    bad: 'leaf-a Ethernet1\n',
  });
  const check = (name: string) =>
    folder.open(['a.log'], { switchPorts: join(folder.dir, name) }).healthCheck(new AbortController().signal);
  expect(await check('good')).toMatchObject({ ok: true, summary: expect.stringMatching(/; 1 switch port$/) });
  expect(await check('bad')).toEqual({
    ok: false,
    summary: `${join(folder.dir, 'bad')}: line 1 is not \`switch port host\``,
    hint: 'Correct the file that `switchPorts` names',
  });
  expect(await check('gone')).toMatchObject({
    ok: false,
    summary: `${join(folder.dir, 'gone')} does not exist`,
  });
});

test.each([
  ['a relative path', { paths: ['a.log'] }],
  ['an unknown zone', { paths: ['/a'], timezone: 'Mars/Olympus' }],
  ['an impossible offset', { paths: ['/a'], timezone: '+25:00' }],
  ['no content', { paths: ['/a'], contains: [] }],
])('refuses %s', (_, config) => {
  expect(syslogConfig.safeParse({ kind: 'syslog', contains: ['switch'], ...config }).success).toBe(false);
});
