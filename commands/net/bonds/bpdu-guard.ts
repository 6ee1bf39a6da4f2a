import { type Evidence, type ports, wording } from '../../kit.ts';
import { field, steps } from '../../shared/evidence.ts';
import { type BondState, isBondDown } from './bond-state.ts';
import { sendsIntoDeadSlave } from './link-problems.ts';
import { type DisabledPort, tellingLine } from './disabled-ports.ts';
import type { CloudFacts, HostFacts } from './facts.ts';
import { type BondProblem, targetsOf } from './problem.ts';
import { BY_NUMBER } from './samples.ts';
import { type Sender, senderOf, SUSPECT, usersOf } from './sender.ts';

/** A bond that has lost links because BPDU guard disabled their switch ports. */
interface BlockedBond {
  readonly bond: BondState;
  readonly disabled: readonly DisabledPort[];
  readonly sender: Sender;
  readonly isCritical: boolean;
}

/** How many ports a step lists. */
const MAX_PORTS = 6;

/** One finding for the bonds that one sender has cut off. */
export function bpduProblems(
  blocked: readonly {
    readonly bond: BondState;
    readonly disabled: readonly DisabledPort[];
    /** Nothing could be read of the host, and all its known ports are disabled. */
    readonly isCutOff: boolean;
  }[],
  cloud: CloudFacts | undefined,
  hosts: readonly HostFacts[],
): readonly BondProblem[] {
  const all = blocked.map(({ bond, disabled, isCutOff }): BlockedBond => {
    const byGuard = disabled.filter((one) => one.disabled.by === 'bpdu-guard');
    const isCritical = isCutOff || isBondDown(bond) || sendsIntoDeadSlave(bond);
    return { bond, disabled: byGuard, sender: senderOf(bond, byGuard, cloud, hosts), isCritical };
  });
  const groups = Map.groupBy(
    all,
    (one) =>
      `${one.isCritical ? 'critical' : 'warning'} ${one.bond.host.isSilent ?? false} ${causeOf(one, all)}`,
  );
  return [...groups.values()].map((group) => problemOf(group.toSorted(byTime)));
}

/** What bonds with one cause have in common. Bonds whose sender is unknown are together: nothing says that there are several. */
function causeOf({ bond, sender }: BlockedBond, all: readonly BlockedBond[]): string {
  if (sender.kind === 'bridge' || sender.kind === 'host') return `host ${bond.host.name}`;
  if (sender.kind === 'inferred' && sender.bridges.length > 0) return `host ${bond.host.name}`;
  if (sender.kind === 'port') return `port ${sender.port.id}`;
  if (sender.kind === 'unknown-mac' && sender.tap !== undefined)
    return `tap ${sender.tap} of ${bond.host.name}`;
  const users = usersOf(sender);
  const shared = users
    .map((user) => ({ user, bonds: all.filter((one) => usersOf(one.sender).includes(user)).length }))
    .toSorted((a, b) => b.bonds - a.bonds || (a.user < b.user ? -1 : 1))[0];
  if (shared) return `user ${shared.user}`;
  return sender.kind === 'inferred' ? 'unknown' : `MAC ${sender.mac}`;
}

/** The oldest first: it stays the target while others follow. */
function byTime(a: BlockedBond, b: BlockedBond): number {
  return since(a) - since(b) || (a.bond.target < b.bond.target ? -1 : 1);
}

function since({ disabled }: BlockedBond): number {
  const times = disabled.flatMap((one) => one.disabled.times).map((at) => at.getTime());
  return times.length === 0 ? Infinity : Math.min(...times);
}

