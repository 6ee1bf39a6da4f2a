import { expect, test } from 'vitest';
import type { HostLog } from '../../ports/hosts.ts';
import type { LogLine } from '../../ports/logs.ts';
import { SourceError } from '../../ports/source-error.ts';
import { hostReaders } from './host-readers.ts';

interface Output {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}
type Answer = Output | ((call: number) => Output);

const NOW_SECONDS = Date.UTC(2026, 10, 26, 12) / 1000;
const INSTANCES = '/var/lib/nova/instances';
const DISK = `${INSTANCES}/2b8f5d10/disk`;
const query = { host: 'cmp-12', signal: new AbortController().signal };
const clockAt = (seconds: number): Output => ({ stdout: `${seconds}.000000000,+0000\n` });

/** A host that answers commands that contain a key, with the number of the call from 0. It has no other program. */
function hostWith(answers: Readonly<Record<string, Answer>>) {
  const calls = new Map<string, number>();
  const commands: string[] = [];
  const all: readonly (readonly [string, Answer])[] = Object.entries({
    ...answers,
    'date ': answers['date '] ?? clockAt(NOW_SECONDS),
  });
  const readers = hostReaders(
    async (_, { line }) => {
      commands.push(line);
      const [key = '', answer = { exitCode: 127, stderr: "env: 'x': No such file or directory" }] =
        all.find(([one]) => line.includes(one)) ?? [];
      const call = calls.get(key) ?? 0;
      calls.set(key, call + 1);
      const { exitCode = 0, stdout = '', stderr = '' } = typeof answer === 'function' ? answer(call) : answer;
      return { exitCode, stdout: Buffer.from(stdout), stderr, isCut: false };
    },
    { name: 'compute', hosts: [{ name: 'cmp-12', address: '10.0.0.12:22' }], sudo: [] },
  );
  return { readers, commands };
}

const info = (facts: object): string =>
  `${JSON.stringify({ format: 'qcow2', 'virtual-size': 1024, ...facts }, undefined, 4)}\n`;

test.each([
  ['absolute', { 'backing-filename': `${INSTANCES}/_base/a` }, `${INSTANCES}/_base/a`],
  ['relative', { 'backing-filename': '../_base/a' }, `${INSTANCES}/_base/a`],
  [
    'relative, with the full name',
    { 'backing-filename': '../_base/a', 'full-backing-filename': `${INSTANCES}/2b8f5d10/../_base/a` },
    `${INSTANCES}/_base/a`,
  ],
  ['with a protocol', { 'backing-filename': `file:${INSTANCES}/_base/a` }, `${INSTANCES}/_base/a`],
  [
    'as options',
    {
      'backing-filename': `json:${JSON.stringify({ driver: 'raw', file: { driver: 'file', filename: '/x/a' } })}`,
    },
    '/x/a',
  ],
  [
    'as dotted options',
    { 'backing-filename': `json:${JSON.stringify({ 'file.driver': 'file', 'file.filename': '/x/a' })}` },
    '/x/a',
  ],
])('a backing file that is named %s is found', async (_, facts, path) => {
  const { readers } = hostWith({ 'qemu-img': { stdout: `${DISK}\0${info(facts)}` } });
  expect(await readers.instanceDisks(query)).toEqual([
    { path: DISK, instance: '2b8f5d10', format: 'qcow2', virtualBytes: 1024, backingPath: path },
  ]);
});

test.each([
  'rbd:vms/a',
  'nbd://10.0.0.1:10809/a',
  'json:{"driver":"nbd","host":"x"}',
  'json:{"file.driver":"nbd","file.filename":"/x"}',
  'json:{',
  'json:[]',
])('a backing file %s is not known, and not absent', async (name) => {
  const { readers } = hostWith({ 'qemu-img': { stdout: `${DISK}\0${info({ 'backing-filename': name })}` } });
  expect(await readers.instanceDisks(query)).toMatchObject([{ error: 'its backing file has no local path' }]);
});

