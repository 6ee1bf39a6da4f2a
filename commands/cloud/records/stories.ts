import type { Story } from '../../kit.ts';
import { archivingFacts, cellFacts, instances, recordFacts, RULES, table } from './builders.ts';
import type { Facts } from './facts.ts';

const havanaDay = new Date('2014-01-10T09:20:00Z');

/** Searches of the EC2 API read the records of deleted instances too. Nothing had ever been archived. */
export const havanaHauntedByTheDead: Story<Facts> = {
  title: 'Requests take over two minutes, because they search the records of 300,000 deleted instances',
  source:
    '"Havana Haunted by the Dead" in https://github.com/openstack/openstack-manuals/blob/2603dc85e537086638648d7d31884df285029614/doc/ops-guide/source/app_crypt.rst',
  now: havanaDay,
  facts: recordFacts(
    havanaDay,
    [
      cellFacts('nova', {
        tables: [
          table('instances', 291_408),
          table('instance_system_metadata', 1_020_311),
          table('instance_faults', 84_002),
          table('shadow_instances', 0),
        ],
        counts: instances(302_118, 1_140, {
          olderThanYear: 187_003,
          oldestDeletedAt: new Date('2012-03-02T07:41:10Z'),
          deletedBefore: 280_540,
        }),
        metadata: { rows: 1_048_092, markedDeleted: 3_811 },
      }),
    ],
    {
      archiving: archivingFacts(havanaDay, { by: { ...RULES, source: 'controllers' } }),
      logs: {
        slowRequests: [
          'GET /services/Cloud?AWSAccessKeyId=x&Action=RunInstances&ImageId=ami-00000001 HTTP/1.1" status: 200 len: 1109 time: 138.5970151',
        ],
      },
      earlier: [5, 4, 3, 2, 1].map((days) => ({
        cell: 'nova',
        softDeleted: 302_118 - 610 * days,
        live: 1_140,
        at: new Date(havanaDay.getTime() - days * 86_400_000),
      })),
    },
  ),
};

const nightlyDay = new Date('2021-04-12T08:00:00Z');

/** Exit code 1 of `archive_deleted_rows` means that rows were archived. */
export const archivedButNeverPurged: Story<Facts> = {
  title: 'A nightly job that archives records looks like a failure, and the shadow tables only grow',
  source:
    'https://lists.openstack.org/pipermail/openstack-discuss/2019-November/010652.html, and https://docs.openstack.org/nova/latest/cli/nova-manage.html#db-archive-deleted-rows',
  now: nightlyDay,
  facts: recordFacts(
    nightlyDay,
    [
      cellFacts('nova', {
        tables: [
          table('instances', 4_120),
          table('shadow_instances', 1_610_233, 1_503_238_553),
          table('shadow_instance_system_metadata', 30_411_870, 8_697_308_774),
          table('shadow_instance_extra', 1_611_004, 19_971_597_926),
        ],
        counts: instances(1_022, 3_204, {
          oldestDeletedAt: new Date('2021-01-13T02:00:03Z'),
          deletedBefore: 0,
        }),
      }),
      cellFacts('nova_cell0', { counts: instances(14, 3) }),
    ],
    {
      logs: {
        archiveJob: [
          'nova-archive.service: Main process exited, code=exited, status=1/FAILURE',
          '| instances                    | 57 |',
          '| instance_system_metadata     | 1083 |',
        ].map((text) => ({ host: 'ctl-2', text })),
      },
    },
  ),
};
