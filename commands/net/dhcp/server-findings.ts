import { type Finding, wording } from '../../kit.ts';
import { steps } from '../../shared/evidence.ts';
import type { Described } from './client-findings.ts';
import type { Client } from './clients.ts';
import { timeOf } from './evidence.ts';
import type { ServerEvent } from './facts.ts';
import type { Round } from './rounds.ts';
import { hostOf } from './servers.ts';

/** A client that renews hasn't sent DISCOVER right before. */
const AFTER_OFFER_MS = 60_000;
const FORGOTTEN = /lease not found/;
/** dnsmasq logs why a configured address can't be used right before it logs the message of the client. */
const SAME_MESSAGE_MS = 2_000;
const SECOND_MS = 1_000;

interface Renewal {
  readonly client: Client;
  readonly round: Round;
  /** The acknowledgement that followed, if any. */
  readonly recovered?: Round;
}

/** A server that restarted without its leases refuses renewals of clients that it doesn't know any more. */
export function findForgottenLeases(
  clients: readonly Client[],
  { servers, now }: Described,
): readonly Finding<never>[] {
  const byServer = Map.groupBy(
    clients.flatMap((client) => client.rounds.map((round, index) => ({ client, round, index }))),
    ({ round }) => `${round.by.host} ${round.by.link}`,
  );
  return [...byServer].flatMap(([server, all]): readonly Finding<never>[] => {
    const refused = all.filter(({ round }) => isForgotten(round));
    if (refused.length === 0) return [];
    const firstRefused =
      refused.map(({ round }) => round.at).toSorted((a, b) => a.getTime() - b.getTime())[0] ?? now;
    const start = servers.startsOf(server).findLast((at) => at <= firstRefused);
    const since = start ?? firstRefused;
    const firsts = firstRenewals(all.filter(({ round }) => round.at >= since));
    const forgotten = firsts.filter(({ round }) => isForgotten(round));
    const isForgetful = start
      ? forgotten.length * 2 >= firsts.length || forgotten.length > 2
      : forgotten.length > 1;
    if (forgotten.length === 0 || !isForgetful) return [];
    const back = forgotten.filter(({ recovered }) => recovered);
    const same = back.filter(({ recovered, round }) => recovered?.address === round.address);
    const lost = forgotten.length - back.length;
    const share = `${forgotten.length} of ${wording.count(firsts.length, 'renewal')} got "lease not found"`;
    const happened = start
      ? `${hostOf(server)}'s DHCP server restarted at ${timeOf(start, now)} and forgot its leases: ${share}`
      : `${hostOf(server)}'s DHCP server has forgotten leases: ${share}`;
    return [
      {
        reason: 'leases-forgotten',
        severity: 'warning',
        target: servers.nameOf(server),
        summary: `${happened}; ${returned(back.length, same.length, lost)}. Keep its lease file across restarts`,
        evidence: [
          {
            kind: 'table',
            columns: ['Client', 'Refused', 'Address again'],
            rows: forgotten.map(({ client, round, recovered }) => [
              client.name,
              timeOf(round.at, now),
              recovered ? timeOf(recovered.at, now) : 'no',
            ]),
          },
          ...steps([
            ...(lost > 0 ? ["Check the clients that haven't come back"] : []),
            'Run a DHCP agent that loads the lease file when dnsmasq starts (https://bugs.launchpad.net/neutron/+bug/1345947)',
          ]),
        ],
      },
    ];
  });
}

function isForgotten({ outcome, reason = '' }: Round): boolean {
  return outcome === 'refused' && FORGOTTEN.test(reason);
}

/** The first request of each client that isn't the answer to an offer. */
function firstRenewals(
  rounds: readonly { readonly client: Client; readonly round: Round; readonly index: number }[],
): readonly Renewal[] {
  const firsts = new Map<Client, Renewal>();
  for (const { client, round, index } of rounds) {
    const previous = client.rounds[index - 1];
    const isAfterOffer =
      previous?.asked === 'DISCOVER' && round.at.getTime() - previous.at.getTime() <= AFTER_OFFER_MS;
    if (round.asked !== 'REQUEST' || isAfterOffer || firsts.has(client)) continue;
    const recovered = client.rounds.slice(index + 1).find(({ outcome }) => outcome === 'acknowledged');
    firsts.set(client, { client, round, ...(recovered && { recovered }) });
  }
  return [...firsts.values()];
}

function returned(back: number, same: number, lost: number): string {
  const clients = wording.count(back, 'client');
  const address = same === back ? (back === 1 ? 'its address' : 'the same address') : 'an address';
  const came = back === 0 ? '' : `${clients} came back with ${address}`;
  const missing = lost === 0 ? '' : `${lost} ${lost === 1 ? "hasn't" : "haven't"} come back`;
  return [came, missing].filter(Boolean).join(', ');
}