function problemOf(group: readonly BlockedBond[]): BondProblem {
  const bonds = group.map(({ bond }) => bond);
  const isCritical = group.some((one) => one.isCritical);
  const names = wording.list(bonds.map(({ target }) => target));
  const isOne = bonds.length === 1;
  const isSilent = bonds.every(({ host }) => host.isSilent);
  const state = isSilent
    ? "couldn't be read over SSH"
    : bonds.every(isBondDown)
      ? isOne
        ? 'is down'
        : 'are down'
      : isOne
        ? 'has lost a link'
        : 'have lost links';
  const ports = group.flatMap(({ disabled }) => disabled);
  const isGuess = ports.every(({ knownBy }) => knownBy === BY_NUMBER);
  const { who, first, last } = wordsFor(group);
  return {
    bonds,
    is: isSilent ? 'cut-off' : bonds.every(isBondDown) ? 'down' : isCritical ? 'dead-slave' : 'degraded',
    ...(!isGuess && { isBpduGuard: true }),
    finding: {
      reason: 'bpdu-guard',
      severity: isCritical ? 'critical' : 'warning',
      ...targetsOf(bonds),
      summary: `${names} ${state}: BPDU guard ${isGuess ? 'probably ' : ''}disabled ${isOne ? 'its' : 'their'} switch ${ports.length === 1 ? 'port' : 'ports'}. ${who}`,
      evidence: [
        portTable(group),
        ...senderEvidence(group),
        ...steps([
          ...first,
          `Ask the network team to re-enable ${portsInWords(ports)}. Before step ${first.length}, the ${ports.length === 1 ? 'port' : 'ports'} would only shut down again`,
          ...(last ?? []),
        ]),
        {
          kind: 'log',
          lines: ports.flatMap((one) => [`${one.switch} ${tellingLine(one)}`]).slice(0, 6),
        },
      ],
    },
  };
}

/** `Ethernet1/41 on leaf-a and leaf-b, and Port-Channel12 on SW-1` */
function portsInWords(ports: readonly DisabledPort[]): string {
  const byPort = [...Map.groupBy(ports, ({ port }) => port)].map(
    ([port, all]) => `${port} on ${wording.list(all.map((one) => one.switch).toSorted(), 6)}`,
  );
  return byPort.length > MAX_PORTS
    ? `${byPort.slice(0, MAX_PORTS).join(', ')} and ${byPort.length - MAX_PORTS} more`
    : byPort.join(', ');
}

function portTable(group: readonly BlockedBond[]): Evidence {
  return {
    kind: 'table',
    columns: [
      group.every(({ bond }) => bond.host.isSilent) ? 'Host' : 'Bond',
      'Switch port',
      'Disabled at',
      'Known from',
    ],
    rows: group.flatMap(({ bond, disabled }) =>
      disabled.map((one) => [
        bond.target,
        `${one.switch} ${one.port}`,
        one.disabled.times[0] ? wording.utcTime(one.disabled.times[0]) : 'unknown',
        one.knownBy,
      ]),
    ),
  };
}

const BPDU_MAC = '01:80:c2:00:00:00';
const DROP_ALL = `ebtables -A FORWARD -d ${BPDU_MAC} -j DROP`;
const STP_SETTINGS =
  'netplan `stp: false`, systemd-networkd `STP=no`, ifupdown `bridge_stp off` or NetworkManager `bridge.stp no`';

interface SenderWords {
  readonly who: string;
  /** Before the ports are re-enabled. */
  readonly first: readonly string[];
  /** After that. */
  readonly last?: readonly string[];
}

