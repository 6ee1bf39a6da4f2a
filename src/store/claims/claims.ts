import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { fingerprint as fingerprintOf } from '../../check/finding.ts';
import { type Claim, claimSchema, type TrackedFinding } from '../../check/tracked-finding.ts';
import { loadLua } from '../../queue/load-lua.ts';
import { cleanText, NOTHING_VISIBLE } from '../../text/clean-text.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { Question } from '../history/tracked-findings.ts';

/**
 * Who works on which finding, by its fingerprint. A claim hides nothing, so it isn't audited. It ends when its finding is gone, and expires 14 days
 * after its finding was last found.
 */
export interface Claims {
  /** The newest claim counts. @returns the claim of another person that it replaces, if any. */
  readonly take: (fingerprint: string, claim: Claim) => Promise<Claim | undefined>;
  /** Who works on it, if anyone. */
  readonly read: (fingerprint: string) => Promise<Claim | undefined>;
  /** False if no one works on it. */
  readonly release: (fingerprint: string) => Promise<boolean>;
  /** Ends the claims of findings that are gone; a finding that has replaced another gets its claim. @returns the findings with their claims. */
  readonly apply: (
    question: Question,
    findings: readonly TrackedFinding[],
  ) => Promise<readonly TrackedFinding[]>;
}

const KEEP_MS = 14 * 86_400_000;
const MAX_COMMENT_CHARS = 300;
/**
 * A run may last this long. What it doesn't find counts as gone from its start, so a claim taken during the run ends with it; a later claim is about
 * something that another question has found since.
 */
const RUN_MS = 15 * 60_000;
const MAX_KEYS_AT_ONCE = 1_000;

const takeClaim = loadLua(new URL('./lua/take-claim.lua', import.meta.url), {
  keys: ['claimKey'],
  args: ['claim', 'keepMs'],
  returns: z.string(),
});
const endClaim = loadLua(new URL('./lua/end-claim.lua', import.meta.url), {
  keys: ['claimKey', '...successorKeys'],
  args: ['takenBeforeMs'],
  returns: z.literal([0, 1]),
});

export function openClaims(redis: Redis | Cluster, prefix: string): Claims {
  const keyOf = (fingerprint: string) =>
    `${prefix}:claim:${createHash('sha256').update(fingerprint).digest('hex').slice(0, 32)}`;

  const readAll = async (keys: readonly string[]): Promise<readonly (Claim | undefined)[]> => {
    const claims: (Claim | undefined)[] = [];
    for (let from = 0; from < keys.length; from += MAX_KEYS_AT_ONCE)
      claims.push(...(await redis.mget(keys.slice(from, from + MAX_KEYS_AT_ONCE))).map(parseStored));
    return claims;
  };
  return {
    take: async (fingerprint, { by, at, comment }) => {
      const said = commentOf(comment);
      const claim = claimSchema.parse({ by, at, ...(said !== undefined && { comment: said }) });
      const before = parseClaim(
        await takeClaim(redis, {
          claimKey: keyOf(fingerprint),
          claim: JSON.stringify(claim),
          keepMs: KEEP_MS,
        }),
      );
      return before?.by === by ? undefined : before;
    },
    read: async (fingerprint) => parseStored(await redis.get(keyOf(fingerprint))),
    release: async (fingerprint) => (await redis.del(keyOf(fingerprint))) > 0,
    apply: async (question, findings) => {
      const keyIn = (finding: Pick<TrackedFinding, 'reason' | 'target'>) =>
        keyOf(fingerprintOf(question, finding));
      const keys = findings.map(keyIn);
      let claims = await readAll(keys);
      for (const [at, finding] of findings.entries()) {
        const claimKey = keys[at] ?? '';
        if (!claims[at] || finding.state === 'unseen') continue;
        if (finding.state === 'found') await redis.pexpire(claimKey, KEEP_MS);
        else
          await endClaim(redis, {
            claimKey,
            successorKeys: finding.replacedBy ? [keyIn(finding.replacedBy)] : [],
            takenBeforeMs: goneMsOf(finding) + RUN_MS,
          });
      }
      if (findings.some(({ state, replacedBy }, at) => state === 'gone' && replacedBy && claims[at]))
        claims = await readAll(keys);
      return findings.map((known, at) => {
        const { claim: _, ...finding } = known;
        const claim = finding.state === 'gone' ? undefined : claims[at];
        return { ...finding, ...(claim && { claim }) };
      });
    },
  };
}

function goneMsOf({ goneAt }: TrackedFinding): number {
  return goneAt === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(goneAt);
}

/** Undefined if there is no text. */
function commentOf(comment: string | undefined): string | undefined {
  const said = cleanText(comment ?? '')
    .slice(0, MAX_COMMENT_CHARS)
    .toWellFormed();
  return said === NOTHING_VISIBLE ? undefined : said;
}

function parseStored(stored: string | null): Claim | undefined {
  return parseClaim(stored?.split('\n')[1] ?? '');
}

/** @returns undefined if there is none, or if a newer version wrote it. */
function parseClaim(json: string): Claim | undefined {
  return claimSchema.safeParse(parseJson(json)).data;
}
