import { wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { type BondState, isBondDown, isSlaveUp, NO_PARTNER, type SlaveState } from './bond-state.ts';
import { type BondProblem, slaveTable, targetsOf } from './problem.ts';

/**
 * Slaves with a link that carry nothing, because LACP didn't aggregate them: only those in the active aggregator do
 * (https://docs.kernel.org/networking/bonding.html, mode 802.3ad).
 */
export function aggregationProblem(bond: BondState, all: readonly BondState[]): BondProblem | undefined {
  if (bond.mode !== '802.3ad' || bond.isAdminDown || isBondDown(bond) || bond.slaves.length === 0)
    return undefined;
  const up = bond.slaves.filter((slave) => isSlaveUp(bond, slave) === true);
  if (bond.aggregator?.partnerMac === NO_PARTNER) return withoutPartner(bond, up);
  const outside = up.filter((slave) => isOutside(bond, slave));
  if (outside.length > 0) return split(bond, { up, outside, all });
  const ports = bond.aggregator?.ports;
  const churned = up.filter(({ isChurned }) => isChurned);
  if (churned.length > 0 || (ports !== undefined && ports < up.length))
    return unsettled(bond, { up, churned });
  return undefined;
}

function isOutside({ aggregator }: BondState, { aggregatorId }: SlaveState): boolean {
  return aggregatorId !== undefined && aggregator?.id !== undefined && aggregatorId !== aggregator.id;
}

/** Every slave is then an aggregator of its own, and one of them carries everything, if its switch lets it. */
function withoutPartner(bond: BondState, up: readonly SlaveState[]): BondProblem {
  return {
    bonds: [bond],
    is: 'split',
    finding: {
      reason: 'no-lacp-partner',
      severity: 'warning',
      ...targetsOf([bond]),
      summary: `${bond.target} has no LACP partner: at most 1 of ${up.length} slaves carries traffic. Ask the network team whether LACP is configured on its switch ports`,
      evidence: [slaveTable(bond)],
    },
  };
}

interface Split {
  readonly up: readonly SlaveState[];
  readonly outside: readonly SlaveState[];
  readonly all: readonly BondState[];
}

function split(bond: BondState, { up, outside, all }: Split): BondProblem {
  const inside = up.filter((slave) => !outside.includes(slave));
  const names = wording.list(outside.map(({ name }) => name));
  const peer = inside[0]?.name ?? 'the others';
  const why = whyOutside(bond, inside, outside);
  return {
    bonds: [bond],
    is: 'split',
    finding: {
      reason: 'aggregator-split',
      severity: 'warning',
      ...targetsOf([bond]),
      summary: `Only ${inside.length} of ${up.length} slaves of ${bond.target} ${inside.length === 1 ? 'is' : 'are'} aggregated: ${why.what}. ${names} ${outside.length === 1 ? 'is' : 'are'} at best a standby. ${why.advice(names, peer)}`,
      evidence: [
        slaveTable(bond),
        ...optionalField('Churned', churnedNames(outside)),
        field('Bandwidth', `${inside.length} of ${up.length} links`),
        ...optionalField('Compare with', exampleFor(bond, all)?.target),
      ],
    },
  };
}

interface Why {
  readonly what: string;
  readonly advice: (names: string, peer: string) => string;
}

function whyOutside(bond: BondState, inside: readonly SlaveState[], outside: readonly SlaveState[]): Why {
  const names = wording.list(outside.map(({ name }) => name));
  const speeds = new Set([...inside, ...outside].map(({ speedMbps }) => speedMbps));
  const partner = bond.aggregator?.partnerMac ?? inside[0]?.partnerMac;
  const others = [...new Set(outside.map(({ partnerMac }) => partnerMac))];
  if (others.length === 1 && others[0] === NO_PARTNER)
    return {
      what: `${names} receives no LACP packets`,
      advice: () => `Ask the network team whether LACP is configured on its switch port`,
    };
  if (partner !== undefined && others.some((one) => one !== undefined && one !== partner))
    return {
      what: `${names} is connected to another LACP partner (${others.join(', ')}) than the rest (${partner})`,
      advice: (few, peer) =>
        `Ask the network team to put the switch ports of ${few} and ${peer} into one port channel, with MLAG if these are two switches`,
    };
  if (speeds.size > 1)
    return {
      what: `${names} has another speed than the rest`,
      advice: () => 'Ask the network team to set the same speed on its switch ports',
    };
  return {
    what: `${names} is in another aggregator with the same partner`,
    advice: () => 'Ask the network team whether its switch ports belong to one port channel',
  };
}

/** LACP doesn't agree, although the slave is in the aggregator. */
function unsettled(
  bond: BondState,
  { up, churned }: { readonly up: readonly SlaveState[]; readonly churned: readonly SlaveState[] },
): BondProblem {
  const ports = bond.aggregator?.ports;
  const what =
    churned.length > 0
      ? `LACP doesn't settle on ${wording.list(churned.map(({ name }) => name))} (churned)`
      : `the active aggregator has ${ports} of ${up.length} slaves that have a link`;
  return {
    bonds: [bond],
    is: 'split',
    finding: {
      reason: 'lacp-unsettled',
      severity: 'warning',
      ...targetsOf([bond]),
      summary: `${bond.target}: ${what}. Ask the network team to compare the LACP settings of its switch ports`,
      evidence: [slaveTable(bond)],
    },
  };
}

function churnedNames(slaves: readonly SlaveState[]): string | undefined {
  const names = slaves.filter(({ isChurned }) => isChurned).map(({ name }) => name);
  return names.length === 0 ? undefined : wording.list(names);
}

/** A bond with the same partner whose slaves are all aggregated. */
function exampleFor(bond: BondState, all: readonly BondState[]): BondState | undefined {
  return all.find(
    (one) =>
      one !== bond &&
      one.mode === '802.3ad' &&
      one.slaves.length > 1 &&
      one.aggregator?.partnerMac !== undefined &&
      one.aggregator.partnerMac === bond.aggregator?.partnerMac &&
      one.slaves.every(
        (slave) => isSlaveUp(one, slave) === true && !isOutside(one, slave) && !slave.isChurned,
      ),
  );
}
