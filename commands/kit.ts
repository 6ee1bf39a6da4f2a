/** The only module that a check imports, apart from zod, `shared/` and its own folder. */
export { defineCheck, defineCommand } from '../src/check/define-check.ts';
export { defineRemediation } from '../src/check/define-remediation.ts';
export { duration } from '../src/text/duration.ts';
export { finderFor } from '../src/text/finder-for.ts';
export { nearest } from '../src/text/nearest.ts';
export { isRpcQueue } from '../src/text/rpc-queues.ts';
export * as wording from '../src/text/wording.ts';
export type { ReadContext } from '../src/check/context.ts';
export type { Chart, Diagnosis, Evidence, Finding, Level } from '../src/check/finding.ts';
export type { Remembered } from '../src/check/remembers.ts';
export type { Story } from '../src/check/story.ts';
export * as ports from '../src/ports/readers.ts';
export { SourceError } from '../src/ports/source-error.ts';
