import type { ports } from '../../commands/kit.ts';
import { compareDigest, type DigestChanges, snapshotOf } from '../../src/check/compare-digest.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import type { DigestRun, DigestSnapshot } from '../../src/check/digest-run.ts';
import type { Report } from '../../src/check/finding.ts';
import { seriesLimits, type SavedSample } from '../../src/check/remembers.ts';
import { runCheck } from '../../src/check/run-check.ts';
import {
  NO_HISTORY,
  type QuestionHistory,
  trackedFindings,
  trackFindings,
} from '../../src/store/history/track-findings.ts';

const RETENTION_MS = 30 * 24 * 3_600_000;

export interface RunOfDays {
  readonly at: Date;
  readonly report: Report;
  readonly changes: DigestChanges;
}

interface Days {
  readonly check: AnyCheck;
  readonly name: string;
  /** When it runs. */
  readonly at: readonly Date[];
  readonly read: (now: Date) => Partial<ports.Readers>;
}

/** Runs a check as a digest, with what it remembers and the history of its findings, and compares each run with the one before. */
export async function digestOver({ check, name, at, read }: Days): Promise<readonly RunOfDays[]> {
  const question = { check: name, environment: 'lab', args: {} };
  const samples = new Map<string, readonly SavedSample[]>();
  let history: QuestionHistory = NO_HISTORY;
  let posted: DigestSnapshot | undefined;
  const runs: RunOfDays[] = [];
  for (const now of at) {
    const nowMs = now.getTime();
    const report = await runCheck(check, {
      ...question,
      now,
      read: read(now),
      earlier: [...samples.values()].flat(),
      onSamples: (all) => {
        for (const { target, sample } of all)
          samples.set(
            target,
            kept([...(samples.get(target) ?? []), { ...sample, at: now.toISOString() }], check, nowMs),
          );
      },
      previous: trackedFindings(history, nowMs, RETENTION_MS).filter(({ state }) => state !== 'gone'),
      signal: new AbortController().signal,
      deadlineMs: 60_000,
    });
    history = trackFindings(history, { report, startedMs: nowMs, nowMs, retentionMs: RETENTION_MS });
    const run: DigestRun = {
      name: 'lab',
      due: now.toISOString(),
      at: now.toISOString(),
      durationMs: 0,
      isQuiet: false,
      parts: [{ ...question, report, tracked: [...trackedFindings(history, nowMs, RETENTION_MS)] }],
      endedSilences: [],
    };
    const changes = compareDigest(posted, run);
    posted = snapshotOf(run, posted);
    runs.push({ at: now, report, changes });
  }
  return runs;
}

/** As `save-samples.lua` thins a series. */
function kept(
  series: readonly SavedSample[],
  { remembers }: AnyCheck,
  nowMs: number,
): readonly SavedSample[] {
  if (!remembers) return [];
  const { keep, forMs } = seriesLimits(remembers);
  const all = series.filter(({ at }) => Date.parse(at) > nowMs - forMs);
  while (all.length > keep) {
    const ms = all.map(({ at }) => Date.parse(at));
    const newest = ms.at(-1) ?? 0;
    const sparseness = (place: number) =>
      ((ms[place + 1] ?? 0) - (ms[place - 1] ?? 0)) / (newest - (ms[place] ?? 0));
    const between = all.map((_, place) => place).slice(1, -1);
    const closest = between.reduce((a, b) => (sparseness(b) < sparseness(a) ? b : a));
    all.splice(closest, 1);
  }
  return all;
}

const LISTS = ['appeared', 'worse', 'better', 'gone', 'flapping', 'noLongerChecked'] as const;

/** What the messages say after the first one that finds something: `26T04:00 appeared critical killed-by-probe shop/web (app)`. */
export function newsOf(runs: readonly RunOfDays[]): readonly string[] {
  return runs.flatMap(({ at, changes }) =>
    LISTS.flatMap((kind) =>
      changes[kind].map(
        ({ finding }) =>
          `${at.toISOString().slice(8, 16)} ${kind} ${finding.severity} ${finding.reason} ${finding.target}${finding.resolution === undefined ? '' : `: ${finding.resolution}`}`,
      ),
    ),
  );
}
