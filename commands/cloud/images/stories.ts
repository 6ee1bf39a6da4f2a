import type { Story } from '../../kit.ts';
import {
  baseNamed,
  compute,
  diskOn,
  factsOf,
  hostFacts,
  hoursAgo,
  instance,
  missing,
  NFS,
  present,
  ROOT_DISK,
  settings,
  stamps,
  XFS,
} from './builders.ts';
import type { Facts } from './facts.ts';

const GUIDE =
  'https://github.com/openstack/openstack-manuals/blob/2603dc85e537086638648d7d31884df285029614/doc/ops-guide/source/app_crypt.rst, "Disappearing Images"; the default: https://bugs.launchpad.net/nova/+bug/1029674';
const SHARED_FATE = 'https://kultsinuppeli.silvrback.com/shared-fate';
const SNAPSHOT = '7b4783508212f5d242cbf9ff56fb8d33b4ce6166';

const CUSTOMER = '5a1f6c0e-2d40-4c8b-9f7a-1c1e2b3a4d51';
const OTHERS = ['8c2e7d10-3e51-4d9c-8a6b-2d2f3c4b5e62', '9d3f8e21-4f62-4eac-9b7c-3e3f4d5c6f73'] as const;
const DAIR = { ...NFS, device: 'nas:/dair/instances', type: 'nfs' };
const dairNow = new Date('2012-12-20T02:00:00Z');

/** The hosts share a folder, and the only one that used a snapshot was at the manufacturer for repair. */
export const disappearingImages: Story<Facts> = {
  title: 'A compute node was down for two days, and another one deleted the base image of its instance',
  source: GUIDE,
  now: dairNow,
  facts: factsOf(
    [
      hostFacts('dair-ua-c03', {
        mounts: [ROOT_DISK, DAIR],
        settings: settings(['DEFAULT', 'instances_path', '/var/lib/nova/instances']),
        stamps: stamps({
          'dair-ua-c03': hoursAgo(0.2, dairNow),
          'dair-ua-c04': hoursAgo(0.4, dairNow),
          'dair-ua-c05': hoursAgo(45, dairNow),
        }),
        disks: [
          diskOn(CUSTOMER, baseNamed(`${SNAPSHOT}_10`)),
          ...OTHERS.map((id) => diskOn(id, baseNamed('f3b0c44298fc1c149afbf4c8996fb92427ae41e4'))),
        ],
        states: [
          missing(baseNamed(`${SNAPSHOT}_10`)),
          present(baseNamed('f3b0c44298fc1c149afbf4c8996fb92427ae41e4'), hoursAgo(0.3, dairNow)),
        ],
      }),
      hostFacts('dair-ua-c04', { mounts: [ROOT_DISK, DAIR], settings: settings() }),
    ],
    {
      instances: [
        instance(CUSTOMER, {
          name: 'experiment-3',
          user: 'u-lab',
          project: 'p-lab',
          host: 'dair-ua-c05',
          status: 'SHUTOFF',
          image: 'c0a80a10-0d0b-4f6e-9c3a-51b2f0d9e8a7',
        }),
        ...OTHERS.map((id) => instance(id, { host: 'dair-ua-c04' })),
      ],
      services: [compute('dair-ua-c03', true), compute('dair-ua-c04', true), compute('dair-ua-c05', false)],
      removals: [
        {
          host: 'dair-ua-c03',
          path: baseNamed(`${SNAPSHOT}_10`),
          at: new Date('2012-12-19T12:10:59Z'),
        },
      ],
      images: new Map([['c0a80a10-0d0b-4f6e-9c3a-51b2f0d9e8a7', 'deleted']]),
    },
  ),
};

const SOON = new Date('2026-03-14T09:00:00Z');
const LONELY = '0b5d7f10-93c4-4f3f-a9d7-3f1d2e4c0a11';
const DOWN_HOURS = 43;

