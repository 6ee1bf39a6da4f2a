import { z } from 'zod';

/** The MTU that most hosts had in a network. */
export const mtuSample = z.strictObject({ network: z.string(), mtu: z.number() });

export type MtuSample = z.output<typeof mtuSample>;
