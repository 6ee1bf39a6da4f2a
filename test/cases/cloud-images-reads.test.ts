import { describe, expect, test } from 'vitest';
import {
  baseNamed,
  compute,
  diskOn,
  hoursAgo,
  INSTANCES,
  missing,
  NFS,
  NOW,
  present,
  ROOT_DISK,
  settings,
  stamps,
  XFS,
} from '../../commands/cloud/images/builders.ts';
import { check } from '../../commands/cloud/images/check.ts';
import { cloudSource, hostSource, type StoredHost } from '../../commands/shared/fixture-hosts.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Cloud, CloudServer } from '../../src/ports/cloud.ts';
import type { Hosts } from '../../src/ports/hosts.ts';
import { SourceError } from '../../src/ports/source-error.ts';

/**
 * What `/cloud images` makes of answers that are there, and of those that are missing. The situations are from
 * https://kultsinuppeli.silvrback.com/shared-fate, https://bugs.launchpad.net/nova/+bug/1732428 and the help of `subdirectory_name` in
 * https://opendev.org/openstack/nova/src/branch/master/nova/conf/imagecache.py
 */

const BASE = baseNamed('78e4de707958b7d96ccaebe1061f35a7433fd491');
const RUNNER = '2b8f5d10-93c4-4f3f-a9d7-3f1d2e4c0a03';
const IMAGE = '6f2d1a34-88c1-4c6e-9d0e-0f3b5e7a9c11';

/** The question of which each fact of a host is the answer. */
const ANSWERS = {
  mounts: 'mounts',
  instanceDisks: 'disks',
  fileStates: 'fileStates',
  novaSettings: 'novaSettings',
  computeNodes: 'computeNodes',
  diskErrors: 'diskErrors',
  openFiles: 'openFiles',
  logLines: 'logs',
} as const satisfies Partial<Record<keyof Hosts, keyof StoredHost>>;

/** Hosts that can answer only what is given. */
function sparseHosts(hosts: readonly StoredHost[], change: Partial<Hosts> = {}): Hosts {
  const source = hostSource({ name: 'compute', now: NOW, hosts });
  const isKnown = (host: string, key: keyof StoredHost): boolean =>
    hosts.some((one) => one.name === host && (one.error ?? one[key]) !== undefined);
  const sparse = Object.fromEntries(
    Object.entries(ANSWERS).map(([method, key]) => [
      method,
      (query: { readonly host: string }): unknown => {
        if (isKnown(query.host, key))
          return (source[method as keyof typeof ANSWERS] as (asked: object) => unknown)(query);
        const error = new SourceError('compute', 'missing', `${method} is not installed`);
        if (method !== 'logLines') return Promise.reject(error);
        return (async function* () {
          yield await Promise.reject<never>(error);
        })();
      },
    ]),
  );
  return { ...source, ...(sparse as Partial<Hosts>), ...change };
}

/** A cloud that knows single instances, but lists none. */
function sparseCloud(
  known: Omit<Parameters<typeof cloudSource>[0], 'name'>,
  change: Partial<Cloud> = {},
): Cloud {
  const notFound = new SourceError('nova', 'missing', 'HTTP 404');
  return {
    ...cloudSource({ name: 'nova', ...known }),
    servers: async function* () {
      yield await Promise.reject<never>(notFound);
    },
    ...(known.services === undefined && { services: () => Promise.reject(notFound) }),
    ...change,
  };
}

async function ask(hosts: Hosts, cloud?: Cloud): Promise<Report & { readonly text: string }> {
  const report = await runCheck(check, {
    check: 'cloud/images',
    environment: 'case',
    args: {},
    now: NOW,
    read: { hosts: [hosts], ...(cloud && { cloud: [cloud] }) },
    signal: new AbortController().signal,
    deadlineMs: 30_000,
  });
  return { ...report, text: JSON.stringify(report) };
}

function faultsOf({ findings }: Report): readonly string[] {
  return findings.map(({ severity, target }) => `${severity} ${target}`);
}

function gapsOf({ gaps }: Report): readonly string[] {
  return gaps.map(({ what, because }) => `${what}: ${because}`);
}

