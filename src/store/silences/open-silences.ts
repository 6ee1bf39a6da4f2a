import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { endedSilenceSchema } from '../../check/digest-run.ts';
import { timeInWords } from '../../check/report-in-words.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';
import { loadLua } from '../../queue/load-lua.ts';
import { cleanText, NOTHING_VISIBLE } from '../../text/clean-text.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { AuditEvent } from '../audit/entry.ts';
import { openAuditLog } from '../audit/audit-log.ts';
import type { KnownFinding } from '../history/tracked-findings.ts';
import { canonicalJson } from '../remediation/record.ts';
import { readClock } from '../read-clock.ts';
import { isCovered } from './is-covered.ts';
import {
  appliedOf,
  beginningOf,
  endInWords,
  endMsOf,
  followFindings,
  isSilencedBy,
  MAX_SILENCE_DAYS,
  type SilenceOutcome,
  type StoredSilence,
  storedSilenceSchema,
} from './silence-rules.ts';
import type { Silence, Silences, SilenceScope } from './silences.ts';

const DAY_MS = 86_400_000;
const MAX_ACTIVE = 500;
const MAX_BECAUSE_CHARS = 500;
const MAX_ABOUT_CHARS = 300;
const MAX_PATTERN_CHARS = 500;
/** How long ended silences are kept for digests, and how many. */
const KEEP_ENDED_MS = 30 * DAY_MS;
const MAX_ENDED = 2_000;
const MAX_ATTEMPTS = 100;

/** A silence that ended automatically, with the scope of its findings. */
const endedRecordSchema = z.strictObject({
  ended: endedSilenceSchema,
  check: z.string().exactOptional(),
  environment: z.string().exactOptional(),
});

const addSilence = loadLua(new URL('./lua/add-silence.lua', import.meta.url), {
  keys: ['headKey', 'streamKey', 'silencesKey'],
  args: ['prevHash', 'hash', 'seq', 'entry', 'id', 'silence', 'replacedIds', 'max'],
  returns: z.string(),
});
const endSilence = loadLua(new URL('./lua/end-silence.lua', import.meta.url), {
  keys: ['headKey', 'streamKey', 'silencesKey', 'endedKey'],
  args: ['prevHash', 'hash', 'seq', 'entry', 'id', 'expected', 'ended', 'keepMs', 'maxEnded'],
  returns: z.string(),
});
const updateSilence = loadLua(new URL('./lua/update-silence.lua', import.meta.url), {
  keys: ['silencesKey'],
  args: ['id', 'expected', 'silence'],
  returns: z.literal([0, 1]),
});

