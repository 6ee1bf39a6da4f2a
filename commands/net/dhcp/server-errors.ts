import { type Finding, wording } from '../../kit.ts';
import type { Described } from './client-findings.ts';
import type { Client } from './clients.ts';
import { timeOf } from './evidence.ts';
import type { ServerEvent } from './facts.ts';

/** How many clients must have gone silent together: a single one may have been shut down. */
const MIN_SILENT = 3;
/** A client renews a little later or earlier than others. */
const SPREAD = 1.5;

/** Requests from a network for which the server has no range are not about any client: it doesn't log who asked. */
export function findMissingRanges(
  clients: readonly Client[],
  { facts, now }: Described,
): readonly Finding<never>[] {
  const unranged = facts.events.filter((one) => one.kind === 'no-range');
  return [...Map.groupBy(unranged, ({ host, via }) => `${host} ${via}`)].map(([server, group]) => ({
    reason: 'no-address-range',
    severity: severityOf(server, clients),
    target: server,
    summary: `${server} has no address range for ${wording.count(group.length, 'request')} that it received since ${timeOf(group[0]?.at ?? now, now)}: the pool isn't full, the range is missing. Add the range of that network to the server, or exclude the link from it`,
  }));
}

/** Of servers that had clients. A network that was deleted looks the same. */
export function findStoppedServers(
  clients: readonly Client[],
  { servers, now }: Described,
): readonly Finding<never>[] {
  const served = clients.filter(({ rounds }) => rounds.some(({ outcome }) => outcome === 'acknowledged'));
  return [...Map.groupBy(served, ({ server }) => server)].flatMap(
    ([server, group]): readonly Finding<never>[] => {
      const at = servers.stoppedAt(server);
      return at
        ? [
            {
              reason: 'server-stopped',
              severity: 'warning',
              target: servers.nameOf(server),
              summary: `${servers.nameOf(server)}: the DHCP server stopped at ${timeOf(at, now)} and hasn't started again; it had ${wording.count(group.length, 'client')}. Check whether its network still exists, then its process`,
            },
          ]
        : [];
    },
  );
}

/** Its dnsmasq may still run, but nothing configures it: new ports get no address. */
export function findDeadAgents({ facts }: Described): readonly Finding<never>[] {
  const dead = facts.agents
    .filter(({ isAlive, isEnabled = true }) => isAlive === false && isEnabled)
    .map(({ host }) => host)
    .toSorted();
  return dead.map((host) => ({
    reason: 'agent-down',
    severity: 'warning',
    target: `DHCP agent on ${host}`,
    summary: `The DHCP agent on ${host} doesn't report to the cloud: its server doesn't learn about new ports. Check the agent's service and log on ${host}`,
  }));
}

/** Servers whose clients all had to renew, and of none of which anything was logged since. */
export function findSilentServers(
  clients: readonly Client[],
  { servers, now }: Described,
): readonly Finding<never>[] {
  return [...Map.groupBy(clients, ({ server }) => server)].flatMap(
    ([server, group]): readonly Finding<never>[] => {
      const silent = group.flatMap(({ renewMs, rounds }) => {
        const last = rounds.at(-1);
        // The lease has ended, which is twice the time of renewal.
        return last?.outcome === 'acknowledged' &&
          renewMs !== undefined &&
          now.getTime() - last.at.getTime() > 2 * renewMs
          ? [{ renewMs, at: last.at }]
          : [];
      });
      const [earliest] = silent.toSorted((a, b) => a.at.getTime() - b.at.getTime());
      const [latest] = silent.toSorted((a, b) => b.at.getTime() - a.at.getTime());
      const present = group.filter(({ rounds }) => rounds.at(-1)?.asked !== 'RELEASE');
      if (
        !earliest ||
        !latest ||
        silent.length < Math.max(MIN_SILENT, present.length) ||
        latest.at.getTime() - earliest.at.getTime() > SPREAD * latest.renewMs ||
        servers.stoppedAt(server)
      )
        return [];
      return [
        {
          reason: 'server-silent',
          severity: 'warning',
          target: servers.nameOf(server),
          summary: `${servers.nameOf(server)} has logged nothing since ${timeOf(latest.at, now)}, and all ${silent.length} clients should have renewed by now. Check whether its network still exists, then its process and its log`,
        },
      ];
    },
  );
}

type OfKind<K extends ServerEvent['kind']> = Extract<ServerEvent, { readonly kind: K }>;

function eventsOf<K extends ServerEvent['kind']>(events: readonly ServerEvent[], kind: K) {
  return events.filter((one): one is OfKind<K> & ServerEvent => one.kind === kind);
}

/** What servers say that they can't do. */
export function findServerErrors(
  clients: readonly Client[],
  { facts, now }: Described,
): readonly Finding<never>[] {
  const since = (group: readonly ServerEvent[]) => timeOf(group[0]?.at ?? now, now);
  const unaddressed = Map.groupBy(
    eventsOf(facts.events, 'no-link-address'),
    ({ host, via }) => `${host} ${via}`,
  );
  const unsent = Map.groupBy(
    eventsOf(facts.events, 'send-failed'),
    ({ host, because }) => `${host} ${because}`,
  );
  const lastStarts = new Map(eventsOf(facts.events, 'started').map(({ host, at }) => [host, at]));
  const unstarted = Map.groupBy(
    eventsOf(facts.events, 'start-failed').filter(({ at, host }) => !((lastStarts.get(host) ?? at) > at)),
    ({ host }) => host,
  );
  return [
    ...[...unaddressed].map(([server, group]): Finding<never> => ({
      reason: 'link-without-address',
      severity: severityOf(server, clients),
      target: server,
      summary: `${server} has no IP address, so its server dropped ${wording.count(group.length, 'request')} since ${since(group)}. Add the address of the server to this link`,
    })),
    ...[...unsent.values()].map((group): Finding<never> => {
      const [{ host, because, to }] = group as [(typeof group)[number]];
      return {
        reason: 'replies-not-sent',
        severity: 'warning',
        target: `DHCP server on ${host}`,
        summary: `${host} couldn't send ${wording.count(group.length, 'DHCP reply', 'DHCP replies')} since ${since(group)}, such as to ${to}: ${because}. Check the firewall and the routes of the server`,
      };
    }),
    ...[...unstarted].map(([host, group]): Finding<never> => ({
      reason: 'server-not-started',
      severity: 'warning',
      target: `DHCP server on ${host}`,
      summary: `dnsmasq on ${host} failed to start ${wording.count(group.length, 'time')} since ${since(group)}, and hasn't started since. The line before "FAILED to start up" in its log says why`,
    })),
  ];
}

/** A link that gets no address. That of an agent has no other purpose; on others, another server may be the right one. */
function severityOf(server: string, clients: readonly Client[]): Finding['severity'] {
  const isAnswering = clients.some(({ rounds }) =>
    rounds.some(({ by, outcome }) => `${by.host} ${by.link}` === server && outcome === 'acknowledged'),
  );
  return / (?:tap|ns-)/.test(server) && !isAnswering ? 'critical' : 'warning';
}
