import { describe, expect, test } from 'vitest';
import { HOST_COMMANDS } from '../../src/wire/host-commands.ts';
import { answerHost, hostOfCase } from './answer-host.ts';
import type { SpokenAnswer } from './case-file.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const ROOT = { sudo: true } as const;
const INSTANCES = '/var/lib/nova/instances';
const BASE = `${INSTANCES}/_base/78e4de70`;
const LOG = `${INSTANCES}/c41f7e60/console.log`;

const says = (ask: string, text: string, rc = 0): SpokenAnswer => ({
  of: 'h',
  ask,
  text,
  rc,
  json: undefined,
});

function answer(command: { readonly line: string }, ...answers: readonly SpokenAnswer[]) {
  const { exitCode, stdout = '', stderr = '' } = answerHost('h', answers, NOW, command.line);
  return { exitCode, stdout: stdout.toString(), stderr };
}

const HOUR = { withinSeconds: 3_600 };

test('a question that the file does not answer finds no program', () => {
  const commands = [
    HOST_COMMANDS.instanceDisks(ROOT),
    HOST_COMMANDS.fileStates({ paths: [BASE] }),
    HOST_COMMANDS.novaSettings(ROOT),
    HOST_COMMANDS.computeNodes(),
    HOST_COMMANDS.diskErrors(ROOT),
    HOST_COMMANDS.openFiles({ ...ROOT, files: 'console-logs' }),
    HOST_COMMANDS.openFiles({ ...ROOT, files: 'image-cache' }),
    HOST_COMMANDS.fileSizes({ ...ROOT, files: 'console-logs' }),
    HOST_COMMANDS.fileSizes({ ...ROOT, files: 'image-cache' }),
    HOST_COMMANDS.load(),
    HOST_COMMANDS.novaJournal({ ...HOUR, log: 'image-cache' }),
    HOST_COMMANDS.novaJournalUnfiltered({ ...HOUR, log: 'service-reports' }),
    HOST_COMMANDS.novaLogFiles({ log: 'slow-requests' }),
    HOST_COMMANDS.archiveJournal(HOUR),
    HOST_COMMANDS.novaManageFiles(),
  ];
  const other = says('virsh dumpxml c41f7e60', "<source path='/var/lib/nova/instances/x/console.log'/>");
  for (const command of commands)
    expect.soft(answer(command, other), command.line).toMatchObject({ exitCode: 127, stdout: '' });
});

describe('file systems', () => {
  const mounts = (...answers: readonly SpokenAnswer[]): unknown =>
    (JSON.parse(answer(HOST_COMMANDS.mounts(), ...answers).stdout) as { filesystems: unknown }).filesystems;

  test.each([
    ['df -B1 --output=size,avail /var/lib/nova', ' 1B-blocks Avail\n 2048 1024\n', 2_048, 1_024],
    [
      'df -P /var/lib/nova',
      'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 2 1 1 50% /var/lib/nova\n',
      2_048,
      1_024,
    ],
    [
      'df -h /var/lib/nova',
      'Filesystem Size Used Avail Use% Mounted on\n/dev/sda1 2.0K 1.0K 1.0K 50% /var/lib/nova\n',
      2_048,
      1_024,
    ],
    [
      'df /var/lib/nova',
      'Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/sda1 2 1 1 50% /var/lib/nova\n',
      2_048,
      1_024,
    ],
    [
      'findmnt -b -o TARGET,FSTYPE,SIZE,AVAIL /var/lib/nova',
      'TARGET FSTYPE SIZE AVAIL\n/var/lib/nova xfs 2048 1024\n',
      2_048,
      1_024,
    ],
  ])('`%s`', (ask, text, size, avail) => {
    expect(mounts(says(ask, text))).toMatchObject([{ target: '/var/lib/nova', size, avail }]);
  });

  test('`findmnt -J`, and the space of `df`', () => {
    const found: SpokenAnswer = {
      of: 'h',
      ask: `findmnt -J -T ${INSTANCES}`,
      json: { filesystems: [{ target: '/var/lib/nova', source: 'nas1:/x', fstype: 'nfs4', options: 'rw' }] },
    };
    const space = says('df -B1 --output=avail /var/lib/nova', '     Avail\n 1024\n');
    expect(mounts(found, space)).toEqual([
      { target: '/var/lib/nova', source: 'nas1:/x', fstype: 'nfs4', size: null, avail: 1_024 },
    ]);
  });
});

