import { type ports, SourceError, wording } from '../../kit.ts';
import { surveyHosts, type SurveyedHost } from '../../shared/host-survey.ts';
import { settle } from '../../shared/settle.ts';
import { bondsOf, slavesDown, unknownsOf } from './bond-state.ts';
import { disabledPortsOf, otherDevices, unassignedPorts } from './disabled-ports.ts';
import type { BondContext, Facts, HostFacts } from './facts.ts';
import { readCloud } from './read-cloud.ts';
import { readSwitches } from './read-switches.ts';

interface BondArguments {
  readonly source?: string | undefined;
  readonly hosts?: string | undefined;
  readonly within: number;
}

/** Reads the bonds of all hosts; the logs of switches and the cloud only if a bond has lost a link. */
export async function collect(context: BondContext, args: BondArguments): Promise<Facts> {
  const asked = new Map<string, SurveyedHost>();
  const { results, rejectedKeys } = await surveyHosts(context, args, async (one, ask) => {
    asked.set(one.name, one);
    return ask('bonds', (query) => readHost(context, one, query));
  });
  const hosts = results.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  noteHalfRead(context, hosts);
  reportUnreadable(context, hosts);
  const { earlier } = context;
  const silent = silentAmong([...asked.values()], hosts, earlier);
  const hasLostLinks = hosts.some((host) => bondsOf(host).some((bond) => slavesDown(bond).length > 0));
  if (silent.length === 0 && !hasLostLinks) return { hosts, rejectedKeys, earlier };
  const [switches, known] = await Promise.all([
    readSwitches(context, new Date(context.now.getTime() - args.within)),
    hasLostLinks ? withNeighbors(context, hosts, asked) : hosts,
  ]);
  const facts: Facts = { hosts: known, silent, rejectedKeys, earlier, ...(switches && { switches }) };
  const disabled = disabledPortsOf(facts);
  if (switches) noteOthers(context, facts, disabled);
  const cloud = await readCloud(context, [...known, ...silent], disabled);
  return { ...facts, ...(cloud && { cloud }) };
}

function silentAmong(
  asked: readonly SurveyedHost[],
  hosts: readonly HostFacts[],
  earlier: Facts['earlier'],
): readonly HostFacts[] {
  const read = new Set(hosts.map(({ name }) => name));
  const cutOff = new Set(earlier.flatMap(({ bond, disabled }) => (disabled ? [bond] : [])));
  return asked
    .filter(({ name }) => !read.has(name))
    .map((one): HostFacts => {
      const [bond, ...others] = [...cutOff].filter((target) => target.startsWith(`${one.name}:`));
      const isKnown = bond !== undefined && others.length === 0;
      return { ...identityOf(one), isSilent: true, ...(isKnown && { bondCutOffBefore: bond }) };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function identityOf({ source, host, name }: SurveyedHost): HostFacts {
  const address = host.address.replace(/:\d+$/, '');
  return { name, source: source.name, host: host.name, ...(address !== host.name && { address }) };
}

/** Either of the two answers is enough to judge most bonds. Fails if there is neither. */
async function readHost(
  context: BondContext,
  surveyed: SurveyedHost,
  query: ports.HostQuery,
): Promise<HostFacts> {
  const { source } = surveyed;
  const [bonds, links] = await Promise.all([
    settle(context, source.name, (signal) => source.bonds({ ...query, signal })),
    settle(context, source.name, (signal) => source.links({ ...query, signal })),
  ]);
  if (bonds.error && links.error) throw bonds.error;
  const unread = (bonds.error ?? links.error)?.message;
  return {
    ...identityOf(surveyed),
    ...(bonds.value && { bonds: bonds.value }),
    ...(links.value && { links: links.value.links }),
    ...(unread !== undefined && { unread }),
  };
}

/** One note for all hosts of which only one of the two answers could be read. */
function noteHalfRead({ note }: BondContext, hosts: readonly HostFacts[]): void {
  const noteOf = (all: readonly HostFacts[], by: string): void => {
    const [first] = all;
    if (first)
      note(
        `The bonds of ${wording.list(all.map(({ name }) => name))} are judged by ${by} only: ${first.unread}`,
      );
  };
  noteOf(
    hosts.filter(({ bonds }) => !bonds),
    'the links',
  );
  noteOf(
    hosts.filter(({ links }) => !links),
    '`/proc/net/bonding`',
  );
}

function reportUnreadable({ gap, note }: BondContext, hosts: readonly HostFacts[]): void {
  for (const host of hosts) {
    for (const bond of bondsOf(host)) {
      const unknown = unknownsOf(bond);
      if (unknown.length > 0)
        gap(
          bond.target,
          new SourceError(
            host.source,
            'malformed',
            `${wording.list(unknown, unknown.length)} couldn't be read`,
          ),
        );
    }
    const unread = (host.bonds ?? []).flatMap(({ unknownLines = [] }) => unknownLines);
    if (unread.length > 0)
      note(`${host.name}: unknown lines in \`/proc/net/bonding\`: ${wording.list(unread)}`);
    const teams = (host.links ?? []).filter(({ kind }) => kind === 'team').map(({ name }) => name);
    if (teams.length > 0) note(`${host.name}: ${wording.list(teams)} (team driver) is not checked`);
  }
}

/** LLDP only says more about a fault: a host without an agent, or whose agent doesn't answer, is judged without it. */
async function withNeighbors(
  context: BondContext,
  hosts: readonly HostFacts[],
  asked: ReadonlyMap<string, SurveyedHost>,
): Promise<readonly HostFacts[]> {
  return Promise.all(
    hosts.map(async (host) => {
      const one = asked.get(host.name);
      const isNeeded = bondsOf(host).some(({ slaves }) => slaves.length > 0);
      if (!one || !isNeeded) return host;
      const { value } = await settle(context, one.source.name, (signal) =>
        one.source.neighbors({ host: host.host, signal }),
      );
      return value ? { ...host, neighbors: value } : host;
    }),
  );
}

const MAX_NAMED = 3;

function noteOthers({ note }: BondContext, facts: Facts, disabled: ReturnType<typeof disabledPortsOf>): void {
  const devices = otherDevices(facts);
  if (devices.length > 0)
    note(
      `BPDU guard also disabled switch ports of ${wording.list(devices, MAX_NAMED)}, which no source covers`,
    );
  const unassigned = unassignedPorts(facts, disabled).map((one) => `${one.switch} ${one.port}`);
  if (unassigned.length > 0)
    note(
      `BPDU guard also disabled ${wording.list(unassigned, MAX_NAMED)}: neither LLDP nor a list of switch ports says what is connected`,
    );
}