test('a disk that qemu-img says nothing about is not left out', async () => {
  const { readers } = hostWith({
    'qemu-img': {
      stdout: `${DISK}\0${DISK}.local\0{\n    "format": "qc${DISK}.swap\0${info({})}${DISK}.eph0\0`,
      stderr: `qemu-img: Could not open '${DISK}': Could not open '${DISK}': Permission denied\n`,
    },
  });
  await expect(readers.instanceDisks(query)).rejects.toMatchObject({ kind: 'malformed' });
  const whole = hostWith({
    'qemu-img': {
      exitCode: 1,
      stdout: `${DISK}\0${DISK}.local\0{\n    "format": "qc\n${DISK}.swap\0${info({})}${DISK}.eph0\0`,
      stderr: `qemu-img: Could not open '${DISK}': Could not open '${DISK}': Permission denied
find: '${INSTANCES}/0a1b': Permission denied
find: '${INSTANCES}/deleted': No such file or directory
`,
    },
  });
  expect(await whole.readers.instanceDisks(query)).toMatchObject([
    { path: DISK, error: 'Permission denied' },
    { path: `${DISK}.local`, error: "`qemu-img` couldn't read it" },
    { path: `${DISK}.swap`, format: 'qcow2' },
    { path: `${DISK}.eph0`, error: "`qemu-img` couldn't read it" },
    { path: `${INSTANCES}/0a1b/disk`, instance: '0a1b', error: 'Permission denied' },
  ]);
});

test.each([
  ['', `find: '${INSTANCES}': No such file or directory`, 1, 'missing'],
  ['', `find: '${INSTANCES}': Permission denied`, 1, 'refused'],
  ['', `find: '${INSTANCES}': Stale file handle`, 1, 'malformed'],
  [`${DISK}\0`, 'prlimit: failed to execute qemu-img: No such file or directory', 0, 'missing'],
  [`${DISK}\0`, "find: 'prlimit': No such file or directory", 0, 'missing'],
  [`${DISK}\0`, `qemu-img: Could not open '${DISK}': Permission denied`, 0, 'refused'],
  ['/etc/shadow\0{}\n', '', 0, 'malformed'],
  [`${info({})}${DISK}\0`, '', 0, 'malformed'],
  ['text', '', 0, 'malformed'],
] as const)(
  '%j with the error %j is a failure, and not zero disks',
  async (stdout, stderr, exitCode, kind) => {
    const { readers } = hostWith({ 'qemu-img': { stdout, stderr, exitCode } });
    await expect(readers.instanceDisks(query)).rejects.toMatchObject({ kind });
  },
);

test('a qemu-img without -U is asked without it', async () => {
  const { readers, commands } = hostWith({
    'qemu-img info -U': { stdout: `${DISK}\0`, stderr: "qemu-img: invalid option -- 'U'\n" },
    'qemu-img info --output': { stdout: `${DISK}\0${info({ format: 'raw' })}` },
  });
  expect(await readers.instanceDisks(query)).toMatchObject([{ path: DISK, format: 'raw' }]);
  expect(commands).toHaveLength(2);
});

const C1 = `${INSTANCES}/_base/c1`;
const ofDisk = (file: string, backing: string, format?: string): string =>
  `${file}\0${info({ 'backing-filename': backing, ...(format && { 'backing-filename-format': format }) })}`;

test('base images are not asked about if disks call them raw', async () => {
  const { readers, commands } = hostWith({ 'qemu-img': { stdout: ofDisk(DISK, C1, 'raw') } });
  expect(await readers.instanceDisks(query)).toHaveLength(1);
  expect(commands).toHaveLength(1);
});

test('a chain that is a circle ends', async () => {
  const { readers } = hostWith({
    '-name disk': { stdout: ofDisk(DISK, C1) },
    '/_base*/*': { stdout: ofDisk(C1, C1) },
  });
  expect((await readers.instanceDisks(query)).map(({ path }) => path)).toEqual([DISK, C1]);
});

