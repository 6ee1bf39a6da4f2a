import { type Evidence, type Finding, wording } from '../../kit.ts';
import { field, steps } from '../../shared/evidence.ts';
import { type Client, isUndecidedWithoutAllServers, tellingRounds } from './clients.ts';
import {
  conversationTable,
  instanceOf,
  isInstance,
  likelyCauses,
  overTime,
  portEvidence,
  timeOf,
} from './evidence.ts';
import type { Facts } from './facts.ts';
import type { DeafClient, RefusedClient } from './judge.ts';
import type { Round } from './rounds.ts';
import { hostOf, type Servers } from './servers.ts';

/** What a finding needs to be described. */
export interface Described {
  readonly facts: Facts;
  readonly servers: Servers;
  readonly now: Date;
}

export const TRACE =
  'Find where the replies get lost: run `tcpdump -ni any port 67 or port 68` on the host of the server and on that of the client';

/** Clients with one fault at one server are one finding. */
export function perServer(
  clients: readonly Client[],
  { servers }: Described,
  find: (clients: readonly [Client, ...Client[]], server: string) => Finding<never>,
): readonly Finding<never>[] {
  const groups = Map.groupBy(clients, ({ server }) => servers.nameOf(server));
  return [...groups].map(([server, group]) => find(group as [Client, ...Client[]], server));
}

/** The client if it is the only one, else the network of the server that they have in common. */
export function targetOf(
  clients: readonly [Client, ...Client[]],
  server: string,
): Pick<Finding, 'target' | 'targets'> {
  return clients.length === 1
    ? { target: clients[0].name }
    : { target: server, targets: [...new Set(clients.map(({ name }) => name))] };
}

type InState<S extends Client['state']> = Client & { readonly state: S };

export function inState<S extends Client['state']['is']>(clients: readonly Client[], is: S) {
  return clients.filter(
    (one): one is InState<Extract<Client['state'], { readonly is: S }>> => one.state.is === is,
  );
}

export function findUnheardReplies(
  clients: readonly Client[],
  described: Described,
): readonly Finding<never>[] {
  const deaf = inState(clients, 'not receiving').filter(
    (one) => described.facts.areAllServersRead || !isUndecidedWithoutAllServers(one),
  );
  const isGuess = ({ mac, state: { guess } }: (typeof deaf)[number]) =>
    guess === 'perhaps a network boot' ? !isInstance(mac, described.facts) : guess !== undefined;
  const proven = deaf.filter((one) => !isGuess(one));
  const guessed = deaf.filter(isGuess);
  return [
    ...perServer(proven, described, (group, server) => describeDeaf(group, server, described)),
    ...KINDS_OF_GUESS.flatMap((guess) =>
      perServer(
        guessed.filter(({ state }) => state.guess === guess),
        described,
        (group, server) => describeGuess(group, server, described),
      ),
    ),
  ];
}

function describeDeaf(
  group: readonly [Client, ...Client[]],
  server: string,
  { facts, servers, now }: Described,
): Finding<never> {
  const [first] = group;
  const since = group
    .map(({ state }) => firstSign(state as DeafClient))
    .reduce((earliest, at) => (at < earliest ? at : earliest));
  const host = hostOf(first.server);
  const renew = group.every(({ mac }) => isInstance(mac, facts))
    ? 'Hard reboot the instance or detach and attach its port'
    : 'Restart its network interface';
  const next = steps([
    TRACE,
    'If replies arrive with a wrong checksum, add a rule that fills it in (iptables -t mangle, target CHECKSUM --checksum-fill, UDP to port 68), or turn off checksum offload on that path',
    renew,
  ]);
  const common = {
    reason: 'replies-not-received',
    severity: 'critical',
    ...targetOf(group, server),
  } as const;
  if (group.length > 1)
    return {
      ...common,
      summary: `${wording.count(group.length, 'client')} of ${server} don't receive its DHCP replies: ${host} responds, and they ask again, since ${timeOf(since, now)}. Check the path from ${host} back to them`,
      evidence: [
        deafTable(group, now),
        ...likelyCauses(first, facts, servers.networkOf(first.server)),
        ...next,
      ],
    };
  const state = first.state as DeafClient;
  return {
    ...common,
    summary: `${first.name} doesn't receive DHCP replies: ${host} ${whatHappened(state)}, since ${timeOf(since, now)}. Check the path from ${host} back to it`,
    evidence: [
      ...portEvidence(first, facts),
      ...likelyCauses(first, facts, servers.networkOf(first.server)),
      ...leaseEvidence(first),
      conversationTable([...state.requests, ...state.offers], now),
      ...next,
    ],
  };
}

