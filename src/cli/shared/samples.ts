import type { AnyCheck } from '../../check/define-check.ts';
import type { Report } from '../../check/finding.ts';
import { type NewSample, seriesLimits } from '../../check/remembers.ts';
import type { CheckRun } from '../../check/run-check.ts';
import { configuredRedis } from '../../app/shared.ts';
import type { Config, ProcessSettings } from '../../config/read-config.ts';
import { connectFailFast, waitUntilReady } from '../../queue/connection.ts';
import { findLocalRedis } from '../../queue/local-redis.ts';
import { PREFIX } from '../../queue/queues.ts';
import { openHistory } from '../../store/history/history.ts';

/** Which Redis to use, and where to report that samples couldn't be saved. */
export interface SampleSession {
  readonly settings: ProcessSettings;
  readonly config: Config;
  readonly error: (text: string) => void;
}

/** A check doesn't wait long for earlier samples. */
const CONNECT_WITHIN_MS = 2_000;

/**
 * Runs a check, with its earlier samples from Redis if it remembers any. Without Redis, `run` gets the reason instead of samples, and nothing
 * is saved.
 */
export async function withSamples(
  { settings, config, error }: SampleSession,
  { remembers }: AnyCheck,
  { check, environment, now }: Pick<CheckRun, 'check' | 'environment' | 'now'>,
  run: (samples: Pick<CheckRun, 'earlier' | 'onSamples'>) => Promise<Report>,
): Promise<Report> {
  if (!remembers) return run({});
  const redis = configuredRedis(settings, config) ?? (await findLocalRedis(settings.dataPath));
  if (!redis) return run({ earlier: { unavailable: 'no Redis is configured' } });
  const connection = connectFailFast(redis, () => undefined);
  try {
    const { load, save } = openHistory(connection, PREFIX)(check, environment);
    await waitUntilReady(connection, CONNECT_WITHIN_MS);
    const earlier = await load().catch(() => undefined);
    if (!earlier) return await run({ earlier: { unavailable: 'Redis could not be read' } });
    let made: readonly NewSample[] = [];
    const report = await run({ earlier, onSamples: (samples) => (made = samples) });
    await save(made, now, seriesLimits(remembers)).catch(() =>
      error("wrench: Couldn't save the samples of this run in Redis\n"),
    );
    return report;
  } finally {
    connection.disconnect();
  }
}
