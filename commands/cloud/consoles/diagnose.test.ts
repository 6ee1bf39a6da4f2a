import { describe, expect, test } from 'vitest';
import type { ports, Remembered } from '../../kit.ts';
import {
  consoleFile,
  factsOf,
  GIB,
  grown,
  hostFacts,
  MIB,
  mount,
  NOW,
  openFile,
  server,
  UUID,
} from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, HostFacts } from './facts.ts';
import type { ConsoleSample } from './samples.ts';
import { appendedLog, downTheRabbitHole, sparseLog } from './stories.ts';

const LIVE = { owners: [{ folder: UUID, server: server(UUID) }] };
const OTHER = '2b8f5d10-93c4-4f3f-a9d7-3f1d2e4c0a03';

function report(facts: Facts) {
  const { findings, verdict } = diagnose(facts, {}, NOW);
  return {
    verdict,
    faults: findings.map(({ severity, target }) => `${severity} ${target}`),
    text: JSON.stringify(findings),
    offers: findings.flatMap(({ offers = [] }) => offers),
  };
}

const oneHost = (logs: HostFacts['logs'], known: Partial<HostFacts> = {}) =>
  report(factsOf([hostFacts('cmp-c07', logs, { ...LIVE, ...known })]));

function ago(minutes: number, diskBytes: number): Remembered<ConsoleSample> {
  return { console: `cmp-c07:${UUID}`, diskBytes, at: new Date(NOW.getTime() - minutes * 60_000) };
}

function withoutDiskSize(bytes: number): ports.HostFileSize {
  return { path: consoleFile(UUID, 0).path, bytes, modifiedAt: NOW };
}

describe('stories', () => {
  test('a growing log of 5.5 GB names its owner, and is not truncated while its writer has its own position', () => {
    const { faults, text, offers } = report(downTheRabbitHole.facts);
    expect(faults).toEqual(['critical cc12:instance-00000e05']);
    expect(text).toContain('broken-vm');
    expect(text).toContain('project p-research');
    expect(text).toContain('qemu-system-x86 (pid 20451) has it open without O_APPEND');
    expect(text).toContain('openstack server reboot --hard 8e3f2a52-7c14-4a0b-8f4e-0d6a4c9b1f10');
    expect(text).not.toMatch(/\bcat\b|\btail\b|truncate -s/);
    expect(offers).toEqual([]);
  });

  test('one that virtlogd appends to can be truncated', () => {
    const { verdict, offers } = report(appendedLog.facts);
    expect(verdict).toBe(
      'The console log of broken-agent on cmp-c07 uses 6.1 GB and fills the disk in about 16 hours',
    );
    expect(offers).toMatchObject([{ remediation: 'truncate-console', params: { host: 'cmp-c07' } }]);
  });

  test('a sparse log costs nothing', () => {
    expect(report(sparseLog.facts)).toMatchObject({ faults: [] });
  });
});

