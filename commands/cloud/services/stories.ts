import type { Story } from '../../kit.ts';
import { compute, controllers, factsOf, service } from './builders.ts';
import type { Facts } from './facts.ts';

const DRIVER = 'https://opendev.org/openstack/nova/src/branch/master/nova/servicegroup/drivers/db.py';

/** 500 computes and one broker in alarm; here, 12. One of them was fenced days before. */
export const memoryAlarm: Story<Facts> = {
  title: 'A memory alarm in RabbitMQ blocks the reports of all computes',
  source: 'https://github.com/rabbitmq/rabbitmq-server/issues/3225',
  now: new Date('2021-07-27T10:30:00Z'),
  facts: factsOf(
    [
      ...controllers(3, '2021-07-27T10:29:54Z'),
      ...Array.from({ length: 11 }, (_, at) =>
        compute(`compute-${at + 1}`, `2021-07-27T10:12:${String(10 + (at % 9))}Z`, {
          isUp: false,
          ...(at === 4 && { isEnabled: false, disabledReason: 'ticket 812: replace a DIMM' }),
        }),
      ),
      compute('compute-12', '2021-07-24T08:00:00Z', {
        isUp: false,
        isEnabled: false,
        isForcedDown: true,
        disabledReason: 'fenced: no power',
      }),
    ],
    {
      alarms: [{ broker: 'rabbitmq', alarms: [{ node: 'rabbit@ctl-2', resource: 'memory' }] }],
      hosts: [
        {
          host: 'compute-3',
          sshName: 'compute-3',
          clockAheadMs: 12,
          reports: [
            'WARNING nova.servicegroup.drivers.db [-] Lost connection to nova-conductor for reporting service status.: oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID 77c1',
          ],
        },
      ],
    },
  ),
};

/** A conductor writes the time of the reports that it saves. One whose clock is ahead makes Nova call healthy computes down. */
export const clockAhead: Story<Facts> = {
  title: 'The clock of one conductor is ahead, and computes flap',
  source: DRIVER,
  now: new Date('2026-03-03T09:00:00Z'),
  facts: factsOf([
    service('nova-conductor', 'ctl-1', '2026-03-03T08:59:55Z'),
    service('nova-conductor', 'ctl-2', '2026-03-03T09:09:12Z', { isUp: false }),
    service('nova-scheduler', 'ctl-1', '2026-03-03T08:59:52Z'),
    compute('cmp-1', '2026-03-03T08:59:58Z'),
    compute('cmp-2', '2026-03-03T09:09:08Z', { isUp: false }),
    compute('cmp-3', '2026-03-03T08:59:51Z'),
    compute('cmp-4', '2026-03-03T09:09:10Z', { isUp: false }),
    compute('cmp-5', '2026-03-03T08:59:54Z'),
  ]),
};

/** Its bond lost its links, while the host and its instances ran on. */
export const oneComputeDown: Story<Facts> = {
  title: 'One compute stops reporting while its host runs',
  source:
    'https://github.com/openstack/openstack-manuals/blob/2603dc85e537086638648d7d31884df285029614/doc/ops-guide/source/app_crypt.rst, "The Valentine\'s Day Compute Node Massacre"',
  now: new Date('2013-02-14T23:20:00Z'),
  facts: factsOf(
    [
      ...controllers(2, '2013-02-14T23:19:55Z'),
      ...[34, 35, 36, 37].map((at) => compute(`server${at}`, '2013-02-14T23:19:52Z')),
      compute('server38', '2013-02-14T23:01:18Z', { isUp: false }),
      compute('server39', '2013-02-14T23:19:50Z', {
        isEnabled: false,
        disabledReason: 'wrench m0123456789abcdef: nova-compute is down',
      }),
    ],
    {
      hosts: [{ host: 'server38', sshName: 'server38', unreachable: 'racks: timed out', reports: [] }],
    },
  ),
};
