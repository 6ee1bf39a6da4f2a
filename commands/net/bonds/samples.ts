import { z } from 'zod';

/** Not proven: other hosts are connected to the ports that have their number. */
export const BY_NUMBER = 'its number (a guess)';

/** How a switch port is known to belong to a host. */
const KNOWN_BY = ['LLDP', 'the list of switch ports', 'the description of the port', BY_NUMBER] as const;

/** How often each slave of a bond has lost its link since it joined the bond, and the switch ports that were disabled. */
export const bondSample = z.strictObject({
  bond: z.string(),
  slaves: z.array(z.strictObject({ name: z.string(), failures: z.number() })),
  disabled: z
    .array(
      z.strictObject({
        switch: z.string(),
        port: z.string(),
        knownBy: z.enum(KNOWN_BY),
        by: z.enum(['bpdu-guard', 'other']),
        cause: z.string().exactOptional(),
        /** When it was disabled first, by the clock of the switch. */
        at: z.iso.datetime().exactOptional(),
        macs: z.array(z.string()),
        line: z.string(),
      }),
    )
    .exactOptional(),
});

export type BondSample = z.output<typeof bondSample>;
