import type { ports } from '../../kit.ts';
import {
  type Fixture,
  instanceOf,
  keyValueSource,
  membersOf,
  processSource,
} from '../../shared/fixture-sources.ts';

const now = new Date('2016-12-06T19:42:26Z');
const ZONES = ['z1', 'z2', 'z3'] as const;
type Zone = (typeof ZONES)[number];

const addressOf = (zone: Zone) => `10.160.5${zone.slice(1)}.25`;

/** Two etcds, a director and the monits of some machines; the keys of `registered` in the first etcd. */
function environment(registered: readonly Zone[]): Partial<ports.Readers> {
  const keys = registered.map((zone) => [
    `/doppler/meta/${zone}/doppler_${zone}/0`,
    JSON.stringify({ version: 1, endpoints: [`udp://${addressOf(zone)}:3457`] }),
  ]);
  const emptied = ZONES.filter((zone) => !registered.includes(zone));
  const stoppedMetron = emptied.length > 0 ? 'unmonitored' : 'running';
  return {
    keyValue: [
      keyValueSource({
        name: 'etcd',
        keys: Object.fromEntries(keys),
        emptyDirectories: emptied.map((zone) => `/doppler/meta/${zone}/doppler_${zone}`),
        members: membersOf(['etcd_z1_0', 'etcd_z2_0', 'etcd_z3_0']),
        now,
      }),
      keyValueSource({ name: 'other', members: membersOf(['o1', 'o2', 'o3']), now }),
    ],
    processes: [
      processSource('bosh', 'director', [
        {
          name: 'cf',
          version: 'cf/245',
          instances: ZONES.map((zone) =>
            instanceOf(
              `doppler_${zone}/0`,
              { doppler: 'running', metron_agent: stoppedMetron },
              { zone, addresses: [addressOf(zone)] },
            ),
          ),
        },
        { name: 'redis', instances: [instanceOf('redis/0', { redis: 'running' })] },
      ]),
      processSource('monit', 'host', [
        { name: 'monit', instances: [instanceOf('router_z1/0', { metron_agent: stoppedMetron })] },
      ]),
    ],
  };
}

const answeredOtherwise: Fixture['answeredOtherwise'] = [
  {
    answer: /\b(alarm list|quorum read|member list) of \w+ is /,
    because: 'it is the same for all members, and the others report it',
  },
  {
    answer: /reports no memberId/,
    because: 'the address is that of a member',
  },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'every doppler is registered',
    status: 'clear',
    now,
    read: () => environment(ZONES),
    answeredOtherwise: [
      ...answeredOtherwise,
      {
        answer: /health of \w+ is denied/,
        because: 'whether it knows a leader is in its status; a note says so',
      },
      {
        answer: /alarm list of every member/,
        because: 'an alarm does not prevent writes of v2 keys; a note says so',
      },
      {
        answer: /member list of every member/,
        because: 'the keys are read with a quorum, whichever members it has; a note says so',
      },
      {
        answer: /^other\.tree\(.*\) is missing/,
        because: 'a cluster without a v2 API has no such keys; a note says so',
      },
    ],
  },
  {
    title: 'one doppler lost its key',
    status: 'found',
    now,
    read: () => environment(['z1', 'z3']),
    answeredOtherwise,
  },
];