describe('the states of files', () => {
  const state = (...answers: readonly SpokenAnswer[]) =>
    answer(HOST_COMMANDS.fileStates({ paths: [BASE] }), ...answers);

  test.each([
    [`stat -c '%s %Y' ${BASE}`, '2048 1795693320\n', `2048,4,1795693320,${BASE}\n`],
    [`stat -c %s,%b,%Y,%n ${BASE}`, `2048,8,1795693320,${BASE}\n`, `2048,8,1795693320,${BASE}\n`],
    [`stat -c "%n %s %b" ${BASE}`, `${BASE} 2048 8\n`, `2048,8,1795694400,${BASE}\n`],
    [
      `stat ${BASE}`,
      `  File: ${BASE}\n  Size: 2048      \tBlocks: 8   IO Block: 4096   regular file\nModify: 2026-11-26 11:42:00.000000000 +0000\n`,
      `2048,8,1795693320,${BASE}\n`,
    ],
    [`ls -l ${BASE}`, `-rw-r--r-- 1 nova nova 2048 Nov 26 11:42 ${BASE}\n`, `2048,4,1795693320,${BASE}\n`],
    [
      `ls -l ${INSTANCES}/_base`,
      'total 4\n-rw-r--r-- 1 nova nova 2048 Nov 26 11:42 78e4de70\n',
      `2048,4,1795693320,${BASE}\n`,
    ],
    [
      `find ${INSTANCES}/_base -type f -printf '%s %T@ %p\\n'`,
      `2048 1795693320.5 ${BASE}\n`,
      `2048,4,1795693320,${BASE}\n`,
    ],
    [`test -e ${BASE}`, '', `0,0,1795694400,${BASE}\n`],
  ])('`%s`: it exists', (ask, text, line) => {
    expect(state(says(ask, text))).toEqual({ exitCode: 0, stdout: line, stderr: '' });
  });

  test.each([
    [`stat -c %s ${BASE}`, `stat: cannot statx '${BASE}': No such file or directory\n`, 1],
    [`stat -c %s ${BASE}`, '', 1],
    [`ls -l ${BASE}`, `ls: cannot access '${BASE}': No such file or directory\n`, 2],
    [`ls -l ${INSTANCES}/_base`, '-rw-r--r-- 1 nova nova 1 Nov 26 11:42 other\n', 0],
    [`ls ${INSTANCES}/_base`, 'other\n', 0],
    [`ls ${INSTANCES}/_base`, `ls: cannot access '${INSTANCES}/_base': No such file or directory\n`, 2],
    [`find ${INSTANCES}/_base -type f -printf '%s %p\\n'`, `1 ${INSTANCES}/_base/other\n`, 0],
    [`test -e ${BASE}`, '', 1],
  ])('`%s`: it is missing', (ask, text, rc) => {
    const { exitCode, stdout, stderr } = state(says(ask, text, rc));
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(`stat: cannot statx '${BASE}': No such file or directory\n`);
  });

  test('another error is passed on, and a partial list proves nothing', () => {
    const stale = says(`stat -c %s ${BASE}`, `stat: cannot statx '${BASE}': Stale file handle\n`, 1);
    expect(state(stale).stderr).toContain('Stale file handle');
    const old = says(`find ${INSTANCES}/_base -mtime +1 -printf '%p\\n'`, `${INSTANCES}/_base/other\n`);
    expect(state(old).exitCode).toBe(127);
    const other = says(`stat -c %s ${INSTANCES}/_base/other`, '1\n');
    expect(state(other).exitCode).toBe(127);
  });
});