/** The same, some hours before: nothing is lost yet. */
export const aboutToDisappear: Story<Facts> = {
  title:
    'A compute node has been down for 43 hours, and the base images of its instances will be removed next',
  source: `${SHARED_FATE}; the rules: https://opendev.org/openstack/nova/src/branch/master/nova/virt/storage_users.py`,
  now: SOON,
  facts: factsOf(
    [
      hostFacts('cn-1', {
        mounts: [ROOT_DISK, NFS],
        settings: settings(['image_cache', 'manager_interval', '2400']),
        stamps: stamps({ 'cn-1': hoursAgo(0.5, SOON), 'cn-2': hoursAgo(DOWN_HOURS, SOON) }),
        disks: [diskOn(LONELY, baseNamed('a94a8fe5ccb19ba61c4c0873d391e987982fbbd3'))],
        states: [
          present(baseNamed('a94a8fe5ccb19ba61c4c0873d391e987982fbbd3'), hoursAgo(DOWN_HOURS - 23.6, SOON)),
        ],
      }),
    ],
    {
      instances: [instance(LONELY, { name: 'ledger', user: 'u-fin', project: 'p-fin', host: 'cn-2' })],
      services: [compute('cn-1', true), compute('cn-2', false)],
    },
  ),
};

const RUNNING = '3d6a1c22-58e0-4b3a-8d1f-7a9e0c4b2f15';
const DELETED_BASE = baseNamed('de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3');

/** On a local disk, the process keeps the file. */
export const stillOpen: Story<Facts> = {
  title: 'Someone cleaned up `_base` on a local disk, and the instance still runs',
  source:
    'https://bugs.launchpad.net/nova/+bug/1029674; the file stays until the last process closes it: https://man7.org/linux/man-pages/man2/unlink.2.html',
  now: SOON,
  facts: factsOf(
    [
      hostFacts('cn-7', {
        mounts: [
          ROOT_DISK,
          XFS,
          { path: '/srv', device: '/dev/sdb1', type: 'ext4', freeBytes: 900_000_000_000 },
        ],
        settings: settings(),
        disks: [diskOn(RUNNING, DELETED_BASE)],
        states: [missing(DELETED_BASE)],
        rescue: { allowed: true, folder: '/srv/rescue' },
      }),
    ],
    {
      instances: [
        instance(RUNNING, {
          name: 'build-cache',
          user: 'u-ci',
          project: 'p-ci',
          host: 'cn-7',
          instanceName: 'instance-0000003f',
        }),
      ],
      openFiles: [
        {
          on: 'cn-7',
          pid: 4711,
          program: 'qemu-system-x86',
          descriptor: 14,
          path: DELETED_BASE,
          isDeleted: true,
          bytes: 2_361_393_152,
        },
      ],
      copies: [{ on: 'cn-7', name: 'de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3' }],
    },
  ),
};

const UNSHELVED = '71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e10';

/** What looks alike and is healthy. */
export const basesAsTheyShouldBe: Story<Facts> = {
  title: 'An unshelved instance, a raw disk and an instance on a volume',
  source: 'https://bugs.launchpad.net/nova/+bug/1732428',
  now: SOON,
  facts: factsOf(
    [
      hostFacts('cn-9', {
        settings: settings(),
        disks: [
          diskOn(UNSHELVED, baseNamed('296319fe9caa5c4a878d2fa26a115b58cadb351b')),
          diskOn('71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e11', undefined),
        ],
        states: [present(baseNamed('296319fe9caa5c4a878d2fa26a115b58cadb351b'), hoursAgo(0.4, SOON))],
      }),
    ],
    {
      instances: [
        instance(UNSHELVED, { host: 'cn-9' }),
        instance('71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e11', { host: 'cn-9' }),
        {
          id: '71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e12',
          server: {
            id: '71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e12',
            name: 'on-volume',
            status: 'ACTIVE',
            host: 'cn-9',
          },
        },
      ],
      listedHosts: ['cn-9'],
    },
  ),
};
