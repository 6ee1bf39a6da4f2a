import type { ports } from '../../kit.ts';
import { type Fixture, instanceOf, processSource } from '../../shared/fixture-sources.ts';

const now = new Date('2016-12-06T19:42:26Z');

/** A director with two deployments, and monit on two machines, one of which has `metron` in this state. */
function environment(metron: ports.RunningProcess['state']): Partial<ports.Readers> {
  return {
    processes: [
      processSource('bosh', 'director', [
        {
          name: 'cf',
          version: 'cf/245',
          instances: [
            instanceOf('router_z1/0', { gorouter: 'running', metron_agent: metron }),
            instanceOf('router_z2/0', { gorouter: 'running', metron_agent: 'running' }),
            instanceOf('uaa_z1/0', { uaa: 'running', metron_agent: 'running' }),
          ],
        },
        { name: 'redis', instances: [instanceOf('redis/0', { redis: 'running' })] },
      ]),
      processSource('monit', 'host', [
        {
          name: 'monit',
          instances: [
            instanceOf('db/0', { postgres: 'running' }),
            instanceOf('db/1', { postgres: 'running' }),
          ],
        },
      ]),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  { title: 'everything is running', status: 'clear', now, read: () => environment('running') },
  { title: 'metron_agent is down on one router', status: 'found', now, read: () => environment('failing') },
];
