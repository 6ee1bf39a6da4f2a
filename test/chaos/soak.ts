import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisConnection } from '../../src/queue/connection.ts';
import { type KeyKind, readKeyKinds } from './key-kinds.ts';
import { REQUESTERS } from './people.ts';
import { setChaosStage } from './stage.ts';

export interface SoakSettings {
  readonly seconds: number;
  readonly commandsPerSecond: number;
  /** Many, so that no channel's rate limit delays the reports. */
  readonly channels: number;
  readonly sampleEverySeconds: number;
  /** Anything that reaches its bound before then does not count as growth. */
  readonly warmUpSeconds: number;
}

export interface Sample {
  readonly atSeconds: number;
  /** `used_memory_dataset`: the size of the data, without Redis' own overhead. */
  readonly bytes: number;
  readonly commands: number;
}

export interface SoakReport {
  readonly samples: readonly Sample[];
  readonly kinds: readonly KeyKind[];
  /** Commands that were not acknowledged in time. */
  readonly unacknowledged: number;
  /** Reports in the channels at the end. */
  readonly answered: number;
  /** Why the memory is not flat; undefined if it is. */
  readonly because: string | undefined;
}

const MOST_GROWTH = 0.1;

/**
 * The rule of the soak: after the warm-up no sample is more than 10 % above the first one after it. The
 * number of commands grows all the time, so anything that grows with it shows.
 */
export function whyNotFlat(samples: readonly Sample[], warmUpSeconds: number): string | undefined {
  const [first, ...rest] = samples.filter(({ atSeconds }) => atSeconds >= warmUpSeconds);
  if (!first || rest.length === 0) return 'too few samples';
  const highest = rest.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const growth = highest.bytes - first.bytes;
  return growth > first.bytes * MOST_GROWTH
    ? `${((growth / first.bytes) * 100).toFixed(1)} % more at ${highest.atSeconds} s than at ${first.atSeconds} s`
    : undefined;
}

/** Sends different commands at a steady rate, and measures what Redis stores. */
export async function runSoak(
  settings: SoakSettings,
  log: (line: string) => void = () => undefined,
): Promise<SoakReport> {
  const { seconds, commandsPerSecond, sampleEverySeconds, warmUpSeconds } = settings;
  await using cleanup = new AsyncDisposableStack();
  const { workspace, channels, connection } = await setChaosStage(cleanup, {
    batches: settings.channels,
    thingsInBatch: 0,
    workers: 1,
    bots: 2,
    slowMs: 0,
    pace: { approveWithinSeconds: 60, applyWithinSeconds: 60, membershipSeconds: 60, takeOverSeconds: 30 },
  });
  const [userId = ''] = REQUESTERS;
  const samples: Sample[] = [];
  const asking = new Set<Promise<void>>();
  let commands = 0;
  let unacknowledged = 0;
  const ask = async (): Promise<void> => {
    const number = commands++;
    const channelId = channels[number % channels.length] ?? '';
    // One more than a multiple of ten: none of these has the long report.
    const text = `question ${number * 10 + 1}`;
    const { failure } = await workspace.command({ userId, channelId, command: '/lab', text });
    if (failure) unacknowledged += 1;
  };
  const fromMs = performance.now();
  const elapsed = () => (performance.now() - fromMs) / 1_000;
  for (let next = 0; elapsed() < seconds;) {
    const due = Math.floor(elapsed() * commandsPerSecond) - commands;
    for (const one of Array.from({ length: Math.max(0, due) }, ask)) {
      asking.add(one);
      void one.finally(() => asking.delete(one)).catch(() => undefined);
    }
    if (elapsed() >= next) {
      const sample = { atSeconds: next, bytes: await datasetBytes(connection), commands };
      samples.push(sample);
      log(`${String(next).padStart(4)} s  ${(sample.bytes / 1e6).toFixed(2)} MB after ${commands} commands`);
      next += sampleEverySeconds;
      // The workspace's record of calls is not measured, and would be most of this process.
      workspace.requests.length = 0;
    }
    await sleep(20);
  }
  await Promise.all(asking);
  samples.push({ atSeconds: seconds, bytes: await datasetBytes(connection), commands });
  return {
    samples,
    kinds: await readKeyKinds(connection),
    unacknowledged,
    answered: channels.reduce((sum, channelId) => sum + workspace.messages(channelId).length, 0),
    because: whyNotFlat(samples, warmUpSeconds),
  };
}

async function datasetBytes(redis: RedisConnection): Promise<number> {
  const info = await redis.info('memory');
  return Number(/^used_memory_dataset:(\d+)/m.exec(info)?.[1] ?? Number.NaN);
}