const runner: CloudServer = {
  id: RUNNER,
  name: 'report-runner',
  status: 'ACTIVE',
  power: 'running',
  host: 'cmp-a03',
  image: IMAGE,
  user: 'u-reports-1',
  project: 'p-reports',
};

const services = [compute('cmp-a01', true), compute('cmp-a02', true), compute('cmp-a03', false)];

const lostOnNfs = (known: Partial<StoredHost> = {}): StoredHost => ({
  name: 'cmp-a01',
  mounts: [NFS],
  disks: [diskOn(RUNNER, BASE)],
  fileStates: [missing(BASE)],
  novaSettings: settings(['image_cache', 'manager_interval', '2400']),
  computeNodes: stamps({ 'cmp-a01': hoursAgo(0.2), 'cmp-a02': hoursAgo(0.5), 'cmp-a03': hoursAgo(51) }),
  logs: {
    'image-cache': [
      {
        at: new Date('2026-11-26T09:24:07Z'),
        text: `Removing base, swap or ephemeral file: ${BASE}`,
      },
      { at: new Date('2026-11-26T09:24:07Z'), text: `Removable base files: ${BASE}` },
    ],
  },
  ...known,
});

const silentHost: StoredHost = {
  name: 'cmp-a03',
  diskErrors: [
    {
      instanceName: 'instance-0000091c',
      at: new Date('2026-11-26T09:31:55Z'),
      text: "block I/O error in device 'drive-virtio-disk0': Stale file handle (116)",
    },
  ],
};

describe('a base image that another host removed from shared storage', () => {
  test('names who removed it and why, and that it cannot be read any more', async () => {
    const report = await ask(
      sparseHosts([lostOnNfs(), silentHost]),
      sparseCloud({ servers: [runner], services }),
    );
    expect(report.status).toBe('found');
    expect(faultsOf(report)).toEqual([`critical ${RUNNER}`, 'warning nova.conf [image_cache]']);
    for (const fact of [
      'report-runner (user u-reports-1, project p-reports)',
      'cmp-a01 removed it at 2026-11-26 09:24 UTC',
      'cmp-a03 last reported its instances 51 hours ago',
      'Stale file handle',
      `${IMAGE} no longer exists in Glance`,
      'not set, and True by default',
    ])
      expect(report.text).toContain(fact);
    // The file is on NFS: what a process has open there can't be read once another client has deleted it.
    expect(report.text).not.toMatch(/\/proc\/|rebase|download|reboot/i);
    expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
    // The silent host can't answer, and its storage was read on another host.
    expect(gapsOf(report)).toEqual([]);
  });

  test.each(['base', 'base or swap'])(
    'also if an older Nova logs that it removed a %s file',
    async (what) => {
      const at = new Date('2026-11-26T09:24:07Z');
      const logs = { 'image-cache': [{ at, text: `Removing ${what} file: ${BASE}` }] };
      const report = await ask(
        sparseHosts([lostOnNfs({ logs })]),
        sparseCloud({ servers: [runner], services }),
      );
      expect(report.text).toContain('cmp-a01 removed it at 2026-11-26 09:24 UTC');
    },
  );

  test('a process that still has it open on NFS is no rescue', async () => {
    const openFiles = {
      'image-cache': [
        {
          pid: 4711,
          program: 'qemu-system-x86',
          descriptor: 14,
          path: BASE,
          isDeleted: true,
          bytes: 21_474_836_480,
        },
      ],
    };
    const hosts = sparseHosts([lostOnNfs(), { ...silentHost, openFiles }], {
      rescue: { allowed: true, folder: '/srv/rescue' },
    });
    const report = await ask(hosts, sparseCloud({ servers: [runner], services }));
    expect(faultsOf(report)).toEqual([`critical ${RUNNER}`, 'warning nova.conf [image_cache]']);
    expect(report.text).not.toMatch(/\/proc\/|rescue/);
  });

  test('the log of QEMU counts only for the instance that it names', async () => {
    const named = { ...runner, instanceName: 'instance-00000077' };
    const report = await ask(
      sparseHosts([lostOnNfs(), silentHost]),
      sparseCloud({ servers: [named], services }),
    );
    expect(report.text).not.toContain('Stale file handle');
  });

  test('several instances on one base image are one finding', async () => {
    const other = '3c9a6e21-93c4-4f3f-a9d7-3f1d2e4c0a04';
    const host = lostOnNfs({ disks: [diskOn(RUNNER, BASE), diskOn(other, BASE)] });
    const report = await ask(
      sparseHosts([host, silentHost]),
      sparseCloud({ servers: [runner, { ...runner, id: other, name: 'other' }], services }),
    );
    expect(faultsOf(report)).toEqual([`critical ${BASE}`, 'warning nova.conf [image_cache]']);
    expect(report.findings[0]?.targets).toEqual([RUNNER, other]);
  });

  test('without a cloud, the stamps alone show it', async () => {
    const report = await ask(sparseHosts([lostOnNfs()]));
    expect(faultsOf(report)).toEqual([`critical ${RUNNER}`, 'warning nova.conf [image_cache]']);
  });

  test('an instance that was deleted meanwhile needs no base image', async () => {
    const host = lostOnNfs({ computeNodes: stamps({ 'cmp-a01': hoursAgo(0.2), 'cmp-a02': hoursAgo(0.5) }) });
    const report = await ask(
      sparseHosts([host]),
      sparseCloud({ servers: [], services: services.slice(0, 2) }),
    );
    expect([report.status, faultsOf(report)]).toEqual(['clear', []]);
    expect(report.notes?.join()).toContain(`${RUNNER} (unknown to Nova)`);
  });

  test('a base image that one host can see is not missing, and the difference is reported', async () => {
    const witness: StoredHost = {
      name: 'cmp-a02',
      mounts: [NFS],
      fileStates: [present(BASE, hoursAgo(0.2))],
    };
    const report = await ask(
      sparseHosts([lostOnNfs(), witness]),
      sparseCloud({ servers: [runner], services }),
    );
    expect(faultsOf(report)).toContain('warning nas1:/export/nova');
    expect(report.text).not.toContain('critical');
    expect(report.text).toContain("cmp-a01 can't see what cmp-a02 can");
  });

  test('a file that cannot be examined is unknown, not missing', async () => {
    const host = lostOnNfs({
      fileStates: [{ path: BASE, state: 'unreadable', error: 'Stale file handle' }],
      computeNodes: stamps({ 'cmp-a01': hoursAgo(0.2), 'cmp-a02': hoursAgo(0.5) }),
    });
    const report = await ask(sparseHosts([host]), sparseCloud({ servers: [runner], services: [] }));
    expect([report.status, faultsOf(report)]).toEqual(['unknown', []]);
    expect(gapsOf(report)).toEqual([`nas1:/export/nova: ${BASE}: Stale file handle`]);
  });
});

