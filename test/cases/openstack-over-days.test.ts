import { expect, test } from 'vitest';
import { check as consoles } from '../../commands/cloud/consoles/check.ts';
import { check as images } from '../../commands/cloud/images/check.ts';
import { check as records } from '../../commands/cloud/records/check.ts';
import { check as services } from '../../commands/cloud/services/check.ts';
import { check as health } from '../../commands/rabbit/health/check.ts';
import { brokerSource } from '../../commands/shared/fixture-brokers.ts';
import { databaseSource } from '../../commands/shared/fixture-databases.ts';
import { cloudSource, hostSource, type StoredHost } from '../../commands/shared/fixture-hosts.ts';
import { type ports, SourceError } from '../../commands/kit.ts';
import { digestOver, newsOf } from './digest-days.ts';

/** Digests over days of an OpenStack cloud: one fault is one fault, while its counts, sizes and ages change. */

const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-11-20T00:00:00Z');
const atHour = (hour: number) => new Date(START_MS + hour * HOUR_MS);
const hourOf = (now: Date) => (now.getTime() - START_MS) / HOUR_MS;

const CHECKS = {
  'cloud/consoles': consoles,
  'cloud/images': images,
  'cloud/records': records,
  'cloud/services': services,
  'rabbit/health': health,
} as const;

async function newsAbout(
  name: keyof typeof CHECKS,
  hours: number,
  worldAt: (hour: number, now: Date) => Partial<ports.Readers>,
): Promise<readonly string[]> {
  const runs = await digestOver({
    check: CHECKS[name],
    name,
    at: Array.from({ length: hours }, (_, hour) => atHour(hour)),
    read: (now) => worldAt(hourOf(now), now),
  });
  return newsOf(runs);
}

const INSTANCES = '/var/lib/nova/instances';
const DISK = { path: '/', device: '/dev/sda1', type: 'ext4', totalBytes: 4e12 };
const noResponse = (source: string) => new SourceError(source, 'unreachable', 'no response within 10 s');

function consoleLog(id: string, bytes: number): ports.HostFileSize {
  return {
    path: `${INSTANCES}/${id}/console.log`,
    bytes,
    diskBytes: bytes,
    modifiedAt: new Date(START_MS),
  };
}

const CHATTY = '0000000a-0d0a-4be3-9a2b-1b9f6d7e5501';

test('a console log that grows for days is one fault, also while its host doesn’t respond, until it is truncated', async () => {
  const news = await newsAbout('cloud/consoles', 60, (hour, now) => {
    const bytes = hour < 48 ? 150_000_000 + hour * 5_000_000 : 0;
    const host: StoredHost = {
      name: 'cmp-1',
      mounts: [{ ...DISK, freeBytes: 3e12 }],
      files: { 'console-logs': [consoleLog(CHATTY, bytes)] },
    };
    return {
      hosts: [
        hostSource({
          name: 'compute',
          now,
          hosts: [
            hour === 20 ? { name: 'cmp-1', error: noResponse('compute') } : host,
            { name: 'cmp-2', mounts: [{ ...DISK, freeBytes: 3e12 }] },
          ],
        }),
      ],
      cloud: [cloudSource({ name: 'openstack', servers: [{ id: CHATTY, name: 'chatty', host: 'cmp-1' }] })],
    };
  });
  expect(news).toEqual([`22T00:00 gone warning console-log-large cmp-1:${CHATTY}`]);
});

test('a log on shared storage is one fault, of the host that writes it, whichever hosts respond', async () => {
  const shared = {
    path: INSTANCES,
    device: 'nas1:/export/nova',
    type: 'nfs4',
    freeBytes: 3e12,
    totalBytes: 4e12,
  };
  const writer: ports.OpenFile = {
    path: consoleLog(CHATTY, 0).path,
    pid: 11,
    descriptor: 3,
    isAppendOnly: true,
    isDeleted: false,
  };
  const news = await newsAbout('cloud/consoles', 12, (hour, now) => ({
    hosts: [
      hostSource({
        name: 'compute',
        now,
        hosts: ['cmp-1', 'cmp-2', 'cmp-3'].map((name) =>
          hour % 4 === 3 && name === 'cmp-1'
            ? { name, error: noResponse('compute') }
            : {
                name,
                mounts: [DISK, shared],
                files: { 'console-logs': [consoleLog(CHATTY, 150_000_000 + hour * 1_000_000)] },
                openFiles: { 'console-logs': name === 'cmp-2' ? [writer] : [] },
              },
        ),
      }),
    ],
  }));
  expect(news).toEqual([]);
});