export function openSilences(
  redis: Redis | Cluster,
  prefix: string,
  audit = openAuditLog(redis, prefix),
): Silences {
  const { headKey, streamKey } = audit;
  const silencesKey = `${prefix}:silences`;
  const endedKey = `${prefix}:silences:ended`;

  /** Ends a silence with its audit entry. `expected`: the state that must still be stored, '' for any. */
  const end = (id: string, event: AuditEvent, expected = '', ended = ''): Promise<string> =>
    audit.appendWith(event, ({ prev, hash, seq, json }) =>
      endSilence(redis, {
        headKey,
        streamKey,
        silencesKey,
        endedKey,
        prevHash: prev,
        hash,
        seq,
        entry: json,
        id,
        expected,
        ended,
        keepMs: KEEP_ENDED_MS,
        maxEnded: MAX_ENDED,
      }),
    );

  /** Commits the decision about a silence in its current state. @returns it, or undefined if it has ended. */
  const follow = async (
    id: string,
    nowMs: number,
    decide: (silence: StoredSilence) => SilenceOutcome,
  ): Promise<StoredSilence | undefined> => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const json = await redis.hget(silencesKey, id);
      const silence = parseSilence(json);
      if (json === null || !silence) return undefined;
      const outcome = decide(silence);
      if (outcome.kind === 'kept') {
        if (!outcome.isChanged) return silence;
        const next = JSON.stringify(outcome.silence);
        if ((await updateSilence(redis, { silencesKey, id, expected: json, silence: next })) === 1)
          return outcome.silence;
        continue;
      }
      const answer = await end(
        id,
        endEventOf(silence, outcome, nowMs),
        json,
        endedOf(silence, outcome, nowMs),
      );
      if (answer !== 'changed') return undefined;
    }
    throw new Error(`other processes changed the silence ${id} ${MAX_ATTEMPTS} times first`);
  };

  const readStored = async (): Promise<{
    readonly nowMs: number;
    readonly stored: readonly StoredSilence[];
  }> => {
    const [nowMs, all] = await Promise.all([readClock(redis), redis.hgetall(silencesKey)]);
    return { nowMs, stored: Object.values(all).flatMap((json) => parseSilence(json) ?? []) };
  };
  /** The active silences. Ends those that have expired. */
  const readActive = async () => {
    const { nowMs, stored } = await readStored();
    for (const { id } of stored.filter((silence) => endMsOf(silence) <= nowMs))
      await follow(id, nowMs, (silence) => expire(silence, nowMs));
    return { nowMs, active: stored.filter((silence) => endMsOf(silence) > nowMs) };
  };

  return {
    add: async (scope, { by, because, until }, baseline) => {
      const { nowMs, active } = await readActive();
      const why = cleanText(because).slice(0, MAX_BECAUSE_CHARS).toWellFormed();
      const beginning = beginningOf(scope, baseline);
      const refusal = refusalOf(scope, why, until, beginning?.severity, nowMs);
      if (!beginning || refusal !== undefined) return refusal ?? NOTHING_TO_SILENCE;
      const silence: StoredSilence = {
        id: `s${randomBytes(5).toString('hex')}`,
        by,
        at: new Date(nowMs).toISOString(),
        ...(until !== undefined && { until: new Date(until).toISOString() }),
        because: why,
        scope,
        about: aboutOf(scope, baseline),
        ...beginning,
      };
      const replaced = active.filter((other) => canonicalJson(other.scope) === canonicalJson(scope));
      const answer = await audit.appendWith(
        silenceEventOf('silenced', silence, [by], `${endInWords(silence)}: ${why}`, nowMs),
        ({ prev, hash, seq, json }) =>
          addSilence(redis, {
            headKey,
            streamKey,
            silencesKey,
            prevHash: prev,
            hash,
            seq,
            entry: json,
            id: silence.id,
            silence: JSON.stringify(storedSilenceSchema.parse(silence)),
            replacedIds: JSON.stringify(replaced.map(({ id }) => id)),
            max: MAX_ACTIVE,
          }),
      );
      return answer === 'full' ? TOO_MANY : silenceOf(silence);
    },

    remove: async (id, by) => {
      const { nowMs, active } = await readActive();
      const silence = active.find((one) => one.id === id);
      if (!silence) return false;
      return (await end(id, silenceEventOf('unsilenced', silence, [by], undefined, nowMs))) === 'ok';
    },

    covering: async (known) => {
      const { nowMs, stored } = await readStored();
      const active = stored.filter((silence) => endMsOf(silence) > nowMs);
      const silence = longest(active, known);
      return silence && silenceOf(silence);
    },

    list: async () => (await readActive()).active.toSorted(byEnd).map(silenceOf),

    apply: async ({ check, environment }, findings) => {
      const { nowMs, active } = await readActive();
      const known = findings.map((finding) => ({ check, environment, finding: withoutSilence(finding) }));
      const kept: StoredSilence[] = [];
      for (const silence of active) {
        const outcome = followFindings(silence, known, nowMs);
        const next =
          outcome.kind === 'kept' && !outcome.isChanged
            ? silence
            : await follow(silence.id, nowMs, (stored) => followFindings(stored, known, nowMs));
        if (next) kept.push(next);
      }
      return known.map((one) => {
        const silence = longest(kept, one);
        return { ...one.finding, ...(silence && { silence: appliedOf(silence) }) };
      });
    },

    endedSince: async (sinceMs, questions) => {
      await readActive();
      const records = await redis.zrangebyscore(endedKey, sinceMs, '+inf');
      return records.flatMap((json) => {
        const { data } = endedRecordSchema.safeParse(parseJson(json));
        const isAsked = questions.some(
          ({ check, environment }) =>
            (data?.check ?? check) === check && (data?.environment ?? environment) === environment,
        );
        return data && isAsked ? [data.ended] : [];
      });
    },
  };
}

function parseSilence(json: string | null): StoredSilence | undefined {
  return storedSilenceSchema.safeParse(parseJson(json ?? '')).data;
}

function withoutSilence(finding: TrackedFinding): TrackedFinding {
  const { silence: _, ...rest } = finding;
  return rest;
}

