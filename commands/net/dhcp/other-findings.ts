import { type Finding, wording } from '../../kit.ts';
import { steps } from '../../shared/evidence.ts';
import { type Described, inState, perServer, targetOf, TRACE } from './client-findings.ts';
import { type Client, isUndecidedWithoutAllServers, tellingRounds } from './clients.ts';
import { conversationTable, portEvidence, timeOf } from './evidence.ts';
import { hostOf } from './servers.ts';

/** Servers log it if they are authoritative: https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html (dhcp-authoritative). */
function describeServedElsewhere(
  group: readonly [Client, ...Client[]],
  server: string,
  { facts, now }: Described,
): Finding<never> {
  const [first] = group;
  const addresses = new Set(
    group.flatMap(({ state }) =>
      ('rounds' in state ? state.rounds : []).flatMap(({ address }) => address ?? []),
    ),
  );
  const who = group.length === 1 ? first.name : `${group.length} clients of ${server}`;
  const asked =
    addresses.size === 1 ? [...addresses][0] : wording.count(addresses.size, 'address', 'addresses');
  return {
    reason: 'other-server-chosen',
    severity: 'warning',
    ...targetOf(group, server),
    summary: `${who} took the offer of another DHCP server, whose log was not read, and asked for ${asked}. Find that server and check whether it belongs to this network`,
    evidence: [
      ...(group.length === 1 ? portEvidence(first, facts) : []),
      conversationTable(group.length === 1 ? first.rounds.slice(-4) : tellingRounds(group), now),
      ...steps([
        'Find the address and the MAC address of that server: run `tcpdump -eni any port 67 or port 68` on a host of the network',
        'Find its port by that MAC address',
      ]),
    ],
  };
}

export function findOthers(clients: readonly Client[], described: Described): readonly Finding<never>[] {
  const { facts, now } = described;
  const unanswered = inState(clients, 'unanswered').filter(
    (one) => facts.areAllServersRead || !isUndecidedWithoutAllServers(one),
  );
  return [
    ...perServer(unanswered, described, (group, server) => {
      const rounds = group.flatMap(({ state }) => ('rounds' in state ? state.rounds : []));
      const [start] = rounds.toSorted((a, b) => a.at.getTime() - b.at.getTime());
      const who = group.length === 1 ? group[0].name : wording.count(group.length, 'client');
      return {
        reason: 'requests-not-answered',
        severity: 'critical',
        target: server,
        targets: [...new Set(group.map(({ name }) => name))],
        summary: `${server} doesn't respond to ${who}${start ? `, since ${timeOf(start.at, now)}` : ''}, although it logs the requests. Check the server: its range, its hosts and its process`,
        evidence: [conversationTable(tellingRounds(group), now)],
      };
    }),
    ...inState(clients, 'declining').map((client): Finding<never> => {
      const { rounds, isLoop } = client.state;
      const addresses = [...new Set(rounds.flatMap(({ address }) => address ?? []))];
      return {
        reason: 'address-in-use',
        severity: isLoop ? 'critical' : 'warning',
        target: client.name,
        summary: `${client.name} found ${addresses.length === 1 ? addresses[0] : wording.count(addresses.length, 'address', 'addresses')} in use and declined ${rounds.length === 1 ? 'it' : `${rounds.length} times`}. Find the other machine that uses the address`,
        evidence: [conversationTable(rounds, now)],
      };
    }),
    ...inState(clients, 'starting over').map((client): Finding<never> => ({
      reason: 'starting-over',
      severity: 'warning',
      target: client.name,
      summary: `${client.name} got an address ${client.state.rounds.length} times and starts over each time. Check on its console whether it reboots, or doesn't receive the last reply`,
      evidence: [conversationTable(client.rounds, now)],
    })),
    ...perServer(inState(clients, 'ignored'), described, (group, server) => ({
      reason: 'ignored-by-server',
      severity: group.some(({ mac }) => facts.ports.some((port) => port.mac === mac)) ? 'warning' : 'info',
      target: server,
      targets: [...new Set(group.map(({ name }) => name))],
      summary: `${server} ignores ${wording.count(group.length, 'client')} by its configuration. Check that this is intended`,
    })),
    ...perServer(
      inState(clients, 'served elsewhere').filter(() => facts.areAllServersRead),
      described,
      (group, server) => describeServedElsewhere(group, server, described),
    ),
    ...inState(clients, 'receiving late').map((client): Finding<never> => {
      const { renewals } = client.state;
      return {
        reason: 'replies-received-late',
        severity: 'warning',
        target: client.name,
        summary: `${client.name} repeated ${renewals.length} of its renewals although ${hostOf(client.server)} answered each request. Replies get lost until the client asks by broadcast: check the path from ${hostOf(client.server)} back to it`,
        evidence: [
          ...portEvidence(client, facts),
          conversationTable(renewals.slice(-2).flat(), now),
          ...steps([TRACE]),
        ],
      };
    }),
  ];
}