test('a chain that cannot be read is an error of the disk', async () => {
  const { readers } = hostWith({
    '-name disk': { stdout: ofDisk(DISK, C1, 'qcow2') },
    '/_base*/*': { stdout: `${C1}\0`, stderr: `qemu-img: Could not open '${C1}': Permission denied` },
  });
  expect(await readers.instanceDisks(query)).toMatchObject([
    { path: DISK, backingPath: C1 },
    { path: C1, instance: '2b8f5d10', error: expect.stringContaining("can't be read") as string },
  ]);
});

test('a file on storage that does not respond is unreadable, and not missing', async () => {
  const paths = ['a', 'b', 'c', 'd', 'e'].map((name) => `${INSTANCES}/_base/${name}`);
  const { readers } = hostWith({
    'stat ': {
      exitCode: 1,
      stdout: `20,8,1795693320,${paths[3]}\n20,8\n`,
      stderr: `stat: cannot statx '${paths[0]}': Stale file handle
stat: can't stat '${paths[1]}': No such file or directory
stat: cannot stat '${paths[2]}': Transport endpoint is not connected
stat: cannot statx '${paths[4]}': No such file or dir`,
    },
  });
  expect(await readers.fileStates({ ...query, paths })).toMatchObject([
    { state: 'unreadable', error: 'Stale file handle' },
    { state: 'missing' },
    { state: 'unreadable', error: 'Transport endpoint is not connected' },
    { state: 'present', bytes: 20, diskBytes: 4096, modifiedAt: new Date(1_795_693_320_000) },
    { state: 'unreadable', error: 'No such file or dir' },
  ]);
});

const LOG = `${INSTANCES}/2b8f5d10/console.log`;
const open = (path: string, facts = 'flags:\t0100001\n10,8\nqemu-system-x86\n'): string =>
  `/proc/31877/fd/14,${path}\0${facts}`;

test.each([
  ['a find of BusyBox', { exitCode: 1, stderr: 'find: unrecognized: -printf' }, 'missing'],
  ['an ordinary user', { exitCode: 1, stderr: "find: '/proc/1/fd': Permission denied" }, 'refused'],
  ['a host that hides processes', { stdout: '' }, 'refused'],
  ['a host that hides processes of others', { stdout: open(LOG) }, 'refused'],
  ['other output', { stdout: '/proc/1/fd\0x' }, 'malformed'],
  ['output that was cut off', { stdout: `/proc/1/fd\0/proc/3/fd/1,${LOG}` }, 'malformed'],
])('%s is a failure, and not a file that no one has open', async (_, answer, kind) => {
  const { readers } = hostWith({ 'find /proc': answer });
  await expect(readers.openFiles({ ...query, files: 'console-logs' })).rejects.toMatchObject({ kind });
});

test('the facts of a process that has exited are unknown', async () => {
  const { readers } = hostWith({
    'find /proc': {
      exitCode: 1,
      stdout: `/proc/1/fd\0${open(LOG)}${open(LOG, '')}${open(`${LOG}.0 (deleted)`, '10,8\n')}`,
      stderr: "find: '/proc/4/fd/3': No such file or directory\ngrep: ../fdinfo/./14: No such process",
    },
  });
  const whole = { pid: 31_877, descriptor: 14, path: LOG, isDeleted: false };
  expect(await readers.openFiles({ ...query, files: 'console-logs' })).toEqual([
    {
      ...whole,
      program: 'qemu-system-x86',
      isAppendOnly: false,
      isReadOnly: false,
      bytes: 10,
      diskBytes: 4096,
    },
    whole,
    { ...whole, path: `${LOG}.0`, isDeleted: true, bytes: 10, diskBytes: 4096 },
  ]);
});

