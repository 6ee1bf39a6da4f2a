import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';

/** Whether Slack drops a post whose `client_msg_id` it has seen, as tested by `wrench doctor --prove-posting`. */
const proofSchema = z.strictObject({ drops: z.boolean(), at: z.iso.datetime() });

export type DeduplicationProof = z.infer<typeof proofSchema>;

export interface PostDeduplication {
  /** Undefined if it was never tested. */
  readonly read: () => Promise<DeduplicationProof | undefined>;
  readonly save: (proof: DeduplicationProof) => Promise<void>;
  /** False until proven. The result is cached for a minute. */
  readonly dropsDuplicates: () => Promise<boolean>;
}

const REREAD_AFTER_MS = 60_000;

export function openPostDeduplication(redis: Redis | Cluster, prefix: string): PostDeduplication {
  const key = `${prefix}:slack-drops-repeats`;
  const read = async () => {
    const json = await redis.get(key);
    return json === null ? undefined : proofSchema.parse(JSON.parse(json));
  };
  let known: { readonly drops: boolean; readonly untilMs: number } | undefined;
  return {
    read,
    save: async (proof) => {
      await redis.set(key, JSON.stringify(proofSchema.parse(proof)));
    },
    dropsDuplicates: async () => {
      if (!known || performance.now() > known.untilMs)
        known = {
          drops: (await read())?.drops ?? false,
          untilMs: performance.now() + REREAD_AFTER_MS,
        };
      return known.drops;
    },
  };
}
