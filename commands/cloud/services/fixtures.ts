import type { ports } from '../../kit.ts';
import { brokerSource } from '../../shared/fixture-brokers.ts';
import { cloudSource, hostSource } from '../../shared/fixture-hosts.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import { compute, controllers } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');
const FRESH = '2026-11-26T11:59:51Z';

function environment(
  inEast: readonly ports.CloudService[],
  inWest: readonly ports.CloudService[],
): Partial<ports.Readers> {
  const serviceChanges = { allowed: true } as const;
  const reports = [
    { at: now, host: 'east-1', text: 'Lost connection to nova-conductor for reporting service status.' },
  ];
  return {
    cloud: [
      cloudSource({ name: 'east', services: inEast, serviceChanges }),
      cloudSource({ name: 'west', services: inWest, serviceChanges }),
    ],
    brokers: ['rabbit-east', 'rabbit-west'].map((name) =>
      brokerSource({
        name,
        endpoints: [
          {
            url: `https://${name}:15671`,
            alarms: name === 'rabbit-east' ? [{ node: 'rabbit@ctl-2', resource: 'memory' }] : [],
          },
        ],
      }),
    ),
    hosts: [
      hostSource({
        name: 'east-hosts',
        now,
        hosts: [{ name: 'east-1', logs: { 'service-reports': reports } }],
      }),
      hostSource({ name: 'west-hosts', now, hosts: [{ name: 'west-1' }] }),
    ],
  };
}

const computes = (cloud: string, known: Partial<ports.CloudService> = {}, at = FRESH) =>
  [1, 2, 3].map((number) => compute(`${cloud}-${number}`, at, known));

export const fixtures: readonly Fixture[] = [
  {
    title: 'everything is up',
    status: 'clear',
    now,
    read: () =>
      environment(
        [...controllers(2, FRESH), ...computes('east')],
        [...controllers(1, FRESH), ...computes('west')],
      ),
  },
  {
    title: 'all computes of one cloud stopped together, and one of another',
    status: 'found',
    now,
    read: () =>
      environment(
        [...controllers(2, FRESH), ...computes('east', { isUp: false }, '2026-11-26T11:41:00Z')],
        [
          ...controllers(1, FRESH),
          ...computes('west').slice(1),
          compute('west-1', '2026-11-26T11:20:00Z', { isUp: false }),
          compute('west-4', FRESH, {
            isEnabled: false,
            disabledReason: 'wrench m0123456789abcdef: nova-compute is down',
          }),
        ],
      ),
  },
];