test('open files are named as other answers name them, behind a symbolic link too', async () => {
  const { readers } = hostWith({
    'find /proc': {
      stdout: `/proc/1/fd\0${open('/srv/nova/2b8f5d10/console.log')}${open('/home/x/console.log')}`,
    },
    readlink: { stdout: '/srv/nova\n' },
  });
  expect(await readers.openFiles({ ...query, files: 'console-logs' })).toMatchObject([{ path: LOG }]);
});

const size = (bytes: number, secondsAgo: number): string =>
  `${bytes},8,${NOW_SECONDS - secondsAgo}.0000000000,${LOG}\0`;

test.each([
  ['the time of the host', [0, 60], [0, 0], 60_000],
  ['the times of changes, if the clock of the host stood still', [0, 0], [60, 0], 60_000],
  ['the time of the host, if the file was idle for long', [0, 60], [37 * 86_400, 0], 60_000],
])('growth is measured by %s', async (_, clocks, changedAgo, betweenMs) => {
  const { readers } = hostWith({
    'find -H': (call) => ({ stdout: size(1000 + call * 500, changedAgo[call]!) }),
    'date ': (call) => clockAt(NOW_SECONDS + clocks[call]!),
  });
  const growth = await readers.fileGrowth({ ...query, files: 'console-logs', leastBytes: 1000, watchMs: 1 });
  expect(growth).toMatchObject([{ before: { bytes: 1000 }, after: { bytes: 1500 }, betweenMs }]);
});

test('what was measured first is kept if it cannot be measured again', async () => {
  const { readers } = hostWith({
    'find -H': (call) =>
      call === 0 ? { stdout: size(1000, 0) } : { exitCode: 1, stderr: 'find: I/O error' },
  });
  const asked = { ...query, files: 'console-logs', watchMs: 1 } as const;
  const [growth] = await readers.fileGrowth({ ...asked, leastBytes: 1 });
  expect(growth).not.toHaveProperty('after');
  const small = hostWith({ 'find -H': { stdout: size(1000, 0) } });
  expect(await small.readers.fileGrowth({ ...asked, leastBytes: 5000, watchMs: 600_000 })).toEqual([]);
  await expect(readers.fileGrowth({ ...asked, leastBytes: NaN })).rejects.toMatchObject({ kind: 'refused' });
});

test('a folder that cannot be read hides no others', async () => {
  const stderr = `find: '${INSTANCES}/other': Permission denied\n`;
  const asked = { ...query, files: 'console-logs', watchMs: 0, leastBytes: 1 } as const;
  const partly = hostWith({ 'find -H': { exitCode: 1, stdout: size(1000, 0), stderr } }).readers;
  expect(await partly.fileGrowth(asked)).toEqual([
    expect.objectContaining({ after: expect.objectContaining({ bytes: 1000 }) as unknown }) as unknown,
    { before: expect.objectContaining({ error: 'Permission denied' }) as unknown, betweenMs: 0 },
  ]);
  for (const denied of [
    { exitCode: 1, stderr },
    { exitCode: 1, stdout: size(1000, 0), stderr: `find: '${INSTANCES}': Permission denied\n` },
  ])
    await expect(hostWith({ 'find -H': denied }).readers.fileGrowth(asked)).rejects.toMatchObject({
      kind: 'refused',
    });
});

test('a file without the settings of the image cache is not a host without a file', async () => {
  const stderr = 'grep: /etc/nova/nova.conf: No such file or directory';
  const some = hostWith({
    'grep -RHan': { exitCode: 2, stdout: '/etc/nova/nova.conf:1:[DEFAULT]\n', stderr },
  });
  expect(await some.readers.novaSettings(query)).toEqual([]);
  const none = hostWith({ 'grep -RHan': { exitCode: 2, stderr } });
  expect(await none.readers.novaSettings(query)).toBeUndefined();
});