describe('a base image that exists', () => {
  const local = (known: Partial<StoredHost> = {}): StoredHost => ({
    name: 'cmp-b01',
    mounts: [XFS],
    disks: [
      diskOn('71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e13', BASE),
      diskOn('71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e14', undefined),
    ],
    fileStates: [present(BASE, hoursAgo(0.3))],
    ...known,
  });
  const on = (id: string, known: Partial<CloudServer> = {}): CloudServer => ({
    id: `71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e${id}`,
    name: `vm-${id}`,
    status: 'ACTIVE',
    host: 'cmp-b01',
    ...known,
  });
  const cloud = (servers: readonly CloudServer[]): Cloud => cloudSource({ name: 'nova', servers });

  test('is judged by the disk, not by the image of the instance; disks without one need none', async () => {
    const report = await ask(
      sparseHosts([local()]),
      cloud([
        on('13', { image: 'b7a4c0de-1f22-4d5b-8a77-2c9e6f010203' }),
        on('14', { image: IMAGE }),
        on('15'),
      ]),
    );
    expect([report.status, report.examined, faultsOf(report), gapsOf(report)]).toEqual(['clear', 3, [], []]);
    expect(report.notes).toBeUndefined();
  });

  test('an instance whose disk was not read is a gap', async () => {
    const report = await ask(
      sparseHosts([local()]),
      cloud([on('13', { image: IMAGE }), on('14', { image: IMAGE }), on('16', { image: IMAGE })]),
    );
    expect([report.status, gapsOf(report)]).toEqual([
      'unknown',
      [`cmp-b01: disks of vm-16: not in ${INSTANCES}`],
    ]);
  });

  test('instances on Ceph have no disk there', async () => {
    const rbd = local({
      disks: [],
      fileStates: [],
      novaSettings: settings(['libvirt', 'images_type', 'rbd']),
    });
    const report = await ask(sparseHosts([rbd]), cloud([on('16', { image: IMAGE })]));
    expect(report.status).toBe('clear');
  });

  test('a host without instances is only clear if a cloud lists none', async () => {
    const empty = local({ disks: [], fileStates: [] });
    expect((await ask(sparseHosts([empty]), cloud([]))).status).toBe('clear');
    expect((await ask(sparseHosts([empty]))).status).toBe('unknown');
    expect((await ask(sparseHosts([empty]), cloud([on('16', { image: IMAGE })]))).status).toBe('unknown');
  });

  test('a disk that could not be read is a gap', async () => {
    const broken = { path: `${INSTANCES}/x/disk`, instance: 'x', error: 'Permission denied' };
    const report = await ask(sparseHosts([local({ disks: [...(local().disks ?? []), broken] })]), cloud([]));
    expect([report.status, gapsOf(report)]).toEqual([
      'unknown',
      [`cmp-b01: ${INSTANCES}/x/disk: Permission denied`],
    ]);
  });

  test('instances in another folder are a gap', async () => {
    const elsewhere = local({ novaSettings: settings(['DEFAULT', 'instances_path', '/srv/nova']) });
    const report = await ask(sparseHosts([elsewhere]), cloud([]));
    expect(report.status).toBe('unknown');
    expect(gapsOf(report).join()).toContain('/srv/nova');
  });

  test('a local disk is not cleaned by other hosts, whatever their stamps say', async () => {
    const copied = local({
      novaSettings: settings(['image_cache', 'manager_interval', '2400']),
      computeNodes: stamps({ 'cmp-b01': hoursAgo(0.3), 'cmp-b09': hoursAgo(70) }),
    });
    const report = await ask(sparseHosts([copied]), cloud([]));
    expect([report.status, faultsOf(report)]).toEqual(['clear', []]);
  });

  test('a missing base image on a local disk is critical, unless the instance runs on another host', async () => {
    const lost = local({ fileStates: [missing(BASE)] });
    const here = cloud([on('13', { image: IMAGE })]);
    expect(faultsOf(await ask(sparseHosts([lost]), here))).toEqual([
      'critical 71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e13',
    ]);
    const other: StoredHost = { ...local(), name: 'cmp-b02' };
    const moved = cloud([on('13', { image: IMAGE, host: 'cmp-b02' })]);
    expect((await ask(sparseHosts([lost, other]), moved)).status).toBe('clear');
    // A host that isn't known may be this one under another name.
    const unknown = cloud([on('13', { image: IMAGE, host: 'rack-7.example' })]);
    const report = await ask(sparseHosts([lost]), {
      ...unknown,
      server: async () => on('13', { image: IMAGE, host: 'rack-7.example' }),
    });
    expect(faultsOf(report)).toEqual(['critical 71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e13']);
  });
});

