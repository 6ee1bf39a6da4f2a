/** The one module that a check imports, besides zod and its own folder. */
export { defineCheck, defineCommand } from '../src/check/define-check.ts';
export { defineRemediation } from '../src/check/define-remediation.ts';
export { duration } from '../src/check/duration.ts';
export { finderFor } from '../src/check/finder-for.ts';
export { nearest } from '../src/check/nearest.ts';
export * as wording from '../src/check/wording.ts';
export type { ReadContext } from '../src/check/context.ts';
export type { Diagnosis, Finding } from '../src/check/finding.ts';
export type { Story } from '../src/check/story.ts';
export type * as ports from '../src/ports/readers.ts';
export { SourceError } from '../src/ports/source-error.ts';
