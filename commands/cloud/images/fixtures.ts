import type { ports } from '../../kit.ts';
import { cloudSource, hostSource, type StoredHost } from '../../shared/fixture-hosts.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import {
  baseNamed,
  compute,
  diskOn,
  hoursAgo,
  missing,
  NFS,
  NOW,
  present,
  ROOT_DISK,
  settings,
  stamps,
  XFS,
} from './builders.ts';

const IN_A = '0dd1e2f3-2424-4a4a-8b8b-cc00dd00ee01';
const IN_B = '0dd1e2f3-2424-4a4a-8b8b-cc00dd00ee02';
const ON_VOLUME = '0dd1e2f3-2424-4a4a-8b8b-cc00dd00ee03';
const BASE_A = baseNamed('a94a8fe5ccb19ba61c4c0873d391e987982fbbd3');
const BASE_B = baseNamed('de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3');
const IMAGE = '6f2d1a34-88c1-4c6e-9d0e-0f3b5e7a9c11';
const RESCUE = '/srv/rescue';

/** Two hosts of source A share a storage with a third one, which no source has. The only host of source B has its own disk. */
function environment(
  stateOfA: ports.FileState,
  stateOfB: ports.FileState,
  {
    silentHours,
    openInB = [],
  }: { readonly silentHours: number; readonly openInB?: readonly ports.OpenFile[] },
): Partial<ports.Readers> {
  const shared = (name: string): StoredHost => ({
    name,
    mounts: [ROOT_DISK, NFS],
    disks: [diskOn(IN_A, BASE_A)],
    fileStates: [stateOfA],
    novaSettings: settings(['image_cache', 'manager_interval', '2400']),
    computeNodes: stamps({
      'pool-a-1': hoursAgo(0.3),
      'pool-a-2': hoursAgo(0.4),
      'pool-a-3': hoursAgo(silentHours),
    }),
  });
  const ofB: StoredHost = {
    name: 'pool-b-1',
    mounts: [ROOT_DISK, XFS, { path: '/srv', device: '/dev/sdb1', type: 'ext4', freeBytes: 900_000_000_000 }],
    disks: [diskOn(IN_B, BASE_B)],
    fileStates: [stateOfB],
    novaSettings: settings(['image_cache', 'manager_interval', '2400']),
    openFiles: { 'image-cache': openInB },
  };
  return {
    hosts: [
      hostSource({ name: 'pool-a', now: NOW, hosts: [shared('pool-a-1'), shared('pool-a-2')] }),
      hostSource({
        name: 'pool-b',
        now: NOW,
        hosts: [ofB],
        allows: { rescue: { allowed: true, folder: RESCUE } },
      }),
    ],
    cloud: [
      cloudSource({
        name: 'region-a',
        servers: [
          {
            id: IN_A,
            name: 'vm-a',
            status: 'ACTIVE',
            host: 'pool-a-3',
            image: IMAGE,
            user: 'u-a',
            project: 'p-a',
          },
          { id: ON_VOLUME, name: 'vm-v', status: 'ACTIVE', host: 'pool-a-1' },
        ],
        services: [
          compute('pool-a-1', true),
          compute('pool-a-2', true),
          compute('pool-a-3', silentHours < 24),
        ],
        images: [{ id: IMAGE, status: 'active', isSnapshot: true, name: 'golden' }],
      }),
      cloudSource({
        name: 'region-b',
        servers: [{ id: IN_B, name: 'vm-b', status: 'ACTIVE', host: 'pool-b-1', image: IMAGE }],
        services: [compute('pool-b-1', true)],
      }),
    ],
  };
}

const sameStorage: NonNullable<Fixture['answeredOtherwise']> = [
  {
    answer: /(computeNodes\(pool-a-\d\) is (missing|malformed)|instanceDisks\(pool-a-\d\) is missing)/,
    because: 'the other host reads the same files',
  },
  {
    answer: /mounts\(pool-a-\d\) is missing/,
    because: 'the other host has read the storage, and its stamps name this host',
  },
  {
    answer: /fileStates\(pool-a-\d\)(: \S+ is unreadable| is missing)/,
    because: 'the other host sees the same files',
  },
];

const localDisk: NonNullable<Fixture['answeredOtherwise']> = [
  {
    answer: /novaSettings\(pool-b-1\) is missing/,
    because: 'on a local disk, a host removes no base image that its own instances need',
  },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'every base image exists, and all hosts report',
    status: 'clear',
    now: NOW,
    read: () =>
      environment(present(BASE_A, hoursAgo(0.3)), present(BASE_B, hoursAgo(0.3)), { silentHours: 0.4 }),
    answeredOtherwise: [
      ...sameStorage,
      ...localDisk,
      {
        answer: /clock\(pool-a-\d\) is missing/,
        because: 'the clock of the worker is used; a note says so',
      },
      {
        answer: /novaSettings\(pool-a-\d\) is missing/,
        because: 'all hosts report their instances, so that none of them removes what another one uses',
      },
      {
        answer: /\.servers\(.*\) is missing/,
        because: 'the disks of the instances were read; a note says that none are listed',
      },
    ],
  },
  {
    title: 'a base image was removed while its host was down, and one is still open',
    status: 'found',
    now: NOW,
    read: () =>
      environment(missing(BASE_A), missing(BASE_B), {
        silentHours: 51,
        openInB: [
          {
            pid: 4711,
            program: 'qemu-system-x86',
            descriptor: 14,
            path: BASE_B,
            isDeleted: true,
            bytes: 2_361_393_152,
          },
        ],
      }),
    answeredOtherwise: [
      ...sameStorage,
      ...localDisk,
      {
        answer: /services\(\): nova-compute on pool-[ab]-\d has no/,
        because: 'the stamps on the storage say whose instances are counted',
      },
      {
        answer: /\.(diskErrors|logLines)\(.* is missing/,
        because: 'it only explains what was found, and not every host has it',
      },
    ],
  },
];
