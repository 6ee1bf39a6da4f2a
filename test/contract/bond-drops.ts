import type { Bond, BondSlave } from '../../src/ports/hosts.ts';
import type { Incomplete } from './engine-drops.ts';

/** Each fact of a bond that its driver may not report and that decides about it, with a faulty value in its place. */
export function incompleteBonds(
  bonds: readonly Bond[],
): readonly (Incomplete & { readonly hidden?: readonly Bond[] })[] {
  return bonds.flatMap((bond) => {
    const replaced = (changed: Bond): readonly Bond[] =>
      bonds.map((one) => (one.name === bond.name ? changed : one));
    const { miimonMs: _, ...unmonitored } = bond;
    const { aggregator: __, ...withoutAggregator } = bond;
    const ofSlave = (slave: BondSlave, changed: BondSlave): Bond => ({
      ...bond,
      slaves: bond.slaves.map((one) => (one.name === slave.name ? changed : one)),
    });
    return [
      {
        what: `whether ${bond.name} checks its links is unknown`,
        subject: bond.name,
        value: replaced(unmonitored),
        hidden: replaced({ ...bond, miimonMs: 0 }),
      },
      ...(bond.aggregator
        ? [
            {
              what: `the active aggregator of ${bond.name} is unknown`,
              subject: bond.name,
              value: replaced(withoutAggregator),
            },
          ]
        : []),
      ...bond.slaves.flatMap((slave) => {
        const { miiStatus: ___, ...unknown } = slave;
        const { aggregatorId, ...outside } = slave;
        return [
          {
            what: `whether ${slave.name} of ${bond.name} has a link is unknown`,
            subject: bond.name,
            value: replaced(ofSlave(slave, unknown)),
            hidden: replaced(ofSlave(slave, { ...slave, miiStatus: 'down' })),
          },
          ...(aggregatorId === undefined
            ? []
            : [
                {
                  what: `the aggregator of ${slave.name} of ${bond.name} is unknown`,
                  subject: bond.name,
                  value: replaced(ofSlave(slave, outside)),
                  hidden: replaced(ofSlave(slave, { ...slave, aggregatorId: aggregatorId + 1 })),
                },
              ]),
        ];
      }),
    ];
  });
}
