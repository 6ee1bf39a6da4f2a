import { z } from 'zod';

/** The size on disk of the console logs of one instance. */
export const consoleSample = z.strictObject({ console: z.string(), diskBytes: z.number() });

export type ConsoleSample = z.output<typeof consoleSample>;
