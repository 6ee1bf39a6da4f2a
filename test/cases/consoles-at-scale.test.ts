import { expect, test } from 'vitest';
import { check } from '../../commands/cloud/consoles/check.ts';
import { cloudSource, hostSource } from '../../commands/shared/fixture-hosts.ts';
import { type ports, SourceError } from '../../commands/kit.ts';
import { runCheck } from '../../src/check/run-check.ts';

/** 1,200 large console logs on 30 hosts. */

const now = new Date('2026-11-26T12:00:00Z');
const HOSTS = 30;
const LOGS = 40;

function logsOf(host: number): readonly ports.HostFileSize[] {
  return Array.from({ length: LOGS }, (_, at) => {
    const id = `${String(host * LOGS + at).padStart(8, '0')}-0d0a-4be3-9a2b-1b9f6d7e5501`;
    return {
      path: `/var/lib/nova/instances/${id}/console.log`,
      bytes: 200_000_000 + at,
      diskBytes: 200_000_000 + at,
      modifiedAt: now,
    };
  });
}

const hosts = hostSource({
  name: 'compute',
  now,
  hosts: Array.from({ length: HOSTS }, (_, host) => ({
    name: `cmp-${host}`,
    files: { 'console-logs': logsOf(host) },
    mounts: [{ path: '/', device: '/dev/sda1', type: 'ext4', freeBytes: 5e10, totalBytes: 1e11 }],
  })),
});

async function run(read: Partial<ports.Readers>) {
  const samples: unknown[] = [];
  const report = await runCheck(check, {
    check: 'cloud/consoles',
    environment: 'lab',
    args: {},
    now,
    read,
    onSamples: (all) => samples.push(...all),
    signal: new AbortController().signal,
    deadlineMs: 60_000,
  });
  return { report, samples };
}

test('what couldn’t be read of many hosts and instances is one note for each question', async () => {
  const denied = new SourceError('compute', 'refused', 'needs root');
  const { report } = await run({
    hosts: [
      {
        ...hosts,
        openFiles: async () => {
          throw denied;
        },
      },
    ],
    cloud: [
      {
        ...cloudSource({ name: 'openstack' }),
        server: async () => {
          throw new SourceError('openstack', 'refused', 'denied by the policy');
        },
      },
    ],
  });
  expect(report.status).toBe('found');
  expect(report.notes?.toSorted()).toEqual([
    "Couldn't read openstack: the owners of console logs (00000000-0d0a-4be3-9a2b-1b9f6d7e5501, 00000001-0d0a-4be3-9a2b-1b9f6d7e5501, 00000002-0d0a-4be3-9a2b-1b9f6d7e5501 and 1197 more): denied by the policy",
    "Couldn't read which processes write to console logs (cmp-0, cmp-1, cmp-10 and 27 more): needs root",
  ]);
});

test('logs that couldn’t be measured again are one gap for each host', async () => {
  const { report } = await run({
    hosts: [
      {
        ...hosts,
        fileGrowth: async (query) =>
          (await hosts.fileGrowth(query)).map(({ before, betweenMs }) => ({ before, betweenMs })),
      },
    ],
  });
  expect(report.gaps).toHaveLength(HOSTS);
  expect(report.gaps[0]).toMatchObject({ what: 'cmp-0: growth of 40 console logs', places: LOGS });
});

test('Nova is asked for a few owners at once, and the largest logs are remembered', async () => {
  let running = 0;
  let peak = 0;
  const { samples } = await run({
    hosts: [hosts],
    cloud: [
      {
        ...cloudSource({ name: 'openstack' }),
        server: async ({ id }) => {
          running += 1;
          peak = Math.max(peak, running);
          await Promise.resolve();
          running -= 1;
          return { id, name: `vm-${id.slice(0, 8)}` };
        },
      },
    ],
  });
  expect(peak).toBe(20);
  expect(samples).toHaveLength(500);
});
