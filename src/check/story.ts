import type { WrittenArguments } from './arguments.ts';

/** An outage behind a check, as the facts that its `collect` would have gathered at the time. */
export interface Story<Facts> {
  /** Its name. */
  readonly title: string;
  /** Where it is described: a link, or enough words to find it. */
  readonly source: string;
  /** The time at which the check runs. */
  readonly now: Date;
  readonly facts: Facts;
  /** The arguments in written form, if they differ from the check's defaults. */
  readonly args?: WrittenArguments;
}