describe('what could be broken although it looks harmless', () => {
  test.each([
    ['a large log that stands still', [grown(UUID, 3 * GIB)], {}, 'warning'],
    ['one of 100 MB', [grown(UUID, 100_000_000)], {}, 'warning'],
    ['one of more than 1 GB that grows', [grown(UUID, 2 * GIB, 100_000)], {}, 'critical'],
    [
      'a smaller one that fills the disk',
      [grown(UUID, 200 * MIB, 40 * MIB)],
      { mounts: [mount(30 * GIB)] },
      'critical',
    ],
    [
      'one that has filled the disk, so that it stands still',
      [grown(UUID, 40 * GIB)],
      { mounts: [mount(0)] },
      'critical',
    ],
    [
      'one that grows, if the free space is unknown',
      [grown(UUID, 2 * GIB, 40 * MIB)],
      { mounts: [] },
      'critical',
    ],
    ['one whose owner is unknown', [grown(UUID, 3 * GIB, 40 * MIB)], { owners: [] }, 'critical'],
    [
      'one of no instance that still grows',
      [grown(UUID, 3 * GIB, 40 * MIB)],
      { owners: [{ folder: UUID }] },
      'critical',
    ],
    [
      'one that could not be measured again',
      [{ before: consoleFile(UUID, 3 * GIB), betweenMs: 60_000 }],
      {},
      'warning',
    ],
    [
      'one whose size on disk is unknown',
      [{ before: withoutDiskSize(3 * GIB), after: withoutDiskSize(3 * GIB), betweenMs: 60_000 }],
      {},
      'warning',
    ],
  ] as const)('%s', (_, logs, known, severity) => {
    expect(oneHost(logs, known).faults).toEqual([`${severity} cmp-c07:${UUID}`]);
  });

  test('rotated logs count to their instance', () => {
    const part = (name: string) =>
      grown(UUID, 60 * MIB, 0, { path: `/var/lib/nova/instances/${UUID}/console.log${name}` });
    const { faults, text, offers } = oneHost([part(''), part('.0'), part('.1')]);
    expect(faults).toEqual([`warning cmp-c07:${UUID}`]);
    expect(text).toContain('2 with 126 MB');
    expect(offers).toEqual([]);
  });

  test('growth over hours is seen, although it stands still while it is watched', () => {
    const hosts = [hostFacts('cmp-c07', [grown(UUID, 2 * GIB)], LIVE)];
    const { faults, text } = report(factsOf(hosts, { earlier: [ago(240, GIB), ago(15, 1.9 * GIB)] }));
    expect(faults).toEqual([`critical cmp-c07:${UUID}`]);
    expect(text).toContain('compared with 4 hours ago');
  });

  test('a small log that fills the disk within two hours, which is an estimate', () => {
    const { faults, text, offers } = oneHost([grown(UUID, 90 * MIB, 40 * MIB)], { mounts: [mount(GIB)] });
    expect([faults, offers]).toEqual([[`warning cmp-c07:${UUID}`], []]);
    expect(text).toContain('in about 25 minutes');
    expect(text).toContain('it has only 94');
  });

  test('a log of no instance that still grows, whose owner cannot be contacted', () => {
    const { faults, text } = oneHost([grown(UUID, 6 * GIB, 40 * MIB)], {
      owners: [{ folder: UUID }],
      openFiles: [openFile(UUID, false)],
    });
    expect(faults).toEqual([`critical cmp-c07:${UUID}`]);
    expect(text).toContain('Nova has no such instance: find out what writes to it');
    expect(text).not.toMatch(/[Cc]ontact the owner|server reboot/);
  });

  test('a small log that has grown for hours and fills the disk within a day', () => {
    const hosts = [hostFacts('cmp-c07', [grown(UUID, 90 * MIB)], { ...LIVE, mounts: [mount(200 * MIB)] })];
    expect(report(factsOf(hosts, { earlier: [ago(120, 10 * MIB), ago(20, 80 * MIB)] })).faults).toEqual([
      `critical cmp-c07:${UUID}`,
    ]);
  });
});

describe('what could be healthy although it looks broken', () => {
  test.each([
    ['a log below 100 MB', [grown(UUID, 99_000_000)], {}],
    ['a small log of a guest that starts', [grown(UUID, 20 * MIB, 10 * MIB)], { mounts: [mount(10 * GIB)] }],
    [
      'a small log that hardly grows on a full disk',
      [grown(UUID, 20 * MIB, 4_096)],
      { mounts: [mount(MIB)] },
    ],
  ] as const)('%s is clear', (_, logs, known) => {
    expect(oneHost(logs, known).faults).toEqual([]);
  });

  test('a large log that hardly grows is a warning', () => {
    expect(oneHost([grown(UUID, 2 * GIB, 4_096)]).faults).toEqual([`warning cmp-c07:${UUID}`]);
  });

  test('growth before the log was truncated, or that has stopped, is no growth', () => {
    const hosts = [hostFacts('cmp-c07', [grown(UUID, 2 * GIB)], LIVE)];
    const earlierOf = (...earlier: Remembered<ConsoleSample>[]) => report(factsOf(hosts, { earlier })).faults;
    expect(earlierOf(ago(240, 9 * GIB), ago(120, 10 * GIB))).toEqual([`warning cmp-c07:${UUID}`]);
    expect(earlierOf(ago(240, GIB), ago(90, 2 * GIB), ago(5, 2 * GIB))).toEqual([`warning cmp-c07:${UUID}`]);
  });

  test('a folder of no instance is only mentioned, and never deleted by a button', () => {
    const folder = 'instance-00000e05';
    const { faults, text, offers } = oneHost([grown(folder, 180 * MIB)], {
      owners: [{ folder }],
      openFiles: [],
    });
    expect(faults).toEqual([`info cmp-c07:${folder}`]);
    expect(text).toContain('virsh list --all');
    expect(offers).toEqual([]);
  });
});