describe('hosts with cache folders of their own on shared storage', () => {
  const PARKED = '0dd1e2f3-2424-4a4a-8b8b-cc00dd00ee24';
  const base = baseNamed('be28c84fa7931d2dc95ae70bb702062791f588e7', '_base_10.20.0.13');
  const parked: CloudServer = {
    id: PARKED,
    name: 'parked',
    status: 'SHUTOFF',
    host: 'cmp-n03',
    image: IMAGE,
  };
  const host = (folder: string, known: Partial<StoredHost> = {}): StoredHost => ({
    name: 'cmp-n01',
    mounts: [{ ...NFS, type: 'nfs' }],
    disks: [diskOn(PARKED, base)],
    fileStates: [present(base, hoursAgo(70))],
    novaSettings: settings(['DEFAULT', 'my_ip', '10.20.0.11'], ['image_cache', 'subdirectory_name', folder]),
    computeNodes: stamps({ 'cmp-n01': hoursAgo(0.2), 'cmp-n03': hoursAgo(70) }),
    ...known,
  });

  test.each(['_base_$my_ip', '_base_%(my_ip)s', '_base_$host'])('%s is safe', async (folder) => {
    const report = await ask(sparseHosts([host(folder)]), sparseCloud({ servers: [parked] }));
    expect([report.status, faultsOf(report), gapsOf(report)]).toEqual(['clear', [], []]);
  });

  test('a folder with a fixed name that all hosts clean is not', async () => {
    const fixed = sparseHosts([host('_base_10.20.0.13')]);
    const report = await ask(fixed, sparseCloud({ servers: [parked] }));
    expect(faultsOf(report)).toEqual(['critical cmp-n03', 'warning nova.conf [image_cache]']);
    expect(report.findings[0]?.targets).toEqual([PARKED]);
  });

  test('a base image in the folder of another host, which removes it, is at risk', async () => {
    const other = baseNamed('be28c84fa7931d2dc95ae70bb702062791f588e7', '_base_10.20.0.11');
    const report = await ask(
      sparseHosts([
        host('_base_$my_ip', {
          disks: [diskOn(PARKED, other)],
          fileStates: [present(other, hoursAgo(46.5))],
        }),
      ]),
      sparseCloud({ servers: [parked] }),
    );
    expect(faultsOf(report)).toContain('critical cmp-n03');
  });

  test('a host with its own folder is not named among those that clean a common one', async () => {
    const common: StoredHost = {
      name: 'cmp-n02',
      mounts: [NFS],
      novaSettings: settings(['image_cache', 'subdirectory_name', '_base']),
    };
    const report = await ask(sparseHosts([host('_base_$my_ip'), common]), sparseCloud({ servers: [parked] }));
    expect(report.findings.find(({ target }) => target.startsWith('nova.conf'))?.summary).toMatch(
      /^cmp-n02 removes/,
    );
  });
});

