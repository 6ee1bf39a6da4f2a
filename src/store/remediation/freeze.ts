import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { cleanText } from '../../text/clean-text.ts';
import { loadLua } from '../../queue/load-lua.ts';
import type { AuditEvent } from '../audit/entry.ts';
import { openAuditLog } from '../audit/audit-log.ts';

/** Who froze or unfroze remediations, when and why; `because` may be empty. */
const freezeRecordSchema = z.strictObject({ by: z.string(), at: z.iso.datetime(), because: z.string() });

export type FreezeRecord = z.infer<typeof freezeRecordSchema>;

/** Stops applying remediations in every environment until they are unfrozen. Each freeze and unfreeze is audited. */
export interface Freeze {
  /** False if remediations are already frozen; the earlier freeze stays. */
  readonly freeze: (frozen: FreezeRecord) => Promise<boolean>;
  /** False if they are not frozen. */
  readonly unfreeze: (unfrozen: FreezeRecord) => Promise<boolean>;
  readonly read: () => Promise<FreezeRecord | undefined>;
}

const setFreeze = loadLua(new URL('./lua/set-freeze.lua', import.meta.url), {
  keys: ['headKey', 'streamKey', 'freezeKey'],
  args: ['prevHash', 'hash', 'seq', 'entry', 'frozen'],
  returns: z.string(),
});
const removeFreeze = loadLua(new URL('./lua/remove-freeze.lua', import.meta.url), {
  keys: ['headKey', 'streamKey', 'freezeKey'],
  args: ['prevHash', 'hash', 'seq', 'entry'],
  returns: z.string(),
});

export function openFreeze(
  redis: Redis | Cluster,
  prefix: string,
  audit = openAuditLog(redis, prefix),
): Freeze {
  const freezeKey = `${prefix}:freeze`;
  const switchTo = async (kind: 'frozen' | 'thawed', record: FreezeRecord): Promise<boolean> => {
    const frozen = JSON.stringify(freezeRecordSchema.parse(record));
    const { headKey, streamKey } = audit;
    const answer = await audit.appendWith(freezeEventOf(kind, record), ({ prev, hash, seq, json }) => {
      const values = { headKey, streamKey, freezeKey, prevHash: prev, hash, seq, entry: json };
      return kind === 'frozen' ? setFreeze(redis, { ...values, frozen }) : removeFreeze(redis, values);
    });
    return answer === 'ok';
  };
  return {
    freeze: (frozen) => switchTo('frozen', frozen),
    unfreeze: (unfrozen) => switchTo('thawed', unfrozen),
    read: async () => {
      const found = await redis.get(freezeKey);
      return found === null ? undefined : freezeRecordSchema.parse(JSON.parse(found));
    },
  };
}

function freezeEventOf(kind: 'frozen' | 'thawed', { by, at, because }: FreezeRecord): AuditEvent {
  return { kind, at, who: [by], what: 'everything', ...(because !== '' && { because }) };
}

const MAX_REASON_CHARS = 500;

/** The reason in what was typed: `because of the migration`, `--because "the migration"` and `the migration` are the same. May be empty. */
export function parseFreezeReason(typed: string): string {
  const said = typed
    .trim()
    .replace(/^[-—–]*because(?!\s+of\b)(\s+|\s*[=:]\s*|$)/i, '')
    .replace(/^(["'“”‘’])([\s\S]*)["'“”‘’]$/, '$2')
    .trim();
  return said === '' ? '' : cleanText(said).slice(0, MAX_REASON_CHARS).toWellFormed();
}