describe('disks', () => {
  const disk = `${INSTANCES}/2b8f5d10/disk`;
  const info = { filename: disk, format: 'qcow2', 'backing-filename': BASE };

  test('JSON, also of a whole chain', () => {
    const ask = `qemu-img info -U --output=json ${disk}`;
    const one: SpokenAnswer = { of: 'h', ask, json: info };
    const { stdout } = answer(HOST_COMMANDS.instanceDisks(ROOT), one);
    expect(stdout.split('\0')).toEqual([disk, expect.stringContaining('"qcow2"')]);
    const chain: SpokenAnswer = { of: 'h', ask: `qemu-img info --backing-chain ${disk}`, json: [info, {}] };
    expect(answer(HOST_COMMANDS.instanceDisks(ROOT), chain).stdout).toBe(stdout);
    const snapshot = { filename: `${disk}.snap`, format: 'qcow2', 'backing-filename': BASE };
    const longer = { ...chain, json: [info, snapshot, { filename: BASE, format: 'raw' }] };
    const disks = answer(HOST_COMMANDS.instanceDisks(ROOT), longer).stdout;
    expect(disks.match(/\/\S+\0/g)).toEqual([`${disk}\0`, `${disk}.snap\0`]);
    const state = answer(HOST_COMMANDS.fileStates({ paths: [BASE] }), longer);
    expect([state.exitCode, state.stdout]).toEqual([0, expect.stringContaining(BASE)]);
  });

  test('text', () => {
    const text = `image: ${disk}\nfile format: qcow2\nvirtual size: 20 GiB (21474836480 bytes)\nbacking file: ${BASE}\nbacking file format: raw\n`;
    const { stdout } = answer(HOST_COMMANDS.instanceDisks(ROOT), says(`qemu-img info -U ${disk}`, text));
    expect(JSON.parse(stdout.split('\0')[1]!)).toMatchObject({
      format: 'qcow2',
      'virtual-size': 21_474_836_480,
      'full-backing-filename': BASE,
    });
  });

  test('an instance without disks, and a disk that cannot be read', () => {
    const listed = says(`ls ${INSTANCES}/71c0b0aa`, 'console.log\ndisk.config\n');
    expect(answer(HOST_COMMANDS.instanceDisks(ROOT), listed)).toMatchObject({ exitCode: 0, stdout: '' });
    const error = `qemu-img: Could not open '${disk}': Permission denied\n`;
    const failed = says(`qemu-img info -U --output=json ${disk}`, error, 1);
    expect(answer(HOST_COMMANDS.instanceDisks(ROOT), failed)).toEqual({
      exitCode: 0,
      stdout: `${disk}\0`,
      stderr: error,
    });
  });
});

test.each([
  [
    String.raw`grep -A9 '\[image_cache\]' /etc/nova/nova.conf`,
    '[image_cache]\nmanager_interval = 2400\nother = 1\n',
    ['1:[image_cache]', '2:manager_interval = 2400'],
  ],
  [
    String.raw`grep -nE '^\[|my_ip' /etc/nova/nova.conf`,
    '1:[DEFAULT]\n7:my_ip = 10.20.0.11\n',
    ['1:[DEFAULT]', '7:my_ip = 10.20.0.11'],
  ],
  [
    'crudini --get /etc/nova/nova.conf image_cache remove_unused_base_images',
    'False\n',
    ['1:[image_cache]', '2:remove_unused_base_images = False'],
  ],
])('settings of `%s`', (ask, text, lines) => {
  const { exitCode, stdout } = answer(HOST_COMMANDS.novaSettings(ROOT), says(ask, text));
  expect(exitCode).toBe(2);
  expect(stdout).toBe(lines.map((line) => `/etc/nova/nova.conf:${line}\n`).join(''));
});

test('a search without a match says that the file has no such setting', () => {
  const none = says('grep remove_unused /etc/nova/nova.conf', '', 1);
  expect(answer(HOST_COMMANDS.novaSettings(ROOT), none)).toMatchObject({
    exitCode: 2,
    stdout: '/etc/nova/nova.conf:1:[DEFAULT]\n',
  });
});

