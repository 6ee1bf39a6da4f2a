import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Hosts } from '../../../src/ports/hosts.ts';
import type { LogLine } from '../../../src/ports/logs.ts';
import type { Source } from '../../../src/ports/source.ts';
import { sshConfig } from '../../../src/sources/ssh/config.ts';
import { openHosts } from '../../../src/sources/ssh/open.ts';
import { type Sshd, startSshd } from '../sshd.ts';

const run = promisify(execFile);
const COLLECT = new URL('../../../deploy/hosts/wrench-collect', import.meta.url);
const INSTANCES = '/var/lib/nova/instances';
const REAL = `${INSTANCES}/2b8f5d10-93c4-4f3f-a9d7-3f1d2e4c0a03`;
const OLD = `${INSTANCES}/instance-0000091c`;
const BASE = `${INSTANCES}/_base/78e4de707958b7d96ccaebe1061f35a7433fd491`;
const query = { host: 'cmp-12', signal: new AbortController().signal };

/** The folders of Nova are in a temporary one. Each search for console logs makes one of them grow. */
let root: string;
let sshd: Sshd;
let hosts: Hosts;
let source: Source;
const processes: ChildProcess[] = [];

const at = (path: string): string => `${root}${path}`;
async function save(path: string, text: string | Buffer): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), text);
}

/** A process that has a file open as descriptor 7. */
async function holdOpen(redirection: string): Promise<number> {
  const child = spawn('sh', ['-c', `exec 7${redirection}; echo ready; exec sleep 100000`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  processes.push(child);
  await once(child.stdout, 'data');
  return child.pid!;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'wrench-nova-'));
  const paths = [
    INSTANCES,
    '/etc/nova',
    '/etc/kolla',
    '/usr/share/nova',
    '/var/lib/config-data',
    '/var/log/',
  ];
  const inward = paths.map((path) => `-e s#${path}#${root}${path}#g`).join(' ');
  await run('sh', ['-c', `sed ${inward} -e 's/-le 2000/-le 9000/' '${COLLECT.pathname}' >'${root}/collect'`]);
  // What the tests' own user can't see of other processes is left out, as if it were the root of the machine.
  await writeFile(
    join(root, 'command'),
    `SSH_ORIGINAL_COMMAND=$(printf %s "$SSH_ORIGINAL_COMMAND" | sed ${inward})
export SSH_ORIGINAL_COMMAND
case $SSH_ORIGINAL_COMMAND in *'find -H'*console.log*) printf %8192s x >>'${at(OLD)}/console.log' ;; esac
out=$(mktemp) err=$(mktemp)
sh '${root}/collect' >"$out" 2>"$err"
code=$?
sed 's#${root}##g' "$out"
sed -e 's#${root}##g' -e '/^find: .*proc.*Permission denied/d' "$err" >&2
rm "$out" "$err"
exit $code
`,
  );
  sshd = await startSshd({
    environment: { SHLVL: '2' },
    keyOptions: `restrict,command="/bin/sh ${root}/command"`,
  });
  source = openHosts(
    sshConfig.parse({
      kind: 'ssh',
      name: 'compute',
      user: sshd.user,
      key: sshd.keyPath,
      knownHosts: '/nonexistent/known_hosts',
      port: sshd.port,
      timeoutMs: 60_000,
      hosts: ['cmp-12'],
      address: '127.0.0.1',
      hostKeys: { 'cmp-12': [sshd.hostKey] },
    }),
  );
  hosts = source.reads.hosts!;
}, 120_000);

afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await source?.close();
  await sshd?.close();
  if (root) await rm(root, { recursive: true, force: true });
});

test('a host without the folder of Nova has no disks to read, and not zero disks', async () => {
  await expect(hosts.instanceDisks(query)).rejects.toMatchObject({ kind: 'missing' });
  await expect(hosts.computeNodes(query)).rejects.toMatchObject({ kind: 'missing' });
  await expect(hosts.fileSizes({ ...query, files: 'console-logs' })).rejects.toMatchObject({
    kind: 'missing',
  });
  expect(await hosts.novaSettings(query)).toBeUndefined();
});