function silenceOf(silence: StoredSilence): Silence {
  return { ...appliedOf(silence), scope: silence.scope };
}

function byEnd(a: StoredSilence, b: StoredSilence): number {
  const endOf = ({ until }: StoredSilence) => (until === undefined ? Number.MAX_VALUE : Date.parse(until));
  return endOf(a) - endOf(b) || Date.parse(a.at) - Date.parse(b.at);
}

/** Of the silences that cover a finding, the one that ends last. */
function longest(silences: readonly StoredSilence[], known: KnownFinding): StoredSilence | undefined {
  return silences
    .filter((silence) => isSilencedBy(silence, known))
    .toSorted(byEnd)
    .at(-1);
}

const NOTHING_TO_SILENCE =
  'No finding matches. Check the reason and the target: a silence must cover at least one finding.';
const TOO_MANY = `There are ${MAX_ACTIVE} silences already. End one first: \`/wrench silences\` lists them.`;

/** Why a silence isn't added, for people. */
function refusalOf(
  scope: SilenceScope,
  because: string,
  until: string | undefined,
  severity: StoredSilence['severity'] | undefined,
  nowMs: number,
): string | undefined {
  if (because === NOTHING_VISIBLE) return 'A silence needs a reason; everyone can see it.';
  if (scope.kind === 'pattern' && scope.targetPattern.length > MAX_PATTERN_CHARS)
    return `A pattern can have at most ${MAX_PATTERN_CHARS} characters.`;
  if (severity === undefined) return NOTHING_TO_SILENCE;
  if (until === undefined) {
    if (scope.kind === 'pattern') return 'A silence by pattern needs an end, such as 3d.';
    return severity === 'critical'
      ? 'A critical finding can only be silenced for a limited time, such as 3d.'
      : undefined;
  }
  const endMs = Date.parse(until);
  if (Number.isNaN(endMs) || endMs <= nowMs) return 'The end of a silence must be in the future.';
  if (endMs > nowMs + MAX_SILENCE_DAYS * DAY_MS) return `A silence lasts at most ${MAX_SILENCE_DAYS} days.`;
  return undefined;
}

/** The summary of its finding, or its reason and pattern. */
function aboutOf(scope: SilenceScope, baseline: readonly KnownFinding[]): string {
  const about =
    scope.kind === 'pattern'
      ? `${scope.reason} on ${scope.targetPattern}`
      : (baseline.find((known) => isCovered(scope, known))?.finding.summary ??
        `${scope.reason} on ${scope.target}`);
  return cleanText(about).slice(0, MAX_ABOUT_CHARS).toWellFormed();
}

function expire(silence: StoredSilence, nowMs: number): SilenceOutcome {
  if (endMsOf(silence) > nowMs) return { kind: 'kept', silence, isChanged: false };
  return {
    kind: 'ended',
    because: 'expired',
    inWords:
      silence.until === undefined
        ? `it was not found for ${MAX_SILENCE_DAYS} days`
        : `the silence expired at ${timeInWords(silence.until)}`,
  };
}

type Ended = Extract<SilenceOutcome, { kind: 'ended' }>;

function endedOf(silence: StoredSilence, { because }: Ended, nowMs: number): string {
  const { id, about, by, scope } = silence;
  const at = new Date(because === 'expired' ? endMsOf(silence) : nowMs).toISOString();
  return JSON.stringify({ ended: { id, about, by, at, because }, ...placeOf(scope) });
}

function endEventOf(silence: StoredSilence, { inWords }: Ended, nowMs: number): AuditEvent {
  const because = cleanText(inWords).slice(0, MAX_BECAUSE_CHARS).toWellFormed();
  return silenceEventOf('unsilenced', silence, ['wrench'], because, nowMs);
}

function silenceEventOf(
  kind: 'silenced' | 'unsilenced',
  { id, about, scope }: StoredSilence,
  who: string[],
  because: string | undefined,
  nowMs: number,
): AuditEvent {
  return {
    kind,
    at: new Date(nowMs).toISOString(),
    who,
    silence: id,
    what: about,
    ...placeOf(scope),
    ...(scope.kind === 'finding' && { targets: [scope.target] }),
    ...(because !== undefined && { because }),
  };
}

function placeOf({ check, environment }: SilenceScope) {
  return { ...(check !== undefined && { check }), ...(environment !== undefined && { environment }) };
}
