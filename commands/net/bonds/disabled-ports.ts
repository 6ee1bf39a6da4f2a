import { type BondState, bondsOf, slavesDown } from './bond-state.ts';
import type { Facts, HostFacts, SwitchFacts } from './facts.ts';
import { type BondSample, BY_NUMBER } from './samples.ts';
import type { PortHistory } from './switch-log.ts';
import { portKey, portNamed, shortName } from './switch-port.ts';

/** A switch port that is disabled, with how it is known to belong to a host. */
export interface DisabledPort extends PortHistory {
  readonly disabled: NonNullable<PortHistory['disabled']>;
  readonly knownBy: NonNullable<BondSample['disabled']>[number]['knownBy'];
}

type PortFacts = Pick<Facts, 'hosts' | 'silent' | 'switches' | 'earlier'>;

/**
 * The disabled switch ports of each bond that has lost a link, and of each host that couldn't be read. What earlier runs read stays true until a line says that the port is up, or the bond has
 * a link again: the lines may have left the time window since.
 */
export function disabledPortsOf(facts: PortFacts): ReadonlyMap<string, readonly DisabledPort[]> {
  const { hosts, switches, earlier } = facts;
  if (!switches) return new Map();
  const index = indexPorts({ hosts, switches });
  const samples = new Map(earlier.map((sample) => [sample.bond, sample]));
  return new Map(
    [...hosts, ...(facts.silent ?? [])].flatMap((host) =>
      bondsOf(host)
        .filter((bond) => host.isSilent || slavesDown(bond).length > 0)
        .map((bond) => {
          const known = rememberedPorts(bond, samples.get(bond.target));
          const now = portsOfBond(bond, index).map((one) => since(one, known));
          const before = known.filter(({ key }) => !index.mentioned.has(key));
          return [bond.target, [...now, ...before]] as const;
        }),
    ),
  );
}

/** The line that says the most: the one with the sender, or else the newest. */
export function tellingLine({ disabled: { lines } }: Pick<DisabledPort, 'disabled'>): string {
  return lines.find((line) => /receiv/i.test(line)) ?? lines[0] ?? '';
}

/** With the time at which an earlier run saw that it was disabled. */
function since(port: DisabledPort, known: readonly DisabledPort[]): DisabledPort {
  const times = known.find(({ key }) => key === port.key)?.disabled.times ?? [];
  const first = port.disabled.times.at(-1);
  const older = times.filter((at) => first === undefined || at < first);
  return { ...port, disabled: { ...port.disabled, times: [...port.disabled.times, ...older] } };
}

/** Of the last run that saw the bond, unless a slave has had a link and lost it again since. */
function rememberedPorts(bond: BondState, sample: BondSample | undefined): readonly DisabledPort[] {
  const failures = new Map(sample?.slaves.map((one) => [one.name, one.failures]));
  const isSame = slavesDown(bond).every(
    ({ name, linkFailures }) => linkFailures === undefined || linkFailures === failures.get(name),
  );
  return (isSame ? (sample?.disabled ?? []) : []).map(
    ({ switch: name, port, knownBy, by, cause, at, macs, line }): DisabledPort => ({
      switch: name,
      port,
      key: keyOf(name, port),
      descriptions: [],
      knownBy,
      disabled: {
        by,
        ...(cause !== undefined && { cause }),
        // oxlint-disable-next-line no-restricted-globals -- a time of an earlier run
        times: at === undefined ? [] : [new Date(at)],
        sourceMacs: macs,
        lines: [line],
      },
    }),
  );
}

interface PortIndex {
  readonly switches: SwitchFacts;
  /** Those that are disabled, in order, with the words of their descriptions and those of the ports that have the same ones. */
  readonly disabled: readonly {
    readonly port: PortHistory & Pick<DisabledPort, 'disabled'>;
    readonly kin: readonly { readonly key: string; readonly words: ReadonlySet<string> }[];
  }[];
  /** The keys of all ports in the logs. */
  readonly mentioned: ReadonlySet<string>;
  readonly listed: readonly { readonly key: string; readonly words: ReadonlySet<string> }[];
  readonly isNumbered: (key: string, host: HostFacts) => boolean;
}

function indexPorts({ hosts, switches }: Required<Pick<Facts, 'hosts' | 'switches'>>): PortIndex {
  const { ports, connected } = switches;
  const placesOf = (port: PortHistory) =>
    port.descriptions.map((text) => `${shortName(port.switch)} ${text}`);
  const byDescription = new Map<string, Set<PortHistory>>();
  for (const port of ports)
    for (const place of placesOf(port))
      byDescription.set(place, (byDescription.get(place) ?? new Set()).add(port));
  const words = new Map(ports.map((port) => [port, new Set(port.descriptions.flatMap(namesIn))]));
  const isLogged = (port: PortHistory): port is PortIndex['disabled'][number]['port'] =>
    port.disabled !== undefined;
  return {
    switches,
    disabled: ports
      .toSorted(byKey)
      .filter(isLogged)
      .map((port) => {
        // A port channel and its members have one description; a list or LLDP may name only the members.
        const same = placesOf(port).flatMap((place) => [...(byDescription.get(place) ?? [])]);
        const kin = [...new Set([port, ...same])];
        return { port, kin: kin.map((one) => ({ key: one.key, words: words.get(one) ?? new Set() })) };
      }),
    mentioned: new Set(ports.map(({ key }) => key)),
    listed: connected.map((one) => ({ key: keyOf(one.switch, one.port), words: new Set(namesIn(one.host)) })),
    isNumbered: numberedLike(hosts, connected),
  };
}

