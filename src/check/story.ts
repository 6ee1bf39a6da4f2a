import type { WrittenArguments } from './arguments.ts';

/** An outage that taught a check, as the facts its `collect` would have gathered on that day. */
export interface Story<Facts> {
  /** What people would call it. */
  readonly title: string;
  /** Where it is described: a link, or enough words to find it. */
  readonly source: string;
  /** The moment somebody asks. */
  readonly now: Date;
  readonly facts: Facts;
  /** What was asked with, in written form, where it differs from the check's defaults. */
  readonly args?: WrittenArguments;
}
