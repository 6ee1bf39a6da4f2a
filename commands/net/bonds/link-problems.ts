import { type Evidence, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { allOf, shareOf } from '../../shared/grammar.ts';
import {
  type BondState,
  isCut,
  isBondDown,
  isMonitored,
  isSlaveUp,
  slavesDown,
  type SlaveState,
} from './bond-state.ts';
import type { DisabledPort } from './disabled-ports.ts';
import { type BondProblem, slaveTable, targetsOf } from './problem.ts';
import type { PortHistory } from './switch-log.ts';

export interface LinkContext {
  /** The disabled switch ports of the bond. */
  readonly disabled: readonly DisabledPort[];
  /** Disabled by BPDU guard, of hosts that nothing names. */
  readonly unassigned: readonly PortHistory[];
  readonly wereLogsRead: boolean;
}

/** A bond that carries nothing, or that has lost a slave, for another reason than BPDU guard. undefined if neither. */
export function linkProblem(bond: BondState, context: LinkContext): BondProblem | undefined {
  if (bond.slaves.length === 0) return isCut(bond) ? undefined : withoutSlaves(bond);
  if (bond.isAdminDown) return switchedOff(bond);
  if (isBondDown(bond)) return downProblem(bond, context);
  return slavesDown(bond).length > 0 ? slaveProblem(bond, context) : undefined;
}

/**
 * Whether a part of its traffic is lost because it doesn't check its links: https://docs.kernel.org/networking/bonding.html says that it is critical to
 * configure `miimon` or `arp_interval`.
 */
export function sendsIntoDeadSlave(bond: BondState): boolean {
  return isMonitored(bond) === false && deadInUse(bond).length > 0;
}

/** The slaves without a link that it sends through. */
function deadInUse(bond: BondState): readonly SlaveState[] {
  const down = slavesDown(bond).filter((slave) => slave.isUp !== false);
  if (bond.mode === 'active-backup') return down.filter(({ name }) => name === bond.activeSlave);
  return bond.mode === 'broadcast' || bond.mode === 'unknown' ? [] : down;
}

/** The driver creates an empty `bond0` when it is loaded without parameters. */
function withoutSlaves(bond: BondState): BondProblem {
  const { target, name, host, isInUse } = bond;
  const isLeftover = bond.isAdminDown && isInUse !== true;
  const severity = isInUse === true && !bond.isAdminDown ? 'critical' : isLeftover ? 'info' : 'warning';
  return {
    bonds: [bond],
    is: severity === 'critical' ? 'down' : 'other',
    finding: {
      reason: 'no-slaves',
      severity,
      ...targetsOf([bond]),
      summary: isLeftover
        ? `${target} has no slaves and is switched off. Delete it if nothing needs it: the bonding driver creates \`bond0\` when it is loaded`
        : `${target} has no slaves, so it carries nothing. Check the configuration of ${name} on ${host.name}, and that the names of its NICs still match`,
    },
  };
}

function switchedOff(bond: BondState): BondProblem {
  const { target, name, host, isInUse } = bond;
  return {
    bonds: [bond],
    is: 'other',
    finding: {
      reason: 'bond-disabled',
      severity: isInUse === false ? 'info' : 'warning',
      ...targetsOf([bond]),
      summary: `${target} is administratively down. If it should carry traffic, run \`ip link set ${name} up\` on ${host.name}`,
      evidence: [slaveTable(bond)],
    },
  };
}

function downProblem(bond: BondState, context: LinkContext): BondProblem {
  const { target, host, slaves } = bond;
  const down = slavesDown(bond);
  const off = down.filter(({ isAdminDown }) => isAdminDown);
  const all = allOf(slaves.length, 'slave');
  const cause = otherCause(context);
  const summary = cause
    ? `${target} is down: its switch ${portWord(context.disabled.length)} disabled (${cause}). Ask the network team to remove the cause and re-enable ${context.disabled.length === 1 ? 'it' : 'them'}`
    : down.length < slaves.length
      ? `${target} is down: ${tooFewLinks(bond)}. Ask the network team for the switch ports of ${wording.list(down.map(({ name }) => name))}`
      : off.length === slaves.length
        ? `${target} is down: ${all} ${slaves.length === 1 ? 'is' : 'are'} administratively down. Run ${wording.list(off.map(({ name }) => `\`ip link set ${name} up\``))} on ${host.name}`
        : slaves.length === 1
          ? `${target} is down: its only slave ${slaves[0]?.name} has no link, and ${host.name} responds over SSH. Check its cable, and ask the network team for its switch port`
          : `${target} is down: ${all} have no link, and ${host.name} responds over SSH. Links rarely fail together on their own: ask the network team for the switch ports first`;
  return {
    bonds: [bond],
    is: 'down',
    finding: {
      reason: cause ? 'switch-port-disabled' : 'bond-down',
      severity: 'critical',
      ...targetsOf([bond]),
      summary,
      evidence: [
        slaveTable(bond),
        ...monitoringField(bond),
        ...switchEvidence(context, off.length < slaves.length),
      ],
    },
  };
}

/** https://docs.kernel.org/networking/bonding.html: `min_links` of 802.3ad. */
function tooFewLinks({ minLinks = 0, slaves, mode, ...bond }: BondState): string {
  const up = slaves.length - slavesDown({ minLinks, slaves, mode, ...bond }).length;
  return minLinks > up
    ? `${wording.count(up, 'slave')} of ${slaves.length} ${up === 1 ? 'has' : 'have'} a link, and it requires ${minLinks} (\`min_links\`)`
    : `the driver reports it as down, with ${up} of ${slaves.length} slaves up`;
}