describe('console logs', () => {
  const sizes = HOST_COMMANDS.fileSizes({ ...ROOT, files: 'console-logs' });
  const find = (text: string) =>
    says(`find ${INSTANCES} -maxdepth 2 -name 'console.log*' -size +100M -printf '%s %b %T@ %p\\n'`, text);

  test.each([
    [`find ${INSTANCES} -name 'console.log' -printf '%p %s %b %T@\\n'`, `${LOG} 2048 4 1795694340.0\n`],
    [`ls -ls ${INSTANCES}/*/console.log`, `2 -rw------- 1 qemu qemu 2048 Nov 26 11:59 ${LOG}\n`],
    [`stat -c '%n %s %b %Y' ${LOG}`, `${LOG} 2048 4 1795694340\n`],
    [
      `find ${INSTANCES} -name console.log -size +100M -ls`,
      `  131      2 -rw-------   1 qemu  qemu  2048 Nov 26 11:59 ${LOG}\n`,
    ],
  ])('`%s`', (ask, text) => {
    expect(answer(sizes, says(ask, text)).stdout).toBe(`2048,4,1795694340,${LOG}\0`);
  });

  test.each([
    [`du ${INSTANCES}/*/console.log`, `2\t${LOG}\n`],
    [`du -B1 ${INSTANCES}/*/console.log`, `2048\t${LOG}\n`],
    [`du -h ${INSTANCES}/*/console.log`, `2.0K\t${LOG}\n`],
  ])('`%s`: what they take on disk', (ask, text) => {
    expect(answer(sizes, says(ask, text)).stdout).toBe(`2048,4,1795694400,${LOG}\0`);
  });

  test('what is printed in an unknown form, or an error, is not an empty list', () => {
    expect(answer(sizes, says(`ls -s ${INSTANCES}`, 'console.log is 5.5 GB\n')).exitCode).toBe(127);
    const absent = `find: '${INSTANCES}': No such file or directory`;
    expect(answer(sizes, { ...find(`${absent}\n`), rc: 1 })).toMatchObject({ exitCode: 1, stderr: absent });
    const denied = `find: '${INSTANCES}/2b8f5d10': Permission denied`;
    expect(answer(sizes, { ...find(`${denied}\n2048 4 1795694340.0 ${LOG}\n`), rc: 1 })).toEqual({
      exitCode: 1,
      stdout: `2048,4,1795694340,${LOG}\0`,
      stderr: denied,
    });
  });

  test('a log that nobody has open', () => {
    const open = HOST_COMMANDS.openFiles({ ...ROOT, files: 'console-logs' });
    expect(answer(open, says(`lsof ${LOG}`, '', 1)).stdout).toBe('/proc/1/fd\0');
    expect(answer(open, says(`lsof ${LOG}`, 'lsof: permission denied\n', 1)).exitCode).toBe(127);
  });

  test('the second measurement, a minute later by the clock of the host', () => {
    const run = hostOfCase(
      'h',
      [find(`2048 4 1795694340 ${LOG}\n`), says('the same, 60 s later', `4096 8 1795694400 ${LOG}\n`)],
      NOW,
    );
    const clock = () => String(run(HOST_COMMANDS.clock().line).stdout);
    expect(run(sizes.line).stdout).toBe(`2048,4,1795694340,${LOG}\0`);
    expect(clock()).toContain('1795694340.');
    expect(run(sizes.line).stdout).toBe(`4096,8,1795694400,${LOG}\0`);
    expect(clock()).toContain('1795694400.');
  });

  test.each([
    ['cat /proc/31877/fdinfo/14', 'pos:\t4096\nflags:\t0102001\nmnt_id:\t29\n', 'flags:\t0102001\n2048,4\n'],
    ['ls -l /proc/31877/fd', `l-wx------ 1 qemu qemu 64 Nov 26 12:00 14 -> ${LOG}\n`, '2048,4\n'],
    ['lsof -p 31877', `qemu-kvm 31877 qemu 14w REG 253,0 2048 131 ${LOG}\n`, '2048,4\n'],
  ])('who has a log open: `%s`', (ask, text, facts) => {
    const open = HOST_COMMANDS.openFiles({ ...ROOT, files: 'console-logs' });
    const { stdout } = answer(open, find(`2048 4 1795694340 ${LOG}\n`), says(ask, text));
    const [proof, record, rest] = stdout.split('\0');
    expect([proof, record]).toEqual(['/proc/1/fd', `/proc/31877/fd/14,${LOG}`]);
    expect(rest).toMatch(new RegExp(`^${facts}`));
    expect(answer(HOST_COMMANDS.openFiles({ ...ROOT, files: 'image-cache' }), says(ask, text)).exitCode).toBe(
      127,
    );
  });

  test('a deleted base image', () => {
    const open = HOST_COMMANDS.openFiles({ ...ROOT, files: 'image-cache' });
    const lsof = says('lsof +L1', `qemu-kvm 77 qemu 12r REG 253,0 2048 0 131 ${BASE} (deleted)\n`);
    expect(answer(open, lsof).stdout).toBe(
      `/proc/1/fd\0/proc/77/fd/12,${BASE} (deleted)\x002048,4\nqemu-kvm\n`,
    );
    expect(answer(open, says('ls -l /proc/77/fd | grep deleted', '', 1)).stdout).toBe('/proc/1/fd\0');
  });
});

