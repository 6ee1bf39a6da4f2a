import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { cleanText } from '../../text/clean-text.ts';
import type { Audited } from '../audit/entry.ts';
import { openChain } from '../audit/chain.ts';
import { appending } from '../audit/commit.ts';

/** Who stopped all applying, when and why; `because` may be empty. */
const frozenSchema = z.strictObject({ by: z.string(), at: z.iso.datetime(), because: z.string() });

export type Frozen = z.infer<typeof frozenSchema>;

/** The one switch that stops all applying, in every environment, until somebody takes it back. It never moves without its audit entry. */
export interface Freeze {
  /** Who froze first stays; false where everything is frozen already. */
  readonly freeze: (frozen: Frozen) => Promise<boolean>;
  /** False where nothing is frozen. */
  readonly thaw: (thawed: Frozen) => Promise<boolean>;
  readonly read: () => Promise<Frozen | undefined>;
}

const FREEZE = appending({
  unless: "if redis.call('exists', KEYS[3]) == 1 then return 'frozen' end",
  also: "redis.call('set', KEYS[3], ARGV[5])",
});
const THAW = appending({
  unless: "if redis.call('exists', KEYS[3]) == 0 then return 'thawed' end",
  also: "redis.call('del', KEYS[3])",
});

export function openFreeze(redis: Redis | Cluster, prefix: string, audit = openChain(redis, prefix)): Freeze {
  const key = `${prefix}:freeze`;
  const turn = async (script: string, kind: 'frozen' | 'thawed', said: Frozen): Promise<boolean> => {
    const json = JSON.stringify(frozenSchema.parse(said));
    const answer = await audit.link(entryOf(kind, said), (link) => {
      const { prev, hash, seq, json: entry } = link;
      const keys = [audit.headKey, audit.streamKey, key];
      return redis.eval(script, keys.length, ...keys, prev, hash, seq, entry, json) as Promise<string>;
    });
    return answer === 'ok';
  };
  return {
    freeze: (frozen) => turn(FREEZE, 'frozen', frozen),
    thaw: (thawed) => turn(THAW, 'thawed', thawed),
    read: async () => {
      const found = await redis.get(key);
      return found === null ? undefined : frozenSchema.parse(JSON.parse(found));
    },
  };
}

function entryOf(kind: 'frozen' | 'thawed', { by, at, because }: Frozen): Audited {
  return { kind, at, who: [by], what: 'everything', ...(because !== '' && { because }) };
}

const LONGEST_REASON = 500;

/** The reason in what was typed: `because of the migration`, `--because "the migration"` and `the migration` are all one. May be empty. */
export function reasonIn(typed: string): string {
  const said = typed
    .trim()
    .replace(/^[-—–]*because(?!\s+of\b)(\s+|\s*[=:]\s*|$)/i, '')
    .replace(/^(["'“”‘’])([\s\S]*)["'“”‘’]$/, '$2')
    .trim();
  return said === '' ? '' : cleanText(said).slice(0, LONGEST_REASON).toWellFormed();
}