/** A server without an address for its clients, by the reason. */
export function findExhaustedPools(
  clients: readonly Client[],
  { facts, servers, now }: Described,
): readonly Finding<never>[] {
  const refused = clients.flatMap((client) => {
    const rounds = client.rounds.filter(({ outcome }) => outcome === 'no address');
    return rounds.length > 0 ? [{ client, rounds, isWithout: client.state.is === 'without address' }] : [];
  });
  const groups = Map.groupBy(refused, ({ rounds }) => {
    const [{ by }] = rounds as [Round, ...Round[]];
    return `${by.host} ${by.link}`;
  });
  return [...groups].flatMap(([server, group]): readonly Finding<never>[] => {
    const without = group.filter(({ isWithout }) => isWithout);
    const taken = group.flatMap(({ client, rounds }) =>
      reservedElsewhere(facts.events, rounds).map((event) => ({ client, event })),
    );
    const isStatic = servers.isStaticOnly(server);
    // On a network that others share, such a server refuses every machine that isn't its client.
    const isExpected = ({ client }: { readonly client: Client }) =>
      !isStatic || taken.length > 0 || facts.ports.some(({ mac }) => mac === client.mac);
    const severity = without.some(isExpected) && facts.areAllServersRead ? 'critical' : 'warning';
    const [start] = group.flatMap(({ rounds }) => rounds).toSorted((a, b) => a.at.getTime() - b.at.getTime());
    const since = start ? ` since ${timeOf(start.at, now)}` : '';
    const name = servers.nameOf(server);
    const who = wording.count(group.length, 'client');
    const state =
      without.length === 0
        ? `${group.length === 1 ? 'it has' : 'all have'} an address now`
        : without.length === group.length
          ? group.length === 1
            ? 'it has no address'
            : 'none of them has an address'
          : `${without.length} still ${without.length === 1 ? 'has' : 'have'} none`;
    const [cause, step, reason] =
      taken.length > 0 && taken.length >= group.length
        ? [
            'their reserved addresses are taken',
            'Release the lease of the other client, or reserve another address',
            'reserved-address-taken',
          ]
        : isStatic
          ? [
              'it gives addresses only to clients that it knows, and has none for these',
              "Check whether the ports exist and the server's hosts file has them",
              'client-not-configured',
            ]
          : ['its pool has no free address', 'Free or add addresses', 'pool-exhausted'];
    return [
      {
        reason,
        severity,
        target: name,
        targets: [...new Set(group.map(({ client }) => client.name))],
        summary: `${name} has refused ${who}${since}: ${group.length === 1 ? cause.replace('their reserved addresses are', 'its reserved address is').replace('these', 'it') : cause}; ${state}. ${step}`,
        evidence: [
          {
            kind: 'table',
            columns: ['Client', 'Refused', 'Last', 'Reason'],
            rows: group.map(({ client, rounds }) => {
              const last = rounds.at(-1);
              const other = taken.find((one) => one.client === client)?.event;
              return [
                client.name,
                wording.count(rounds.length, 'time'),
                last ? timeOf(last.at, now) : '',
                other ? `${other.address} ${other.because}` : (last?.reason ?? ''),
              ];
            }),
          },
        ],
      },
    ];
  });
}

type AddressTaken = Extract<ServerEvent, { readonly kind: 'address-taken' }>;

function reservedElsewhere(
  events: readonly ServerEvent[],
  rounds: readonly Round[],
): readonly AddressTaken[] {
  const taken = events.filter((one): one is AddressTaken => one.kind === 'address-taken');
  return rounds
    .flatMap(({ by }) =>
      taken.filter(
        ({ at, host, pid }) =>
          host === by.host && pid === by.pid && Math.abs(at.getTime() - by.at.getTime()) <= SAME_MESSAGE_MS,
      ),
    )
    .slice(-1);
}

/** A client that got another address, because the one that is configured for it was taken. */
export function findReservedElsewhere(
  clients: readonly Client[],
  { facts, now }: Described,
): readonly Finding<never>[] {
  const taken = facts.events.filter((one): one is AddressTaken => one.kind === 'address-taken');
  if (taken.length === 0) return [];
  const bySecond = Map.groupBy(
    clients.flatMap((client) => client.rounds.map(({ by, outcome }) => ({ client, by, outcome }))),
    ({ by }) => secondOf(by, by.at.getTime()),
  );
  const found = new Map<Client, AddressTaken>();
  for (const event of taken) {
    const atMs = event.at.getTime();
    const next = [0, SECOND_MS].flatMap((laterMs) => bySecond.get(secondOf(event, atMs + laterMs)) ?? []);
    const offers = next.filter(({ outcome }) => outcome === 'offered');
    // The event names no client: it is known only if no other sent something at that time.
    const [offer, ...others] = new Set(next.map(({ client }) => client)).size === 1 ? offers : [];
    if (offer && others.length === 0 && offer.by.address !== event.address) found.set(offer.client, event);
  }
  return [...found].flatMap(([client, { address, because }]): readonly Finding<never>[] => {
    const given = client.rounds.findLast(({ outcome }) => outcome === 'acknowledged');
    if (!given || given.address === address) return [];
    return [
      {
        reason: 'reserved-address-taken',
        severity: 'warning',
        target: client.name,
        summary: `${client.name} got this address at ${timeOf(given.at, now)} instead of ${address}, which is configured for it: ${because}. Release the lease of the other client, or reserve another address`,
      },
    ];
  });
}

function secondOf({ host, pid }: Pick<ServerEvent, 'host' | 'pid'>, ms: number): string {
  return `${host} ${pid} ${Math.floor(ms / SECOND_MS)}`;
}
