import { type Diagnosis, type Finding, wording } from '../../kit.ts';
import { agree, shareOf } from '../../shared/grammar.ts';
import { hostKeyFindings } from '../../shared/host-survey.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { type Described, findRefusals, findUnheardReplies } from './client-findings.ts';
import { examineClients } from './clients.ts';
import type { Facts } from './facts.ts';
import { samplesOf } from './memory.ts';
import { findOthers } from './other-findings.ts';
import type { DhcpSample } from './samples.ts';
import {
  findDeadAgents,
  findMissingRanges,
  findServerErrors,
  findSilentServers,
  findStoppedServers,
} from './server-errors.ts';
import { findExhaustedPools, findForgottenLeases, findReservedElsewhere } from './server-findings.ts';

/** Judges each client by how its conversation with all servers of its network ended, and each server by what its clients have in common. */
export function diagnose(facts: Facts, _args: unknown, now: Date): Diagnosis {
  const { clients, servers } = examineClients(facts, now);
  const described: Described = { facts, servers, now };
  const findings = [
    ...findUnheardReplies(clients, described),
    ...findRefusals(clients, described),
    ...findExhaustedPools(clients, described),
    ...findMissingRanges(clients, described),
    ...findStoppedServers(clients, described),
    ...findSilentServers(clients, described),
    ...findServerErrors(clients, described),
    ...findReservedElsewhere(clients, described),
    ...findForgottenLeases(
      clients.filter(({ isRemembered }) => !isRemembered),
      described,
    ),
    ...findOthers(clients, described),
    ...findDeadAgents(described),
    ...hostKeyFindings(facts.rejectedKeys),
  ].toSorted(
    (a, b) =>
      compareSeverity(a, b) ||
      RANK.indexOf(a.reason) - RANK.indexOf(b.reason) ||
      (a.target < b.target ? -1 : 1),
  );
  return {
    examined: Math.max(clients.length, facts.servers.length),
    verdict: wording.capitalize(
      findings.length > 0 ? faultsOf(findings, clients.length) : allGood(facts, clients.length),
    ),
    findings,
  };
}

/** For later runs. */
export function dhcpSamples(facts: Facts, now: Date): readonly DhcpSample[] {
  const { clients, servers } = examineClients(facts, now);
  return samplesOf(clients, servers, facts);
}

interface Words {
  readonly one: string;
  readonly many: string;
}

/** What affected clients have in common, in the order of the verdict. */
const OF_CLIENTS: Readonly<Record<string, Words>> = {
  'replies-not-received': { one: "doesn't receive DHCP replies", many: "don't receive DHCP replies" },
  'refused-repeatedly': { one: 'is refused repeatedly', many: 'are refused repeatedly' },
  'requests-not-answered': { one: 'gets no response', many: 'get no response' },
  'refused-and-silent': {
    one: "was refused and hasn't come back",
    many: "were refused and haven't come back",
  },
  'pool-exhausted': { one: 'was refused by an exhausted pool', many: 'were refused by an exhausted pool' },
  'client-not-configured': { one: "isn't known to its server", many: "aren't known to their server" },
  'reserved-address-taken': {
    one: "can't get its reserved address",
    many: "can't get their reserved addresses",
  },
  'address-in-use': { one: 'found its address in use', many: 'found their addresses in use' },
  'replies-received-late': { one: 'receives DHCP replies late', many: 'receive DHCP replies late' },
  'other-server-chosen': { one: 'uses an unknown DHCP server', many: 'use an unknown DHCP server' },
  'replies-perhaps-not-received': {
    one: 'may not receive DHCP replies',
    many: 'may not receive DHCP replies',
  },
  'refused-in-between': { one: 'is refused now and then', many: 'are refused now and then' },
  'starting-over': { one: 'starts over repeatedly', many: 'start over repeatedly' },
  'ignored-by-server': { one: 'is ignored', many: 'are ignored' },
};

const OF_SERVERS: Readonly<Record<string, Words>> = {
  'no-address-range': { one: 'server link has no address range', many: 'server links have no address range' },
  'server-stopped': { one: 'DHCP server has stopped', many: 'DHCP servers have stopped' },
  'server-silent': { one: 'DHCP server went silent', many: 'DHCP servers went silent' },
  'server-not-started': { one: "DHCP server couldn't start", many: "DHCP servers couldn't start" },
  'link-without-address': { one: 'server link has no address', many: 'server links have no address' },
  'replies-not-sent': { one: "server can't send replies", many: "servers can't send replies" },
  'leases-forgotten': { one: 'server forgot its leases', many: 'servers forgot their leases' },
  'agent-down': { one: 'DHCP agent is down', many: 'DHCP agents are down' },
  'host-key-changed': { one: 'host key has changed', many: 'host keys have changed' },
  'host-key-unknown': { one: 'host key is unknown', many: 'host keys are unknown' },
};

const RANK: readonly string[] = [...Object.keys(OF_CLIENTS), ...Object.keys(OF_SERVERS)];

function faultsOf(findings: readonly Finding<never>[], clients: number): string {
  const parts = [...Map.groupBy(findings, ({ reason }) => reason)].map(([reason, group]) => {
    const ofClients = OF_CLIENTS[reason];
    if (ofClients) {
      const count = new Set(group.flatMap(({ target, targets = [target] }) => targets)).size;
      return { count, isOfClients: true, words: agree(count, ofClients) };
    }
    const words = OF_SERVERS[reason] ?? { one: 'other fault', many: 'other faults' };
    return { count: group.length, isOfClients: false, words: agree(group.length, words) };
  });
  return parts
    .map(({ count, isOfClients, words }, at) =>
      isOfClients && !parts.slice(0, at).some((one) => one.isOfClients)
        ? `${shareOf(count, clients, 'DHCP client')} ${words}`
        : `${count} ${words}`,
    )
    .join(', ');
}

function allGood({ servers, withinMs }: Facts, clients: number): string {
  const time = `in the last ${wording.period(withinMs)}`;
  const from = wording.count(servers.length, 'DHCP server');
  return clients === 0
    ? `${from} logged no messages of clients ${time}`
    : `${wording.count(clients, 'client')} of ${from} ${clients === 1 ? 'has' : 'have'} no DHCP fault ${time}`;
}