test('settings that only a part of the files has are a failure', async () => {
  const stdout = '/etc/nova/nova.conf:40:[image_cache]\n';
  const denied = hostWith({
    'grep -RHan': { exitCode: 2, stdout, stderr: 'grep: /etc/nova/nova.conf.d/a.conf: Permission denied' },
  });
  await expect(denied.readers.novaSettings(query)).rejects.toMatchObject({ kind: 'refused' });
  const broken = hostWith({
    'grep -RHan': { exitCode: 2, stdout, stderr: 'grep: /etc/nova/nova.conf: Input/output error' },
  });
  await expect(broken.readers.novaSettings(query)).rejects.toMatchObject({ kind: 'malformed' });
});

test.each([
  ['0-7', 8],
  ['0', 1],
  ['0-3,8-11,16', 9],
])('the CPUs %s are %i', async (online, cpus) => {
  const stdout = `/proc/loadavg:12.50 6.18 5.12 1/80 11206\n/sys/devices/system/cpu/online:${online}\n`;
  expect(await hostWith({ loadavg: { stdout } }).readers.load(query)).toEqual({ oneMinute: 12.5, cpus });
});

async function linesOf(readers: ReturnType<typeof hostReaders>, log: HostLog) {
  const lines: LogLine[] = [];
  for await (const batch of readers.logLines({ ...query, log, withinMs: 3_600_000 })) lines.push(...batch);
  return lines.map(({ text }) => text);
}

const REMOVED = `Removing base, swap or ephemeral file: ${INSTANCES}/_base/a`;
const IN_JOURNAL = `2026-11-26T11:24:07+0000 cmp-12 nova-compute[4102]: 2026-11-26 11:24:07.118 4102 INFO nova.virt.libvirt.imagecache [None req-6a1d - - - - -] ${REMOVED}\n`;
const IN_FILE = `/var/log/nova/nova-compute.log:2026-11-26 11:24:07.118 4102 INFO nova.virt.libvirt.imagecache [None req-6a1d - - - - -] ${REMOVED}\n`;
const OTHER = '2026-11-26T11:24:08+0000 cmp-12 nova-compute[4102]: Running periodic task\n';
const NO_FILES: Output = {
  exitCode: 2,
  stderr: ['nova', 'kolla/nova', 'containers/nova']
    .flatMap((folder) => [`${folder}/nova-compute.log`, `${folder}/nova-compute.log.1`])
    .map((path) => `grep: /var/log/${path}: No such file or directory`)
    .join('\n'),
};

test.each(['base', 'base or swap', 'base, swap or ephemeral'])('a removed %s file is read', async (what) => {
  const line = IN_JOURNAL.replace('base, swap or ephemeral', what);
  const { readers, commands } = hostWith({ journalctl: { stdout: line }, 'grep -HaE': NO_FILES });
  expect((await linesOf(readers, 'image-cache')).join()).toContain(`Removing ${what} file`);
  // The host filters too.
  const [, pattern = ''] = /-g '?(\S+?)'? /.exec(commands.find((one) => one.includes(' -g ')) ?? '') ?? [];
  expect(line).toMatch(new RegExp(pattern));
});

test('a line that is in the journal and in a file is read once', async () => {
  const { readers } = hostWith({ ' -g ': { stdout: IN_JOURNAL }, 'grep -HaE': { stdout: IN_FILE } });
  expect(await linesOf(readers, 'image-cache')).toEqual([REMOVED]);
});

test('a journalctl that cannot filter is asked without a filter', async () => {
  const { readers } = hostWith({
    ' -g ': { exitCode: 1, stderr: 'Compiled without pattern matching support' },
    journalctl: { stdout: OTHER + IN_JOURNAL },
    'grep -HaE': NO_FILES,
  });
  expect(await linesOf(readers, 'image-cache')).toEqual([REMOVED]);
});

test('a journal without anything of Nova says nothing about Nova', async () => {
  const silent = hostWith({ ' -g ': {}, journalctl: {}, 'grep -HaE': NO_FILES });
  await expect(linesOf(silent.readers, 'image-cache')).rejects.toMatchObject({ kind: 'missing' });
  const other = hostWith({ ' -g ': {}, journalctl: { stdout: OTHER }, 'grep -HaE': NO_FILES });
  expect(await linesOf(other.readers, 'image-cache')).toEqual([]);
});