function slaveProblem(bond: BondState, context: LinkContext): BondProblem {
  if (sendsIntoDeadSlave(bond)) return deadSlaveProblem(bond);
  const { target, host, slaves } = bond;
  const down = slavesDown(bond);
  const off = down.filter(({ isAdminDown }) => isAdminDown);
  const names = wording.list(down.map(({ name }) => name));
  const left = slaves.length - down.length;
  const rest =
    left === 1 ? 'one slave is left, so the next failure takes it down' : `${left} slaves are left`;
  const cause = otherCause(context);
  const advice = cause
    ? `${context.disabled.length === 1 ? 'Its' : 'Their'} switch ${portWord(context.disabled.length)} disabled (${cause}): ask the network team`
    : off.length === down.length
      ? `Run ${wording.list(off.map(({ name }) => `\`ip link set ${name} up\``))} on ${host.name}`
      : `Check the cable and the switch port of ${names}`;
  return {
    bonds: [bond],
    is: 'degraded',
    finding: {
      reason: off.length === down.length ? 'slave-disabled' : 'slave-down',
      severity: 'warning',
      ...targetsOf([bond]),
      summary: `${shareOf(down.length, slaves.length, 'slave')} of ${target} ${down.length === 1 ? 'is' : 'are'} ${off.length === down.length ? 'administratively down' : 'without a link'} (${names}): ${rest}. ${advice}`,
      evidence: [slaveTable(bond), ...monitoringField(bond), ...switchEvidence(context, false)],
    },
  };
}

function deadSlaveProblem(bond: BondState): BondProblem {
  const { target, name, host, mode } = bond;
  const dead = deadInUse(bond);
  const good = bond.slaves.filter((slave) => isSlaveUp(bond, slave) === true).map((slave) => slave.name);
  const names = wording.list(dead.map((slave) => slave.name));
  const isOff = dead.every(({ isAdminDown }) => isAdminDown);
  const state = isOff
    ? `${dead.length === 1 ? 'is' : 'are'} administratively down`
    : `${dead.length === 1 ? 'has' : 'have'} no link`;
  const loss = `sends ${mode === 'active-backup' ? 'everything' : 'a part of its traffic'} into ${names}, which ${state}`;
  return {
    bonds: [bond],
    is: 'dead-slave',
    finding: {
      reason: 'dead-slave-in-use',
      severity: 'critical',
      ...targetsOf([bond]),
      summary: `${target} ${loss}: link monitoring is off (\`miimon\` 0), so it doesn't switch to ${wording.list(good)}. Turn it on`,
      evidence: [slaveTable(bond), ...monitoringSteps(name, host.name)],
    },
  };
}

