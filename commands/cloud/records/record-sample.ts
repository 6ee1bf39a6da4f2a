import { z } from 'zod';

/** How many instances a cell had. Estimates are not remembered. */
export const recordSample = z.strictObject({
  cell: z.string(),
  softDeleted: z.number(),
  live: z.number(),
});

export type RecordSample = z.output<typeof recordSample>;
