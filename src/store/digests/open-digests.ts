import { z } from 'zod';
import { type DigestRun, digestRunSchema, digestSnapshotSchema } from '../../check/digest-run.ts';
import type { RedisConnection } from '../../queue/connection.ts';
import { loadLua } from '../../queue/load-lua.ts';
import { readClock } from '../read-clock.ts';
import { type DigestState, digestStateSchema } from './digest-state.ts';
import type { Digests } from './digests.ts';
import { decidePosting, endPosting, type PostingDecision } from './posting.ts';

/** The states before and after a change. */
export interface DigestChange {
  readonly before: DigestState | undefined;
  readonly after: DigestState | undefined;
}

/** The digests for workers, which also change the state. */
export interface DigestStore extends Digests {
  readonly read: (name: string) => Promise<DigestState | undefined>;
  /**
   * Changes the state of a digest by compare-and-set. `decide` is called again if another process has changed it meanwhile, and changes nothing if it
   * returns its argument or undefined.
   */
  readonly change: (
    name: string,
    decide: (state: DigestState | undefined) => DigestState | undefined,
  ) => Promise<DigestChange>;
  /** Saves the result of a run as the newest. False if another run has replaced it. */
  readonly saveRun: (name: string, runId: string, run: DigestRun) => Promise<boolean>;
  /** When any worker last checked all of its digests, in milliseconds since the epoch. */
  readonly lastTickMs: () => Promise<number | undefined>;
  readonly recordTick: (nowMs: number) => Promise<void>;
}

/** Longer than a year, so that a yearly digest is compared with its last run. After that, nothing is left of a removed digest. */
const KEEP_MS = 400 * 86_400_000;

const replaceState = loadLua(new URL('./lua/replace-digest-state.lua', import.meta.url), {
  keys: ['stateKey', 'valueKey'],
  args: ['revision', 'state', 'value', 'ttlMs'],
  returns: z.literal([0, 1]),
});

/** The next state, and something to save with it: a key and a value. */
type Decision = { readonly next?: DigestState; readonly save?: readonly [key: string, value: object] };

export function openDigests(
  redis: RedisConnection,
  prefix: string,
  clock: () => Promise<number> = () => readClock(redis),
): DigestStore {
  const stateKey = (name: string) => `${prefix}:digest:${name}`;
  const runKey = (name: string) => `${prefix}:digest-run:${name}`;
  const postedKey = (name: string) => `${prefix}:digest-posted:${name}`;
  const tickKey = `${prefix}:digests-ticked`;

  const load = async (name: string) => {
    const [revision, json] = await redis.hmget(stateKey(name), 'rev', 'state');
    const state = json ? digestStateSchema.parse(JSON.parse(json)) : undefined;
    return { revision: Number(revision ?? 0), state };
  };
  const commit = async (
    name: string,
    decide: (state: DigestState | undefined) => Decision,
  ): Promise<DigestChange> => {
    for (;;) {
      const { revision, state } = await load(name);
      const { next, save } = decide(state);
      if (next === undefined || next === state) return { before: state, after: state };
      const isReplaced = await replaceState(redis, {
        stateKey: stateKey(name),
        valueKey: save?.[0] ?? runKey(name),
        revision,
        state: JSON.stringify(next),
        value: save ? JSON.stringify(save[1]) : '',
        ttlMs: KEEP_MS,
      });
      if (isReplaced === 1) return { before: state, after: next };
    }
  };
  /** Data that another version stored in another format is ignored: it is better to compare a digest with nothing than never to post it. */
  const readJson = async <T>(key: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    const json = await redis.get(key);
    return json === null ? undefined : schema.safeParse(JSON.parse(json)).data;
  };

  return {
    read: async (name) => (await load(name)).state,
    change: (name, decide) =>
      commit(name, (state) => {
        const next = decide(state);
        return next ? { next } : {};
      }),
    saveRun: async (name, runId, run) => {
      const { after } = await commit(name, (state) =>
        state?.run?.runId === runId && state.run.state !== 'finished'
          ? { next: { ...state, newest: runId }, save: [runKey(name), digestRunSchema.parse(run)] }
          : {},
      );
      return after?.newest === runId;
    },
    lastTickMs: async () => {
      const written = await redis.get(tickKey);
      return written === null ? undefined : Number(written);
    },
    recordTick: async (nowMs) => {
      await redis.set(tickKey, nowMs, 'PX', KEEP_MS);
    },
    lastRun: (name) => readJson(runKey(name), digestRunSchema),
    lastPosted: (name) => readJson(postedKey(name), digestSnapshotSchema),
    beginPosting: async (name, runId) => {
      const nowMs = await clock();
      let decision: PostingDecision = 'wait';
      await commit(name, (state) => {
        const decided = decidePosting(state, runId, nowMs);
        decision = decided.decision;
        return decided.next ? { next: decided.next } : {};
      });
      return decision;
    },
    recordPosted: async (name, runId, snapshot) => {
      await commit(name, (state) => {
        if (!state) return {};
        const next = endPosting(state, runId, { posted: runId });
        return next === state ? {} : { next, save: [postedKey(name), digestSnapshotSchema.parse(snapshot)] };
      });
    },
    recordNotPosted: async (name, runId, because) => {
      await commit(name, (state) => {
        if (!state) return {};
        const { posted } = state;
        const outcome = { ...(posted !== undefined && { posted }), ...(because && { undelivered: because }) };
        return { next: endPosting(state, runId, outcome) };
      });
    },
    undelivered: async (name) => (await load(name)).state?.undelivered,
  };
}