/** Links that work now, and that no one would notice to fail. One finding for all: they are usually configured by one tool. */
export function unmonitoredProblem(bonds: readonly BondState[]): readonly BondProblem[] {
  const off = bonds.filter(
    (bond) =>
      isMonitored(bond) === false &&
      bond.slaves.length > 0 &&
      !bond.isAdminDown &&
      !isBondDown(bond) &&
      !sendsIntoDeadSlave(bond),
  );
  const [first] = off;
  if (!first) return [];
  const names = off.map(({ target }) => target);
  const isOne = off.length === 1;
  return [
    {
      bonds: off,
      is: 'unmonitored',
      finding: {
        reason: 'no-link-monitoring',
        severity: 'warning',
        ...targetsOf(off),
        summary: `${wording.list(names)} ${isOne ? "doesn't" : "don't"} check ${isOne ? 'its' : 'their'} links (\`miimon\` 0 and no \`arp_interval\`), so a dead slave stays in use. Turn link monitoring on`,
        evidence: [
          ...(isOne ? [slaveTable(first)] : []),
          ...optionalField('Check first', withoutSpeed(off)),
          ...monitoringSteps(first.name, isOne ? first.host.name : 'each host'),
        ],
      },
    },
  ];
}

/** A driver without a link reports no speed, and so do virtual NICs: if the links couldn't be read, that is only a sign. */
function withoutSpeed(bonds: readonly BondState[]): string | undefined {
  const suspects = bonds.flatMap(({ host, slaves }) =>
    slaves
      .filter(
        (one) =>
          one.hasCarrier === undefined &&
          one.speedMbps === undefined &&
          slaves.some(({ speedMbps }) => speedMbps !== undefined),
      )
      .map(({ name }) => `\`ip link show ${name}\` on ${host.name}`),
  );
  return suspects.length === 0
    ? undefined
    : `${wording.list(suspects)}: the driver reports no speed, so it may have lost its link`;
}

/** https://git.kernel.org/torvalds/c/c1f897ce186a529a494441642125479d38727a3d makes 100 the default of newer kernels if nothing is set. */
function monitoringSteps(bond: string, host: string): readonly Evidence[] {
  return [
    ...steps([
      `Now, on ${host}: \`ip link set ${bond} type bond miimon 100\``,
      'Permanently: netplan `mii-monitor-interval: 100`, systemd-networkd `MIIMonitorSec=100ms`, ifupdown `bond-miimon 100` or NetworkManager `miimon=100`',
    ]),
    field(
      'Likely cause',
      'an older kernel without the option, or a tool that sets it to 0: newer kernels use 100 if nothing is set',
    ),
  ];
}

function monitoringField(bond: BondState): readonly Evidence[] {
  return isMonitored(bond) === false ? [field('Link monitoring', 'off (`miimon` 0)')] : [];
}

function otherCause({ disabled }: LinkContext): string | undefined {
  const causes = disabled
    .filter((one) => one.disabled.by === 'other')
    .map((one) => one.disabled.cause ?? 'error-disabled');
  return causes.length === 0 ? undefined : [...new Set(causes)].toSorted().join(', ');
}

function portWord(amount: number): string {
  return amount === 1 ? 'port is' : 'ports are';
}

function switchEvidence(
  { disabled, unassigned, wereLogsRead }: LinkContext,
  isDown: boolean,
): readonly Evidence[] {
  const lines = disabled.flatMap((one) => one.disabled.lines.map((line) => `${one.switch} ${line}`));
  if (lines.length > 0) return [{ kind: 'log', lines: lines.slice(0, 6) }];
  if (!isDown) return [];
  if (unassigned.length > 0) {
    const ports = wording.list(unassigned.map((one) => `${one.switch} ${one.port}`));
    return [
      field(
        'Possible cause',
        `a guess: BPDU guard disabled ${ports}, and nothing says what is connected there`,
      ),
    ];
  }
  return [
    ...(wereLogsRead
      ? [field('Switch logs', 'no line about a port that is known to be connected to it')]
      : []),
    field(
      'Ask for',
      'disabled ports (`show interfaces status err-disabled`) and the reason that the switch logged',
    ),
  ];
}