function portsOfBond(bond: BondState, { disabled, listed, isNumbered }: PortIndex): readonly DisabledPort[] {
  const { host } = bond;
  const slaves = new Set(bond.slaves.map(({ name }) => name));
  const keysOf = (isOwn: boolean) =>
    new Set(
      (host.neighbors ?? [])
        .filter(({ link }) => slaves.has(link) === isOwn)
        .map((one) => keyOf(one.switch, one.port)),
    );
  const [byNeighbor, others] = [keysOf(true), keysOf(false)];
  const names = namesOf(host);
  const isOfHost = (words: ReadonlySet<string>) => names.some((name) => words.has(name));
  const byList = new Set(listed.filter((one) => isOfHost(one.words)).map(({ key }) => key));
  const knownBy = ({ key, words }: PortIndex['listed'][number]): DisabledPort['knownBy'] | undefined => {
    if (byNeighbor.has(key)) return 'LLDP';
    if (byList.has(key)) return 'the list of switch ports';
    if (isOfHost(words)) return 'the description of the port';
    return isNumbered(key, host) ? BY_NUMBER : undefined;
  };
  return disabled.flatMap(({ port, kin }): DisabledPort[] => {
    if (others.has(port.key)) return [];
    const known = kin.map(knownBy).find((one) => one !== undefined);
    return known ? [{ ...port, knownBy: known }] : [];
  });
}

/** Whether all ports are disabled that a list says are connected to a host. */
export function areAllDisabled({ switches }: Pick<Facts, 'switches'>, host: HostFacts): boolean {
  const disabled = new Set((switches?.ports ?? []).filter((one) => one.disabled).map(({ key }) => key));
  const names = namesOf(host);
  return (switches?.connected ?? [])
    .filter((one) => namesIn(one.host).some((name) => names.includes(name)))
    .every((one) => disabled.has(keyOf(one.switch, one.port)));
}

function byKey(a: PortHistory, b: PortHistory): number {
  return a.key < b.key ? -1 : 1;
}

function keyOf(switchName: string, port: string): string {
  return portKey(switchName, portNamed(port));
}

/**
 * Whether a port has the number of a host, as the ports of all other hosts do by LLDP: a bond that is down has lost its own LLDP neighbors. Never for a
 * port that something else is connected to.
 */
function numberedLike(
  hosts: readonly HostFacts[],
  connected: SwitchFacts['connected'],
): PortIndex['isNumbered'] {
  const taken = new Set(connected.map((one) => keyOf(one.switch, one.port)));
  const places = hosts.flatMap((one) =>
    (one.neighbors ?? []).map((neighbor) => ({ name: one.host, key: keyOf(neighbor.switch, neighbor.port) })),
  );
  for (const { key } of places) taken.add(key);
  const isRule = places.length > 0 && places.every(({ name, key }) => lastNumber(name) === lastNumber(key));
  const rows = new Set(places.map(({ key }) => rowOf(key)));
  return (key, { host, neighbors = [], isSilent }) =>
    isRule &&
    !isSilent &&
    neighbors.length === 0 &&
    !taken.has(key) &&
    rows.has(rowOf(key)) &&
    lastNumber(key) === lastNumber(host);
}

function lastNumber(name: string): number | undefined {
  const found = /(\d+)\D*$/.exec(shortName(name));
  return found ? Number(found[1]) : undefined;
}

/** A port without its last number: `leaf-a eth 1/`. */
function rowOf(key: string): string {
  return key.replace(/\d+\D*$/, '');
}

/** The names of hosts that a text may contain: `cmp-41`, `cmp-41.example.com`, `cmp-41 bond0`. */
function namesIn(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split(/[^\w.-]+/)
    .flatMap((word) => [word, shortName(word), ...word.split('_')]);
}

function namesOf({ host, address }: Pick<HostFacts, 'host' | 'address'>): readonly string[] {
  return [host, ...(address === undefined ? [] : [address])].map(shortName);
}

/** Ports that BPDU guard has disabled, and which nothing assigns to a host. */
export function unassignedPorts(
  facts: Pick<Facts, 'hosts' | 'switches'>,
  disabledPorts: ReturnType<typeof disabledPortsOf>,
): readonly PortHistory[] {
  const { ports = [], connected = [] } = facts.switches ?? {};
  const assigned = new Set([...disabledPorts.values()].flat().map(({ key }) => key));
  const listed = new Set(connected.map((one) => keyOf(one.switch, one.port)));
  const neighbors = new Set(
    facts.hosts.flatMap(({ neighbors = [] }) => neighbors.map((one) => keyOf(one.switch, one.port))),
  );
  return ports
    .toSorted(byKey)
    .filter(
      ({ key, disabled }) =>
        disabled?.by === 'bpdu-guard' && !assigned.has(key) && !listed.has(key) && !neighbors.has(key),
    );
}

/** Other devices whose ports BPDU guard has disabled, by the list of switch ports. */
export function otherDevices(facts: Pick<Facts, 'hosts' | 'silent' | 'switches'>): readonly string[] {
  const { ports = [], connected = [] } = facts.switches ?? {};
  const disabled = new Set(ports.filter((one) => one.disabled?.by === 'bpdu-guard').map(({ key }) => key));
  const known = new Set([...facts.hosts, ...(facts.silent ?? [])].flatMap(namesOf));
  const devices = connected
    .filter(
      (one) =>
        disabled.has(keyOf(one.switch, one.port)) && !namesIn(one.host).some((name) => known.has(name)),
    )
    .map((one) => one.host);
  return [...new Set(devices)].toSorted();
}