test('a log that may not be read is a failure unless another has lines', async () => {
  const denied = { exitCode: 2, stderr: 'grep: /var/log/nova/nova-compute.log: Permission denied' };
  const none = hostWith({ journalctl: {}, 'grep -HaE': denied });
  await expect(linesOf(none.readers, 'service-reports')).rejects.toMatchObject({ kind: 'refused' });
  const journal = hostWith({ journalctl: { stdout: IN_JOURNAL }, 'grep -HaE': denied });
  expect(await linesOf(journal.readers, 'image-cache')).toEqual([REMOVED]);
});

test('the log of a job that archives rows is read whatever its unit is called', async () => {
  const job = (text: string): string => `2026-11-26T11:00:19+0000 ctl-1 nova-manage[811]: ${text}\n`;
  const { readers } = hostWith({
    ' -u ': { stdout: job('| instances | 31 |') },
    ' -t nova-manage': { stdout: job('| instances | 31 |') + job('Archiving') },
    'nova-manage.log': {
      exitCode: 2,
      stderr: ['nova', 'kolla/nova']
        .map((folder) => `grep: /var/log/${folder}/nova-manage.log: No such file or directory`)
        .join('\n'),
    },
  });
  expect(await linesOf(readers, 'archive-job')).toEqual(['| instances | 31 |', 'Archiving']);
  const none = hostWith({
    ' -u ': { exitCode: 1, stderr: 'Failed to add filter for units: No data available' },
    ' -t nova-manage': {},
  });
  expect(await linesOf(none.readers, 'archive-job')).toEqual([]);
});

const HOSTILE: readonly string[] = [
  `${DISK}\0{"format":"qcow2","a":"${'x'.repeat(10_000_000)}"}`,
  `${DISK}\0{"format":"qcow2","a":"${'\\\\'.repeat(5_000_000)}"}`,
  `${DISK}\0${'{"a":'.repeat(1_000_000)}`,
  `${DISK}\0{"`.repeat(100_000),
  `/var/log/libvirt/qemu/${'a.log'.repeat(1_000_000)}`,
  `/var/log/libvirt/qemu/${'a/'.repeat(1_000_000)}`,
  `{"__proto__": 1, "cmp-1": 1e308}`,
  `{"a":${'['.repeat(1_000_000)}`,
  `/etc/nova/nova.conf:${'1'.repeat(1_000_000)}:host = x`,
  ':'.repeat(5_000_000),
  '\0'.repeat(2_000_000),
  ' '.repeat(5_000_000),
  '\n'.repeat(5_000_000),
  `${'/proc/1/fd/1,'.repeat(500_000)}\0`,
  `${'1,2,3,/var/lib/nova/instances/'.repeat(200_000)}\0`,
  'block I/O error '.repeat(300_000),
];

test.each(HOSTILE.map((output) => [output.slice(0, 40), output]))(
  'what no program prints is an error, and never a crash or a hang: %j',
  async (_, stdout) => {
    const anything = Object.fromEntries(['find', 'grep', 'cat', 'stat'].map((one) => [one, { stdout }]));
    const { readers } = hostWith(anything);
    const readings: readonly (() => Promise<unknown>)[] = [
      () => readers.instanceDisks(query),
      () => readers.diskErrors(query),
      () => readers.computeNodes(query),
      () => readers.novaSettings(query),
      () => readers.load(query),
      () => readers.fileStates({ ...query, paths: [DISK] }),
      () => readers.openFiles({ ...query, files: 'console-logs' }),
      () => readers.mounts(query),
    ];
    for (const read of readings) {
      const outcome: unknown = await read().catch((error: unknown) => error);
      const isError = outcome instanceof Error;
      expect(!isError || outcome instanceof SourceError, String(outcome)).toBe(true);
    }
    expect(Object.prototype).not.toHaveProperty('cmp-1');
  },
  60_000,
);
