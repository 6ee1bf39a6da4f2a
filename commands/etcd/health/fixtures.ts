import type { ports } from '../../kit.ts';
import { type Fixture, keyValueSource, membersOf } from '../../shared/fixture-sources.ts';

const now = new Date('2026-02-20T07:00:00Z');
const MAIN = ['n1', 'n2', 'n3'];
const EVENTS = ['e1', 'e2', 'e3'];

/** The endpoints of a cluster behind a load balancer. */
function withBalancer(members: ports.StoreMembers): ports.StoreMembers {
  const balancer = members.endpoints
    .slice(0, 1)
    .map((one) => ({ ...one, address: 'balancer.example.com:2379' }));
  return { ...members, endpoints: [...members.endpoints, ...balancer] };
}

const answeredOtherwise: Fixture['answeredOtherwise'] = [
  {
    answer: /reports no memberId/,
    because: 'the address is that of a member',
  },
  {
    answer: /reports no quotaBytes/,
    because: 'members of a cluster have one quota, and the lowest that any of them reports is used',
  },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'two healthy clusters',
    status: 'clear',
    now,
    read: () => ({
      keyValue: [
        keyValueSource({ name: 'main', members: withBalancer(membersOf(MAIN)), now }),
        keyValueSource({ name: 'events', members: membersOf(EVENTS), now }),
      ],
    }),
    answeredOtherwise: [
      ...answeredOtherwise,
      {
        answer: /(status|health|member list) of \w+ is denied/,
        because: 'other responses of the member, or the lists of the others, show the same; a note says so',
      },
      {
        answer: /alarm list of .* is denied/,
        because: 'an alarm is in the status of a member too, and makes it unhealthy; a note says so',
      },
    ],
  },
  {
    title: 'one of two clusters is almost full',
    status: 'found',
    now,
    read: () => ({
      keyValue: [
        keyValueSource({ name: 'main', members: membersOf(MAIN), now }),
        keyValueSource({
          name: 'events',
          members: membersOf(EVENTS, { e2: { dbSizeBytes: 2_100_000_000, dbInUseBytes: 2_090_000_000 } }),
          now,
        }),
      ],
    }),
    answeredOtherwise,
  },
];