function whatHappened({ requests, offers, hadAddress }: DeafClient): string {
  if (requests.length === 0)
    return `made ${overTime(offers.length, 'offer', offers)}, and none was taken up${hadAddress ? ' although the client had an address before' : ''}`;
  const answered = `answered ${overTime(requests.length, 'request', requests)}`;
  return offers.length === 0
    ? `${answered}, and it asked again each time`
    : `${answered}, then ${offers.length} ${offers.length === 1 ? 'offer was' : 'offers were'} not taken up`;
}

function firstSign({ requests, offers }: DeafClient): Date {
  const [first] = [...requests, ...offers] as [Round, ...Round[]];
  return first.at;
}

/** Why the requests are too frequent. */
function leaseEvidence({ renewMs, state }: Client) {
  return renewMs === undefined || state.is !== 'not receiving' || state.requests.length === 0
    ? []
    : [field('Expected', `a client that receives the reply renews after ${wording.period(renewMs)}`)];
}

const GUESSES: Readonly<Record<NonNullable<DeafClient['guess']>, string>> = {
  'judged by its shape': "Or it renews this often: its renewal time isn't known for sure",
  'perhaps a probe': "Or it is a monitoring tool that never takes an offer: the interval doesn't grow",
  'perhaps a network boot':
    'Or it is firmware that tries to boot from the network, whose 4 attempts look like this',
};

const KINDS_OF_GUESS = Object.keys(GUESSES) as readonly (keyof typeof GUESSES)[];

function describeGuess(
  group: readonly [Client, ...Client[]],
  server: string,
  { facts, now }: Described,
): Finding<never> {
  const [first] = group;
  const state = first.state as DeafClient;
  const guess = GUESSES[state.guess ?? 'judged by its shape'];
  const common = {
    reason: 'replies-perhaps-not-received',
    severity: 'warning',
    ...targetOf(group, server),
  } as const;
  if (group.length > 1)
    return {
      ...common,
      summary: `${wording.count(group.length, 'client')} of ${server} may not receive DHCP replies: they ask again although it responds. ${guess}. Check whether they have addresses`,
      evidence: [deafTable(group, now)],
    };
  return {
    ...common,
    summary: `${first.name} may not receive DHCP replies: ${hostOf(first.server)} ${whatHappened(state)}. ${guess}. Check whether it has an address`,
    evidence: [...portEvidence(first, facts), conversationTable([...state.requests, ...state.offers], now)],
  };
}

function deafTable(group: readonly Client[], now: Date): Evidence {
  return {
    kind: 'table',
    columns: ['Client', 'Answered requests', 'Offers not taken', 'Since'],
    rows: group.map(({ name, state }) => {
      const { requests, offers } = state as DeafClient;
      return [
        name,
        String(requests.length),
        String(offers.length),
        timeOf(firstSign(state as DeafClient), now),
      ];
    }),
  };
}