test('reads the chains of disks, whether their base images exist or not', async () => {
  await save(BASE, '');
  await run('qemu-img', ['create', '-q', '-f', 'raw', at(BASE), '10M']);
  await mkdir(at(REAL), { recursive: true });
  const create = (name: string, ...args: readonly string[]) =>
    run('qemu-img', ['create', '-q', '-f', 'qcow2', ...args, join(at(REAL), name)]);
  await create('disk', '-b', '../_base/78e4de707958b7d96ccaebe1061f35a7433fd491', '-F', 'raw');
  await create(
    'disk.local',
    '-b',
    at(`${INSTANCES}/_base/ephemeral_10_gone`),
    '-F',
    'raw',
    '-u',
    '-o',
    'size=1M',
  );
  await create('disk.swap', '-o', 'size=1M');
  await run('qemu-img', [
    'rebase',
    '-u',
    '-F',
    'raw',
    '-b',
    'json:{"driver":"rbd","pool":"vms","image":"x"}',
    join(at(REAL), 'disk.swap'),
  ]);
  await save(`${REAL}/disk.info`, '{}');
  await save(`${REAL}/disk.config`, 'a CD');
  await save(`${REAL}/console.log`, '');
  await save(`${OLD}/disk`, Buffer.alloc(1024));
  await symlink('/nonexistent/disk', at(`${OLD}/disk.eph0`));

  const disks = await hosts.instanceDisks(query);

  expect(disks.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    {
      path: `${REAL}/disk`,
      instance: '2b8f5d10-93c4-4f3f-a9d7-3f1d2e4c0a03',
      format: 'qcow2',
      virtualBytes: 10_485_760,
      backingPath: BASE,
      backingFormat: 'raw',
    },
    expect.objectContaining({
      path: `${REAL}/disk.local`,
      backingPath: `${INSTANCES}/_base/ephemeral_10_gone`,
    }),
    expect.objectContaining({ path: `${REAL}/disk.swap`, error: 'its backing file has no local path' }),
    { path: `${OLD}/disk`, instance: 'instance-0000091c', format: 'raw', virtualBytes: 1024 },
    { path: `${OLD}/disk.eph0`, instance: 'instance-0000091c', error: 'No such file or directory' },
  ]);
  expect(disks.find(({ path }) => path === `${REAL}/disk.swap`)).not.toHaveProperty('backingPath');
});

test('a base image that has another base image is a disk of the instances that use it', async () => {
  const instance = '9c1d2e3f-0000-4f3f-a9d7-3f1d2e4c0a03';
  const chain = (file: string, backing: string, format: string) =>
    run('qemu-img', ['create', '-q', '-f', 'qcow2', '-u', '-b', backing, '-F', format, at(file), '1M']);
  await mkdir(at(`${INSTANCES}/${instance}`));
  await chain(`${INSTANCES}/${instance}/disk`, at(`${INSTANCES}/_base/c1`), 'qcow2');
  await chain(`${INSTANCES}/_base/c1`, at(`${INSTANCES}/_base/c2`), 'qcow2');
  await chain(`${INSTANCES}/_base/c2`, at(`${INSTANCES}/_base/c3`), 'raw');

  const disks = (await hosts.instanceDisks(query)).filter((one) => one.instance === instance);

  expect(disks.map(({ path, backingPath }) => [path, backingPath])).toEqual([
    [`${INSTANCES}/${instance}/disk`, `${INSTANCES}/_base/c1`],
    [`${INSTANCES}/_base/c1`, `${INSTANCES}/_base/c2`],
    [`${INSTANCES}/_base/c2`, `${INSTANCES}/_base/c3`],
  ]);
});

test('says for each file whether it exists, is missing or is not known', async () => {
  const gone = `${INSTANCES}/_base/ephemeral_10_gone`;
  const inFile = `${BASE}/x`;
  const odd = `${INSTANCES}/_base/a b`;
  const paths = [gone, BASE, inFile, '/etc/shadow', odd, `${INSTANCES}/../x`, BASE];

  const states = await hosts.fileStates({ ...query, paths });

  expect(states.map(({ path }) => path)).toEqual(paths);
  expect(states.map(({ state }) => state)).toEqual([
    'missing',
    'present',
    'unreadable',
    'unreadable',
    'unreadable',
    'unreadable',
    'present',
  ]);
  expect(states[1]).toMatchObject({ bytes: 10_485_760, modifiedAt: expect.any(Date) });
  expect(states[2]?.error).toBe('Not a directory');
  expect(states[3]?.error).toBe(`it is not in ${INSTANCES}`);
  const many = Array.from({ length: 100 }, (_, index) => `${BASE}_${index}`);
  expect((await hosts.fileStates({ ...query, paths: many })).map(({ state }) => state)).toEqual(
    many.map(() => 'missing'),
  );
});

