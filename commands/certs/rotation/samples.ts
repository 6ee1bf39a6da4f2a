import { z } from 'zod';

/** What is remembered of a rotation: which steps were seen done, and since when. */
export const sampleSchema = z.strictObject({
  /** The place of the authority. */
  rotation: z.string(),
  /** The id of its new version: another one begins another rotation. */
  version: z.string(),
  /** When a run first saw each step done, in ISO 8601. */
  done: z.array(z.strictObject({ step: z.string(), since: z.string() })),
});

export type RotationSample = z.output<typeof sampleSchema>;

export function sampleTarget({ rotation }: Pick<RotationSample, 'rotation'>): string {
  return rotation;
}

/** When each step of a rotation was first seen done, in milliseconds. */
export function doneSince(
  earlier: readonly RotationSample[],
  version: string | undefined,
): (step: string) => number | undefined {
  const first = new Map<string, string>();
  for (const one of earlier)
    if (one.version === version)
      for (const { step, since } of one.done) {
        const known = first.get(step);
        if (known === undefined || since < known) first.set(step, since);
      }
  return (step) => parseTime(first.get(step));
}

function parseTime(iso: string | undefined): number | undefined {
  if (iso === undefined || !z.iso.datetime().safeParse(iso).success) return undefined;
  return z.coerce.date().parse(iso).getTime();
}
