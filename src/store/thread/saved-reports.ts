import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import { reportSchema } from '../../check/finding.ts';
import { trackedFindingSchema } from '../../check/tracked-finding.ts';
import { parseJson } from '../../text/parse-json.ts';
import { requestOriginSchema } from '../../queue/request-origin.ts';
import { KEEP_THREAD_S } from './threads.ts';

const savedReportSchema = z.strictObject({
  report: reportSchema,
  tracked: z.array(trackedFindingSchema),
  asked: requestOriginSchema,
});

/** A report as it was posted, to render its first message again after a fix, and to show its evidence. */
export type SavedReport = z.infer<typeof savedReportSchema>;

export interface SavedReports {
  /** Saves a report. One that is too large isn't saved, and only the newest 500 are kept. */
  readonly save: (runId: string, saved: SavedReport) => Promise<void>;
  /** Undefined if it is too old, was too large, is damaged, or another version saved it. */
  readonly read: (runId: string) => Promise<SavedReport | undefined>;
}

/** The newest: they take at most 256 MB, and usually about 2 MB. */
const MAX_REPORTS = 500;
/** Compressed. A report of 1,000 findings takes about a tenth. */
const MAX_BYTES = 512_000;

/** A report is saved before it is posted, and the default quality takes fifty times as long. */
const QUALITY = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/** Opens the store of posted reports. */
export function openSavedReports(redis: Redis | Cluster, prefix: string): SavedReports {
  const keyOf = (runId: string) => `${prefix}:report:${runId}`;
  const newest = `${prefix}:saved-reports`;
  const dropOldest = async () => {
    const old = await redis.zrange(newest, 0, String(-MAX_REPORTS - 1));
    if (old.length > 0)
      await redis
        .multi()
        .del(...old.map(keyOf))
        .zrem(newest, ...old)
        .exec();
  };
  return {
    save: async (runId, saved) => {
      const bytes = await compress(JSON.stringify(saved), QUALITY);
      if (bytes.length > MAX_BYTES) return;
      await redis
        .multi()
        .set(keyOf(runId), bytes, 'EX', KEEP_THREAD_S)
        .zadd(newest, Date.now(), runId)
        .expire(newest, KEEP_THREAD_S)
        .exec();
      await dropOldest();
    },
    read: async (runId) => {
      const bytes = await redis.getBuffer(keyOf(runId));
      if (!bytes) return undefined;
      const json = await decompress(bytes).then(String, () => '');
      return savedReportSchema.safeParse(parseJson(json)).data;
    },
  };
}
