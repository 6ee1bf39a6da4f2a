import { bondsOf } from './bond-state.ts';
import { type DisabledPort, disabledPortsOf, tellingLine } from './disabled-ports.ts';
import type { Facts } from './facts.ts';
import type { BondSample } from './samples.ts';

/** A bond with more slaves than a switch has ports is not remembered. */
const MAX_SLAVES = 24;
const MAX_PORTS = 4;
const MAX_LINE_CHARS = 120;
/** Of more bonds, those that have lost links most often are remembered. */
const MAX_BONDS = 1_000;

/** What this run saw of each bond, to compare with later. */
export function bondSamples(facts: Facts): readonly BondSample[] {
  const disabled = disabledPortsOf(facts);
  return facts.hosts
    .flatMap(bondsOf)
    .map(({ target, slaves }): BondSample => {
      const ports = (disabled.get(target) ?? []).slice(0, MAX_PORTS).map(toSample);
      return {
        bond: target,
        slaves: slaves.flatMap(({ name, linkFailures }) =>
          linkFailures === undefined ? [] : [{ name, failures: linkFailures }],
        ),
        ...(ports.length > 0 && { disabled: ports }),
      };
    })
    .filter((one) => (one.slaves.length > 0 || one.disabled) && one.slaves.length <= MAX_SLAVES)
    .toSorted(
      (a, b) => Number(b.disabled !== undefined) - Number(a.disabled !== undefined) || sum(b) - sum(a),
    )
    .slice(0, MAX_BONDS);
}

function sum({ slaves }: BondSample): number {
  return slaves.reduce((total, { failures }) => total + failures, 0);
}

function toSample({ switch: name, port, knownBy, disabled }: DisabledPort) {
  const { by, cause, times, sourceMacs } = disabled;
  const at = times.at(-1)?.toISOString();
  return {
    switch: name,
    port,
    knownBy,
    by,
    ...(cause !== undefined && { cause }),
    ...(at !== undefined && { at }),
    macs: sourceMacs.slice(0, 2),
    line: tellingLine({ disabled }).slice(0, MAX_LINE_CHARS),
  };
}
