import type { z } from 'zod';
import { type Redact, redactAll } from '../text/redact.ts';

/** What a check remembers between its runs in one environment: a limited series of samples for each target. */
export interface Remembers<Facts, S extends z.ZodObject> {
  /**
   * A sample: a `z.strictObject` of plain JSON. It has no field `at`, which is the start of its run. Names that infrastructure chose are
   * values, not keys, because only values are redacted. A saved sample that no longer matches is ignored.
   */
  readonly sample: S & WithoutAt<S>;
  /** The target that a sample is about, named as in findings. */
  readonly target: (sample: z.output<S>) => string;
  /** The samples of a run, at most one per target: only from what was read, and independent of the arguments. */
  readonly samples: (facts: Facts, now: Date) => readonly z.input<S>[];
  /** How many samples a target keeps, {@link KEEP} by default. */
  readonly keep?: number;
  /** How long a sample is kept, {@link FOR_HOURS} by default. */
  readonly forHours?: number;
  /** A run within this time after the last sample of a target adds none, {@link EVERY_SECONDS} by default. */
  readonly everySeconds?: number;
}

/** A check that remembers nothing. Its schema has `at`, which no declared one may have. */
export type NoSample = z.ZodObject<{ readonly at: z.ZodNever }>;

type WithoutAt<S extends z.ZodObject> = HasAt<S> extends true ? never : unknown;
/** The fields of {@link AnyCheck} are not known. */
type HasAt<S extends z.ZodObject> = string extends keyof S['shape']
  ? false
  : 'at' extends keyof S['shape']
    ? true
    : false;

/** The type of the samples; `never` if nothing is remembered. */
export type SampleOf<S extends z.ZodObject> = HasAt<S> extends true ? never : z.output<S>;

const KEEP = 24;
const FOR_HOURS = 48;
const EVERY_SECONDS = 60;

/** A sample as `collect` gets it. */
export type Remembered<Sample> = Sample & {
  /** When its run began. */
  readonly at: Date;
};

/** A sample as it is saved, with the ISO 8601 time at which its run began. */
export interface SavedSample {
  readonly at: string;
  readonly [field: string]: unknown;
}

/** Why earlier samples couldn't be loaded. */
export interface SamplesUnavailable {
  readonly unavailable: string;
}

/** A sample of this run, to be saved. */
export interface NewSample {
  readonly target: string;
  /** Plain JSON. */
  readonly sample: Readonly<Record<string, unknown>>;
}

/** How many samples are kept, and for how long. */
export interface SeriesLimits {
  readonly keep: number;
  readonly forMs: number;
  readonly everyMs: number;
}

// oxlint-disable-next-line typescript/no-explicit-any -- that of a check of any type of facts and samples
type AnyRemembers = Remembers<any, any>;

export function seriesLimits({
  keep = KEEP,
  forHours = FOR_HOURS,
  everySeconds = EVERY_SECONDS,
}: Pick<AnyRemembers, 'keep' | 'forHours' | 'everySeconds'>): SeriesLimits {
  return { keep, forMs: forHours * 3_600_000, everyMs: everySeconds * 1_000 };
}

/**
 * The saved samples that `collect` gets, oldest first. All are from before `now` and none is older than `forHours`. Samples that don't match the
 * schema are left out: another version saved them.
 */
export function earlierSamples(
  remembers: AnyRemembers,
  saved: readonly SavedSample[],
  now: Date,
): readonly Remembered<object>[] {
  const oldestMs = now.getTime() - seriesLimits(remembers).forMs;
  return saved
    .flatMap(({ at, ...fields }) => {
      const sample = remembers.sample.safeParse(fields);
      const atMs = Date.parse(at);
      return sample.success && atMs >= oldestMs && atMs < now.getTime()
        ? [{ ...sample.data, at: new Date(atMs) }]
        : [];
    })
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** The samples of a run, redacted. @throws for a bug in the check: a sample that doesn't match the schema once it is JSON. */
export function newSamples(
  remembers: AnyRemembers,
  facts: unknown,
  now: Date,
  redact: Redact,
): readonly NewSample[] {
  return remembers.samples(facts, now).map((given) => {
    const sample = JSON.parse(JSON.stringify(given)) as NewSample['sample'];
    const target = remembers.target(remembers.sample.parse(sample));
    return redactAll({ target, sample }, redact);
  });
}