test('a queue that no one reads is one fault while it grows, pauses and grows again, and until it is purged', async () => {
  const news = await newsAbout('rabbit/health', 60, (hour) => {
    const messages = hour < 50 ? 20_000 + hour * 300 : 3;
    const node = {
      name: 'rabbit@ctl-1',
      isRunning: true,
      partitions: [],
      hasMemoryAlarm: false,
      hasDiskAlarm: false,
    };
    return {
      brokers: [
        brokerSource({
          name: 'rabbitmq',
          endpoints: [
            {
              url: 'http://ctl-1:15672',
              overview: { node: node.name, version: '3.10.8', hasStatistics: true, queues: 1 },
              nodes: [node],
              queues: [
                {
                  vhost: '/',
                  name: 'versioned_notifications.info',
                  type: 'classic',
                  state: 'running',
                  node: node.name,
                  messages,
                  messageBytes: messages * 3_000,
                  consumers: 0,
                  // Rates of a few seconds: most of the time, none is published.
                  messagesPerSecond: hour % 3 === 0 ? 0.4 : 0,
                },
              ],
            },
          ],
        }),
      ],
    };
  });
  expect(news).toEqual(['22T02:00 gone warning queue-unread /:versioned_notifications.info']);
});

test('a compute that is down for days is one fault, and again if it was up in between', async () => {
  const news = await newsAbout('cloud/services', 50, (hour, now) => {
    const isUp = hour >= 30 && hour < 33;
    const report = (host: string, up: boolean, downSince: number): ports.CloudService => ({
      id: `id-${host}`,
      binary: 'nova-compute',
      host,
      isUp: up,
      isEnabled: true,
      isForcedDown: false,
      updatedAt: up ? new Date(now.getTime() - 5_000) : atHour(downSince),
    });
    return {
      cloud: [
        cloudSource({
          name: 'openstack',
          services: [
            report('cmp-1', isUp, hour < 30 ? -1 : 33),
            ...['cmp-2', 'cmp-3', 'cmp-4'].map((host) => report(host, true, 0)),
            { ...report('ctl-1', true, 0), binary: 'nova-conductor' },
          ],
        }),
      ],
    };
  });
  expect(news).toEqual([
    '21T06:00 gone critical compute-down cmp-1',
    '21T09:00 appeared critical compute-down cmp-1',
  ]);
});

test('too many soft-deleted records are one fault while they grow, while the counts time out, and after an archive that isn’t enough', async () => {
  const news = await newsAbout('cloud/records', 72, (hour, now) => {
    const softDeleted = hour < 40 ? 80_000 + hour * 20 : 60_000;
    return {
      databases: [
        databaseSource({
          name: 'nova-db',
          now,
          cells: {
            nova: {
              tables: [{ table: 'instances', rows: 90_000 + hour, bytes: 1e9 }],
              ...(hour !== 20 && {
                instances: { softDeleted, live: 4_000, olderThanYear: 10, deletedBefore: 30_000 },
              }),
            },
          },
        }),
      ],
    };
  });
  expect(news).toEqual([]);
});

test('a missing base image is one fault while hosts come and go, and gone some runs after it is restored, as one host is always missing', async () => {
  const base = `${INSTANCES}/_base/78e4f8d3c6b1a5e2f9078e4f8d3c6b1a5e2f9078`;
  const shared = {
    path: INSTANCES,
    device: 'nas1:/export/nova',
    type: 'nfs4',
    freeBytes: 3e12,
    totalBytes: 4e12,
  };
  const news = await newsAbout('cloud/images', 30, (hour, now) => ({
    hosts: [
      hostSource({
        name: 'compute',
        now,
        hosts: ['cmp-1', 'cmp-2', 'cmp-3'].map((name, at): StoredHost =>
          hour % 3 === at
            ? { name, error: noResponse('compute') }
            : {
                name,
                mounts: [DISK, shared],
                disks: [
                  {
                    instance: CHATTY,
                    path: `${INSTANCES}/${CHATTY}/disk`,
                    format: 'qcow2',
                    backingPath: base,
                  },
                ],
                fileStates: hour < 20 ? [] : [{ path: base, state: 'present', bytes: 1e9, modifiedAt: now }],
                novaSettings: [
                  {
                    file: '/etc/nova/nova.conf',
                    line: 3,
                    section: 'image_cache',
                    key: 'remove_unused_base_images',
                    value: 'False',
                  },
                ],
                computeNodes: ['cmp-1', 'cmp-2', 'cmp-3'].map((host) => ({
                  host,
                  at: new Date(now.getTime() - 60_000),
                })),
              },
        ),
      }),
    ],
    cloud: [
      cloudSource({
        name: 'openstack',
        servers: [{ id: CHATTY, name: 'chatty', host: 'cmp-2', status: 'ACTIVE', image: 'i-1' }],
      }),
    ],
  }));
  expect(news).toEqual([`20T22:00 gone critical base-image-missing ${CHATTY}`]);
});
