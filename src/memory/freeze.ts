import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';

/** Who stopped all applying, when and why. */
const frozenSchema = z.strictObject({ by: z.string(), at: z.iso.datetime(), because: z.string() });

export type Frozen = z.infer<typeof frozenSchema>;

/** The one switch that stops all applying, in every environment, until somebody takes it back. */
export interface Freeze {
  /** Who froze first stays; false where everything is frozen already. */
  readonly freeze: (frozen: Frozen) => Promise<boolean>;
  /** False where nothing is frozen. */
  readonly thaw: () => Promise<boolean>;
  readonly read: () => Promise<Frozen | undefined>;
}

export function openFreeze(redis: Redis | Cluster, prefix: string): Freeze {
  const key = `${prefix}:freeze`;
  return {
    freeze: async (frozen) => (await redis.set(key, JSON.stringify(frozen), 'NX')) === 'OK',
    thaw: async () => (await redis.del(key)) === 1,
    read: async () => {
      const found = await redis.get(key);
      return found === null ? undefined : frozenSchema.parse(JSON.parse(found));
    },
  };
}