test('measures what grows', async () => {
  const growth = await hosts.fileGrowth({ ...query, files: 'console-logs', leastBytes: 1000, watchMs: 10 });

  expect(growth).toHaveLength(1);
  const [{ before, after, betweenMs } = {}] = growth;
  expect(before?.path).toBe(`${OLD}/console.log`);
  expect(after!.bytes - before!.bytes).toBe(8192);
  expect(betweenMs).toBeGreaterThanOrEqual(10);
  const aborted = { ...query, signal: AbortSignal.abort(new Error('deadline')) };
  await expect(
    hosts.fileGrowth({ ...aborted, files: 'console-logs', leastBytes: 0, watchMs: 600_000 }),
  ).rejects.toThrow('deadline');
});

test('finds who has console logs and deleted base images open, and how', async () => {
  const appending = await holdOpen(`>>'${at(REAL)}/console.log'`);
  const writing = await holdOpen(`>'${at(REAL)}/console.log'`);
  const reading = await holdOpen(`<'${at(REAL)}/console.log'`);
  const other = `${INSTANCES}/_base/0a1b_10`;
  await save(other, Buffer.alloc(4096, 'x'));
  const keeping = await holdOpen(`<'${at(other)}'`);
  await rm(at(other));

  const consoles = await hosts.openFiles({ ...query, files: 'console-logs' });
  const bases = await hosts.openFiles({ ...query, files: 'image-cache' });

  const ofPid = (pid: number) => consoles.find((one) => one.pid === pid);
  expect(ofPid(appending)).toEqual({
    pid: appending,
    program: 'sleep',
    descriptor: 7,
    path: `${REAL}/console.log`,
    isDeleted: false,
    isAppendOnly: true,
    isReadOnly: false,
    bytes: 0,
    diskBytes: 0,
  });
  expect(ofPid(writing)).toMatchObject({ isAppendOnly: false, isReadOnly: false });
  expect(ofPid(reading)).toMatchObject({ isAppendOnly: false, isReadOnly: true });
  expect(bases).toEqual([
    expect.objectContaining({ pid: keeping, path: other, isDeleted: true, bytes: 4096 }),
  ]);
});

test('reads the settings of the image cache and no others, in the order in which they apply', async () => {
  const text = `[DEFAULT]
my_ip = 10.20.0.11
transport_url = rabbit://nova:secret@ctl-1
[image_cache]
 subdirectory_name = _base_$my_ip
#remove_unused_base_images = true
[database]
connection = mysql://nova:secret@ctl-1/nova
`;
  await save('/etc/nova/nova.conf', text);
  await save('/etc/nova/nova.conf.d/90-z.conf', '[image_cache]\nremove_unused_base_images = False\n');
  await save('/etc/nova/nova.conf.d/10-a.conf', '[image_cache]\nremove_unused_base_images = True\n');
  await save('/etc/nova/nova.conf.d/99-old.conf.bak', '[image_cache]\nremove_unused_base_images = True\n');

  const settings = (await hosts.novaSettings(query)) ?? [];

  expect(settings.map(({ key, value, section }) => `${section}.${key}=${value}`)).toEqual([
    'DEFAULT.my_ip=10.20.0.11',
    'image_cache.subdirectory_name=_base_$my_ip',
    'image_cache.remove_unused_base_images=True',
    'image_cache.remove_unused_base_images=False',
  ]);
  expect(settings[1]).toMatchObject({ file: '/etc/nova/nova.conf', line: 5 });
  expect(JSON.stringify(settings)).not.toContain('secret');
});

test('reads when hosts reported to the image cache manager', async () => {
  await save(`${INSTANCES}/compute_nodes`, '{"cmp-a01": 1795693680.0, "cmp-a03": 1795510800}');
  expect(await hosts.computeNodes(query)).toEqual([
    { host: 'cmp-a01', at: new Date(1_795_693_680_000) },
    { host: 'cmp-a03', at: new Date(1_795_510_800_000) },
  ]);
  for (const text of ['', '{"cmp-a01": 17956', '[]', '{"cmp-a01": "soon"}', '{"cmp-a01": 1e300}']) {
    await save(`${INSTANCES}/compute_nodes`, text);
    await expect(hosts.computeNodes(query), text).rejects.toMatchObject({ kind: 'malformed' });
  }
});