/** Who sent the BPDUs, with what is known about it, and the steps before the ports can be re-enabled. */
function wordsFor(group: readonly BlockedBond[]): SenderWords {
  const [{ bond, sender } = { bond: undefined, sender: undefined }] = group;
  if (!bond || !sender) return { who: '', first: [] };
  const hosts = wording.list([...new Set(group.map((one) => one.bond.host.name))]);
  switch (sender.kind) {
    case 'bridge': {
      const names = sender.bridges.map(({ name }) => name);
      const bridges = wording.list(names);
      return {
        who: `The sender is the host's own bridge ${bridges}, which has STP on: turn it off before the port is re-enabled`,
        first: bridgeSteps(names, bond.host.name),
      };
    }
    case 'host':
      return {
        who: `The sender is the host itself: the source MAC address is that of its ${sender.link}. Find the bridge that has spanning tree on before the port is re-enabled`,
        first: [
          `On ${bond.host.name}, find the bridge with \`ip -d link show type bridge\` (\`stp_state 1\`), or in Open vSwitch with \`ovs-vsctl list bridge\` (\`stp_enable\`, \`rstp_enable\`), and turn spanning tree off`,
        ],
      };
    case 'instance':
      return instanceWords(group, hosts);
    case 'port':
      return {
        who: `The sender is port ${sender.port.id} (${sender.port.owner ?? 'without an owner'}), which is no instance. Filter it before the ports are re-enabled`,
        first: [dropStep(sender.port, hosts)],
      };
    case 'other-host': {
      const owner = `${sender.link.name} on ${sender.host.name}`;
      const [bridge] = sender.link.bridge?.hasStp ? [sender.link.name] : [];
      return {
        who: `The sender has the MAC address of ${owner}${bridge === undefined ? '' : ', a bridge with STP on'}. Find out how its packets reach this port before it is re-enabled`,
        first: [
          ...(bridge === undefined ? [] : bridgeSteps([bridge], sender.host.name)),
          `check whether ${sender.host.name} is connected to ${portsInWords(group.flatMap(({ disabled }) => disabled))}, or bridged to ${hosts}`,
        ],
      };
    }
    case 'unknown-mac':
      if (sender.tap !== undefined)
        return {
          who: `The sender has the MAC address ${sender.mac}, which is connected to ${sender.tap} on ${hosts}${sender.wasCloudAsked ? ' and unknown to the cloud' : ''}. Stop or filter it before the ports are re-enabled`,
          first: [
            `on ${hosts}, drop its BPDUs: \`ebtables -A FORWARD -i ${sender.tap} -d ${BPDU_MAC} -j DROP\``,
          ],
        };
      return {
        who: sender.wasCloudAsked
          ? `The sender has the MAC address ${sender.mac}, which neither the host nor the cloud knows: it may have been deleted. Filter BPDUs before the ports are re-enabled`
          : `The sender has the MAC address ${sender.mac}, which is not the host's own. Find and filter it before the ports are re-enabled`,
        first: [`On ${hosts}, drop all frames to ${BPDU_MAC} that guests send: \`${DROP_ALL}\``],
      };
    case 'inferred':
      return inferredWords(group, hosts);
  }
}

function bridgeSteps(names: readonly string[], host: string): readonly string[] {
  const commands = names.map((name) => `\`ip link set ${name} type bridge stp_state 0\``);
  return [
    `On ${host}, if ${wording.list(names)} has no second way to the same network: ${wording.list(commands)}, and permanently: ${STP_SETTINGS}`,
  ];
}

function instanceWords(group: readonly BlockedBond[], hosts: string): SenderWords {
  const senders = group.flatMap(({ sender }) => (sender.kind === 'instance' ? [sender] : []));
  const named = senders.map(({ server, port }) =>
    server ? instanceName(server) : `instance ${port.device}`,
  );
  const inferredToo = group.some(({ sender }) => sender.kind === 'inferred');
  const ids = [...new Set(senders.map(({ server, port }) => server?.id ?? port.device ?? port.id))];
  return {
    who: `By source MAC address, the sender is ${wording.list([...new Set(named)])}${inferredToo ? ', and of the rest suspects of the same user' : ''}. Stop or filter it before the ports are re-enabled`,
    first: [
      `Run ${wording.list(ids.map((id) => `\`openstack server stop ${id}\``))}, or ${senders.map(({ port }) => dropStep(port, hosts))[0] ?? ''}`,
    ],
    last: ['Find out from its owner why it sends spanning tree packets'],
  };
}

/** Neutron names taps after the first 11 characters of the port's id. */
function dropStep({ id, host }: ports.CloudPort, hosts: string): string {
  return `on ${host ?? hosts}, drop its BPDUs: \`ebtables -A FORWARD -i tap${id.slice(0, 11)} -d ${BPDU_MAC} -j DROP\``;
}