export function findRefusals(clients: readonly Client[], described: Described): readonly Finding<never>[] {
  const refused = inState(clients, 'refused').filter(
    ({ mac, state }) => !isOtherNetworkOnce(state) || described.facts.ports.some((port) => port.mac === mac),
  );
  const of = (isLoop: boolean) => refused.filter(({ state }) => state.isLoop === isLoop && !state.hasAddress);
  return [
    ...perServer(of(false), described, (group, server) => describeSilent(group, server, described)),
    ...perServer(of(true), described, (group, server) => describeLoop(group, server, described)),
    ...refused.filter(({ state }) => state.hasAddress).map((one) => describeRepeated(one, described)),
  ];
}

/** Any machine that is connected for a moment is refused once, and so is the client of another server on the same link. A port of the cloud is neither. */
function isOtherNetworkOnce({ rounds, isLoop }: RefusedClient): boolean {
  return !isLoop && rounds.every(({ reason = '' }) => /wrong network/.test(reason));
}

function describeSilent(
  group: readonly [Client, ...Client[]],
  server: string,
  { facts, now }: Described,
): Finding<never> {
  const [first] = group;
  const { rounds } = first.state as RefusedClient;
  const last = rounds.at(-1);
  const reason = last?.reason === undefined ? '' : ` ("${last.reason}")`;
  const port = facts.ports.find(({ mac }) => mac === first.mac);
  const power = port && instanceOf(port, facts)?.power;
  const isOff = group.length === 1 && power !== undefined && power !== 'running';
  const common = {
    reason: 'refused-and-silent',
    severity: isOff ? 'info' : 'critical',
    ...targetOf(group, server),
  } as const;
  if (group.length > 1)
    return {
      ...common,
      summary: `${server} refused ${wording.count(group.length, 'client')} with DHCPNAK, and they haven't come back: they have no address. Check each on its console`,
      evidence: [
        {
          kind: 'table',
          columns: ['Client', 'Refused', 'Reason'],
          rows: group.map(({ name, state }) => {
            const refusal = (state as RefusedClient).rounds.at(-1);
            return [name, refusal ? timeOf(refusal.at, now) : '', refusal?.reason ?? ''];
          }),
        },
      ],
    };
  const at = last ? timeOf(last.at, now) : '';
  const since = first.rounds.at(-1) === last ? 'has been silent since' : "hasn't got an address since";
  return {
    ...common,
    summary: isOff
      ? `${first.name} was refused with DHCPNAK${reason} at ${at}; its instance is ${power}`
      : `${first.name} was refused with DHCPNAK${reason} at ${at} and ${since}: it has dropped its address. Check its DHCP client on the console`,
    evidence: [...portEvidence(first, facts), conversationTable(first.rounds.slice(-4), now)],
  };
}

function describeLoop(
  group: readonly [Client, ...Client[]],
  server: string,
  { facts, now }: Described,
): Finding<never> {
  const [first] = group;
  const { rounds } = first.state as RefusedClient;
  const reasons = [
    ...new Set(
      group.flatMap(({ state }) => (state as RefusedClient).rounds.flatMap(({ reason }) => reason ?? [])),
    ),
  ];
  const why = reasons.length === 0 ? '' : ` (${wording.list(reasons.map((reason) => `"${reason}"`))})`;
  const [start] = rounds;
  const who = group.length === 1 ? first.name : `${group.length} clients`;
  return {
    reason: 'refused-repeatedly',
    severity: 'critical',
    ...targetOf(group, server),
    summary: `${server} repeatedly refuses ${who}${why}${start ? ` since ${timeOf(start.at, now)}` : ''}. Compare the server's hosts and ranges with the address that is asked for`,
    evidence: [
      ...(group.length === 1 ? portEvidence(first, facts) : []),
      conversationTable(tellingRounds(group), now),
    ],
  };
}

function describeRepeated(client: Client, { now }: Described): Finding<never> {
  const { rounds } = client.state as RefusedClient;
  return {
    reason: 'refused-in-between',
    severity: 'warning',
    target: client.name,
    summary: `${client.name} was refused ${rounds.length} times and got an address again after each. Check whether two servers of its network disagree`,
    evidence: [conversationTable(rounds, now)],
  };
}
