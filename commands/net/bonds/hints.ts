import { type Remembered, wording } from '../../kit.ts';
import { type BondState, isBondDown, isSlaveUp } from './bond-state.ts';
import { type BondProblem, slaveTable, targetsOf } from './problem.ts';
import type { BondSample } from './samples.ts';

/** A slave that lost its link this often since an earlier run is unstable. One that did so once has only failed over. */
const FLAPS = 3;
/** A slave that lost its link this often since it joined the bond is worth knowing. */
const MANY_FAILURES = 10;

/** Slaves that lose their links again and again, and bonds that work but not as they could. */
export function hints(bond: BondState, earlier: readonly Remembered<BondSample>[]): readonly BondProblem[] {
  if (bond.slaves.length === 0 || bond.isAdminDown || isBondDown(bond)) return [];
  return [...flapping(bond, earlier), ...withoutRedundancy(bond), ...unequalSpeeds(bond), ...sameMacs(bond)];
}

function problem(
  bond: BondState,
  reason: string,
  summary: string,
  severity: 'warning' | 'info' = 'info',
): BondProblem {
  const finding = { reason, severity, ...targetsOf([bond]), summary, evidence: [slaveTable(bond)] };
  return { bonds: [bond], is: severity === 'warning' ? 'degraded' : 'other', finding };
}

function flapping(bond: BondState, earlier: readonly Remembered<BondSample>[]): readonly BondProblem[] {
  const before = earlier.filter((sample) => sample.bond === bond.target);
  const rises = bond.slaves.map(({ name, linkFailures }) => ({
    name,
    failures: linkFailures,
    rise: riseOf(before, name, linkFailures),
  }));
  const unstable = rises.filter(({ rise }) => rise >= FLAPS);
  if (unstable.length > 0) {
    const words = unstable.map(({ name, rise }) => `${name} lost its link ${rise} times`);
    return [
      problem(
        bond,
        'link-flapping',
        `${bond.target}: ${wording.list(words)} since an earlier run. Check its cable, its transceiver and its switch port`,
        'warning',
      ),
    ];
  }
  const many = rises.filter(({ failures = 0 }) => failures >= MANY_FAILURES);
  if (many.length === 0) return [];
  const words = many.map(({ name, failures }) => `${name} lost its link ${failures} times`);
  return [
    problem(
      bond,
      'link-failures',
      `${bond.target}: ${wording.list(words)} since it joined the bond. Run this check again later to see whether it still does`,
    ),
  ];
}

/** How much a counter rose since it was last reset. */
function riseOf(before: readonly Remembered<BondSample>[], name: string, now: number | undefined): number {
  if (now === undefined) return 0;
  const counts = [
    ...before.flatMap(({ slaves }) =>
      slaves.filter((one) => one.name === name).map(({ failures }) => failures),
    ),
    now,
  ];
  const reset = counts.findLastIndex((count, at) => count < (counts[at - 1] ?? 0));
  return now - (counts[Math.max(reset, 0)] ?? now);
}

function withoutRedundancy(bond: BondState): readonly BondProblem[] {
  const [only, ...others] = bond.slaves;
  if (!only || others.length > 0) return [];
  return [
    problem(
      bond,
      'single-slave',
      `${bond.target} has only one slave (${only.name}), so the loss of one link takes it down. Add a second one if it should be redundant`,
    ),
  ];
}

/** In 802.3ad, slaves of different speeds are not aggregated, which is a fault of its own. */
function unequalSpeeds(bond: BondState): readonly BondProblem[] {
  const up = bond.slaves.filter((slave) => isSlaveUp(bond, slave) === true && slave.speedMbps !== undefined);
  const speeds = new Set(up.map(({ speedMbps }) => speedMbps));
  const half = up.filter(({ duplex }) => duplex === 'half');
  const words = up.map(({ name, speedMbps }) => `${name} ${speedMbps} Mbps`);
  if (bond.mode !== '802.3ad' && speeds.size > 1)
    return [
      problem(
        bond,
        'unequal-speeds',
        `The slaves of ${bond.target} have different speeds: ${wording.list(words, 4)}. Check what the switch ports negotiated`,
      ),
    ];
  return half.length === 0
    ? []
    : [
        problem(
          bond,
          'half-duplex',
          `${wording.list(half.map(({ name }) => name))} of ${bond.target} runs at half duplex. Check what the switch port negotiated`,
        ),
      ];
}

function sameMacs(bond: BondState): readonly BondProblem[] {
  const groups = Map.groupBy(
    bond.slaves.filter(({ permanentMac }) => permanentMac !== undefined),
    ({ permanentMac }) => permanentMac,
  );
  return [...groups].flatMap(([mac, slaves]) =>
    slaves.length < 2
      ? []
      : [
          problem(
            bond,
            'duplicate-mac',
            `${wording.list(slaves.map(({ name }) => name))} of ${bond.target} have the same permanent MAC address ${mac}. Give each NIC its own`,
          ),
        ],
  );
}