test('reads I/O errors of guests, each once', async () => {
  await expect(hosts.diskErrors(query)).rejects.toMatchObject({ kind: 'missing' });
  const error = "block I/O error in device 'drive-virtio-disk0': Stale file handle (116)";
  const line = (time: string): string => `2026-11-26T09:${time}Z: ${error}\n`;
  await save(
    '/var/log/libvirt/qemu/instance-0000091c.log',
    `${line('31:55.201')}${line('35:00.000')}shutting down\n`,
  );
  await save('/var/log/libvirt/qemu/instance-0000091c.log.0', line('30:00.000'));
  await save('/var/log/libvirt/qemu/instance-0000091d.log', 'started\n');
  expect(await hosts.diskErrors(query)).toEqual([
    { instanceName: 'instance-0000091c', at: new Date('2026-11-26T09:35:00.000Z'), text: error },
  ]);
});

test('the doctor lists what may be read about instances', async () => {
  const permissions = await source.permissions!(query.signal);
  expect(permissions.map(({ method, permission, allowed }) => [method, permission, allowed])).toEqual([
    ['fileSizes', 'list the files of instances on cmp-12', true],
    ['instanceDisks', 'read the disks of instances on cmp-12', true],
    ['novaSettings', 'read the settings of Nova on cmp-12', true],
    ['diskErrors', 'read the logs of QEMU on cmp-12', true],
    ['openFiles', 'list the open files of other users on cmp-12', true],
  ]);
});

test('reads the load of the host', async () => {
  const load = await hosts.load(query);
  expect(load.cpus).toBe(Number((await run('nproc', ['--all'])).stdout));
  const [oneMinute] = (await readFile('/proc/loadavg', 'utf8')).split(' ');
  expect(Math.abs(load.oneMinute - Number(oneMinute))).toBeLessThan(50);
});

async function linesOf(log: 'image-cache' | 'service-reports' | 'slow-requests' | 'archive-job') {
  const lines: LogLine[] = [];
  for await (const batch of hosts.logLines({ ...query, log, withinMs: 3_600_000 })) lines.push(...batch);
  return lines;
}

test('reads the logs of Nova', async () => {
  await expect(linesOf('image-cache')).rejects.toMatchObject({ kind: 'missing' });
  const { time, utcOffsetMinutes } = await hosts.clock(query);
  const stamp = (minutesAgo: number): string =>
    new Date(time.getTime() + (utcOffsetMinutes - minutesAgo) * 60_000)
      .toISOString()
      .replace('T', ' ')
      .slice(0, 23);
  const line = (minutesAgo: number, level: string, text: string): string =>
    `${stamp(minutesAgo)} 4102 ${level} nova.x [None req-6a1d - - - - -] ${text}\n`;
  await save(
    '/var/log/nova/nova-compute.log',
    [
      line(90, 'INFO', `Removing base, swap or ephemeral file: ${BASE}_old`),
      line(20, 'WARNING', `Unknown base file: ${BASE}`),
      line(15, 'INFO', 'Lost connection to nova-conductor for reporting service status.'),
      line(10, 'INFO', `Removing base, swap or ephemeral file: ${BASE}`),
      line(5, 'INFO', 'Running periodic task'),
    ].join(''),
  );
  await save(
    '/var/log/nova/nova-api.log',
    [
      line(4, 'INFO', '10.0.0.1 "GET /v2.1/servers" status: 200 len: 91422 microversion: 2.1 time: 0.310000'),
      line(3, 'INFO', '10.0.0.1 "GET /v2.1/servers" status: 200 len: 9142 microversion: 2.1 time: 41.700000'),
    ].join(''),
  );

  const cache = await linesOf('image-cache');

  expect(cache.map(({ text }) => text)).toEqual([
    `Removing base, swap or ephemeral file: ${BASE}`,
    `Unknown base file: ${BASE}`,
  ]);
  expect(cache[0]).toMatchObject({ program: 'nova-compute', pid: 4102 });
  expect(cache[0]?.at?.getTime()).toBe(time.getTime() - 10 * 60_000);
  expect(await linesOf('service-reports')).toHaveLength(1);
  const slow = await linesOf('slow-requests');
  expect(slow.map(({ text }) => /time: .*/.exec(text)?.[0])).toEqual(['time: 41.700000']);
  await expect(linesOf('archive-job')).rejects.toMatchObject({ kind: 'missing' });
});