describe('logs', () => {
  const removed = '2026-11-26 11:24:07.130 4102 INFO nova.virt.libvirt.imagecache [-] Removing base file: /x';
  const lost =
    '2026-11-26 11:42:06.410 2331 WARNING nova.servicegroup.drivers.db [-] Lost connection to nova-conductor for reporting service status.';

  test('of nova-compute, from the journal and from its file', () => {
    const journal = says('journalctl -u nova-compute -n 50', `${removed}\n${lost}\n`);
    expect(answer(HOST_COMMANDS.novaJournal({ ...HOUR, log: 'image-cache' }), journal).stdout).toBe(
      `2026-11-26T11:24:07+0000 h nova-compute[4102]: ${removed}\n`,
    );
    expect(answer(HOST_COMMANDS.novaJournal({ ...HOUR, log: 'service-reports' }), journal).stdout).toBe(
      `2026-11-26T11:42:06+0000 h nova-compute[2331]: ${lost}\n`,
    );
    expect(answer(HOST_COMMANDS.novaLogFiles({ log: 'image-cache' }), journal).exitCode).toBe(127);
    const file = says('tail -n 100 /var/log/nova/nova-compute.log', `${removed}\n${lost}\n`);
    expect(answer(HOST_COMMANDS.novaLogFiles({ log: 'image-cache' }), file).stdout).toBe(
      `/var/log/nova/nova-compute.log:${removed}\n`,
    );
  });

  test('what was asked about images says nothing about reports', () => {
    const images = says('journalctl -u nova-compute, imagecache lines', `${removed}\n`);
    const reports = HOST_COMMANDS.novaJournal({ ...HOUR, log: 'service-reports' });
    expect(answer(reports, images).exitCode).toBe(127);
  });

  test('slow requests have the time of the case if they have none', () => {
    const slow = says('slowest requests, last hour', 'GET /v2.1/servers status: 200 len: 88 time: 41.7\n');
    const { stdout } = answer(HOST_COMMANDS.novaJournal({ ...HOUR, log: 'slow-requests' }), {
      ...slow,
      of: 'nova-api',
    });
    expect(stdout).toBe(
      '2026-11-26T12:00:00+0000 h nova-api[1]: GET /v2.1/servers status: 200 len: 88 time: 41.7\n',
    );
  });

  test('a job that archives rows', () => {
    const job = says(
      'journalctl -u nova-db-archive, last run',
      'Nov 26 11:00:19 h nova-manage[811]: | instances | 31 |\nNov 26 11:00:20 h systemd[1]: nova-db-archive.service: Main process exited\n',
    );
    expect(answer(HOST_COMMANDS.archiveJournal(HOUR), job).stdout.split('\n')).toHaveLength(3);
    expect(answer(HOST_COMMANDS.novaManageJournal(HOUR), job).stdout).toBe(
      '2026-11-26T11:00:19+0000 h nova-manage[811]: | instances | 31 |\n',
    );
  });

  test('I/O errors of guests, with the file that has them', () => {
    const text = "2026-11-26T09:31:55.201Z: block I/O error in device 'd': Stale file handle (116)\nother\n";
    const log = says('tail /var/log/libvirt/qemu/instance-0000091c.log', text);
    expect(answer(HOST_COMMANDS.diskErrors(ROOT), log).stdout).toBe(
      `/var/log/libvirt/qemu/instance-0000091c.log:${text.split('\n')[0]}\n`,
    );
  });
});

test('compute_nodes is printed as it is, also if it is not JSON', () => {
  const broken = says(`cat ${INSTANCES}/compute_nodes`, '{"cmp-1": 17');
  expect(answer(HOST_COMMANDS.computeNodes(), broken).stdout).toBe('{"cmp-1": 17');
});

test('the load of a host', () => {
  const load = says('uptime', ' 12:00:00 up 3 days, 1 user, load average: 9.50, 1.00, 1.00\n');
  expect(answer(HOST_COMMANDS.load(), load, says('nproc', '8\n')).stdout).toBe(
    '/proc/loadavg:9.50 9.50 9.50 1/80 11206\n/sys/devices/system/cpu/online:0-7\n',
  );
});