function inferredWords(group: readonly BlockedBond[], hosts: string): SenderWords {
  const senders = group.flatMap(({ sender }) => (sender.kind === 'inferred' ? [sender] : []));
  const suspects = suspectsIn(group);
  const bridges = senders.flatMap((one) => one.bridges.map(({ name }) => name));
  const filter = `Drop all frames to ${BPDU_MAC} from taps on ${hosts}: \`${DROP_ALL}\``;
  const noMac = 'The switch logs no source MAC address, so the sender is not proven';
  if (bridges.length > 0)
    return {
      who: `${noMac}; a suspect is the host's own bridge ${wording.list(bridges)}, which has STP on${suspects.length > 0 ? `, others are ${wording.list(suspects.map(({ name }) => name))}` : ''}. Turn it off first`,
      first: [...bridgeSteps(bridges, hosts), ...(suspects.length > 0 ? [filter] : [])],
    };
  if (suspects.length > 0) {
    const users = [...new Set(suspects.map(({ user }) => user))];
    const [user] = users;
    const owner = users.length === 1 && user !== undefined ? ` of user ${user}` : '';
    const names = wording.list(
      suspects.map(({ name, host }) => `${name} on ${host}`),
      4,
    );
    return {
      who: `${noMac}; ${suspects.length === 1 ? 'a suspect is' : 'suspects are'} ${names}${owner}, created shortly before. Stop or filter ${suspects.length === 1 ? 'it' : 'them'} before the ports are re-enabled`,
      first: [`${filter}, or stop the suspects after asking their owner`],
    };
  }
  const reason = senders.some(({ wereInstancesRead }) => wereInstancesRead)
    ? `no instance on ${hosts} was created within ${SUSPECT.beforeMs / 60_000} minutes before, by the clock of the switch`
    : `the instances on ${hosts} couldn't be read`;
  return {
    who: `${noMac}, and ${reason}. Filter BPDUs of guests before the ports are re-enabled`,
    first: [`${filter}, and check that no bridge there has STP on`],
  };
}

/** Proven or inferred instances, once each. */
function suspectsIn(group: readonly BlockedBond[]): readonly ports.CloudServer[] {
  const all = group.flatMap(({ sender }) => (sender.kind === 'inferred' ? sender.servers : []));
  return [...new Map(all.map((server) => [server.id, server])).values()];
}

function instanceName({ name, id, user, project }: ports.CloudServer): string {
  const owner = [
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(project === undefined ? [] : [`project ${project}`]),
  ];
  return `instance ${name} (${[id, ...owner].join(', ')})`;
}

function senderEvidence(group: readonly BlockedBond[]): readonly Evidence[] {
  const suspects = suspectsIn(group);
  const macs = [...new Set(group.flatMap(({ sender }) => ('mac' in sender ? [sender.mac] : [])))];
  return [
    ...(macs.length > 0 && group[0]?.sender.kind !== 'unknown-mac'
      ? [field('Source MAC address', wording.list(macs))]
      : []),
    ...(suspects.length > 0
      ? [
          {
            kind: 'table' as const,
            columns: ['Suspect', 'Host', 'User', 'Project', 'Created', 'Instance'],
            rows: suspects.map(({ id, name, host, user, project, createdAt }) => [
              name,
              host ?? 'unknown',
              user ?? 'unknown',
              project ?? 'unknown',
              createdAt ? wording.utcTime(createdAt) : 'unknown',
              id,
            ]),
          },
          field(
            'Suspected because',
            `created at most ${wording.period(SUSPECT.beforeMs)} before a BPDU, by the clocks of the cloud and of the switch (${wording.period(SUSPECT.afterMs)} of difference allowed)`,
          ),
        ]
      : []),
  ];
}
