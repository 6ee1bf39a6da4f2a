import { type Finding, type ports, wording } from '../../kit.ts';
import { field, steps } from '../../shared/evidence.ts';
import type { BridgeMismatch } from './bridges.ts';
import type { Probe } from './facts.ts';
import { targetOf, targetsOf } from './finding-parts.ts';
import type { SmallSlave } from './survey.ts';

/** Ports of bridges that are too small for what the bridge forwards to them. */
export function bridgeFindings(mismatches: readonly BridgeMismatch[]): readonly Finding<never>[] {
  return mismatches.map(({ reason, severity, table, bridge, small, mtu, network }) => {
    const names = wording.list(small.map((port) => port.name));
    const sizes = wording.list([...new Set(small.map((port) => String(port.mtu)))]);
    const carry = small.length === 1 ? 'carries' : 'carry';
    const where = `${names} on ${table.host.name} ${carry} ${sizes}`;
    const isUplink = severity === 'critical';
    return {
      reason,
      severity,
      ...targetsOf(small.map((port) => targetOf(table, port))),
      summary: network
        ? `${where}, but network ${network.name} announces an MTU of ${mtu} to its guests: larger frames are dropped`
        : `${where}, but other ports of ${bridge.name} have an MTU of ${mtu}: the bridge drops larger frames`,
      evidence: [
        field('Bridge', bridge.name),
        ...(network
          ? steps(
              isUplink
                ? [
                    `Raise ${names} and the links below to ${mtu}, if their \`maxmtu\` in \`ip -d link\` allows it`,
                    `Or lower the network: \`openstack network set --mtu ${Math.min(...small.map((port) => port.mtu ?? mtu))} ${network.id}\`, then renew the leases of its guests`,
                  ]
                : [
                    `Hard reboot the guests of ${names}: their ports get the MTU of the network when they are plugged`,
                  ],
            )
          : [
              field('Not known', 'the MTUs inside the guests'),
              ...steps([`Give all ports of ${bridge.name} one MTU, and the guests behind them the same`]),
            ]),
      ],
    };
  });
}

/** Setting the MTU that the bond has changes nothing: `dev_set_mtu` in https://github.com/torvalds/linux/blob/master/net/core/dev.c */
export function slaveFindings(small: readonly SmallSlave[]): readonly Finding<never>[] {
  return small.map(({ table, bond, slaves }) => {
    const names = wording.list(slaves.map(({ name }) => name));
    const isTooLarge = ({ maxMtu }: ports.Link) =>
      maxMtu !== undefined && maxMtu > 0 && maxMtu < (bond.mtu ?? 0);
    const advice = slaves.map((slave) =>
      isTooLarge(slave)
        ? `${slave.name} allows no more than ${slave.maxMtu}: lower ${bond.name}, or replace it`
        : `run \`ip link set ${slave.name} mtu ${bond.mtu}\``,
    );
    return {
      reason: 'bond-slave-mtu',
      severity: 'warning',
      ...targetsOf(slaves.map((slave) => targetOf(table, slave))),
      summary: `${names} on ${table.host.name} ${slaves.length === 1 ? 'has' : 'have'} a smaller MTU (${wording.list([...new Set(slaves.map(({ mtu }) => String(mtu)))])}) than ${bond.name} (${bond.mtu ?? 'unknown'}): larger frames sent through ${slaves.length === 1 ? 'it' : 'them'} are dropped. ${wording.capitalize(
        wording.list(advice),
        slaves.map(({ name }) => name),
      )}`,
    };
  });
}

/** Measured paths that carry less than the links at both ends. One finding for both directions. */
export function pathFindings(probes: readonly Probe[]): readonly Finding<never>[] {
  const short = probes.flatMap((probe) => {
    const { fromMtu, toMtu, result } = probe;
    if (fromMtu === undefined || toMtu === undefined || result.bytes === undefined) return [];
    const both = Math.min(fromMtu, toMtu);
    const isProven = result.failedBytes !== undefined && result.failedBytes <= both;
    return isProven ? [{ probe, missing: both - result.bytes }] : [];
  });
  const pairs = Map.groupBy(short, ({ probe }) => [probe.from, probe.to].toSorted().join(' and '));
  return [...pairs].flatMap(([pair, both]) => {
    const worst = both.toSorted((a, b) => b.missing - a.missing)[0];
    if (!worst) return [];
    const { probe, missing } = worst;
    const isDirect = both.some((one) => one.probe.isDirect);
    return [
      {
        reason: 'path-mtu',
        severity: isDirect ? ('critical' as const) : ('warning' as const),
        target: pair,
        summary: `Packets of more than ${probe.result.bytes} bytes from ${probe.from} don't reach ${probe.to}, although both ends have an MTU of at least ${probe.result.bytes! + missing}${missing === 4 ? ': 4 bytes are missing, as for one more VLAN tag' : ''}. Check the links and switch ports between them`,
        evidence: [
          field('Largest that passed', `${probe.result.bytes} bytes with IP and ICMP headers`),
          ...(probe.result.failedBytes === undefined
            ? []
            : [field('Smallest that failed', `${probe.result.failedBytes} bytes`)]),
          field(
            'Path',
            isDirect
              ? 'one subnet: no router reports that a packet is too big'
              : 'may be routed: a router may report that a packet is too big',
          ),
        ],
      },
    ];
  });
}
