import type { Evidence, Finding } from '../../kit.ts';
import { type BondState, isSlaveUp, type SlaveState } from './bond-state.ts';

/** No button changes a network: the steps of a fix are text. */
export type BondFinding = Finding<never>;

/** What is wrong with some bonds, for the finding and for the verdict. */
export interface BondProblem {
  readonly finding: BondFinding;
  readonly bonds: readonly BondState[];
  /** What the verdict calls it. */
  readonly is: 'cut-off' | 'down' | 'dead-slave' | 'degraded' | 'unmonitored' | 'split' | 'other';
  /** BPDU guard is the cause. */
  readonly isBpduGuard?: boolean;
}

/** One finding for bonds with one cause. Its target is the first, so that it stays the same when others follow. */
export function targetsOf(bonds: readonly BondState[]): Pick<BondFinding, 'target'> & { targets?: string[] } {
  const targets = bonds.map(({ target }) => target);
  return { target: targets[0] ?? 'bond', ...(targets.length > 1 && { targets }) };
}

const UNKNOWN = 'unknown';

/** Each slave with what its bond decides by. */
export function slaveTable(bond: BondState): Evidence {
  const isLacp = bond.mode === '802.3ad';
  const hasPorts = bond.slaves.some((slave) => switchPort(bond, slave) !== undefined);
  return {
    kind: 'table',
    columns: [
      'Slave',
      'Link',
      'Driver says',
      'Speed',
      ...(isLacp ? ['Aggregator', 'LACP partner'] : []),
      ...(hasPorts ? ['Switch port'] : []),
    ],
    rows: bond.slaves.map((slave) => [
      slave.name,
      linkInWords(bond, slave),
      slave.mii ?? UNKNOWN,
      slave.speedMbps === undefined ? UNKNOWN : `${slave.speedMbps} Mbps`,
      ...(isLacp ? [String(slave.aggregatorId ?? UNKNOWN), slave.partnerMac ?? UNKNOWN] : []),
      ...(hasPorts ? [switchPort(bond, slave) ?? UNKNOWN] : []),
    ]),
  };
}

function linkInWords(bond: BondState, slave: SlaveState): string {
  if (slave.isAdminDown) return 'administratively down';
  const isUp = slave.hasCarrier ?? isSlaveUp(bond, slave);
  return isUp === undefined ? UNKNOWN : isUp ? 'yes' : 'no';
}

/** By LLDP, as long as the switch or the agent remembers it. */
function switchPort({ host }: BondState, { name }: SlaveState): string | undefined {
  const neighbor = host.neighbors?.find(({ link }) => link === name);
  return neighbor && `${neighbor.switch} ${neighbor.port}`;
}