describe('shared storage', () => {
  const shared = { mounts: [mount(400 * GIB, { type: 'nfs4', device: 'nas1:/nova' })], owners: LIVE.owners };
  const log = [grown(UUID, 2 * GIB, 40 * MIB)];

  test('one log that several hosts see is one finding, of the host that runs the instance', () => {
    const { faults, text } = report(
      factsOf(['cmp-c05', 'cmp-c07', 'cmp-c09'].map((name) => hostFacts(name, log, shared))),
    );
    expect(faults).toEqual([`critical cmp-c07:${UUID}`]);
    expect(text).toContain('also seen from cmp-c05 and cmp-c09');
  });

  test('the free space is that of the storage, whichever host has read it', () => {
    const { text } = report(
      factsOf([
        hostFacts('cmp-c05', log, { ...shared, owners: [] }),
        hostFacts('cmp-c07', log, {
          ...shared,
          mounts: [{ path: '/var/lib/nova', type: 'nfs4', device: 'nas1:/nova' }],
        }),
      ]),
    );
    expect(text).toContain('429 GB of 859 GB free');
  });

  test('local disks of two hosts have two logs', () => {
    const { faults } = report(factsOf(['cmp-c05', 'cmp-c07'].map((name) => hostFacts(name, log, LIVE))));
    expect(faults).toHaveLength(2);
  });
});

describe('truncating', () => {
  const log = [grown(UUID, 3 * GIB)];

  test.each([
    [
      'a process writes at its own position',
      { openFiles: [openFile(UUID, true, 1), openFile(UUID, false, 2)] },
      '(pid 2) has it open without O_APPEND',
    ],
    [
      'its flags are unknown',
      { openFiles: [{ pid: 3, descriptor: 1, path: consoleFile(UUID, 0).path, isDeleted: false }] },
      "it isn't known whether a process (pid 3) appends",
    ],
    ['its writers are unknown', { openFiles: undefined }, "writers couldn't be read"],
    [
      'it is not configured',
      { truncation: { allowed: false, because: 'NOT CONFIGURED' } },
      'would help, but NOT CONFIGURED',
    ],
  ] as const)('is not offered if %s, and the reason is said', (_, known, because) => {
    const { openFiles, ...host } = hostFacts('cmp-c07', log, LIVE);
    const changed = { ...host, ...(openFiles && { openFiles }), ...known } as HostFacts;
    const { offers, text } = report(factsOf([changed]));
    expect(offers).toEqual([]);
    expect(text).toContain(because);
  });

  test('is offered if no process has it open, or all append', () => {
    const reader = { ...openFile(UUID, false, 3), program: 'tail', isReadOnly: true };
    for (const openFiles of [
      [],
      [openFile(UUID, true)],
      [openFile(UUID, true), reader],
      [openFile(UUID, true), openFile(OTHER, false)],
    ])
      expect(oneHost(log, { openFiles }).offers).toHaveLength(1);
  });
});

test('many on one host are no more than a screen, the worst first', () => {
  const folders = Array.from({ length: 40 }, (_, at) => `${UUID.slice(0, -2)}${at + 10}`);
  const logs = folders.map((folder, at) => grown(folder, (at + 1) * 150 * MIB));
  const { findings, verdict } = diagnose(factsOf([hostFacts('cmp-c07', logs)]), {}, NOW);
  expect(findings).toHaveLength(9);
  expect(findings[0]?.target).toBe(`cmp-c07:${folders.at(-1)}`);
  expect(findings.at(-1)?.targets).toHaveLength(32);
  expect(verdict).toContain('39 others are large');
});