describe('shared storage without the file `compute_nodes`', () => {
  const base = baseNamed('78e4de707958b7d96ccaebe1061f35a7433fd491');
  const hosts = sparseHosts([
    {
      name: 'cmp-a01',
      mounts: [NFS],
      disks: [diskOn(RUNNER, base)],
      fileStates: [present(base, hoursAgo(30))],
      novaSettings: settings(['image_cache', 'manager_interval', '2400']),
    },
  ]);

  test('is clear if Nova says that all computes are up', async () => {
    const up = ['cmp-a01', 'cmp-a03'].map((name) => compute(name, true));
    expect((await ask(hosts, sparseCloud({ servers: [runner], services: up }))).status).toBe('clear');
  });

  test('is not clear if one of them is down, or nobody says so', async () => {
    const down = await ask(hosts, sparseCloud({ servers: [runner], services }));
    expect(faultsOf(down)).toEqual(['critical cmp-a03', 'warning nova.conf [image_cache]']);
    expect((await ask(hosts, sparseCloud({ servers: [runner] }))).status).toBe('unknown');
  });
});

describe('what a disk or a mount does not prove', () => {
  const base = baseNamed('78e4de707958b7d96ccaebe1061f35a7433fd491');
  const local = (known: Partial<StoredHost>): Hosts =>
    sparseHosts([{ name: 'cmp-a03', mounts: [ROOT_DISK, XFS], disks: [diskOn(RUNNER, base)], ...known }]);

  test.each(['raw', 'flat'])(
    'with images_type = %s, a guest may have written that it has a base image',
    async (type) => {
      const raw = local({
        fileStates: [missing(base)],
        novaSettings: settings(['libvirt', 'images_type', type]),
      });
      const report = await ask(raw, sparseCloud({ servers: [runner] }));
      expect([report.status, faultsOf(report)]).toEqual(['unknown', []]);
      expect(gapsOf(report).join()).toContain('guests can write');
    },
  );

  test('base images on shared storage are not safe because the instances are on local disks', async () => {
    const cache = { ...NFS, path: `${INSTANCES}/_base`, device: 'nas1:/base' };
    const known = { mounts: [ROOT_DISK, XFS, cache], fileStates: [present(base, hoursAgo(1))] };
    const cloud = sparseCloud({ servers: [runner] });
    const report = await ask(local(known), cloud);
    expect([report.status, gapsOf(report).join()]).toEqual([
      'unknown',
      expect.stringContaining('nas1:/base') as unknown,
    ]);
    const keeps = settings(['image_cache', 'remove_unused_base_images', 'False']);
    expect((await ask(local({ ...known, novaSettings: keeps }), cloud)).status).toBe('clear');
  });
});

