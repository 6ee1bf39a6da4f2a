import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import type { NewSample, SavedSample, SeriesLimits } from '../../check/remembers.ts';
import { loadLua } from '../../queue/load-lua.ts';
import { parseJson } from '../../text/parse-json.ts';

/** The samples of one check in one environment. */
export interface SampleHistory {
  /** All samples, of all targets, in any order. What cannot be parsed is left out. */
  readonly load: () => Promise<readonly SavedSample[]>;
  /**
   * Saves the samples of one run. Of each target, the series stays within `limits`: however often the check runs, its samples reach back from the
   * last run to the oldest allowed, the denser the more recent. If there are too many targets, the least recently seen are removed.
   * @returns how many samples were not saved, because they are too large or too many.
   */
  readonly save: (samples: readonly NewSample[], startedAt: Date, limits: SeriesLimits) => Promise<number>;
}

/** The history of one check in one environment. */
export type HistoryOf = (check: string, environment: string) => SampleHistory;

/** For one check in one environment. */
const MAX_TARGETS = 1_000;
/** The size of a sample with the name of its target. */
const MAX_CHARACTERS = 2_000;

const saveSamples = loadLua(new URL('./lua/save-samples.lua', import.meta.url), {
  keys: ['seriesKey', 'seenKey'],
  args: ['startedMs', 'samples', 'keep', 'forMs', 'everyMs', 'maxTargets'],
  returns: z.literal(1),
});

export function openHistory(redis: Redis | Cluster, prefix: string): HistoryOf {
  return (check, environment) => {
    const seriesKey = `${prefix}:history:${check}:${environment}`;
    return {
      load: async () => Object.values(await redis.hgetall(seriesKey)).flatMap(parseSeries),
      save: async (samples, startedAt, limits) => {
        if (samples.length === 0) return 0;
        const fitting = samples
          // Redis can't parse half of a surrogate pair.
          .map(({ target, sample }) => [target.toWellFormed(), JSON.stringify(sample)] as const)
          .filter(([target, json]) => target.length + json.length <= MAX_CHARACTERS)
          .slice(0, MAX_TARGETS);
        await saveSamples(redis, {
          seriesKey,
          seenKey: `${seriesKey}:seen`,
          startedMs: startedAt.getTime(),
          samples: JSON.stringify(fitting),
          ...limits,
          maxTargets: MAX_TARGETS,
        });
        return samples.length - fitting.length;
      },
    };
  };
}

/** Up to the latest time that a `Date` can have. */
const LINE = /^(\d{1,15}) (.*)$/s;
const fieldsSchema = z.record(z.string(), z.json());

function parseSeries(series: string): readonly SavedSample[] {
  // Not with a regular expression's line breaks: JSON may contain U+2028.
  return series.split('\n').flatMap((line) => {
    const [, ms, json = ''] = LINE.exec(line) ?? [];
    const fields = fieldsSchema.safeParse(parseJson(json));
    return fields.success ? [{ ...fields.data, at: new Date(Number(ms)).toISOString() }] : [];
  });
}
