import type { ports } from '../../kit.ts';
import { databaseSource } from '../../shared/fixture-databases.ts';
import { hostSource } from '../../shared/fixture-hosts.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import { instances, table } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');

const SLOW: ports.LogLine = {
  text: 'GET /v2.1/servers/detail?all_tenants=1&deleted=true status: 200 len: 88211033 time: 41.7',
};

/** Two regions, each with its database and its controllers. */
function environment(inA: ports.InstanceCounts, shadowRows: number): Partial<ports.Readers> {
  return {
    databases: [
      databaseSource({
        name: 'region-a',
        now,
        cells: {
          nova: {
            tables: [table('instances', 9_000), table('shadow_instances', 41_000)],
            instances: inA,
            metadata: { rows: 180_000, markedDeleted: 300 },
          },
          nova_cell0: { tables: [table('instances', 20)], instances: instances(12, 4) },
        },
      }),
      databaseSource({
        name: 'region-b',
        now,
        cells: {
          nova: {
            tables: [table('instances', 5_000), table('shadow_instances', shadowRows)],
            instances: instances(700, 4_100),
          },
        },
      }),
    ],
    hosts: [
      hostSource({
        name: 'control-a',
        now,
        hosts: [{ name: 'control-a-1', logs: { 'slow-requests': [SLOW] } }],
      }),
      hostSource({ name: 'control-b', now, hosts: [{ name: 'control-b-1' }] }),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  {
    title: 'few instances are soft-deleted',
    status: 'clear',
    now,
    read: () => environment(instances(900, 4_500), 41_000),
    answeredOtherwise: [
      {
        answer: /\.logLines\(.* archive-job\)/,
        because: 'the counts show how many there are; a log of a job that could not be read is a note',
      },
    ],
  },
  {
    title: 'most instances are soft-deleted, and many were archived',
    status: 'found',
    now,
    read: () => environment(instances(74_000, 4_500, { olderThanYear: 30_000 }), 2_600_000),
    answeredOtherwise: [
      {
        answer: /\.logLines\(.* is missing/,
        because: 'not every host has these logs; they only say more about a finding',
      },
    ],
  },
];