describe('what is about to be removed', () => {
  const ledger: CloudServer = { ...runner, name: 'ledger' };
  const shared = (
    file: string,
    touchedHours: number,
    silentHours: number,
    known: Partial<StoredHost> = {},
  ) => {
    const base = baseNamed(file);
    return lostOnNfs({
      disks: [diskOn(RUNNER, base)],
      fileStates: [present(base, hoursAgo(touchedHours))],
      computeNodes: stamps({ 'cmp-a01': hoursAgo(0.2), 'cmp-a03': hoursAgo(silentHours) }),
      ...known,
    });
  };
  const original = '78e4de707958b7d96ccaebe1061f35a7433fd491';
  const cloud = sparseCloud({ servers: [ledger], services });

  test('an original is removed 24 hours after it was last counted', async () => {
    const soon = await ask(sparseHosts([shared(original, 21.5, 45.5)]), cloud);
    expect(faultsOf(soon)).toEqual(['critical cmp-a03', 'warning nova.conf [image_cache]']);
    expect(soon.text).toContain('after about 2026-11-26 14:30 UTC');
    const both = [baseNamed(original), baseNamed(`${original}_20`)];
    const several = await ask(
      sparseHosts([
        shared(original, 21.5, 45.5, {
          disks: both.map((path, at) => diskOn(RUNNER, path, `disk${at}`)),
          fileStates: both.map((path) => present(path, hoursAgo(21.5))),
        }),
      ]),
      cloud,
    );
    expect(several.findings[0]?.summary).toContain('will be removed, the first on the next pass of cmp-a01');
    const later = await ask(sparseHosts([shared(original, 6, 30)]), cloud);
    expect(faultsOf(later)).toEqual(['warning cmp-a03', 'warning nova.conf [image_cache]']);
  });

  test('a resized file one hour after', async () => {
    const report = await ask(sparseHosts([shared(`${original}_20`, 0.5, 24.6)]), cloud);
    expect(faultsOf(report)).toContain('critical cmp-a03');
    expect(report.text).toContain('after about 2026-11-26 12:30 UTC');
  });

  test('a host that is down, but counted for some hours more', async () => {
    const report = await ask(sparseHosts([shared(original, 0.3, 10)]), cloud);
    expect(faultsOf(report)).toEqual(['warning cmp-a03', 'warning nova.conf [image_cache]']);
    expect(report.text).toContain('after about 2026-11-28 02:00 UTC');
  });

  test('nothing, while Nova says that the host is up', async () => {
    const up = sparseCloud({
      servers: [ledger],
      services: [compute('cmp-a01', true), compute('cmp-a03', true)],
    });
    const report = await ask(sparseHosts([shared(original, 0.3, 10)]), up);
    expect(report.status).toBe('clear');
  });

  test('nothing that something still touches', async () => {
    const report = await ask(sparseHosts([shared(original, 0.3, 60)]), cloud);
    expect(faultsOf(report)).toEqual(['warning nova.conf [image_cache]']);
  });

  test('nothing that an instance on a host that reports uses too', async () => {
    const other = '3c9a6e21-93c4-4f3f-a9d7-3f1d2e4c0a04';
    const base = baseNamed(original);
    const both = shared(original, 21.5, 45.5, { disks: [diskOn(RUNNER, base), diskOn(other, base)] });
    const servers = [ledger, { ...ledger, id: other, host: 'cmp-a01' }];
    const report = await ask(sparseHosts([both]), sparseCloud({ servers, services }));
    expect(faultsOf(report)).toEqual(['warning nova.conf [image_cache]']);
  });

  test.each([
    ['remove_unused_base_images', 'False'],
    ['manager_interval', '-1'],
  ])('nothing with %s = %s', async (key, value) => {
    const off = shared(original, 21.5, 45.5, {
      novaSettings: settings(['image_cache', key, value]),
    });
    const report = await ask(sparseHosts([off]), cloud);
    expect([report.status, faultsOf(report)]).toEqual(['clear', []]);
  });

  test('but one host that removes is enough', async () => {
    const keeps = shared(original, 21.5, 45.5, {
      novaSettings: settings(['image_cache', 'remove_unused_base_images', 'False']),
      computeNodes: stamps({ 'cmp-a01': hoursAgo(0.2), 'cmp-a02': hoursAgo(0.2), 'cmp-a03': hoursAgo(45.5) }),
    });
    const removes: StoredHost = {
      name: 'cmp-a02',
      mounts: [NFS],
      novaSettings: settings(['image_cache', 'remove_unused_base_images', 'True']),
    };
    expect(faultsOf(await ask(sparseHosts([keeps, removes]), cloud))).toEqual([
      'critical cmp-a03',
      'warning nova.conf [image_cache]',
    ]);
    // Without an answer from the other host, it isn't known.
    const unread = await ask(sparseHosts([keeps]), cloud);
    expect([unread.status, gapsOf(unread).join()]).toEqual([
      'unknown',
      expect.stringContaining('settings of Nova on cmp-a02') as unknown,
    ]);
  });

  test('a file without the options has the defaults, which are only assumed for a host without a file', async () => {
    const hosts = sparseHosts([shared(original, 21.5, 45.5, { novaSettings: [] })]);
    expect(faultsOf(await ask(hosts, cloud))).toEqual([
      'critical cmp-a03',
      'warning nova.conf [image_cache]',
    ]);
    const assumed = await ask({ ...hosts, novaSettings: async () => undefined }, cloud);
    expect(faultsOf(assumed)).toEqual(['warning cmp-a03', 'warning nova.conf [image_cache]']);
    expect(assumed.text).toContain('assumed to be the defaults');
  });

  test('a host that was removed from Nova long ago needs nothing', async () => {
    const report = await ask(
      sparseHosts([shared(original, 0.3, 5_000)]),
      sparseCloud({ servers: [{ ...ledger, host: 'cmp-a01' }], services: [compute('cmp-a01', true)] }),
    );
    expect([report.status, faultsOf(report)]).toEqual(['clear', []]);
  });

  test('hosts that all report are in no danger, and a stamp in the future is noted', async () => {
    const report = await ask(sparseHosts([shared(original, 0.3, -5)]), cloud);
    expect(report.notes?.join()).toContain('cmp-a03 reported');
    expect(report.text).not.toContain('critical');
  });

  test('a clock that is ahead makes a host forget others sooner', async () => {
    const ahead = (
      await ask(
        sparseHosts([shared(original, 21.5, 20)], {
          clock: async () => ({ time: hoursAgo(-5), utcOffsetMinutes: 0 }),
        }),
        cloud,
      )
    ).text;
    expect(ahead).toContain('The clock of cmp-a01 is 5 hours ahead');
    expect(ahead).toContain('base-image-at-risk');
  });

  test('a corrupt file of stamps is a warning', async () => {
    const corrupt = sparseHosts([shared(original, 0.3, 1)], {
      computeNodes: () => Promise.reject(new SourceError('compute', 'malformed', 'invalid JSON')),
    });
    const report = await ask(
      corrupt,
      sparseCloud({ servers: [ledger], services: [compute('cmp-a01', true)] }),
    );
    expect(faultsOf(report)).toEqual(['warning nas1:/export/nova compute_nodes']);
  });

  test('shared storage whose settings could not be read is unknown', async () => {
    const { novaSettings: _, ...unread } = shared(original, 0.3, 0.4);
    const report = await ask(sparseHosts([unread]), cloud);
    expect([report.status, gapsOf(report)]).toEqual([
      'unknown',
      ['cmp-a01: settings of Nova: novaSettings is not installed'],
    ]);
  });

  test('a host that does not respond is a gap, and hides nothing', async () => {
    const error = new SourceError('compute', 'unreachable', 'no response');
    const report = await ask(sparseHosts([lostOnNfs(), { name: 'cmp-a02', error }]), cloud);
    expect(faultsOf(report)).toContain(`critical ${RUNNER}`);
    expect(gapsOf(report)).toEqual(['cmp-a02: no response']);
  });
});

test('the root file system is not mistaken for the storage', async () => {
  const report = await ask(sparseHosts([lostOnNfs({ mounts: [NFS, ROOT_DISK] })]));
  expect(report.text).toContain('nas1:/export/nova');
});
